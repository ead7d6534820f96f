#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "coro.hpp"
#include "coroutine_rows.hpp"
#include "countdown.hpp"
#include "frames_by_hand.hpp"
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

/// The floor of both: see CoroByHand.
bench::CoroByHand leaf_by_hand(int n) {
  benchmark::ClobberMemory();
  co_return n;
}

bench::CoroByHand await_by_hand(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await leaf_by_hand(i);
  co_return sum;
}

bench::CoroByHand descend_by_hand(int levels) {
  if (levels == 0) co_return 0;
  co_return 1 + co_await descend_by_hand(levels - 1);
}

/// The floor of a sequence: whoever asks for the next value knows nothing of the code that makes it. That
/// takes a call through a pointer, what the code remembers, and the value.
struct SequenceByHand {
  void (*resume)(SequenceByHand&);
  int from;
  int value = 0;
  bool done = false;

  static void count_down(SequenceByHand& self) {
    if (self.from > 0)
      self.value = self.from--;
    else
      self.done = true;
  }
};

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

/// The floor of both: see FreeBlocks.
struct ByHand {
  static void* allocate() { return bench::FreeBlocks::take(frame_size); }
  static void deallocate(void* memory) { bench::FreeBlocks::give_back(memory, frame_size); }
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
  row(an_await + "/floor: a frame and two jumps", many_awaits,
      [] { return warmed_up([] { benchmark::DoNotOptimize(await_by_hand(many_awaits).run()); }); });

  row(a_level + "/sequential", many_levels, [] {
    raise_stack_limit();
    return warmed_up([] { benchmark::DoNotOptimize(recurse(many_levels)); });
  });
  row(a_level + "/Coro", many_levels,
      [] { return warmed_up([] { benchmark::DoNotOptimize(sync_wait(descend(many_levels))); }); });
  row(a_level + "/floor: a frame and two jumps", many_levels,
      [] { return warmed_up([] { benchmark::DoNotOptimize(descend_by_hand(many_levels).run()); }); });

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

  row(a_value + "/floor: a call through a pointer", many_values, [] {
    SequenceByHand sequence{SequenceByHand::count_down, many_values};
    benchmark::DoNotOptimize(sequence);  // the compiler does not know whom it calls
    for (sequence.resume(sequence); !sequence.done; sequence.resume(sequence))
      benchmark::DoNotOptimize(sequence.value);
  });

  memory_rows<FromNew>("operator new");
  memory_rows<FromPool>("FramePool");
  memory_rows<ByHand>("floor: a list of free blocks");
}
