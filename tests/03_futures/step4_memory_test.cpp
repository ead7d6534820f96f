// Chapter 03, steps 4 to 8: memory runs out in the middle, and items break.

#include "support.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>

#include "fragile.hpp"

namespace {

/// Counts what has been allocated and not given back.
std::size_t kept() { return course::allocations() - course::deallocations(); }

}  // namespace

TEST(Step4_Callbacks, ACallbackForWhichThereIsNoMemoryIsDestroyedAndTheOthersStay) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    Promise<int> promise;
    Future<int> future = promise.future();
    int called = 0;
    std::atomic<int> alive = 0;
    future.add_done_callback([&](auto) { ++called; });
    const bool added = memory.suffices_for(
        [&] { future.add_done_callback([&, owned = std::make_shared<Counted>(alive)](auto) { ++called; }); });
    EXPECT_EQ(alive, added ? 1 : 0) << "nobody calls a callback that was not added: nobody may keep it";
    promise.set_result(1);
    EXPECT_EQ(called, added ? 2 : 1);
    EXPECT_EQ(alive, 0);
  });
  EXPECT_GT(failures, 0);
}

TEST(Step5_Submit, ACallForWhichThereIsNoMemoryIsDestroyedAndTheExecutorWorksOn) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ManualExecutor executor;
    std::atomic<int> alive = 0;
    const bool submitted =
        memory.suffices_for([&] { executor.submit(Call([owned = std::make_shared<Counted>(alive)] {})); });
    EXPECT_EQ(executor.pending(), submitted ? 1u : 0u);
    EXPECT_EQ(alive, submitted ? 1 : 0) << "the call that was not submitted is kept";
    const Future<void> next = executor.submit(Call([] {}));
    executor.run_all();
    EXPECT_EQ(outcome(next), "done");
    EXPECT_EQ(alive, 0);
  });
  EXPECT_GT(failures, 0);
}

TEST(Step6_Wait, IfMemoryRunsOutNothingIsLeftBehindAtTheFutures) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    Several several(20);
    several.promises[3].set_result(0);
    const std::size_t before = kept();
    const bool waited = memory.suffices_for([&] { concurrent::wait(several.futures, {.timeout = 0s}); });
    EXPECT_EQ(kept(), before) << (waited ? "" : "memory ran out, and ") << "what the wait had made was kept";
    several.finish_all();  // crashes if a future still knows somebody who waited
  });
  EXPECT_GT(failures, 0);
}

TEST(Step7_AsCompleted, IfMemoryRunsOutNothingIsLeftBehindAtTheFutures) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    Several several(20);
    several.promises[3].set_result(0);
    const std::size_t before = kept();
    static_cast<void>(memory.suffices_for([&] { concurrent::as_completed(several.futures).next(); }));
    EXPECT_EQ(kept(), before) << "what as_completed() had made was kept";
    several.finish_all();
  });
  EXPECT_GT(failures, 0);
}

TEST(Step8_Map, WhereverAnItemBreaksWhatWasSubmittedIsCancelled) {
  for (const bool at_once : {true, false}) {
    const int failures = course::until_nothing_breaks([&](course::Fuse& fuse) {
      ManualExecutor executor;
      std::atomic<int> begun = 0;
      int read = 0;
      const std::function<int(int)> run = [&](int item) { return ++begun, item; };
      const concurrent::MapOptions options{.buffersize = at_once ? 9 : 2};
      try {
        auto results = executor.map(run, course::fragile_items(5, fuse), options);
        for (; executor.run_one(); ++read) {
          const auto result = results.next();
          ASSERT_EQ(result, read);
        }
        EXPECT_EQ(read, 5);
      } catch (const course::Broke&) {
        const int begun_before = begun;
        executor.run_all();
        EXPECT_EQ(begun, begun_before) << "nobody will read the results of the calls that were submitted";
      }
    });
    EXPECT_GE(failures, 9);
  }
}

TEST(Step8_Map, AnItemThatIsNotReadBecauseOfAnErrorIsGivenBack) {
  const std::size_t before = kept();
  {
    InlineExecutor executor;
    const std::function<std::string(int)> burn = [](int item) {
      return item == 1 ? throw 7 : std::string(100, 'x');
    };
    auto results = executor.map(burn, std::views::iota(0, 5));
    EXPECT_EQ(results.next()->size(), 100u);
    EXPECT_EQ(course::error_of([&] { results.next(); }), "7");
    EXPECT_EQ(results.next(), std::nullopt);
  }
  EXPECT_EQ(kept(), before);
}
