#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include "pooled_frame.hpp"
#include "todo.hpp"

namespace asyncio {

/// A function that yields a sequence of values, each when the loop asks for it: a std::ranges::input_range,
/// and a view. Its body runs on the thread that reads it. What the body throws comes out of the loop, and
/// ends it. Destroying it early destroys what the body has on its stack. Python: a generator; C++23:
/// `std::generator`.
///
/// A `Generator<T>` yields rvalues of T, which may be moved from: `for (T x : numbers())`. A `Generator<T&>`
/// yields lvalues.
template <class T>
class [[nodiscard]] Generator : public std::ranges::view_interface<Generator<T>> {
 public:
  class promise_type;
  class Iterator;
  /// The type of `*iterator`.
  using reference = std::conditional_t<std::is_reference_v<T>, T, T&&>;

  /// Of nothing: an empty range.
  Generator() = default;
  Generator(Generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Generator& operator=(Generator other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Generator() {
    // <exercise 4.1 Generator::~Generator>
    if (frame_) frame_.destroy();
    // </exercise>
  }

  /// Runs the body to its first value. If an earlier loop stopped in the middle, goes on from the value where
  /// it stopped.
  /// @throws what the body throws
  Iterator begin() {
    // <exercise 4.1 Generator::begin>
    if (frame_ && !frame_.promise().yielded()) advance(frame_);
    return Iterator(frame_);
    // </exercise>
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// For those who run it by hand: its frame; null if there is none.
  [[nodiscard]] std::coroutine_handle<promise_type> handle() const noexcept { return frame_; }

 private:
  using Frame = std::coroutine_handle<promise_type>;

  explicit Generator(Frame frame) noexcept : frame_(frame) {}

  /// Goes on to the next value, or to the end, from wherever the body stands. What the lesson says of `++`
  /// holds for this.
  /// @throws what the body throws
  static void advance(Frame frame) {
    // <exercise 4.1 Generator::advance>
    if (frame.done()) return;
    frame.promise().clear();
    frame.resume();
    frame.promise().rethrow_if_failed();
    // </exercise>
  }

  Frame frame_;
};

/// The promise of a Generator, in the coroutine's frame.
template <class T>
class Generator<T>::promise_type : public PooledFrame {
 public:
  /// Makes what the caller of the coroutine gets. The promise lies in the frame, at a place that the compiler
  /// knows: so from_promise() finds the frame.
  Generator get_return_object() noexcept { return Generator(Frame::from_promise(*this)); }

  /// Nothing runs before it is asked for.
  std::suspend_always initial_suspend() const noexcept { return {}; }

  /// The frame stays when the body has ended, so that done() can be asked. The Generator destroys it.
  std::suspend_always final_suspend() const noexcept { return {}; }

  /// `co_yield value`: the body is suspended, and the value stays where it is until the body goes on.
  std::suspend_always yield_value(reference value) noexcept {
    // <exercise 3.1 promise_type::yield_value>
    yielded_ = std::addressof(value);
    return {};
    // </exercise>
  }

  /// `co_yield value` of an lvalue, from which a Generator of rvalues must not move: a copy is yielded, which
  /// lives as long as the coroutine is suspended.
  auto yield_value(const std::remove_reference_t<T>& value) requires(!std::is_reference_v<T> &&
                                                                     std::copy_constructible<T>) {
    return YieldCopy(value);
  }

  void return_void() const noexcept {}

  /// Called in the handler of what the body threw.
  void unhandled_exception() noexcept {
    // <exercise 3.1 promise_type::unhandled_exception>
    error_ = std::current_exception();
    // </exercise>
  }

  /// A generator yields; it has nobody to wait for.
  template <class Awaitable>
  auto await_transform(Awaitable&&) {
    static_assert(!std::is_same_v<Awaitable, Awaitable>,
                  "a Generator cannot co_await: nobody would resume it");
    return std::suspend_never();
  }

  /// The address of the last value; null if there is none.
  [[nodiscard]] std::add_pointer_t<reference> yielded() const noexcept { return yielded_; }
  void clear() noexcept { yielded_ = nullptr; }

  /// Throws what the body has thrown, once; if it has thrown nothing, does nothing.
  void rethrow_if_failed() {
    // <exercise 3.1 promise_type::rethrow_if_failed>
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    // </exercise>
  }

 private:
  /// Keeps a copy until the coroutine is resumed.
  class YieldCopy : public std::suspend_always {
   public:
    explicit YieldCopy(const T& value) : copy_(value) {}
    void await_suspend(Frame frame) noexcept { frame.promise().yielded_ = std::addressof(copy_); }

   private:
    T copy_;
  };

  std::add_pointer_t<reference> yielded_ = nullptr;
  std::exception_ptr error_;
};

/// Where a loop is in a Generator, which must outlive it.
template <class T>
class Generator<T>::Iterator {
 public:
  using value_type = std::remove_cvref_t<T>;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  explicit Iterator(Frame frame) noexcept : frame_(frame) {}
  Iterator(Iterator&&) = default;
  Iterator& operator=(Iterator&&) = default;

  /// The value. Not at the end.
  reference operator*() const noexcept { return static_cast<reference>(*frame_.promise().yielded()); }

  /// Lets the body go on to its next value.
  /// @throws what the body throws
  Iterator& operator++() {
    advance(frame_);
    return *this;
  }
  void operator++(int) { ++*this; }

  bool operator==(std::default_sentinel_t) const noexcept { return !frame_ || frame_.done(); }

 private:
  Frame frame_;
};

}  // namespace asyncio
