// Right programs: semaphores, latches, barriers; POSIX's own too.

#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <latch>
#include <semaphore>
#include <thread>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::finds_nothing;

TEST(RightSynchronisers, ACountingSemaphore) {
  const auto program = [] {
    std::counting_semaphore<4> items(0);
    std::atomic<int> sum = 0;
    std::jthread consumer([&] {
      for (int i = 0; i < 3; ++i) {
        items.acquire();
        EXPECT_GE(sum, i + 1);
      }
    });
    std::jthread other([&] {
      ++sum;
      items.release();
    });
    sum += 2;
    items.release(2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, ABinarySemaphoreAsALock) {
  const auto program = [] {
    std::binary_semaphore permit(1);
    int count = 0;
    const auto run = [&] {
      permit.acquire();
      ++count;
      permit.release();
    };
    std::jthread other(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, PingAndPong) {
  const auto program = [] {
    std::binary_semaphore ping(0), pong(0);
    int value = 0;
    std::jthread other([&] {
      ping.acquire();
      ++value;
      pong.release();
    });
    value = 1;
    ping.release();
    pong.acquire();
    EXPECT_EQ(value, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, APermitInTimeOrLate) {
  const auto program = [] {
    std::binary_semaphore permit(0);
    std::jthread other([&] { permit.release(); });
    if (!permit.try_acquire_for(5ms)) permit.acquire();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, ALatch) {
  const auto program = [] {
    std::latch done(2);
    int x = 0, y = 0;
    std::jthread a([&] {
      x = 1;
      done.count_down();
    });
    std::jthread b([&] {
      y = 1;
      done.count_down();
    });
    done.wait();
    EXPECT_EQ(x + y, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, ALatchToStartTogether) {
  const auto program = [] {
    std::latch start(3);
    std::atomic<int> ready = 0;
    const auto run = [&] {
      ++ready;
      start.arrive_and_wait();
      EXPECT_EQ(ready, 3);
    };
    std::jthread a(run), b(run);
    run();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, ABarrierWithACompletion) {
  const auto program = [] {
    int phases = 0;
    std::barrier barrier(2, [&]() noexcept { ++phases; });
    {
      const auto run = [&] {
        for (int phase = 1; phase <= 2; ++phase) {
          barrier.arrive_and_wait();
          EXPECT_GE(phases, phase);
          barrier.arrive_and_wait();
        }
      };
      std::jthread other(run);
      run();
    }
    EXPECT_EQ(phases, 4);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, ABarrierThatOneLeaves) {
  const auto program = [] {
    std::barrier<> barrier(2);
    std::jthread other([&] {
      barrier.arrive_and_wait();
      barrier.arrive_and_drop();
    });
    barrier.arrive_and_wait();
    barrier.arrive_and_wait();
    barrier.arrive_and_wait();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, ASemaphoreOfPosix) {
  const auto program = [] {
    sem_t full, empty;
    sem_init(&full, 0, 0);
    sem_init(&empty, 0, 1);
    int item = 0;
    {
      std::jthread producer([&] {
        for (int i = 1; i <= 2; ++i) {
          sem_wait(&empty);
          item = i;
          sem_post(&full);
        }
      });
      for (int i = 1; i <= 2; ++i) {
        sem_wait(&full);
        EXPECT_EQ(item, i);
        sem_post(&empty);
      }
    }
    sem_destroy(&empty);
    sem_destroy(&full);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightSynchronisers, AMutexOfPosix) {
  const auto program = [] {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int count = 0;
    {
      const auto run = [&] {
        pthread_mutex_lock(&mutex);
        ++count;
        pthread_mutex_unlock(&mutex);
      };
      std::jthread other(run);
      run();
    }
    EXPECT_EQ(count, 2);
    pthread_mutex_destroy(&mutex);
  };
  EXPECT_TRUE(finds_nothing(program));
}
