// Wrong programs: threads that wait for each other, or for nobody.

#include <array>
#include <barrier>
#include <condition_variable>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;

// Each takes the lock first that the other takes second.
TEST(WrongDeadlocks, TwoLocksInOppositeOrder) {
  const auto program = [] {
    std::mutex a, b;
    std::jthread other([&] {
      std::lock_guard second(b);
      std::lock_guard first(a);  // here
    });
    std::lock_guard first(a);
    std::lock_guard second(b);  // here
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// Everyone has the fork to the left and waits for the one to the right.
TEST(WrongDeadlocks, ThreePhilosophers) {
  const auto program = [] {
    std::array<std::mutex, 3> forks;
    std::vector<std::jthread> philosophers;
    for (std::size_t i = 0; i < 3; ++i)
      philosophers.emplace_back([&forks, i] {
        std::lock_guard left(forks[i]);
        std::lock_guard right(forks[(i + 1) % 3]);  // here
      });
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// A std::mutex is not recursive.
TEST(WrongDeadlocks, ALockTakenTwice) {
  const auto program = [] {
    std::mutex mutex;
    std::lock_guard once(mutex);
    std::lock_guard twice(mutex);  // here
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// Each waits for what the other would do afterwards.
TEST(WrongDeadlocks, EachWaitsForTheOthersResult) {
  const auto program = [] {
    std::promise<int> a, b;
    std::jthread other([&] {
      b.get_future().wait();
      a.set_value(1);
    });
    a.get_future().wait();
    b.set_value(1);
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// Nobody ever notifies a thread that was detached, and the scenario is over.
TEST(WrongDeadlocks, AThreadIsLeftBehind) {
  const auto program = [] {
    struct Waiting {
      std::mutex mutex;
      std::condition_variable condition;
    };
    std::thread([waiting = std::make_shared<Waiting>()] {
      std::unique_lock lock(waiting->mutex);
      for (;;) waiting->condition.wait(lock);  // here
    }).detach();
  };
  EXPECT_TRUE(finds(Failure::stuck_thread, program));
}

// A reader that wants to become a writer waits for the other readers; two of them wait for ever.
TEST(WrongDeadlocks, TwoReadersBecomeWriters) {
  const auto program = [] {
    std::shared_mutex mutex;
    std::latch both(2);
    const auto upgrade = [&] {
      std::shared_lock reading(mutex);
      both.arrive_and_wait();
      std::unique_lock writing(mutex, std::defer_lock);
      writing.lock();
    };
    std::jthread other(upgrade);
    upgrade();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// The thread that is joined needs the lock that the joining one has.
TEST(WrongDeadlocks, AJoinUnderTheLock) {
  const auto program = [] {
    std::mutex mutex;
    std::thread other([&] { std::lock_guard lock(mutex); });
    std::lock_guard lock(mutex);
    other.join();  // here
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// Three are waited for, and there are two.
TEST(WrongDeadlocks, ALatchTooLarge) {
  const auto program = [] {
    std::latch all(3);
    std::jthread a([&] { all.count_down(); });
    std::jthread b([&] { all.count_down(); });
    all.wait();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// Whoever takes the second way out does not give the permit back.
TEST(WrongDeadlocks, APermitThatIsNotGivenBack) {
  const auto program = [] {
    std::binary_semaphore permit(1);
    int calls = 0;
    const auto call = [&] {
      permit.acquire();
      if (++calls == 2) return;
      permit.release();
    };
    std::jthread a(call), b(call), c(call);
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}

// One of three goes home early, and does not say so: arrive_and_drop() would.
TEST(WrongDeadlocks, ABarrierThatOneLeaves) {
  const auto program = [] {
    std::barrier together(3);
    const auto works = [&](int rounds) {
      while (rounds-- > 0) together.arrive_and_wait();  // here
    };
    std::jthread first(works, 2), second(works, 2);
    works(1);
  };
  EXPECT_TRUE(finds(Failure::deadlock, program));
}
