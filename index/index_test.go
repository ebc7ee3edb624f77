package index_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pith/compress"
	"pith/index"
	"pith/parsers/processes"
	"pith/tokens"
)

type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

// options are those of an index on the real parsers and the real engine.
func options(t testing.TB, roots ...string) index.Options {
	t.Helper()
	pool, err := processes.NewPool(processes.Options{InProcess: true, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return index.Options{
		Roots: roots, Parse: pool, Version: "test",
		Engine: func(s compress.Splitter) (*compress.Engine, error) {
			return compress.New(compress.Options{Splitter: s, Counters: counters{tokens.New()}})
		},
	}
}

func open(t testing.TB, o index.Options) *index.Index {
	t.Helper()
	x, err := index.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	if err := x.Refresh(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return x
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	refund = "def refund_order(order, reason):\n    \"\"\"Pays an order back.\"\"\"\n" +
		"    payment = find_payment(order)\n    payment.reverse(reason)\n    return payment\n"
	ledger = "def find_payment(order):\n    for payment in PAYMENTS:\n" +
		"        if payment.order == order:\n            return payment\n    raise KeyError(order)\n"
	colour = "def mix(first, second):\n    return [(a + b) / 2 for a, b in zip(first, second)]\n"
)

func shop(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "shop/refund.py", refund)
	write(t, dir, "shop/ledger.py", ledger)
	write(t, dir, "paint/colour.py", colour)
	write(t, dir, ".gitignore", "generated/\n*.tmp.py\n")
	write(t, dir, "generated/refund.py", refund)
	write(t, dir, "refund.tmp.py", refund)
	write(t, dir, ".hidden/refund.py", refund)
	write(t, dir, "aws_credentials.py", "KEY = 'refund order secret'\n")
	write(t, dir, "deploy.key", "refund order secret\n")
	write(t, dir, "node_modules/x/refund.js", "function refund_order() {}\n")
	return dir
}

func paths(c index.Context) (list []string) {
	for _, f := range c.Files {
		list = append(list, f.Path)
	}
	return list
}

func TestFindsWhatAQuestionNeeds(t *testing.T) {
	x := open(t, options(t, shop(t)))
	if s := x.Status(); s.Files != 3 || s.Lines != 12 {
		t.Errorf("status %+v", s)
	}
	c, err := x.Find(t.Context(), index.Question{Question: "How is an order refunded?", Budget: 70})
	if err != nil {
		t.Fatal(err)
	}
	if got := paths(
		c,
	); len(got) == 0 || !slices.Contains(got, "shop/refund.py") ||
		slices.Contains(got, "paint/colour.py") {
		t.Errorf("files %v in\n%s", got, c.Text)
	}
	if c.Tokens > 70 || !strings.Contains(c.Text, "payment.reverse(reason)") || strings.Contains(c.Text, "secret") {
		t.Errorf("%d tokens:\n%s", c.Tokens, c.Text)
	}
	// What the best chunk uses is looked at as well, though the question does not speak of it.
	if c.Considered < 2 || len(c.LeftOut) == 0 || c.LeftOut[0].Why == "" {
		t.Errorf("considered %d, left out %+v", c.Considered, c.LeftOut)
	}
	if again, ok := x.Explain("", c.ID); !ok || len(again.Blocks[0].Chunks[0].Parts) == 0 ||
		again.CompressedTokens != c.Tokens || again.OriginalTokens != c.WholeTokens {
		t.Errorf("the account of it: %v %+v", ok, again)
	}
	if _, ok := x.Explain("another", c.ID); ok {
		t.Error("another tenant finds it")
	}
	c, err = x.Find(
		t.Context(),
		index.Question{
			Question: "How is an order refunded?",
			Paths:    []string{"paint"},
			Open:     "paint/colour.py",
			Line:     2,
		},
	)
	if err != nil || !slices.Equal(paths(c), []string{"paint/colour.py"}) {
		t.Errorf("within paint: %v, %v", paths(c), err)
	}
	if _, err = x.Find(t.Context(), index.Question{Question: "zzz qqq"}); !errors.Is(err, index.ErrNothing) {
		t.Errorf("a question about nothing: %v", err)
	}
	if _, err = x.Find(t.Context(), index.Question{}); !errors.Is(err, compress.ErrRequest) {
		t.Errorf("no question: %v", err)
	}
}

// Files that only have the question's words give way to the one that answers it, markers and all.
func TestFilesWithoutAnAnswerTakeNothing(t *testing.T) {
	dir := shop(t)
	for _, name := range []string{"order", "refund", "payment"} {
		write(t, dir, "shop/"+name+"_kinds.py", "class "+strings.ToUpper(name)+"(Enum):\n"+strings.Repeat(
			"    "+strings.ToUpper(name)+"_KIND = auto()  # a kind of "+name+" for an order\n", 12))
	}
	x := open(t, options(t, dir))
	c, err := x.Find(t.Context(), index.Question{Question: "How is an order refunded?", Budget: 130})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.Text, "payment.reverse(reason)") || strings.Contains(c.Text, "kinds.py") {
		t.Errorf("%v of %d files:\n%s", paths(c), c.Considered, c.Text)
	}
	if c.Considered != 5 || c.WholeTokens == 0 {
		t.Errorf("%d files considered, %d tokens in the files whole", c.Considered, c.WholeTokens)
	}
	_, err = x.Find(t.Context(), index.Question{Question: "order", Budget: 2})
	if !errors.Is(err, compress.ErrBudget) {
		t.Errorf("two tokens: %v", err)
	}
}

func TestReadsNothingThatIsKeptOut(t *testing.T) {
	dir, outside := shop(t), t.TempDir()
	write(t, outside, "refund.py", refund)
	for link, to := range map[string]string{
		"out": outside, "out.py": filepath.Join(outside, "refund.py"), "in.py": filepath.Join(dir, "deploy.key"),
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	x := open(t, options(t, dir))
	for _, name := range []string{
		"generated/refund.py", "refund.tmp.py", ".hidden/refund.py",
		"aws_credentials.py", "deploy.key", "node_modules/x/refund.js", "out/refund.py",
		"out.py", "in.py",
		"../" + filepath.Base(outside) + "/refund.py", filepath.Join(outside, "refund.py"),
		"/etc/passwd", "shop/../../x",
		"",
	} {
		if e, err := x.Expand(name, "", ""); !errors.Is(err, index.ErrNothing) || e.Text != "" {
			t.Errorf("expand %q: %v %q", name, err, e.Text)
		}
		if name == "" {
			continue
		}
		if c, err := x.Read(
			t.Context(),
			index.Question{Paths: []string{name}, Question: "refund"},
		); !errors.Is(
			err,
			index.ErrNothing,
		) {
			t.Errorf("read %q: %v %q", name, err, c.Text)
		}
	}
	// A file that becomes a link after it was indexed.
	path := filepath.Join(dir, "shop", "refund.py")
	if err := errors.Join(os.Remove(path), os.Symlink(filepath.Join(outside, "refund.py"), path)); err != nil {
		t.Fatal(err)
	}
	if e, err := x.Expand("shop/refund.py", "", ""); err == nil {
		t.Errorf("through a link: %q", e.Text)
	}
}

func TestExpands(t *testing.T) {
	dir := shop(t)
	write(t, dir, "a.go", "package a\n\n// T is a type.\ntype T struct{}\n\nfunc (T) Get() int {\n\treturn 1\n}\n")
	x := open(t, options(t, dir))
	for _, tt := range []struct{ path, lines, symbol, want string }{
		{"shop/refund.py", "3-4", "", "3\t    payment = find_payment(order)\n4\t    payment.reverse(reason)\n"},
		{filepath.Join(dir, "shop/refund.py"), "5", "", "5\t    return payment\n"},
		{"shop/refund.py", "5-99", "", "5\t    return payment\n"},
		{"a.go", "", "Get", "6\tfunc (T) Get() int {\n7\t\treturn 1\n8\t}\n"},
		{"./a.go", "", "T.Get", "6\tfunc (T) Get() int {\n7\t\treturn 1\n8\t}\n"},
	} {
		if e, err := x.Expand(tt.path, tt.lines, tt.symbol); err != nil || e.Text != tt.want {
			t.Errorf("%s %s%s: %v\n%q, want\n%q", tt.path, tt.lines, tt.symbol, err, e.Text, tt.want)
		}
	}
	write(t, dir, "long.go", "package a\n"+strings.Repeat("// x\n", 2499))
	if err := x.Refresh(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if e, err := x.Expand("long.go", "", ""); err != nil || e.More != 500 || strings.Count(e.Text, "\n") != 2000 {
		t.Errorf("a long file: %v, %d more", err, e.More)
	}
	for _, tt := range []struct{ lines, symbol string }{
		{"0-3", ""}, {"4-2", ""}, {"x", ""}, {"400-500", ""}, {"", "missing"}, {"1-2", "T"},
	} {
		if e, err := x.Expand("a.go", tt.lines, tt.symbol); err == nil {
			t.Errorf("%q %q: %q", tt.lines, tt.symbol, e.Text)
		}
	}
}

// An index that lies on disk is read again, unless another version wrote it or it is broken.
func TestKeepsWhatItKnowsOnDisk(t *testing.T) {
	o := options(t, shop(t))
	o.Folder = t.TempDir()
	first, err := index.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Refresh(t.Context(), nil), first.Close()); err != nil {
		t.Fatal(err)
	}
	if second := open(t, o); second.Status().Loaded != 3 {
		t.Errorf("loaded %+v", second.Status())
	}
	newer := o
	newer.Version = "another"
	if x := open(t, newer); x.Status().Loaded != 0 || x.Status().Files != 3 {
		t.Errorf("of another version: %+v", x.Status())
	}
	list, err := filepath.Glob(filepath.Join(o.Folder, "*.index"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	if info, err := os.Stat(list[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v %v", info.Mode(), err)
	}
	if err := os.WriteFile(list[0], []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if x := open(t, o); x.Status().Loaded != 0 || x.Status().Files != 3 {
		t.Errorf("a broken one: %+v", x.Status())
	}
}

func TestSeveralRoots(t *testing.T) {
	first, second := shop(t), t.TempDir()
	write(t, second, "refund.py", refund)
	x := open(t, options(t, first, second))
	name := filepath.Base(second) + "/refund.py"
	if e, err := x.Expand(name, "1", ""); err != nil || e.Text != "1\tdef refund_order(order, reason):\n" {
		t.Errorf("%v %q", err, e.Text)
	}
	if e, err := x.Expand(filepath.Join(second, "refund.py"), "1", ""); err != nil || e.Path != name {
		t.Errorf("%v %+v", err, e)
	}
}

// eventually waits for what a watcher sees: the test's own time limit ends it where that never
// comes, and the log says what did not.
func eventually(t testing.TB, what string, is func() bool) time.Duration {
	t.Helper()
	t.Logf("waits for %s", what)
	start := time.Now()
	for !is() {
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

func watch(t testing.TB, x *index.Index) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Watch(ctx, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSeesChanges(t *testing.T) {
	dir := shop(t)
	x := open(t, options(t, dir))
	watch(t, x)
	has := func(name, symbol string) func() bool {
		return func() bool { _, err := x.Expand(name, "", symbol); return err == nil }
	}
	write(t, dir, "paint/colour.py", colour+"\n\ndef darken(colour):\n    return [c / 2 for c in colour]\n")
	eventually(t, "a changed file", has("paint/colour.py", "darken"))
	write(t, dir, "new/deep/wood.py", "def varnish(plank):\n    return plank\n")
	eventually(t, "a file in a new folder", has("new/deep/wood.py", "varnish"))
	write(t, dir, "new/deep/wood.py", "def sand(plank):\n    return plank\n")
	eventually(t, "a change in the new folder", has("new/deep/wood.py", "sand"))
	if err := os.RemoveAll(filepath.Join(dir, "new")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a folder that is gone", func() bool { return x.Status().Files == 3 })
	write(t, dir, ".gitignore", "paint/\n")
	write(t, dir, "touch.py", "pass\n")
	eventually(t, "a folder that is ignored now", func() bool { return !has("paint/colour.py", "")() })
}
