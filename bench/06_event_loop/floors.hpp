#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "hand_over.hpp"
#include "loop_rows.hpp"
#include "ring_by_hand.hpp"
#include "row.hpp"

namespace bench {

/// A callback, as small as one can be: whoever runs it knows neither its code nor its data.
struct CallByHand {
  void (*function)(void*);
  void* data;
};

/// The least that a loop does for a callback: one store, one load and a call through a pointer, first come,
/// first served. There is room in a ring for all that wait. Before each pass it must look whether another
/// thread has scheduled something, or a timer is due.
class CallbacksByHand {
 public:
  void call_soon(CallByHand call) { ring_.push(call); }
  void stop() { stopped_ = true; }

  /// Runs until stop(), and the rest of that pass.
  void run() {
    for (stopped_ = false; !stopped_;) {
      if (others_.load(std::memory_order_acquire) || next_timer_) std::terminate();  // there are none here
      for (std::size_t left = ring_.size(); left > 0; --left) {
        const CallByHand call = ring_.pop();
        call.function(call.data);
      }
    }
  }

 private:
  RingByHand<CallByHand> ring_;
  bool stopped_ = false;
  std::atomic<void*> others_ = nullptr;
  void* next_timer_ = nullptr;
};

inline void callbacks_by_hand() {
  struct Chain {
    CallbacksByHand ring;
    int left = 0;

    static void run(void* data) {
      auto& chain = *static_cast<Chain*>(data);
      empty_job();
      if (--chain.left > 0)
        chain.ring.call_soon({run, data});
      else
        chain.ring.stop();
    }
  };
  row(chained + "/floor: a ring of function pointers", many_callbacks, [] {
    return warmed_up([chain = std::make_shared<Chain>()] {
      chain->left = many_callbacks;
      chain->ring.call_soon({Chain::run, chain.get()});
      chain->ring.run();
    });
  });
  row(in_a_batch + "/floor: a ring of function pointers", many_callbacks, [] {
    return warmed_up([ring = std::make_shared<CallbacksByHand>()] {
      for (int i = 0; i < many_callbacks - 1; ++i) ring->call_soon({[](void*) { empty_job(); }, nullptr});
      ring->call_soon({[](void* last) {
                         empty_job();
                         static_cast<CallbacksByHand*>(last)->stop();
                       },
                       ring.get()});
      ring->run();
    });
  });
}

/// The floor of timers: one line for each, a mark on those that are cancelled, and one sort of the rest, for
/// a heap moves each of them more often. And nobody may run one before its time: all of them take 99 ms,
/// whatever is done.
inline void timers_by_hand() {
  using Clock = std::chrono::steady_clock;
  struct Timer {
    Clock::time_point when;
    std::size_t number;  // first come, first served; and where it is told that it is cancelled
    void (*function)();
  };
  struct Timers {
    std::vector<Timer> all;
    std::vector<char> cancelled;
  };
  row(timers + "/floor: one sort, and the wait", many_timers, [] {
    return warmed_up([timers = std::make_shared<Timers>()] {
      auto& [all, cancelled] = *timers;
      const auto now = Clock::now();
      all.clear();
      cancelled.assign(many_timers, 0);
      for (std::size_t i = 0; i < many_timers; ++i)
        all.push_back({now + std::chrono::milliseconds(delays()[i]), i, empty_job});
      for (std::size_t i = 1; i < many_timers; i += 2) cancelled[i] = 1;
      std::erase_if(all, [&](const Timer& timer) { return cancelled[timer.number] != 0; });
      std::ranges::sort(all, [](const Timer& a, const Timer& b) {
        return a.when != b.when ? a.when < b.when : a.number < b.number;
      });
      auto looked = Clock::now();
      for (const Timer& timer : all) {
        if (timer.when > looked) {
          std::this_thread::sleep_until(timer.when);
          looked = Clock::now();
        }
        timer.function();
      }
    });
  });
}

/// The floor of a wake-up: one thread wakes another that sleeps, and that wakes it in its turn. Whoever
/// sleeps is woken by the system, and a semaphore asks for nothing else.
inline void wake_ups_by_hand() {
  row(wake_ups + "/floor: two semaphores", many_wake_ups, [] { by_semaphores(many_wake_ups); });
}

}  // namespace bench
