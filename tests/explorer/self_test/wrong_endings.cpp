// Wrong programs: misuse, exceptions, crashes, and programs that never end.

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstdlib>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;

// A lock is given back that nobody has.
TEST(WrongEndings, AnUnlockWithoutALock) {
  const auto program = [] {
    std::mutex mutex;
    mutex.unlock();  // here
  };
  EXPECT_TRUE(finds(Failure::misuse, program));
}

// Only the thread that has taken it may give it back.
TEST(WrongEndings, AnUnlockByAnotherThread) {
  const auto program = [] {
    std::mutex mutex;
    mutex.lock();
    std::thread([&] {
      mutex.unlock();  // here
    }).join();
  };
  EXPECT_TRUE(finds(Failure::misuse, program));
}

// A wait gives the lock back, and there is none.
TEST(WrongEndings, AWaitWithoutTheLock) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::unique_lock lock(mutex);
    mutex.unlock();
    condition.wait(lock);
  };
  EXPECT_TRUE(finds(Failure::misuse, program));
}

// The flag of a call_once() is set when the call ends, and it waits for itself.
TEST(WrongEndings, ACallOnceWithinItself) {
  const auto program = [] {
    std::once_flag once;
    std::call_once(once, [&] {
      std::call_once(once, [] {});  // here
    });
  };
  EXPECT_TRUE(finds(Failure::misuse, program));
}

// Nobody catches it.
TEST(WrongEndings, AnExceptionThatLeavesAThread) {
  const auto program = [] { std::jthread worker([] { throw std::runtime_error("no"); }); };
  EXPECT_TRUE(finds(Failure::uncaught, program));
}

// A std::thread must be joined or detached.
TEST(WrongEndings, AThreadThatIsNotJoined) {
  const auto program = [] { std::thread worker([] {}); };
  EXPECT_TRUE(finds(Failure::uncaught, program));
}

// Both see that there is no result yet.
TEST(WrongEndings, APromiseKeptTwice) {
  const auto program = [] {
    std::promise<int> promise;
    std::atomic<bool> kept = false;
    const auto keep = [&] {
      if (kept) return;
      kept = true;
      promise.set_value(1);
    };
    std::jthread other(keep);
    keep();
  };
  EXPECT_TRUE(finds(Failure::uncaught, program));
}

// The pointer is used before the other thread has set it.
TEST(WrongEndings, ANullPointer) {
  const auto program = [] {
    static int number = 0;
    std::atomic<int*> pointer = nullptr;
    std::jthread setter([&] { pointer = &number; });
    *pointer = 1;  // here
  };
  EXPECT_TRUE(finds(Failure::crash, program));
}

// Whoever calls exit(0) in the middle has not shown that all is well.
TEST(WrongEndings, AnExitThatLooksWell) {
  EXPECT_TRUE(finds(Failure::crash, [] { std::_Exit(0); }));
  EXPECT_TRUE(finds(Failure::crash, [] { std::thread([] { std::quick_exit(0); }).join(); }));
}

// A call of a function that is not there yet.
TEST(WrongEndings, AnEmptyFunction) {
  const auto program = [] {
    std::mutex mutex;
    std::function<void()> job;
    std::jthread poster([&] {
      std::lock_guard lock(mutex);
      job = [] {};
    });
    std::lock_guard lock(mutex);
    job();
  };
  EXPECT_TRUE(finds(Failure::uncaught, program));
}

// Between the check and the act the result comes, and the callback is forgotten.
TEST(WrongEndings, ACallbackThatIsForgotten) {
  const auto program = [] {
    std::mutex mutex;
    bool done = false;
    std::function<void()> callback;
    std::atomic<int> calls = 0;
    std::jthread worker([&] {
      std::function<void()> call;
      {
        std::lock_guard lock(mutex);
        done = true;
        call = std::move(callback);
      }
      if (call) call();
    });
    const auto is_done = [&] {
      std::lock_guard lock(mutex);
      return done;
    };
    if (is_done()) {
      ++calls;
    } else {
      std::lock_guard lock(mutex);
      callback = [&] { ++calls; };
    }
    worker.join();
    EXPECT_EQ(calls, 1);  // here
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

namespace {

struct Coroutine {
  struct promise_type {
    Coroutine get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Coroutine count(std::atomic<int>& times) {
  for (;;) {
    ++times;
    co_await std::suspend_always{};
  }
}

}  // namespace

// It may be resumed by one thread at a time.
TEST(WrongEndings, ACoroutineResumedByTwo) {
  const auto program = [] {
    std::atomic<int> times = 0;
    const Coroutine coroutine = count(times);
    {
      std::jthread other([&] { coroutine.handle.resume(); });
      coroutine.handle.resume();
    }
    coroutine.handle.destroy();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// Each waits, politely, for the other to begin.
TEST(WrongEndings, ALivelock) {
  const auto program = [] {
    std::mutex mutex;
    bool a = false, b = false;
    const auto begin_after = [&](const bool& other, bool& mine) {
      for (;;) {
        std::lock_guard lock(mutex);
        if (other) break;
      }
      std::lock_guard lock(mutex);
      mine = true;
    };
    std::jthread other([&] { begin_after(a, b); });
    begin_after(b, a);
  };
  EXPECT_TRUE(finds(Failure::livelock, program));
}

// Nobody sets it.
TEST(WrongEndings, ASpinOnAnAtomicThatNobodySets) {
  const auto program = [] {
    std::atomic<bool> go = false;
    std::jthread other([&] { EXPECT_FALSE(go); });
    while (!go) {  // here
    }
  };
  EXPECT_TRUE(finds(Failure::livelock, program));
}

// Memory is read again and again, and no other thread can come in between.
TEST(WrongEndings, ASpinWithoutSynchronisation) {
  const auto program = [] {
    volatile bool go = false;
    while (!go) {
    }
  };
  EXPECT_TRUE(finds(Failure::livelock, program));
}

// Not even memory is read.
TEST(WrongEndings, AnEndlessLoop) {
  const auto program = [] {
    std::jthread other([] {
      for (;;) asm volatile("");
    });
  };
  EXPECT_TRUE(finds(Failure::livelock, program));
}
