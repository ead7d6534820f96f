#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace concurrent {

/// A range that is read once, from front to back: each value is pulled from a function when the loop asks for
/// it, and dropped when the loop goes on. An exception of the function comes out of the loop, and ends the
/// range. For one thread at a time. Python: an iterator.
template <class T>
class InputRange {
 public:
  /// @param pull returns the next value, or nothing at the end
  explicit InputRange(std::move_only_function<std::optional<T>()> pull) : pull_(std::move(pull)) {}

  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit Iterator(InputRange& range) : range_(&range) {}
    T& operator*() const { return *range_->current_; }
    T* operator->() const { return &*range_->current_; }
    Iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !range_->current_; }

   private:
    InputRange* range_;
  };

  /// Pulls the first value. The values go on from where an earlier loop stopped.
  Iterator begin() {
    if (!current_) advance();
    return Iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Returns the next value, or nothing at the end: for reading without a loop. Python: `next(iterator,
  /// None)`.
  std::optional<T> next() {
    if (!current_) advance();
    return std::exchange(current_, std::nullopt);
  }

 private:
  void advance() {
    current_.reset();
    if (!pull_) return;
    try {
      current_ = pull_();
    } catch (...) {
      pull_ = nullptr;
      throw;
    }
    if (!current_) pull_ = nullptr;
  }

  std::move_only_function<std::optional<T>()> pull_;
  std::optional<T> current_;
};

}  // namespace concurrent
