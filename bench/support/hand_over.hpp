#pragma once

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

/// The same by hand: between two threads, without a queue. Two atomics are the least that it can cost.
inline void hand_overs_by_hand() {
  row("a job there and back/floor: two atomics", hand_over_count, [] {
    std::atomic<int> there = 0, back = 0;
    std::jthread other([&] {
      for (int i = 1; i <= hand_over_count; ++i) {
        wait_for(there, i);
        back.store(i, std::memory_order_release);
      }
    });
    for (int i = 1; i <= hand_over_count; ++i) {
      there.store(i, std::memory_order_release);
      wait_for(back, i);
    }
  });
  row("a job there and back/two semaphores", hand_over_count, [] {
    std::binary_semaphore there(0), back(0);
    std::jthread other([&] {
      for (int i = 0; i < hand_over_count; ++i) {
        there.acquire();
        back.release();
      }
    });
    for (int i = 0; i < hand_over_count; ++i) {
      there.release();
      back.acquire();
    }
  });
}

}  // namespace bench
