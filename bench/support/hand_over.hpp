#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

#include "row.hpp"

namespace bench {

/// How often a batch goes there and back.
inline constexpr int hand_over_count = 10'000;

/// Waits for a number, without ever going to sleep.
inline void wait_for(const std::atomic<int>& number, int value) {
  while (number.load(std::memory_order_acquire) != value) std::this_thread::yield();
}

/// A row of a job that goes to a pool where nobody has anything to do, while this thread waits until it has
/// run; then the next.
/// @param make makes the pool, and returns a function that posts a job to it
template <class F>
void hand_overs(const std::string& variant, F make) {
  row("a job there and back/" + variant, hand_over_count, [make = std::move(make)] {
    return warmed_up([post = make(), ran = std::make_shared<std::atomic<int>>()]() mutable {
      for (int i = 1; i <= hand_over_count; ++i) {
        post([&ran = *ran, i] { ran.store(i, std::memory_order_release); });
        wait_for(*ran, i);
      }
    });
  });
}

/// A thread that answers by hand: each number that it is asked, it gives back. It is there before it is
/// asked, as the workers of a pool are.
class Answerer {
 public:
  Answerer() = default;
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  ~Answerer() { there_.store(the_end, std::memory_order_release); }

  /// @returns the answer
  int ask(int number) {
    there_.store(number, std::memory_order_release);
    wait_for(back_, number);
    return back_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr int nothing = -1;
  static constexpr int the_end = -2;

  std::atomic<int> there_ = nothing, back_ = nothing;
  std::jthread thread_{[this] {
    for (int answered = nothing;;) {
      const int asked = there_.load(std::memory_order_acquire);
      if (asked == the_end) return;
      if (asked == answered)
        std::this_thread::yield();
      else
        back_.store(answered = asked, std::memory_order_release);
    }
  }};
};

/// The floor of a way to another thread and back, with a number each way. What one thread knows, another
/// learns from memory: that takes a store there and a store back, and nothing else, not even a queue.
inline void two_atomics(const std::string& group, int count) {
  row(group + "/floor: two atomics", count, [count] {
    return [count, other = std::make_shared<Answerer>()] {
      for (int i = 0; i < count; ++i) benchmark::DoNotOptimize(other->ask(i));
    };
  });
}

/// Goes to another thread and back; both sleep while they have nothing to do.
inline void by_semaphores(int count) {
  std::binary_semaphore there(0), back(0);
  std::jthread other([&] {
    for (int i = 0; i < count; ++i) {
      there.acquire();
      back.release();
    }
  });
  for (int i = 0; i < count; ++i) {
    there.release();
    back.acquire();
  }
}

/// The same as hand_overs() by hand: between two threads, without a queue.
inline void hand_overs_by_hand() {
  two_atomics("a job there and back", hand_over_count);
  row("a job there and back/two semaphores", hand_over_count, [] { by_semaphores(hand_over_count); });
}

}  // namespace bench
