// Right programs: mutexes of all kinds, and what happens only once.

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::finds_nothing;

TEST(RightMutexes, ACountUnderALock) {
  const auto program = [] {
    std::mutex mutex;
    int count = 0;
    {
      const auto run = [&] {
        std::lock_guard lock(mutex);
        ++count;
      };
      std::jthread a(run), b(run), c(run);
    }
    EXPECT_EQ(count, 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, TwoLocksAtOnce) {
  const auto program = [] {
    struct Account {
      std::mutex mutex;
      int money = 100;
    };
    Account x, y;
    {
      const auto transfer = [](Account& from, Account& to, int amount) {
        std::scoped_lock both(from.mutex, to.mutex);
        from.money -= amount;
        to.money += amount;
      };
      std::jthread a([&] { transfer(x, y, 10); }), b([&] { transfer(y, x, 20); });
    }
    EXPECT_EQ(x.money, 110);
    EXPECT_EQ(y.money, 90);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, ATryThatMayFail) {
  const auto program = [] {
    std::mutex mutex;
    int count = 0;
    const auto run = [&] {
      std::unique_lock lock(mutex, std::try_to_lock);
      if (lock) ++count;
    };
    std::jthread other(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, ALockIsHandedOver) {
  const auto program = [] {
    std::mutex mutex;
    int count = 0;
    const auto locked = [&] { return std::unique_lock(mutex); };
    std::jthread other([&] {
      const auto lock = locked();
      ++count;
    });
    auto lock = locked();
    ++count;
    const auto kept = std::move(lock);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, Recursive) {
  const auto program = [] {
    std::recursive_mutex mutex;
    int count = 0;
    {
      const auto run = [&] {
        std::lock_guard outer(mutex);
        std::lock_guard inner(mutex);
        ++count;
      };
      std::jthread a(run), b(run);
    }
    EXPECT_EQ(count, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, Timed) {
  const auto program = [] {
    std::timed_mutex mutex;
    int count = 0;
    const auto run = [&] {
      if (!mutex.try_lock_for(5ms)) return;
      ++count;
      mutex.unlock();
    };
    std::jthread other(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, TimedIsNotHadInTime) {
  const auto program = [] {
    std::timed_mutex mutex;
    std::lock_guard lock(mutex);
    std::jthread other([&] { EXPECT_FALSE(mutex.try_lock_for(5ms)); });
    other.join();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, ReadersAndAWriter) {
  const auto program = [] {
    std::shared_mutex mutex;
    std::vector<int> numbers;
    const auto read = [&] {
      std::shared_lock lock(mutex);
      EXPECT_LE(numbers.size(), 1u);
    };
    std::jthread writer([&] {
      std::unique_lock lock(mutex);
      numbers.push_back(1);
    });
    std::jthread reader(read);
    read();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, ReadersReadTogether) {
  const auto program = [] {
    std::shared_mutex mutex;
    std::atomic<int> inside = 0;
    const auto read = [&] {
      std::shared_lock lock(mutex);
      ++inside;
      while (inside < 2) std::this_thread::yield();
    };
    std::jthread reader(read);
    read();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, SharedAndTimed) {
  const auto program = [] {
    std::shared_timed_mutex mutex;
    int value = 0;
    std::jthread writer([&] {
      if (!mutex.try_lock_for(5ms)) return;
      value = 1;
      mutex.unlock();
    });
    if (mutex.try_lock_shared_for(5ms)) {
      EXPECT_LE(value, 1);
      mutex.unlock_shared();
    }
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, CalledOnce) {
  const auto program = [] {
    std::once_flag once;
    int calls = 0;
    const auto run = [&] {
      std::call_once(once, [&] { ++calls; });
      EXPECT_EQ(calls, 1);
    };
    std::jthread a(run), b(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, CalledOnceMoreAfterAnException) {
  const auto program = [] {
    std::once_flag once;
    std::atomic<int> calls = 0;
    {
      const auto run = [&] {
        try {
          std::call_once(once, [&] {
            if (++calls == 1) throw std::runtime_error("not yet");
          });
        } catch (const std::runtime_error&) {
        }
      };
      std::jthread a(run), b(run);
    }
    EXPECT_EQ(calls, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, AStaticVariableOfAFunction) {
  const auto program = [] {
    struct Settings {
      std::vector<int> numbers{1, 2, 3};
    };
    const auto settings = []() -> Settings& {
      static Settings only;
      return only;
    };
    std::jthread a([&] { EXPECT_EQ(settings().numbers.size(), 3u); });
    std::jthread b([&] { EXPECT_EQ(settings().numbers[2], 3); });
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightMutexes, AStaticVariableWhoseConstructorThrowsOnce) {
  const auto program = [] {
    static std::atomic<int> attempts;
    attempts = 0;
    const auto get = [] {
      static const int value = ++attempts == 1 ? throw std::runtime_error("not yet") : 7;
      return value;
    };
    const auto run = [&] {
      try {
        EXPECT_EQ(get(), 7);
      } catch (const std::runtime_error&) {
      }
    };
    std::jthread other(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}
