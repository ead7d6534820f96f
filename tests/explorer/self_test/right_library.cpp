// Right programs: what else of the standard library threads use, exceptions, and GoogleTest itself.

#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <functional>
#include <future>
#include <iostream>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::finds_nothing;

TEST(RightLibrary, StringsAndStreams) {
  const auto program = [] {
    std::mutex mutex;
    std::string log;
    {
      const auto write = [&](int i) {
        std::ostringstream line;
        line << "thread " << i << " writes a line that is too long to lie in the string itself\n";
        std::lock_guard lock(mutex);
        log += line.str();
      };
      std::jthread a(write, 1), b(write, 2);
    }
    EXPECT_EQ(log.size(), 136u);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, WhatAThreadSpendsIsCounted) {
  const auto program = [] {
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<int> number = 0;
    std::jthread other([&] { ++number; });
    const explore::Costs before = explore::costs();
    number.store(1, std::memory_order_relaxed);
    number.store(1);
    std::atomic_thread_fence(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ++number;
    int expected = 7;
    number.compare_exchange_strong(expected, 8);
    { std::lock_guard lock(mutex); }
    if (mutex.try_lock()) mutex.unlock();
    changed.notify_one();
    changed.notify_all();
    const explore::Costs after = explore::costs();
    EXPECT_EQ(after.read_modify_writes - before.read_modify_writes, 2u);
    EXPECT_EQ(after.barriers - before.barriers, 2u);
    EXPECT_EQ(after.locks - before.locks, 2u);
    EXPECT_EQ(after.notifications - before.notifications, 2u);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, StandardOutput) {
  const auto program = [] {
    const auto write = [](int i) {
      std::printf("%d\n", i);
      std::cout << i << std::endl;
    };
    std::jthread other(write, 1);
    write(2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, Maps) {
  const auto program = [] {
    std::mutex mutex;
    std::map<std::string, int> ordered;
    std::unordered_map<int, std::string> hashed;
    {
      const auto insert = [&](int i) {
        std::lock_guard lock(mutex);
        ordered["key " + std::to_string(i)] = i;
        hashed[i] = "value";
      };
      std::jthread other(insert, 1);
      insert(2);
    }
    EXPECT_EQ(ordered.size() + hashed.size(), 4u);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, ReadersOfAMapNeedNoLock) {
  const auto program = [] {
    const std::map<std::string, int> numbers{{"one", 1}, {"two", 2}};
    std::jthread other([&] { EXPECT_EQ(numbers.at("one"), 1); });
    EXPECT_EQ(numbers.at("two"), 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, EachItsOwnElement) {
  const auto program = [] {
    std::vector<char> letters(4, '-');  // all in one word of memory
    {
      std::jthread a([&] { letters[0] = 'a'; }), b([&] { letters[1] = 'b'; });
      letters[2] = 'c';
    }
    EXPECT_EQ(std::string(letters.begin(), letters.end()), "abc-");
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, FunctionsAndVariants) {
  const auto program = [] {
    std::mutex mutex;
    std::vector<std::function<void()>> calls;
    std::variant<int, std::string> last;
    std::any any;
    std::optional<std::string> text;
    const auto add = [&](int i) {
      std::lock_guard lock(mutex);
      calls.emplace_back([&last, i] { last = std::to_string(i); });
      any = std::string("a text that is too long to lie in the string itself");
      text = std::any_cast<std::string>(any);
      calls.back()();
    };
    std::jthread other(add, 1);
    add(2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, ExceptionsInEachThread) {
  const auto program = [] {
    const auto run = [] {
      try {
        try {
          throw std::runtime_error("inner");
        } catch (...) {
          std::throw_with_nested(std::logic_error("outer"));
        }
      } catch (const std::logic_error& error) {
        EXPECT_THROW(std::rethrow_if_nested(error), std::runtime_error);
      }
    };
    std::jthread other(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, AnExceptionForTwoThreads) {
  const auto program = [] {
    std::exception_ptr error = std::make_exception_ptr(std::runtime_error("for both"));
    const auto look = [](std::exception_ptr error) {
      try {
        std::rethrow_exception(std::move(error));
      } catch (const std::exception& e) {
        EXPECT_EQ(std::string(e.what()), "for both");
      }
    };
    std::jthread other(look, error);
    look(std::exchange(error, nullptr));
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, AnExceptionIsTakenToAnotherThread) {
  const auto program = [] {
    std::mutex mutex;
    std::exception_ptr error;
    std::latch done(1);
    std::jthread worker([&] {
      try {
        throw std::runtime_error("a text that is too long to lie in the string itself");
      } catch (...) {
        std::lock_guard lock(mutex);
        error = std::current_exception();
      }
      done.count_down();
    });
    done.wait();
    std::lock_guard lock(mutex);
    EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, ExpectationsThatHold) {
  const auto program = [] {
    std::mutex mutex;
    std::vector<int> numbers;
    const auto run = [&] {
      std::lock_guard lock(mutex);
      numbers.push_back(1);
      EXPECT_FALSE(numbers.empty()) << "in " << std::this_thread::get_id();
      ASSERT_LE(numbers.size(), 2u);
      EXPECT_THROW(static_cast<void>(numbers.at(9)), std::out_of_range);
    };
    std::jthread other(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, StaticVariablesBeginAnew) {
  const auto program = [] {
    static int calls = 0;
    static std::string text;
    EXPECT_EQ(++calls, 1);
    EXPECT_EQ(text, "");
    std::jthread other([] { text = "short"; });
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightLibrary, Time) {
  const auto program = [] {
    const auto begin = std::chrono::steady_clock::now();
    std::jthread other([] { std::this_thread::sleep_for(30min); });
    std::this_thread::sleep_for(1h);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 1h);
    std::this_thread::sleep_until(begin + 2h);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 2h);
  };
  EXPECT_TRUE(finds_nothing(program));
}

// The memory of an exception is used again by the next one, in another thread.
TEST(RightLibrary, ExceptionsOfOnesOwnInTurn) {
  const auto program = [] {
    struct Text : std::runtime_error {
      using std::runtime_error::runtime_error;
      std::array<int, 6> more{1, 2, 3, 4, 5, 6};
    };
    const auto run = [] {
      try {
        throw Text("abc");
      } catch (const Text& error) {
        EXPECT_EQ(error.more[5], 6);
      }
    };
    std::thread(run).join();
    std::jthread a(run), b(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}
