// Wrong programs: wake-ups that are lost or not to be trusted, and time that is.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <latch>
#include <mutex>
#include <thread>
#include <utility>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::Failure;
using self_test::finds;

// The flag is set and the notification sent between the waiter's check and its wait.
TEST(WrongWaiting, AFlagSetWithoutTheLock) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::atomic<bool> ready = false;
    std::jthread waiter([&] {
      std::unique_lock lock(mutex);
      while (!ready) condition.wait(lock);  // here
    });
    ready = true;
    condition.notify_one();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// A notification is not kept for whoever waits later.
TEST(WrongWaiting, ANotificationBeforeTheWait) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::jthread waiter([&] {
      std::unique_lock lock(mutex);
      condition.wait(lock);  // here
    });
    condition.notify_one();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// The worker decides to sleep and goes to sleep in two steps; a post comes in between.
TEST(WrongWaiting, APostAgainstGoingToSleep) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::deque<int> jobs;
    const auto none = [&] {
      std::lock_guard lock(mutex);
      return jobs.empty();
    };
    std::jthread worker([&] {
      while (none()) {
        std::unique_lock lock(mutex);
        condition.wait(lock);  // here
      }
    });
    {
      std::lock_guard lock(mutex);
      jobs.push_back(1);
    }
    condition.notify_one();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// The loop says that it sleeps only after it has looked at its jobs for the last time.
TEST(WrongWaiting, AnEventLoopThatIsNotWoken) {
  const auto program = [] {
    struct Loop {
      int epoll = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK);
      std::mutex mutex;
      std::deque<std::function<void()>> jobs;
      bool sleeps = false, stopped = false;

      Loop() {
        epoll_event in{.events = EPOLLIN, .data = {.fd = event}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, event, &in);
      }
      ~Loop() {
        close(event);
        close(epoll);
      }
      void post(std::function<void()> job) {
        std::lock_guard lock(mutex);
        jobs.push_back(std::move(job));
        if (sleeps) eventfd_write(event, 1);
      }
      std::deque<std::function<void()>> take() {
        std::lock_guard lock(mutex);
        sleeps = false;
        return std::exchange(jobs, {});
      }
      void run() {
        while (!stopped) {
          for (const auto& job : take()) job();
          if (stopped) return;
          {
            std::lock_guard lock(mutex);
            sleeps = true;
          }
          epoll_event out{};
          eventfd_t count = 0;
          if (epoll_wait(epoll, &out, 1, -1) > 0) eventfd_read(event, &count);
        }
      }
    };
    Loop loop;
    std::jthread poster([&] { loop.post([&] { loop.stopped = true; }); });
    loop.run();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// Between the notification and the wake-up, another consumer takes the item.
TEST(WrongWaiting, IfForWhileAndTheItemIsStolen) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    std::deque<int> items;
    const auto pop = [&] {
      std::unique_lock lock(mutex);
      if (items.empty()) condition.wait(lock);
      EXPECT_FALSE(items.empty());  // here
      items.pop_front();
    };
    const auto push = [&] {
      std::lock_guard lock(mutex);
      items.push_back(1);
      condition.notify_one();
    };
    std::jthread a(pop), b(pop);
    push();
    push();
  };
  EXPECT_TRUE(finds(Failure::check_failed, program, {.spurious = 0}));
}

// A condition variable may wake a thread for no reason.
TEST(WrongWaiting, IfForWhileAndNobodyNotifies) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool ready = false;
    std::jthread waiter([&] {
      std::unique_lock lock(mutex);
      if (!ready) condition.wait(lock);
      EXPECT_TRUE(ready);  // here
    });
    std::lock_guard lock(mutex);
    ready = true;
    condition.notify_one();
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// One is told to stop, and two wait for it.
TEST(WrongWaiting, NotifyOneForNotifyAll) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool stopped = false;
    const auto work = [&] {
      std::unique_lock lock(mutex);
      condition.wait(lock, [&] { return stopped; });
    };
    std::jthread a(work), b(work);
    std::lock_guard lock(mutex);
    stopped = true;
    condition.notify_one();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// The notification may reach a thread that waits for something else.
TEST(WrongWaiting, TwoReasonsOneConditionAndNotifyOne) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool first = false, second = false;
    const auto wait_for = [&](const bool& flag) {
      std::unique_lock lock(mutex);
      condition.wait(lock, [&] { return flag; });
    };
    const auto set = [&](bool& flag) {
      std::lock_guard lock(mutex);
      flag = true;
      condition.notify_one();
    };
    std::jthread a([&] { wait_for(first); }), b([&] { wait_for(second); });
    set(first);
    set(second);
  };
  EXPECT_TRUE(finds(Failure::deadlock, program, {.spurious = 0}));
}

// The time is up, and what is waited for has come nevertheless.
TEST(WrongWaiting, ATimeOutTakenForAnAnswer) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool ready = false;
    std::jthread setter([&] {
      std::lock_guard lock(mutex);
      ready = true;
      condition.notify_one();
    });
    std::unique_lock lock(mutex);
    if (!ready && condition.wait_for(lock, 1ms) == std::cv_status::timeout) {
      EXPECT_FALSE(ready);  // here
    }
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// No time-out does not mean that it has come.
TEST(WrongWaiting, NoTimeOutTakenForAnAnswer) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable condition;
    bool ready = false;
    std::jthread setter([&] {
      std::lock_guard lock(mutex);
      ready = true;
      condition.notify_one();
    });
    std::unique_lock lock(mutex);
    if (condition.wait_for(lock, 1ms) == std::cv_status::no_timeout) {
      EXPECT_TRUE(ready);
    }
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// An atomic that is waited for is stored, and nobody is told.
TEST(WrongWaiting, AStoreWithoutANotification) {
  const auto program = [] {
    std::atomic<int> stage = 0;
    std::jthread waiter([&] { stage.wait(0); });
    std::this_thread::sleep_for(1ms);
    stage = 1;
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// One of the two workers has not counted down when the result is read.
TEST(WrongWaiting, ALatchTooSmall) {
  const auto program = [] {
    std::latch done(1);
    std::atomic<int> sum = 0;
    const auto work = [&] {
      ++sum;
      if (!done.try_wait()) done.count_down();
    };
    std::jthread a(work);
    std::jthread b([&] { ++sum; });
    done.wait();
    EXPECT_EQ(sum, 2);
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// A hundred milliseconds are enough, nearly always.
TEST(WrongWaiting, ASleepInPlaceOfSynchronisation) {
  const auto program = [] {
    std::atomic<bool> ready = false;
    std::jthread worker([&] {
      std::this_thread::sleep_for(1ms);
      ready = true;
    });
    std::this_thread::sleep_for(100ms);
    EXPECT_TRUE(ready);
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// The wait is for the flag to change, but it is read anew: the change may have come before.
TEST(WrongWaiting, AWaitForAnotherChange) {
  const auto program = [] {
    std::atomic<int> generation = 0;
    std::jthread waiter([&] { generation.wait(generation.load()); });
    ++generation;
    generation.notify_all();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}
