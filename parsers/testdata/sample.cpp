#include <vector>
using namespace std;
namespace a::b {
template <typename T>
class Foo : public Bar<T> {
 public:
  Foo() : x_(1) {}
  virtual ~Foo();
  int get() const {
    return x_;
  }
  template <class U>
  void t(U u) { x(); }
  Foo& operator=(const Foo& o) { return *this; }
 private:
  int x_ = 0;
  struct In { int a; };
};
enum class E {
  A,
  B,
};
template <typename T>
T& Foo<T>::bar(int a) {
  try { x(); } catch (const E& e) {
    y();
  }
  auto l = [&](int a) {
    return a;
  };
  return *this;
}
}  // namespace
extern "C" {
void h() {}
}
Foo::~Foo() {
}
