// Right programs: coroutines that threads hand to each other.

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <latch>
#include <mutex>
#include <thread>
#include <utility>

#include "support.hpp"

using self_test::finds_nothing;

namespace {

/// Runs as soon as it is called, and destroys itself at its end.
struct Started {
  struct promise_type {
    Started get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

/// Belongs to whoever has called it.
class Owned {
 public:
  struct promise_type {
    Owned get_return_object() { return Owned(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit Owned(std::coroutine_handle<> handle) : handle_(handle) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { handle_.destroy(); }
  void resume() { handle_.resume(); }
  [[nodiscard]] bool done() const { return handle_.done(); }

 private:
  std::coroutine_handle<> handle_;
};

Owned add_twice(int& number) {
  ++number;
  co_await std::suspend_always{};
  ++number;
}

/// A thread that resumes what is posted to it.
class Worker {
 public:
  auto schedule() {
    struct Awaiter {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) { worker.post(handle); }
      void await_resume() noexcept {}
      Worker& worker;
    };
    return Awaiter{*this};
  }
  ~Worker() { post(nullptr); }

 private:
  void post(std::coroutine_handle<> handle) {
    std::lock_guard lock(mutex_);
    handles_.push_back(handle);
    condition_.notify_one();
  }
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      condition_.wait(lock, [&] { return !handles_.empty(); });
      const auto handle = handles_.front();
      handles_.pop_front();
      lock.unlock();
      if (!handle) return;
      handle.resume();
    }
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  std::deque<std::coroutine_handle<>> handles_;
  std::jthread thread_{[this] { run(); }};
};

/// The awaiting coroutine and the setter meet at one atomic: the second of them resumes.
class Event {
 public:
  void set() {
    if (void* const waiting = state_.exchange(this, std::memory_order_acq_rel))
      std::coroutine_handle<>::from_address(waiting).resume();
  }
  auto operator co_await() {
    struct Awaiter {
      bool await_ready() noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> handle) {
        void* none = nullptr;
        return event.state_.compare_exchange_strong(none, handle.address(), std::memory_order_acq_rel);
      }
      void await_resume() noexcept {}
      Event& event;
    };
    return Awaiter{*this};
  }

 private:
  std::atomic<void*> state_ = nullptr;
};

Started hop(Worker& first, Worker& second, int& number, std::latch& done) {
  co_await first.schedule();
  ++number;
  co_await second.schedule();
  ++number;
  done.count_down();
}

Started wait_for(Event& event, const int& number, std::atomic<int>& seen) {
  co_await event;
  seen = number;
}

}  // namespace

TEST(RightCoroutines, ResumedByAnotherThread) {
  const auto program = [] {
    int number = 0;
    Owned coroutine = add_twice(number);
    coroutine.resume();
    std::thread([&] { coroutine.resume(); }).join();
    EXPECT_TRUE(coroutine.done());
    EXPECT_EQ(number, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightCoroutines, FromWorkerToWorker) {
  const auto program = [] {
    int number = 0;
    std::latch done(1);
    Worker first, second;
    hop(first, second, number, done);
    done.wait();
    EXPECT_EQ(number, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightCoroutines, SetBeforeOrAfterTheAwait) {
  const auto program = [] {
    Event event;
    int number = 0;
    std::atomic<int> seen = 0;
    {
      std::jthread setter([&] {
        number = 7;
        event.set();
      });
      wait_for(event, number, seen);
    }
    EXPECT_EQ(seen, 7);
  };
  EXPECT_TRUE(finds_nothing(program));
}
