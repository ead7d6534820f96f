#pragma once

#include <atomic>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <stdexcept>

namespace course {

/// Thrown by a Fragile, and by the iterators of fragile_items().
struct Broke : std::runtime_error {
  Broke() : std::runtime_error("broke") {}
};

/// Counts down to the moment at which something throws Broke: at the n-th step(), once.
class Fuse {
 public:
  explicit Fuse(int nth) noexcept : left_(nth) {}
  void step() {
    if (--left_ == 0) {
      burnt_ = true;
      throw Broke();
    }
  }
  /// True if it has thrown.
  [[nodiscard]] bool burnt() const noexcept { return burnt_; }

 private:
  std::atomic<int> left_;
  std::atomic<bool> burnt_ = false;
};

/// Calls `attempt(fuse)` again and again: first its first step throws, then its second, and so on, until none
/// does. @returns how many attempts threw
template <class F>
int until_nothing_breaks(F attempt) {
  for (int n = 1;; ++n) {
    Fuse fuse(n);
    attempt(fuse);
    if (!fuse.burnt()) return n - 1;
  }
}

/// A number whose copies are steps of a fuse, and its moves too if the fuse is to burn there. It counts those
/// that are alive.
class Fragile {
 public:
  Fragile(int number, Fuse& fuse) : number_(number), fuse_(&fuse) { ++alive; }
  Fragile(const Fragile& other) : number_(other.number_), fuse_(other.fuse_) {
    fuse_->step();
    ++alive;
  }
  Fragile(Fragile&& other) : number_(other.number_), fuse_(other.fuse_) {
    fuse_->step();
    ++alive;
  }
  Fragile& operator=(const Fragile& other) {
    other.fuse_->step();
    number_ = other.number_, fuse_ = other.fuse_;
    return *this;
  }
  ~Fragile() { --alive; }

  [[nodiscard]] int number() const noexcept { return number_; }

  static inline thread_local int alive = 0;

 private:
  int number_;
  Fuse* fuse_;
};

/// The numbers 0 to `count` - 1, whose iterators throw: each ++ and each * is a step of the fuse.
inline auto fragile_items(int count, Fuse& fuse) {
  struct Iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    int operator*() const {
      fuse->step();
      return number;
    }
    Iterator& operator++() {
      fuse->step();
      ++number;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const noexcept { return number == other.number; }
    Fuse* fuse = nullptr;
    int number = 0;
  };
  return std::ranges::subrange(Iterator{&fuse, 0}, Iterator{&fuse, count});
}

}  // namespace course
