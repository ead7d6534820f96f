#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "row.hpp"

namespace bench {

/// All calls first, then all their results.
/// @param submit gives the future of the call with a number; any kind of future
inline void submit_all(int calls, auto submit) {
  std::vector<decltype(submit(0))> futures;
  futures.reserve(static_cast<std::size_t>(calls));
  for (int i = 0; i < calls; ++i) futures.push_back(submit(i));
  long sum = 0;
  for (auto& future : futures) {
    if constexpr (requires { future.result(); })
      sum += future.result();
    else
      sum += future.get();
  }
  benchmark::DoNotOptimize(sum);
}

/// A call on its way to a worker, and its result on the way back, by hand.
struct CallSlot {
  enum class State { nothing, called, returned };

  std::atomic<State> state = State::nothing;
  int number = 0;  // the argument, then the result
  int (*function)(int) = nullptr;

  void wait_until(State wanted) const {
    while (state.load(std::memory_order_acquire) != wanted) std::this_thread::yield();
  }
};

/// The floor of submit_all() on a pool: a store that the worker sees, and one that tells that the result is
/// there. Neither can be left out, for the two threads run at their own pace, and all results are kept until
/// they are asked for; but their memory, here, costs nothing: it is an array.
inline void submit_all_by_hand(int (*function)(int)) {
  using enum CallSlot::State;
  row("submit, then all results/floor: two stores", many, [=] {
    return warmed_up([=, calls = std::make_shared<std::vector<CallSlot>>(many)] {
      std::jthread worker([&] {
        for (CallSlot& call : *calls) {
          call.wait_until(called);
          call.number = call.function(call.number);
          call.state.store(returned, std::memory_order_release);
        }
      });
      for (int i = 0; i < many; ++i) {
        CallSlot& call = (*calls)[static_cast<std::size_t>(i)];
        call.function = function;
        call.number = i;
        call.state.store(called, std::memory_order_release);
      }
      long sum = 0;
      for (CallSlot& call : *calls) {
        call.wait_until(returned);
        sum += call.number;
      }
      benchmark::DoNotOptimize(sum);
    });
  });
}

}  // namespace bench
