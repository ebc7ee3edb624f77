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

namespace {

constexpr int kLimit = 10;

// Compares by name.
struct ByName {
  bool operator()(const Item& a, const Item& b) const {
    return a.name < b.name;
  }
};

}  // namespace

template <typename Iter,
          typename = std::enable_if_t<true>>
void sort_all(Iter first, Iter last) {
  std::sort(first, last, [](auto& a, auto& b) {
    return a < b;
  });
  for (auto& [key, value] : index) {
    if (value.empty()) {
      continue;
    }
    use(key);
  }
  switch (mode) {
    case Mode::kFast: {
      fast();
      break;
    }
    default:
      slow();
  }
  const char* raw = R"(text {
  // not a comment
)";
}

/// A shape.
class Shape final {
 public:
  explicit Shape(std::string name)
      : name_(std::move(name)),
        area_(0) {
    register_shape(this);
  }
  Shape(const Shape&) = delete;
  virtual double area() const = 0;

  static Shape* create();

 private:
  std::string name_;
  double area_ = 0;
};

std::vector<int> table = {
    1, 2,
    3,
};

using Callback = std::function<void(int)>;
