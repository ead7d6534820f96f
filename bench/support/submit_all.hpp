#pragma once

#include <benchmark/benchmark.h>

#include <vector>

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

}  // namespace bench
