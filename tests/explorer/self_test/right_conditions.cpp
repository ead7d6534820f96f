// Right programs: condition variables.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <shared_mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::finds_nothing;

TEST(RightConditions, ABoundedQueue) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable not_empty, not_full;
    std::deque<int> items;
    const auto push = [&](int item) {
      std::unique_lock lock(mutex);
      not_full.wait(lock, [&] { return items.empty(); });
      items.push_back(item);
      not_empty.notify_one();
    };
    const auto pop = [&] {
      std::unique_lock lock(mutex);
      not_empty.wait(lock, [&] { return !items.empty(); });
      const int item = items.front();
      items.pop_front();
      not_full.notify_one();
      return item;
    };
    std::jthread a([&] { push(1); }), b([&] { push(2); });
    const int first = pop(), second = pop();
    EXPECT_EQ(first + second, 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, ANotificationAfterTheLock) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool ready = false;
    std::jthread waiter([&] {
      std::unique_lock lock(mutex);
      while (!ready) condition.wait(lock);
    });
    {
      std::lock_guard lock(mutex);
      ready = true;
    }
    condition.notify_one();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, ANotificationUnderTheLockAndTheEndOfAll) {
  const auto program = [] {
    struct Done {
      std::mutex mutex;
      std::condition_variable condition;
      bool done = false;
    };
    auto state = std::make_unique<Done>();
    std::jthread worker([state = state.get()] {
      std::lock_guard lock(state->mutex);
      state->done = true;
      state->condition.notify_one();
    });
    {
      std::unique_lock lock(state->mutex);
      state->condition.wait(lock, [&] { return state->done; });
    }
    state.reset();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, AllAreNotified) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool stopped = false;
    const auto wait = [&] {
      std::unique_lock lock(mutex);
      condition.wait(lock, [&] { return stopped; });
    };
    std::jthread a(wait), b(wait);
    std::lock_guard lock(mutex);
    stopped = true;
    condition.notify_all();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, AWaitWithATimeOut) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool ready = false;
    std::jthread setter([&] {
      std::this_thread::sleep_for(5ms);
      std::lock_guard lock(mutex);
      ready = true;
      condition.notify_one();
    });
    std::unique_lock lock(mutex);
    const bool in_time = condition.wait_for(lock, 100ms, [&] { return ready; });
    EXPECT_EQ(in_time, ready);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, AWaitUntilATimeOfTheWallClock) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::unique_lock lock(mutex);
    const auto time = std::chrono::system_clock::now() + 2s;
    while (condition.wait_until(lock, time) != std::cv_status::timeout) {
    }
    EXPECT_GE(std::chrono::system_clock::now(), time);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, AnyWithASharedLock) {
  const auto program = [] {
    std::shared_mutex mutex;
    std::condition_variable_any condition;
    bool ready = false;
    const auto wait = [&] {
      std::shared_lock lock(mutex);
      condition.wait(lock, [&] { return ready; });
    };
    std::jthread a(wait), b(wait);
    {
      std::lock_guard lock(mutex);
      ready = true;
    }
    condition.notify_all();
  };
  EXPECT_TRUE(finds_nothing(program, 6'000));
}

TEST(RightConditions, AnyWithAStopToken) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::deque<int> items;
    int sum = 0;
    {
      std::jthread worker([&](const std::stop_token& token) {
        std::unique_lock lock(mutex);
        while (condition.wait(lock, token, [&] { return !items.empty(); })) {
          sum += items.front();
          items.pop_front();
        }
      });
      {
        std::lock_guard lock(mutex);
        items.push_back(1);
      }
      condition.notify_one();
    }
    EXPECT_LE(sum, 1);
  };
  EXPECT_TRUE(finds_nothing(program, 6'000));
}

TEST(RightConditions, AtThreadExit) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool done = false;
    std::jthread worker([&] {
      std::unique_lock lock(mutex);
      done = true;
      std::notify_all_at_thread_exit(condition, std::move(lock));
    });
    std::unique_lock lock(mutex);
    condition.wait(lock, [&] { return done; });
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, AThreadOfTimers) {
  const auto program = [] {
    using Time = std::chrono::steady_clock::time_point;
    std::mutex mutex;
    std::condition_variable condition;
    std::priority_queue<Time, std::vector<Time>, std::greater<>> timers;
    bool stopped = false;
    int fired = 0;
    {
      std::jthread thread([&] {
        std::unique_lock lock(mutex);
        while (!stopped || !timers.empty()) {
          if (timers.empty()) {
            condition.wait(lock);
          } else if (const Time next = timers.top(); std::chrono::steady_clock::now() >= next) {
            timers.pop();
            ++fired;
          } else {
            condition.wait_until(lock, next);
          }
        }
      });
      for (int i = 2; i > 0; --i) {
        std::lock_guard lock(mutex);
        timers.push(std::chrono::steady_clock::now() + i * 100ms);
        condition.notify_one();
      }
      std::lock_guard lock(mutex);
      stopped = true;
      condition.notify_one();
    }
    EXPECT_EQ(fired, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightConditions, APoolOfTwoWorkers) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::deque<std::function<void()>> jobs;
    bool stopped = false;
    int ran = 0;
    const auto work = [&] {
      std::unique_lock lock(mutex);
      for (;;) {
        condition.wait(lock, [&] { return stopped || !jobs.empty(); });
        if (jobs.empty()) return;
        const auto job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        job();
        lock.lock();
      }
    };
    {
      std::jthread a(work), b(work);
      for (int i = 0; i < 2; ++i) {
        std::lock_guard lock(mutex);
        jobs.emplace_back([&] {
          std::lock_guard counting(mutex);
          ++ran;
        });
        condition.notify_one();
      }
      std::lock_guard lock(mutex);
      stopped = true;
      condition.notify_all();
    }
    EXPECT_EQ(ran, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}
