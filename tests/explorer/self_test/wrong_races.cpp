// Wrong programs: plain memory that two threads use and nothing orders.

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;

// Two increments of an int.
TEST(WrongRaces, AnInt) {
  const auto program = [] {
    int count = 0;
    std::jthread other([&] {
      ++count;  // here
    });
    ++count;  // here
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// One reads while the other writes.
TEST(WrongRaces, AReadAndAWrite) {
  const auto program = [] {
    int value = 0, seen = 0;
    std::jthread other([&] {
      seen = value;  // here
    });
    value = 1;  // here
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// Different threads may use different elements; these use the same.
TEST(WrongRaces, AVectorElement) {
  const auto program = [] {
    std::vector<int> numbers(4);
    std::jthread other([&] {
      numbers[2] = 1;  // here
    });
    numbers[2] = 2;  // here
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The vector itself is written by push_back.
TEST(WrongRaces, AVectorThatGrows) {
  const auto program = [] {
    const auto numbers = std::make_unique<std::vector<int>>();  // clang 16 forgets about fields on the stack
    numbers->reserve(4);
    std::jthread other([&] { numbers->push_back(1); });
    EXPECT_LE(numbers->size(), 4u);
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// A string is read while it grows.
TEST(WrongRaces, AString) {
  const auto program = [] {
    std::string text = "a text that is too long to lie in the string itself", copy;
    std::jthread other([&] { copy = text; });
    text += "!";
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The characters of a string that nobody makes longer.
TEST(WrongRaces, ACharacterOfAString) {
  const auto program = [] {
    std::string text = "a text that is too long to lie in the string itself", copy;
    std::jthread other([&] { copy = text; });
    text[40] = '?';
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// Finding is reading, but inserting is not.
TEST(WrongRaces, AHashTable) {
  const auto program = [] {
    std::unordered_map<int, int> numbers{{1, 1}};
    std::jthread other([&] { numbers[2] = 2; });
    EXPECT_EQ(numbers.find(1)->second, 1);
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The second field is written after the lock has been given back.
TEST(WrongRaces, TwoFieldsAndALockForOne) {
  const auto program = [] {
    struct Account {
      std::mutex mutex;
      int money = 0, changes = 0;

      void add(int amount) {
        {
          std::lock_guard lock(mutex);
          money += amount;
        }
        ++changes;  // here
      }
    };
    const auto account = std::make_unique<Account>();  // clang 16 forgets about fields on the stack
    std::jthread other([&] { account->add(1); });
    account->add(2);
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// Two locks protect nothing.
TEST(WrongRaces, TwoMutexesForOneVariable) {
  const auto program = [] {
    std::mutex a, b;
    int count = 0;
    std::jthread other([&] {
      std::lock_guard lock(a);
      ++count;
    });
    std::lock_guard lock(b);
    ++count;
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The reference count is safe, what it counts for is not.
TEST(WrongRaces, ThroughASharedPointer) {
  const auto program = [] {
    const auto shared = std::make_shared<int>(0);
    std::jthread other([shared] {
      *shared = 1;  // here
    });
    *shared = 2;  // here
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The pointer itself: one thread copies it while the other replaces it.
TEST(WrongRaces, ASharedPointerItself) {
  const auto program = [] {
    auto shared = std::make_shared<int>(0);
    std::jthread other([&] { const auto copy = shared; });
    shared = std::make_shared<int>(1);
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// It is said to be ready before it is.
TEST(WrongRaces, ReadyBeforeTheValue) {
  const auto program = [] {
    int value = 0;
    std::atomic<bool> ready = false;
    std::jthread writer([&] {
      ready = true;
      value = 42;  // here
    });
    if (ready) {
      EXPECT_EQ(value, 42);  // here
    }
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// A relaxed store publishes itself and nothing else.
TEST(WrongRaces, ARelaxedPublication) {
  const auto program = [] {
    int value = 0;
    std::atomic<bool> ready = false;
    std::jthread writer([&] {
      value = 42;  // here
      ready.store(true, std::memory_order_relaxed);
    });
    if (ready.load(std::memory_order_acquire)) {
      EXPECT_EQ(value, 42);  // here
    }
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// Nor does a relaxed load receive anything.
TEST(WrongRaces, ARelaxedReceipt) {
  const auto program = [] {
    int value = 0;
    std::atomic<bool> ready = false;
    std::jthread writer([&] {
      value = 42;
      ready.store(true, std::memory_order_release);
    });
    if (ready.load(std::memory_order_relaxed)) {
      EXPECT_EQ(value, 42);
    }
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The first check of the pointer is made without the lock.
TEST(WrongRaces, DoubleCheckedLocking) {
  const auto program = [] {
    std::mutex mutex;
    std::unique_ptr<int> instance;
    const auto get = [&] {
      if (!instance) {  // here
        std::lock_guard lock(mutex);
        if (!instance) instance = std::make_unique<int>(42);
      }
      return *instance;
    };
    std::jthread other(get);
    get();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// A flag to stop is no exception.
TEST(WrongRaces, AStopFlagThatIsPlain) {
  const auto program = [] {
    bool stopped = false;
    std::jthread worker([&] {
      if (stopped) return;
      std::this_thread::yield();
    });
    stopped = true;
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The thread sees the variable of the loop, which has moved on.
TEST(WrongRaces, ALoopVariableByReference) {
  const auto program = [] {
    std::vector<std::jthread> threads;
    std::atomic<int> sum = 0;
    int i = 0;
    for (; i < 2; ++i) threads.emplace_back([&] { sum += i; });
    threads.clear();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// It is not done before it has been waited for.
TEST(WrongRaces, AnAsyncResultReadTooEarly) {
  const auto program = [] {
    int result = 0;
    const auto done = std::async(std::launch::async, [&] { result = 1; });
    EXPECT_GE(result, 0);
    done.wait();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// A shared lock lets others read: it is no licence to write.
TEST(WrongRaces, AWriteUnderASharedLock) {
  const auto program = [] {
    std::shared_mutex mutex;
    auto hits = std::make_unique<int>(0);
    const auto look_up = [&] {
      std::shared_lock lock(mutex);
      ++*hits;  // here
    };
    std::jthread other(look_up);
    look_up();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}
