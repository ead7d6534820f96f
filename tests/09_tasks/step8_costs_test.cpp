// Chapter 09, step 8: what futures and tasks cost.

#include "stack.hpp"
#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

namespace {

/// Counts the pages that a loop's nodes come in.
class PageCounter final : public std::pmr::memory_resource {
 public:
  std::size_t count = 0;
  std::size_t last = 0;  // the size of the last one

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    ++count;
    last = size;
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(memory, size, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

/// Gives the loops that are made meanwhile their pages.
class ResourceForNodes {
 public:
  explicit ResourceForNodes(PageCounter& pages) : before_(std::pmr::set_default_resource(&pages)) {}
  ResourceForNodes(const ResourceForNodes&) = delete;
  ResourceForNodes& operator=(const ResourceForNodes&) = delete;
  ~ResourceForNodes() { std::pmr::set_default_resource(before_); }

 private:
  std::pmr::memory_resource* before_;
};

Coro<int> relay_quietly(Future<int> future) { co_return co_await future; }

}  // namespace

TEST(Step8_Costs, ItCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  const auto round = [&] {
    for (int i = 0; i < 10; ++i) {
      Future<int> future = v.loop.create_future<int>();
      future.set_result(i);
      EXPECT_EQ(future.result(), i);
    }
  };
  round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 1'000u);
}

TEST(Step8_Costs, OneCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  int calls = 0;
  const auto round = [&] {
    Future<int> future = v.loop.create_future<int>();
    for (int i = 0; i < 10; ++i) future.add_done_callback([&](const Future<int>&) { ++calls; });
    future.set_result(1);
    future.add_done_callback([&](const Future<int>&) { ++calls; });
    v.passes(1);
  };
  round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 1'200u);
  EXPECT_EQ(calls, 101 * 11);
}

TEST(Step8_Costs, AThousandThatWaitAreHandedOverWithoutAnAllocation) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  int calls = 0;
  for (int i = 0; i < 1'000; ++i) future.add_done_callback([&](const Future<int>&) { ++calls; });
  EXPECT_EQ(course::allocations_in([&] {
              future.set_result(1);
              v.passes(1);
            }),
            0u)
      << "what waits is there already";
  EXPECT_EQ(calls, 1'000);
}

TEST(Step8_Costs, MakingAndEndingOneCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  int sum = 0;
  const auto add = [](int& sum, int number) -> Coro<> {
    sum += number;
    co_return;
  };
  const auto round = [&] {
    for (int i = 0; i < 10; ++i) v.loop.create_task(add(sum, i));
    v.passes(1);
  };
  round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 2'000u)
      << "a node and a frame";
  EXPECT_EQ(sum, 101 * 45);
}

TEST(Step8_Costs, OneTakesItsNodeAndItsFrame) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [](Future<int>& future) -> Coro<> { co_await future; };
  const std::size_t allocations = course::allocations_in([&] {
    for (int i = 0; i < 1'000; ++i) v.loop.create_task(body(future));
    v.passes(1);
  });
  EXPECT_LE(allocations, NodePool::recycles ? 1'020u : 2'000u) << "nodes come in pages, frames one by one";
  future.set_result(1);
  v.passes(1);
}

TEST(Step8_Costs, ATaskTakesNoMoreThanThisBesidesItsFrame) {
  PageCounter pages;
  const ResourceForNodes in_use(pages);
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::size_t made = 0;      // since the last page was begun
  std::size_t per_page = 0;  // tasks that the last full page had room for
  std::size_t page = 0;      // its size
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t before = pages.count;
    const std::size_t size = pages.last;
    v.loop.create_task(relay_quietly(future));
    if (pages.count != before) {
      per_page = std::exchange(made, 0);
      page = size;
    }
    ++made;
  }
  if (NodePool::recycles) {
    ASSERT_GT(per_page, 100u) << "the tasks are not in pages";
    EXPECT_LE(page / per_page, 147u) << "144 bytes, and what is left at the end of a page";
  }
  future.set_result(1);
  v.passes(2);
}

TEST(Step8_Costs, AMillionTurnsTakeConstantStackAndNoAllocation) {  // AIO-34, AIO-37
  VirtualLoop v;
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
  std::size_t allocations = 0;
  const auto nap = []() -> Coro<> { co_await sleep(0s); };
  const auto body = [&]() -> Coro<> {
    co_await sleep(0s);
    first = course::stack_end();
    const std::size_t before = course::allocations();
    for (int i = 0; i < 1'000'000; ++i) co_await sleep(0s);
    allocations = course::allocations() - before;
    last = course::stack_end();
    co_await nap();
    v.loop.stop();
  };
  const Task<> task = v.loop.create_task(body());
  v.loop.run_forever();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(first, last);
  EXPECT_EQ(allocations, 0u);
}

TEST(Step8_Costs, ADelayCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  std::size_t allocations = 0;
  const auto body = [&]() -> Coro<> {
    co_await sleep(1ms);
    const std::size_t before = course::allocations();
    for (int i = 0; i < 1'000; ++i) co_await sleep(1ms);
    allocations = course::allocations() - before;
  };
  v.loop.create_task(body());
  v.run_to(1h);
  EXPECT_LE(allocations, NodePool::recycles ? 0u : 2'000u) << "a future and a timer";
}

TEST(Step8_Costs, ALongChainOfTasksThatIsLeftEndsInAStepForEach) {
  // Without that, these would be five thousand million.
  std::atomic<int> alive = 0;
  const auto link = [&](Future<int> before) -> Coro<int> {
    const Counted counted(alive);
    co_return co_await before;
  };
  const auto main = [&]() -> Coro<> {
    Future<int> last = asyncio::get_running_loop().create_future<int>();
    for (int i = 0; i < 100'000; ++i) last = create_task(link(last));
    co_await sleep(0s);
  };
  asyncio::run(main());
  EXPECT_EQ(alive, 0);
}

TEST(Step8_Costs, EachTaskThatIsLeftIsAskedOnce) {
  struct Chain {
    static Coro<> waits(AnyFuture inner, std::vector<std::size_t>& asked) {
      const AtEnd at_end([&] { asked.push_back(current_task()->cancelling()); });
      co_await inner;
    }
    static Coro<> nests(int links, std::vector<std::size_t>& asked) {
      if (links == 0)
        co_await waits(asyncio::get_running_loop().create_future(), asked);
      else
        co_await waits(create_task(nests(links - 1, asked)), asked);
    }
  };
  const std::vector<std::size_t> once(10, 1);
  std::vector<std::size_t> asked;
  const auto innermost_first = [&]() -> Coro<> {
    AnyFuture last = asyncio::get_running_loop().create_future();
    for (int i = 0; i < 10; ++i) last = create_task(Chain::waits(last, asked));
    co_await sleep(0s);
  };
  asyncio::run(innermost_first());
  EXPECT_EQ(asked, once) << "the innermost was made first";
  asked.clear();
  const auto outermost_first = [&]() -> Coro<> {
    create_task(Chain::nests(9, asked));
    for (int i = 0; i < 12; ++i) co_await sleep(0s);
  };
  asyncio::run(outermost_first());
  EXPECT_EQ(asked, once) << "the outermost was made first";
  asked.clear();
  const auto star = [&]() -> Coro<> {
    AnyFuture middle = create_task(Chain::waits(asyncio::get_running_loop().create_future(), asked));
    for (int i = 0; i < 9; ++i) create_task(Chain::waits(middle, asked));
    co_await sleep(0s);
  };
  asyncio::run(star());
  EXPECT_EQ(asked, once) << "nine wait for one";
}
