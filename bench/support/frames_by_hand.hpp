#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace bench {

/// Memory for frames, by hand: the free blocks of each size, as a list. A frame may go at any time, in
/// whatever order, so what is free must be kept somewhere, and found again; one load and one store each way
/// do it.
class FreeBlocks {
 public:
  static void* take(std::size_t size) {
    if (size > largest) return ::operator new(size);
    Block*& first = first_[(size - 1) / step];
    return first ? std::exchange(first, first->next) : ::operator new((size + step - 1) / step * step);
  }
  static void give_back(void* memory, std::size_t size) noexcept {
    if (size > largest) return ::operator delete(memory);
    Block*& first = first_[(size - 1) / step];
    first = std::construct_at(static_cast<Block*>(memory), first);
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr std::size_t step = 16;
  static constexpr std::size_t largest = 256;
  static inline thread_local constinit std::array<Block*, largest / step> first_{};
};

/// The base of a promise whose frame is in a free block.
struct FrameByHand {
  static void* operator new(std::size_t size) { return FreeBlocks::take(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { FreeBlocks::give_back(frame, size); }
};

/// A coroutine that gives a number, or throws, and goes on with the one that awaits it. A call that can be
/// suspended takes this much: a frame, for the stack will not be there; who is to go on, and what it gets,
/// written into it; and two jumps through pointers, for neither side knows the other's code.
class CoroByHand {
 public:
  struct promise_type : FrameByHand {
    std::coroutine_handle<> awaiter = std::noop_coroutine();
    long value = 0;
    std::exception_ptr error;

    struct FinalAwaiter {
      static bool await_ready() noexcept { return false; }
      static std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
        return ended.promise().awaiter;
      }
      static void await_resume() noexcept {}
    };

    CoroByHand get_return_object() noexcept {
      return CoroByHand(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static FinalAwaiter final_suspend() noexcept { return {}; }
    void return_value(long given) noexcept { value = given; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
  };

  explicit CoroByHand(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  CoroByHand(const CoroByHand&) = delete;
  CoroByHand& operator=(const CoroByHand&) = delete;
  ~CoroByHand() { frame_.destroy(); }

  static bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    frame_.promise().awaiter = awaiter;
    return frame_;
  }
  long await_resume() {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
    return frame_.promise().value;
  }

  /// Runs it to its end; nothing that it awaits may wait for anything.
  long run() {
    frame_.resume();
    return await_resume();
  }

 private:
  const std::coroutine_handle<promise_type> frame_;
};

}  // namespace bench
