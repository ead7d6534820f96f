#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>

/// What the course's tests share beyond GoogleTest. None of it sleeps, and none of it measures time.
namespace course {

/// How often `operator new` has been called so far, by all threads.
std::size_t allocations() noexcept;

/// How often `operator new` is called, by any thread, while `fn()` runs.
template <class F>
std::size_t allocations_in(F&& fn) {
  const std::size_t before = allocations();
  std::forward<F>(fn)();
  return allocations() - before;
}

/// How often what `operator new` gave has been given back so far, by all threads.
std::size_t deallocations() noexcept;

/// Counts how many instances are alive: who still owns something?
class Counted {
 public:
  explicit Counted(std::atomic<int>& alive) : alive_(&alive) { ++alive; }
  Counted(Counted&& other) noexcept : alive_(std::exchange(other.alive_, nullptr)) {}
  ~Counted() {
    if (alive_) --*alive_;
  }

 private:
  std::atomic<int>* alive_;
};

/// Calls a function when it is destroyed, wherever it has been moved to.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> call) : call_(std::move(call)) {}
  AtEnd(AtEnd&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  ~AtEnd() {
    if (call_) call_();
  }

 private:
  std::function<void()> call_;
};

/// Whether a coroutine that goes on in the place of another takes no stack for it in this build: the compiler
/// makes a jump of a symmetric transfer. clang++ always does. g++ does where it optimises sibling calls, as
/// all our builds ask it to, but not with a sanitizer, which has something to do after each call.
#if defined(__clang__)
inline constexpr bool constant_stack = true;
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool constant_stack = false;
#else
inline constexpr bool constant_stack = true;
#endif

/// So many coroutines inside one another where that takes constant stack, and elsewhere at most as many as
/// the stack has room for.
constexpr int levels(int wanted) noexcept { return constant_stack ? wanted : std::min(wanted, 1'000); }

/// Where the stack of the calling thread ends now: the same number if it is called twice from the same place.
/// It grows towards 0.
std::uintptr_t stack_end() noexcept;

/// What `error` says, or the number that was thrown; "nothing" if it is null.
std::string what(std::exception_ptr error);

/// How many descriptors the process has open, with the one that it takes to count them.
int open_descriptors();

/// Waits until every other thread of the process is blocked, so that a test can say "when the worker is
/// idle".
void wait_until_others_block();

/// Computes for about 30 ms on this thread, and tells how much processor time all other threads used
/// meanwhile.
std::chrono::nanoseconds cpu_time_of_others_while_this_thread_computes();

/// How many threads the process has now.
std::size_t live_threads();

}  // namespace course
