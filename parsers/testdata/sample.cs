using System;
namespace A.B
{
    /// <summary>x</summary>
    [Attr]
    public class C : D
    {
        private int x = 1;
        public int P { get; set; }
        public int Q
        {
            get { return x; }
            set
            {
                x = value;
            }
        }
        public int R => 1;
        public C(int a) : base(a)
        {
            y();
        }
        [Attr]
        public async Task<int> F(int a)
        {
            switch (a)
            {
                case 1:
                    x();
                    break;
                default:
                    break;
            }
            var z = a switch
            {
                1 => 2,
                _ => 3,
            };
            var l = new List<int>
            {
                1,
                2,
            };
            foreach (var i in l)
                x();
            void Local() { q(); }
            return 1;
        }
        public int G() => 3;
#region x
        public event Foo E;
        public int this[int i] { get { return 1; } }
        public static C operator +(C a, C b) { return a; }
        ~C() { }
#endregion
#if DEBUG
        void H() { }
#endif
    }
    enum E { A, B }
    interface I { void F(); }
    struct S { int a; }
    public record Rec(int A);
    delegate void Del(int a);
}
namespace Other
{
    using System.Linq;

    public static class Extensions
    {
        /// <summary>
        /// Joins words.
        /// </summary>
        public static string Join(this IEnumerable<string> words, string by = ", ")
        {
            if (words == null)
            {
                throw new ArgumentNullException(nameof(words));
            }
            else if (by.Length == 0)
            {
                return string.Concat(words);
            }
            var query = from w in words
                        where w.Length > 0
                        select w;
            using (var writer = new StringWriter())
            {
                foreach (var w in query)
                {
                    writer.Write(w);
                }
                try
                {
                    writer.Flush();
                }
                catch (IOException e) when (e.HResult == 0)
                {
                    Log(e);
                }
                finally
                {
                    Done();
                }
            }
            return @"verbatim
{ text }";
        }
    }
}
