// Right programs: atomics, fences and pointers that are shared.

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using self_test::finds_nothing;

TEST(RightAtomics, AWaitForANumber) {
  const auto program = [] {
    std::atomic<int> stage = 0;
    int value = 0;
    std::jthread other([&] {
      value = 7;
      stage = 1;
      stage.notify_all();
    });
    stage.wait(0);
    EXPECT_EQ(value, 7);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AWaitForABool) {
  const auto program = [] {
    std::atomic<bool> ready = false;
    int value = 0;
    std::jthread other([&] {
      value = 7;
      ready.store(true, std::memory_order_release);
      ready.notify_one();
    });
    ready.wait(false, std::memory_order_acquire);
    EXPECT_EQ(value, 7);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AWaitForAFlag) {
  const auto program = [] {
    std::atomic_flag ready;
    int value = 0;
    std::jthread other([&] {
      value = 7;
      ready.test_and_set();
      ready.notify_one();
    });
    ready.wait(false);
    EXPECT_EQ(value, 7);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AWaitForSixtyFourBits) {
  const auto program = [] {
    std::atomic<std::uint64_t> stage = 0;
    std::jthread other([&] {
      stage = std::uint64_t{1} << 40;
      stage.notify_all();
    });
    stage.wait(0);
    EXPECT_EQ(stage, std::uint64_t{1} << 40);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AWeakExchangeInALoop) {
  const auto program = [] {
    std::atomic<int> count = 0;
    const auto add = [&] {
      int before = count;
      while (!count.compare_exchange_weak(before, before + 1)) {
      }
    };
    std::jthread other(add);
    add();
    other.join();
    EXPECT_EQ(count, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AStrongExchangeFailsForAReason) {
  const auto program = [] {
    std::atomic<int> left = 1;
    int expected = 1;
    EXPECT_TRUE(left.compare_exchange_strong(expected, 0));
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, ASpinLock) {
  const auto program = [] {
    std::atomic_flag locked;
    int count = 0;
    {
      const auto run = [&] {
        while (locked.test_and_set(std::memory_order_acquire)) {
        }
        ++count;
        locked.clear(std::memory_order_release);
      };
      std::jthread a(run), b(run);
    }
    EXPECT_EQ(count, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, ASpinLockThatYields) {
  const auto program = [] {
    std::atomic<bool> locked = false;
    int count = 0;
    {
      const auto run = [&] {
        while (locked.exchange(true, std::memory_order_acquire))
          while (locked.load(std::memory_order_relaxed)) std::this_thread::yield();
        ++count;
        locked.store(false, std::memory_order_release);
      };
      std::jthread a(run), b(run);
    }
    EXPECT_EQ(count, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, APlainVariableByReference) {
  const auto program = [] {
    int count = 0;
    {
      const auto run = [&] { ++std::atomic_ref(count); };
      std::jthread a(run), b(run);
    }
    EXPECT_EQ(count, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, RelaxedCountsAreComplete) {
  const auto program = [] {
    std::atomic<int> count = 0;
    {
      const auto run = [&] { count.fetch_add(1, std::memory_order_relaxed); };
      std::jthread a(run), b(run), c(run);
    }
    EXPECT_EQ(count.load(std::memory_order_relaxed), 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, Fences) {
  const auto program = [] {
    std::atomic<int> flag = 0;
    int value = 0;
    std::jthread other([&] {
      value = 1;
      std::atomic_thread_fence(std::memory_order_release);
      flag.store(1, std::memory_order_relaxed);
    });
    if (flag.load(std::memory_order_relaxed) == 0) return;
    std::atomic_thread_fence(std::memory_order_acquire);
    EXPECT_EQ(value, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, ALastReferenceIsFound) {
  const auto program = [] {
    struct Counted {
      std::atomic<int> owners = 2;
      int value = 0;
    };
    auto* const counted = new Counted;
    const auto leave = [counted] {
      if (counted->owners.fetch_sub(1, std::memory_order_release) != 1) return;
      std::atomic_thread_fence(std::memory_order_acquire);
      counted->value = 1;
      delete counted;
    };
    std::jthread other(leave);
    leave();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AStackWithoutLocks) {
  const auto program = [] {
    struct Node {
      int value = 0;
      Node* below = nullptr;
    };
    std::atomic<Node*> head = nullptr;
    const auto push = [&](Node& node) {
      node.below = head.load(std::memory_order_relaxed);
      while (!head.compare_exchange_weak(node.below, &node, std::memory_order_release,
                                         std::memory_order_relaxed)) {
      }
    };
    Node a{.value = 1}, b{.value = 2};
    {
      std::jthread other([&] { push(a); });
      push(b);
    }
    int sum = 0;
    for (const Node* node = head; node; node = node->below) sum += node->value;
    EXPECT_EQ(sum, 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, DoubleCheckedLocking) {
  const auto program = [] {
    std::mutex mutex;
    std::atomic<const std::vector<int>*> instance = nullptr;
    std::unique_ptr<const std::vector<int>> owner;
    const auto get = [&] {
      if (const auto* const found = instance.load(std::memory_order_acquire)) return found;
      std::lock_guard lock(mutex);
      if (!owner) {
        owner = std::make_unique<const std::vector<int>>(3);
        instance.store(owner.get(), std::memory_order_release);
      }
      return static_cast<const std::vector<int>*>(owner.get());
    };
    std::jthread other([&] { EXPECT_EQ(get()->size(), 3u); });
    EXPECT_EQ(get()->size(), 3u);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, ASharedPointer) {
  const auto program = [] {
    auto numbers = std::make_shared<std::vector<int>>(10, 1);
    const auto read = [numbers] { EXPECT_EQ(numbers->size(), 10u); };
    std::jthread a(read), b(read);
    numbers.reset();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AWeakPointer) {
  const auto program = [] {
    auto number = std::make_shared<int>(1);
    std::jthread other([weak = std::weak_ptr(number)] {
      if (const auto strong = weak.lock()) {
        EXPECT_EQ(*strong, 1);
      }
    });
    number.reset();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AnObjectThatGivesPointersToItself) {
  const auto program = [] {
    struct Session : std::enable_shared_from_this<Session> {
      std::jthread run() {
        return std::jthread([self = shared_from_this()] { ++self->count; });
      }
      std::atomic<int> count = 0;
    };
    auto session = std::make_shared<Session>();
    const std::jthread worker = session->run();
    session.reset();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightAtomics, AnAtomicSharedPointer) {
  const auto program = [] {
    std::atomic<std::shared_ptr<int>> number(std::make_shared<int>(0));
    {
      const auto replace = [&](int value) {
        const std::shared_ptr<int> before = number.exchange(std::make_shared<int>(value));
        EXPECT_NE(*before, value);
      };
      std::jthread other(replace, 1);
      replace(2);
    }
    EXPECT_GT(*number.load(), 0);
  };
  EXPECT_TRUE(finds_nothing(program));
}
