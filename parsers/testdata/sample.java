package a.b;
import java.util.*;
/** doc */
@Anno(x = 1)
public class A<T> extends B implements C {
  private int x = 1;
  static {
    init();
  }
  @Override
  public int f(int a) throws E {
    switch (a) {
      case 1:
        x();
        break;
      default:
    }
    int y = switch (a) {
      case 1 -> 2;
      default -> {
        yield 3;
      }
    };
    try (X x = y()) { a(); } catch (E e) {
      b();
    } finally { c(); }
    Runnable r = () -> {
      d();
    };
    new X() {
      public void z() {
        q();
      }
    };
    return 1;
  }
  A() { super(); }
  abstract void g();
  enum E { A, B; void h() {} }
  interface I { void i(); default void j() { } }
  record R(int a) { R { x(); } }
}
enum E2 {
  A(1),
  B(2) {
    void x() { }
  };
  private final int a;
  E2(int a) { this.a = a; }
}
@interface An {
  int x() default 1;
}
