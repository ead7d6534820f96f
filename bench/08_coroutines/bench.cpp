#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "coro.hpp"
#include "coroutine_rows.hpp"
#include "countdown.hpp"
#include "generator.hpp"
#include "pooled_frame.hpp"
#include "row.hpp"
#include "sync_wait.hpp"

using asyncio::Coro;
using asyncio::Countdown;
using asyncio::FramePool;
using asyncio::Generator;
using asyncio::sync_wait;

namespace {

Coro<int> leaf(int n) {
  benchmark::ClobberMemory();
  co_return n;
}

Coro<long> await_leaves(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await leaf(i);
  co_return sum;
}

Coro<int> descend(int levels) {
  if (levels == 0) co_return 0;
  co_return 1 + co_await descend(levels - 1);
}

Generator<int> countdown(int from) {
  while (from > 0) {
    co_yield int(from);
    --from;
  }
}

/// The size of the frame of descend(), in bytes, as g++ 12 makes it.
constexpr std::size_t frame_size = 120;
constexpr int many_frames = 1'000'000;

struct FromNew {
  static void* allocate() { return ::operator new(frame_size); }
  static void deallocate(void* memory) { ::operator delete(memory); }
};
struct FromPool {
  static void* allocate() { return FramePool::allocate(frame_size); }
  static void deallocate(void* memory) { FramePool::deallocate(memory, frame_size); }
};

/// Rows of the memory for frames: of one that ends before the next begins, and of a deep chain.
template <class Memory>
void memory_rows(const std::string& variant) {
  bench::row("a frame's memory/" + variant, many_frames, [] {
    return bench::warmed_up([] {
      for (int i = 0; i < many_frames; ++i) {
        void* memory = Memory::allocate();
        benchmark::DoNotOptimize(memory);
        Memory::deallocate(memory);
      }
    });
  });
  bench::row("a million frames' memory/" + variant, many_frames, [] {
    return bench::warmed_up([frames = std::vector<void*>(many_frames)]() mutable {
      for (void*& frame : frames) frame = Memory::allocate();
      // The innermost goes first.
      for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) Memory::deallocate(*frame);
    });
  });
}

}  // namespace

void bench::rows() {
  row(an_await + "/sequential", many_awaits, [] {
    long sum = 0;
    for (int i = 0; i < many_awaits; ++i) sum += call(i);
    benchmark::DoNotOptimize(sum);
  });
  row(an_await + "/Coro", many_awaits,
      [] { return warmed_up([] { benchmark::DoNotOptimize(sync_wait(await_leaves(many_awaits))); }); });

  row(a_level + "/sequential", many_levels, [] {
    raise_stack_limit();
    return warmed_up([] { benchmark::DoNotOptimize(recurse(many_levels)); });
  });
  row(a_level + "/Coro", many_levels,
      [] { return warmed_up([] { benchmark::DoNotOptimize(sync_wait(descend(many_levels))); }); });

  row(a_value + "/sequential", many_values, [] {
    for (int from = many_values; from > 0; --from) benchmark::DoNotOptimize(call(from));
  });
  row(a_value + "/Countdown", many_values, [] {
    Countdown countdown(many_values);
    for (countdown.resume(); !countdown.done(); countdown.resume())
      benchmark::DoNotOptimize(countdown.value());
  });
  row(a_value + "/Generator", many_values, [] {
    for (const int value : countdown(many_values)) benchmark::DoNotOptimize(value);
  });

  memory_rows<FromNew>("operator new");
  memory_rows<FromPool>("FramePool");
}
