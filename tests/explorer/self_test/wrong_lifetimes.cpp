// Wrong programs: something is used that is no more.

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;

// The owner does not wait until the other thread is done with it.
TEST(WrongLifetimes, UseAfterFree) {
  const auto program = [] {
    auto number = std::make_unique<std::atomic<int>>(0);
    std::jthread other([number = number.get()] {
      *number = 1;  // here
    });
    number.reset();  // here
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// In good order, and dead all the same.
TEST(WrongLifetimes, UseAfterAJoinedThreadHasFreed) {
  const auto program = [] {
    auto number = std::make_unique<int>(0);
    int* const kept = number.get();
    std::thread([&] { number.reset(); }).join();
    *kept = 1;  // here
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// Both think that it is theirs.
TEST(WrongLifetimes, DoubleDelete) {
  const auto program = [] {
    int* const number = new int(0);
    std::thread([=] { delete number; }).join();
    delete number;  // here
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// A push_back moves the elements elsewhere, the pointer stays.
TEST(WrongLifetimes, AnElementThatHasMoved) {
  const auto program = [] {
    std::vector<int> numbers{1};
    numbers.shrink_to_fit();
    int* const first = numbers.data();
    std::thread([&] { numbers.push_back(2); }).join();
    *first = 3;  // here
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// The function has returned, its variable is used by the thread that it has left.
TEST(WrongLifetimes, UseAfterScope) {
  const auto program = [] {
    std::atomic<bool> go = false;
    std::jthread other;
    const auto start = [&] [[gnu::noinline]] () {
      std::array<std::atomic<int>, 1'000> locals{};  // of which the first lies deep, where nobody comes again
      other = std::jthread([&go, &first = locals[0]] {
        go.wait(false);
        first = 1;  // here
      });
    };
    start();
    go = true;
    go.notify_one();
  };
  EXPECT_TRUE(finds(Failure::use_after_scope, program));
}

// The waiter still waits for it.
TEST(WrongLifetimes, AConditionVariableDestroyedInUse) {
  const auto program = [] {
    std::mutex mutex;
    auto condition = std::make_unique<std::condition_variable>();
    std::latch locked(1);
    std::jthread waiter([&, condition = condition.get()] {
      std::unique_lock lock(mutex);
      locked.count_down();
      condition->wait(lock);
    });
    locked.wait();
    mutex.lock();  // by now it waits
    mutex.unlock();
    condition.reset();
  };
  EXPECT_TRUE(finds(Failure::misuse, program));
}

// The mutex is deleted, and another thread has yet to take it.
TEST(WrongLifetimes, AMutexDeletedInUse) {
  const auto program = [] {
    auto mutex = std::make_unique<std::mutex>();
    std::jthread other([mutex = mutex.get()] {
      std::lock_guard lock(*mutex);  // here
    });
    mutex->lock();
    mutex->unlock();
    mutex.reset();
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// The notification comes after the lock, by which the waiter was let go and destroys all.
TEST(WrongLifetimes, ANotificationTooLate) {
  const auto program = [] {
    struct Done {
      std::mutex mutex;
      std::condition_variable condition;
      bool done = false;
    };
    auto state = std::make_unique<Done>();
    std::jthread worker([state = state.get()] {
      {
        std::lock_guard lock(state->mutex);
        state->done = true;
      }
      state->condition.notify_one();
    });
    {
      std::unique_lock lock(state->mutex);
      state->condition.wait(lock, [&] { return state->done; });
    }
    state.reset();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// A raw pointer out of a shared one does not keep anything alive.
TEST(WrongLifetimes, ARawPointerOutOfASharedOne) {
  const auto program = [] {
    auto shared = std::make_shared<std::atomic<int>>(0);
    std::jthread other([number = shared.get()] { ++*number; });
    shared.reset();
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// A member of which the thread makes use is destroyed before the thread is joined.
TEST(WrongLifetimes, MembersInTheWrongOrder) {
  const auto program = [] {
    struct Worker {
      std::jthread thread;
      std::unique_ptr<std::atomic<int>> count = std::make_unique<std::atomic<int>>(0);
    };
    Worker worker;
    worker.thread = std::jthread([&count = *worker.count] { ++count; });
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// The callback outlives the object that it was made for.
TEST(WrongLifetimes, ACallbackOfADestroyedObject) {
  const auto program = [] {
    struct Listener {
      std::atomic<int> calls = 0;
    };
    std::mutex mutex;
    std::function<void()> callback;
    auto listener = std::make_unique<Listener>();
    callback = [listener = listener.get()] { ++listener->calls; };
    std::jthread caller([&] {
      mutex.lock();
      const auto copy = callback;
      mutex.unlock();
      if (copy) copy();
    });
    mutex.lock();
    callback = nullptr;
    mutex.unlock();
    listener.reset();
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}

// It was there when it was asked for, and is gone when it is taken.
TEST(WrongLifetimes, AWeakPointerThatExpires) {
  const auto program = [] {
    auto shared = std::make_shared<std::atomic<int>>(0);
    std::jthread other([weak = std::weak_ptr(shared)] {
      if (!weak.expired()) weak.lock()->store(1);
    });
    shared.reset();
  };
  EXPECT_TRUE(finds(Failure::crash, program));
}

// Members go in the reverse order: the callback is still there when what it uses is gone.
TEST(WrongLifetimes, AStopCallbackThatOutlivesWhatItUses) {
  const auto program = [] {
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    std::optional<std::stop_callback<std::function<void()>>> callback;
    auto number = std::make_unique<std::atomic<int>>(0);
    callback.emplace(source.get_token(), [number = number.get()] {
      *number = 1;  // here
    });
  };
  EXPECT_TRUE(finds(Failure::use_after_free, program));
}
