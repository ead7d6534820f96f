// Chapter 08, step 9: where frames come from.

#include "pooled_frame.hpp"
#include "awaitables.hpp"
#include "support.hpp"

#include <malloc.h>

#include <cstring>

using asyncio::FramePool;

namespace {

/// Takes a frame from the pool and gives it back.
[[maybe_unused]] void use_pool() {
  EXPECT_EQ(run(number(1)), 1);  // tells first what is not written of a Coro
  FramePool::deallocate(FramePool::allocate(64), 64);
}

/// Returns how many allocations to expect of what takes `fresh` of them without a pool.
[[maybe_unused]] constexpr std::size_t not_pooled(std::size_t fresh) {
  return FramePool::recycles ? 0 : fresh;
}

}  // namespace

TEST(Step9_FramePool, WhatWasGivenBackIsTakenAgain) {
  use_pool();
  void* const block = FramePool::allocate(100);
  void* const other = FramePool::allocate(100);
  EXPECT_NE(block, other);
  FramePool::deallocate(block, 100);
  FramePool::deallocate(other, 100);
  if (FramePool::recycles) {
    EXPECT_EQ(FramePool::allocate(100), other) << "the last one first: it is in the cache still";
    EXPECT_EQ(FramePool::allocate(100), block);
    FramePool::deallocate(block, 100);
    FramePool::deallocate(other, 100);
  }
  EXPECT_EQ(course::allocations_in([] {
              for (int i = 0; i < 10; ++i) {
                void* const a = FramePool::allocate(100);
                void* const b = FramePool::allocate(100);
                FramePool::deallocate(a, 100);
                FramePool::deallocate(b, 100);
              }
            }),
            not_pooled(20));
}

TEST(Step9_FramePool, SizesThatRoundUpToTheSameShareTheirBlocks) {
  use_pool();
  for (std::size_t size = 1; size <= 512; ++size) {
    const std::size_t least = (size - 1) / 32 * 32 + 1;
    FramePool::deallocate(FramePool::allocate(least), least);
    EXPECT_EQ(course::allocations_in([&] { FramePool::deallocate(FramePool::allocate(size), size); }),
              not_pooled(1))
        << size;
  }
}

TEST(Step9_FramePool, EachBlockIsAsLargeAsItsClass) {
  use_pool();
  for (std::size_t size = 1; size <= 2'048; size += 31) {
    void* const block = FramePool::allocate(size);
    const std::size_t wanted = FramePool::recycles && size <= 512 ? (size + 31) / 32 * 32 : size;
    EXPECT_GE(malloc_usable_size(block), wanted) << "a block of " << size << " bytes";
    std::memset(block, 0xff, size);
    FramePool::deallocate(block, size);
  }
}

TEST(Step9_FramePool, BlocksOfOtherSizesStayApart) {
  use_pool();
  void* const small = FramePool::allocate(64);
  FramePool::deallocate(small, 64);
  void* const larger = FramePool::allocate(65);
  if (FramePool::recycles) {
    EXPECT_NE(larger, small);
  }
  std::memset(larger, 0xff, 65);
  FramePool::deallocate(larger, 65);
  for (std::size_t size = 32; FramePool::recycles && size <= 512; size += 32) {
    void* const of_this_size = FramePool::allocate(size);
    FramePool::deallocate(of_this_size, size);
    void* const of_the_next = FramePool::allocate(size + 1);
    EXPECT_NE(of_the_next, of_this_size) << "one of " << size << " bytes, for " << size + 1;
    FramePool::deallocate(of_the_next, size + 1);
  }
  EXPECT_EQ(course::allocations_in([] {
              void* const a = FramePool::allocate(64);
              void* const b = FramePool::allocate(65);
              FramePool::deallocate(a, 64);
              FramePool::deallocate(b, 65);
            }),
            not_pooled(2));
}

TEST(Step9_FramePool, WhatIsTooBigIsNotKept) {
  use_pool();
  FramePool::deallocate(FramePool::allocate(512), 512);
  EXPECT_EQ(course::allocations_in([] { FramePool::deallocate(FramePool::allocate(512), 512); }),
            not_pooled(1));
  for (const std::size_t size : {513, 10'000}) {
    FramePool::deallocate(FramePool::allocate(size), size);
    const std::size_t before = course::deallocations();
    EXPECT_EQ(course::allocations_in([&] { FramePool::deallocate(FramePool::allocate(size), size); }), 1u);
    EXPECT_EQ(course::deallocations() - before, 1u);
  }
}

TEST(Step9_FramePool, FramesComeFromIt) {
  use_pool();
  const auto once = [] {
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(run(nested(20)), 20);
      EXPECT_EQ(run(in_a_loop(20)), 20);
    }
  };
  once();
  EXPECT_EQ(course::allocations_in(once), not_pooled(10 * (21 + 21))) << "a Coro's";
  const auto generate = [] {
    for (const int number : count_to(3)) static_cast<void>(number);
  };
  generate();
  EXPECT_EQ(course::allocations_in(generate), not_pooled(1)) << "a Generator's";
  const auto wait = [] { static_cast<void>(sync_wait(number(3))); };
  wait();
  EXPECT_EQ(course::allocations_in(wait), not_pooled(2)) << "that of sync_wait()";
}

TEST(Step9_FramePool, FramesGoBackToIt) {
  use_pool();
  const std::size_t before = course::deallocations();
  EXPECT_EQ(run(nested(20)), 20);
  EXPECT_EQ(course::deallocations() - before, not_pooled(21));
}

TEST(Step9_FramePool, ThePoolGrowsToWhatIsNeededAtOnce) {
  use_pool();
  const auto a_thousand = [] { static_cast<void>(run(nested(1'000))); };
  EXPECT_LE(course::allocations_in(a_thousand), 1'001u);
  EXPECT_EQ(course::allocations_in(a_thousand), not_pooled(1'001));
}

TEST(Step9_FramePool, HoweverManyThatAre) {
  use_pool();
  std::vector<void*> blocks(70'000);
  const auto take_and_give = [&] {
    for (void*& block : blocks) block = FramePool::allocate(64);
    for (void* const block : blocks) FramePool::deallocate(block, 64);
  };
  take_and_give();
  EXPECT_EQ(course::allocations_in(take_and_give), not_pooled(blocks.size()))
      << "all have been needed at once";
}

TEST(Step9_FramePool, LargeFramesWorkToo) {
  use_pool();
  struct Large {
    char text[2'000];
  };
  const auto large = [](auto& self, int n) -> Coro<int> {
    Large local;
    std::memset(local.text, n, sizeof local.text);
    const int below = n == 0 ? 0 : co_await self(self, n - 1);
    for (const char c : local.text) EXPECT_EQ(c, n);
    co_return below + 1;
  };
  EXPECT_EQ(run(large(large, 20)), 21);
  EXPECT_EQ(run(large(large, 20)), 21);
}

TEST(Step9_FramePool, TheListsAreOfEachThread) {
  use_pool();
  void* const mine = FramePool::allocate(64);
  FramePool::deallocate(mine, 64);
  std::jthread([&] {
    void* const theirs = FramePool::allocate(64);
    if (FramePool::recycles) {
      EXPECT_NE(theirs, mine);
    }
    FramePool::deallocate(theirs, 64);
  });
  void* const again = FramePool::allocate(64);
  if (FramePool::recycles) {
    EXPECT_EQ(again, mine);
  }
  FramePool::deallocate(again, 64);
}

TEST(Step9_FramePool, ABlockIsOfTheThreadThatGaveItBack) {
  use_pool();
  void* const block = FramePool::allocate(64);
  std::jthread([&] {
    void* const own = FramePool::allocate(64);
    FramePool::deallocate(block, 64);
    void* const taken = FramePool::allocate(64);
    if (FramePool::recycles) {
      EXPECT_EQ(taken, block);
    }
    FramePool::deallocate(taken, 64);
    FramePool::deallocate(own, 64);
  });
  void* const other = FramePool::allocate(64);
  std::memset(other, 0xff, 64);
  FramePool::deallocate(other, 64);
}

TEST(Step9_FramePool, AThreadKeepsNoMoreThanItHasNeeded) {
  use_pool();
  std::vector<void*> blocks(100);
  std::jthread([&] {
    const std::size_t before = in_use();
    std::jthread([&] {
      for (void*& block : blocks) block = FramePool::allocate(64);
    });
    for (void* const block : blocks) FramePool::deallocate(block, 64);
    EXPECT_EQ(in_use(), before) << "it has needed none";
  });
}

TEST(Step9_FramePool, AThreadThatHasNeededMuchKeepsOnlyThat) {
  use_pool();
  std::vector<void*> blocks(100);
  std::jthread([&] {
    for (int i = 0; i < 100; ++i) use_pool();
    const std::size_t before = in_use();
    std::jthread([&] {
      for (void*& block : blocks) block = FramePool::allocate(64);
    });
    for (void* const block : blocks) FramePool::deallocate(block, 64);
    EXPECT_EQ(in_use(), before) << "it has needed one at a time, and has it";
  });
}

TEST(Step9_FramePool, OfEachSizeAThreadKeepsAsManyAsItHasOut) {
  use_pool();
  std::vector<void*> small(100), large(100);
  std::jthread([&] {
    std::jthread([&] {
      for (void*& block : small) block = FramePool::allocate(64);
      for (void*& block : large) block = FramePool::allocate(128);
    });
    void* const own[] = {FramePool::allocate(64), FramePool::allocate(64)};
    std::size_t before = course::deallocations();
    for (void* const block : large) FramePool::deallocate(block, 128);
    EXPECT_EQ(course::deallocations() - before, large.size()) << "none of this size is out";
    before = course::deallocations();
    for (void* const block : small) FramePool::deallocate(block, 64);
    EXPECT_EQ(course::deallocations() - before, small.size() - (FramePool::recycles ? 2 : 0))
        << "two of this size are out";
    for (void* const block : own) FramePool::deallocate(block, 64);
  });
}

TEST(Step9_FramePool, WhatOthersTookIsNotOwedToThem) {
  use_pool();
  std::vector<void*> blocks(100);
  std::jthread([&] {
    std::jthread([&] {
      for (void*& block : blocks) block = FramePool::allocate(64);
    });
    for (void* const block : blocks) FramePool::deallocate(block, 64);
    const auto once = [] { FramePool::deallocate(FramePool::allocate(64), 64); };
    once();
    EXPECT_EQ(course::allocations_in(once), not_pooled(1)) << "its own block has come back";
  });
}

TEST(Step9_FramePool, EachOfManyThreadsKeepsBlocks) {
  use_pool();
  const auto once = [] { FramePool::deallocate(FramePool::allocate(64), 64); };
  bool keeps = true;
  int threads = 0;
  for (; threads < 1'100 && keeps; ++threads)  // more than there are keys, if each makes one
    std::jthread([&] {
      try {
        once();
        keeps = course::allocations_in(once) == not_pooled(1);
      } catch (const std::bad_alloc&) {
        keeps = false;
      }
    });
  EXPECT_TRUE(keeps) << "not thread " << threads;
}

TEST(Step9_FramePool, AThreadThatEndsGivesEverythingBack) {
  use_pool();
  std::jthread([] {});
  const std::size_t before = in_use();
  std::jthread([] { EXPECT_EQ(run(nested(100)), 100); });
  EXPECT_EQ(in_use(), before);
}

TEST(Step9_FramePool, AlsoWhatItGotFromOthers) {
  use_pool();
  std::vector<Coro<int>> coros;
  coros.reserve(100);
  std::jthread([] {});
  const std::size_t before = in_use();
  for (int i = 0; i < 100; ++i) coros.push_back(number(i));
  std::jthread([&] {
    std::vector<Coro<int>> own;
    own.reserve(50);
    for (int i = 0; i < 50; ++i) own.push_back(number(i));
    while (!coros.empty()) coros.pop_back();
  });
  EXPECT_LE(in_use(), before);
}

TEST(Step9_FramePool, FramesGoFromThreadToThread) {
  use_pool();
  Worker there;
  Worker back;
  const auto hop = [&](int n) -> Coro<int> {
    Coro<int> mine = nested(n);
    co_await there;
    const int result = co_await std::move(mine);
    Coro<int> theirs = nested(n);
    co_await back;
    co_return result + co_await std::move(theirs);
  };
  const auto wait_often = [&] {
    for (int i = 0; i < 200; ++i) EXPECT_EQ(sync_wait(hop(i % 10)), 2 * (i % 10));
  };
  std::jthread other(wait_often);
  wait_often();
}

namespace {

/// Gives back at the end of its thread what it has, after the pool of the thread has gone.
struct AtThreadExit {
  ~AtThreadExit() {
    if (block) FramePool::deallocate(block, 64);
    FramePool::deallocate(FramePool::allocate(64), 64);
  }
  void* block = nullptr;
};
thread_local AtThreadExit at_thread_exit;

}  // namespace

TEST(Step9_FramePool, WhatAThreadGivesBackWhenItsPoolHasGoneIsNotKept) {
  use_pool();
  for (const bool keeps_something : {false, true}) {
    const auto thread = [&] {
      std::jthread([&] {
        at_thread_exit.block = nullptr;  // made before the thread needs the pool, so it goes after it
        if (keeps_something) FramePool::deallocate(FramePool::allocate(64), 64);
        at_thread_exit.block = FramePool::allocate(64);
      });
    };
    thread();
    const std::size_t taken = course::allocations(), given_back = course::deallocations();
    thread();
    EXPECT_EQ(course::deallocations() - given_back, course::allocations() - taken);
  }
}

TEST(Step9_FramePool, ABlockForWhichThereIsNoMemoryIsNotOut) {
  use_pool();
  void* const others = asyncio::FramePool::allocate(100);
  std::thread([others] {
    const int failures = course::until_memory_suffices([](course::Memory& memory) {
      void* block = nullptr;
      if (memory.suffices_for([&] { block = asyncio::FramePool::allocate(100); }))
        asyncio::FramePool::deallocate(block, 100);
      else
        EXPECT_EQ(block, nullptr);
    });
    EXPECT_EQ(failures, 1);
    const std::size_t before = course::deallocations();
    void* const mine = asyncio::FramePool::allocate(100);
    asyncio::FramePool::deallocate(mine, 100);
    asyncio::FramePool::deallocate(others, 100);
    EXPECT_GE(course::deallocations() - before, 1u)
        << "the thread has needed one block at a time: it keeps no more";
  }).join();
}
