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

/**
 * A bounded queue.
 */
final class Queue<E> implements Iterable<E> {
    private static final int[] SIZES = {
        1,
        2,
    };

    private final Object[] items;
    private int head; // next to take

    Queue(int size) {
        if (size <= 0) {
            throw new IllegalArgumentException("size");
        }
        this.items = new Object[size];
    }

    /** Takes one. */
    @SuppressWarnings("unchecked")
    E take() throws InterruptedException {
        synchronized (this) {
            while (head == 0) {
                wait();
            }
            do {
                head--;
            } while (items[head] == null);
        }
        outer:
        for (int i = 0; i < head; i++) {
            if (i == 1) continue outer;
        }
        return (E) items[head];
    }

    static class Node {
        Node next;

        Node follow() {
            return next;
        }
    }
}
