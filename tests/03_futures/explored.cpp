// Chapter 03 under every schedule that matters: see docs/schedule-explorer.md.

#include "pitfall_forgetful_future.hpp"
#include "future.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "explore.hpp"

using concurrent::CancelledError;
using concurrent::Future;
using concurrent::InvalidStateError;
using concurrent::Promise;
using concurrent::ThreadPoolExecutor;
using namespace std::chrono_literals;

// Step 1: Promise and Future.

TEST(Step1_PromiseAndFuture, OfTwoResultsOneIsTaken) {
  const auto scenario = [] {
    Promise<int> promise;
    const Future<int> future = promise.future();
    std::atomic<int> refused = 0;
    const auto set = [&](int value) {
      try {
        promise.set_result(value);
      } catch (const InvalidStateError&) {
        ++refused;
      }
    };
    std::jthread other(set, 1);
    set(2);
    other.join();
    EXPECT_EQ(refused, 1);
    EXPECT_TRUE(future.done());
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step1_PromiseAndFuture, WhoSeesThatItIsDoneSeesTheValueToo) {
  const auto scenario = [] {
    Promise<std::string> promise;
    const Future<std::string> future = promise.future();
    std::jthread worker([&] { promise.set_result("a text that is too long to lie in the string itself"); });
    if (future.done()) {
      EXPECT_EQ(future.result().size(), 51u);
    }
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 2: waiting for the result.

TEST(Step2_Waiting, EveryThreadThatWaitsGetsTheResult) {
  const auto scenario = [] {
    Promise<int> promise;
    const Future<int> future = promise.future();
    std::jthread a([&] { EXPECT_EQ(future.result(), 7); });
    std::jthread b([&] { EXPECT_EQ(future.result(), 7); });
    promise.set_result(7);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, AWaitThatIsTooShortLeavesNothingBehind) {
  const auto scenario = [] {
    Promise<int> promise;
    const Future<int> future = promise.future();
    std::jthread reader([&] {
      try {
        EXPECT_EQ(future.result(1ms), 7);
      } catch (const concurrent::TimeoutError&) {
      }
    });
    promise.set_result(7);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, TheResultMayDestroyThePromiseAtOnce) {
  const auto scenario = [] {
    auto promise = std::make_unique<Promise<int>>();
    std::optional<Future<int>> future = promise->future();
    std::jthread worker([promise = std::move(promise)] { promise->set_result(7); });
    EXPECT_EQ(future->result(1h), 7);  // without a timeout it would look a few times first
    future.reset();
  };
  EXPECT_TRUE(explore::survives(scenario, {.timeouts = 0}));
}

// Step 3: cancelling.

TEST(Step3_Cancelling, WorkEitherBeginsOrIsCancelled) {
  const auto scenario = [] {
    Promise<int> promise;
    Future<int> future = promise.future();
    bool began = false;
    std::jthread worker([&] {
      began = promise.set_running_or_notify_cancel();
      if (began) promise.set_result(7);
    });
    const bool cancelled = future.cancel();
    worker.join();
    EXPECT_NE(began, cancelled);
    EXPECT_EQ(future.cancelled(), cancelled);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Cancelling, AResultAndACancellationAreNeverBothTaken) {
  const auto scenario = [] {
    Promise<int> promise;
    Future<int> future = promise.future();
    bool refused = false;
    std::jthread worker([&] {
      try {
        promise.set_result(7);
      } catch (const InvalidStateError&) {
        refused = true;
      }
    });
    const bool cancelled = future.cancel();
    worker.join();
    EXPECT_EQ(refused, cancelled);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Cancelling, ACancellationReleasesWhoeverWaits) {
  const auto scenario = [] {
    Promise<int> promise;
    Future<int> future = promise.future();
    std::jthread reader([&] { EXPECT_THROW(future.result(), CancelledError); });
    EXPECT_TRUE(future.cancel());
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Cancelling, APromiseThatIsDroppedReleasesWhoeverWaits) {
  const auto scenario = [] {
    auto promise = std::make_unique<Promise<int>>();
    const Future<int> future = promise->future();
    std::jthread reader([&] { EXPECT_THROW(future.result(), CancelledError); });
    promise.reset();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 4: callbacks.

TEST(Step4_Callbacks, ACallbackIsCalledOnceWheneverTheResultComes) {
  const auto scenario = [] {
    Promise<int> promise;
    Future<int> future = promise.future();
    std::atomic<int> calls = 0;
    std::jthread worker([&] { promise.set_result(7); });
    future.add_done_callback([&](const Future<int>& done) {
      EXPECT_EQ(done.result(), 7);
      ++calls;
    });
    worker.join();
    EXPECT_EQ(calls, 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Callbacks, ACallbackIsCalledOnceWhoeverEndsTheFuture) {
  const auto scenario = [] {
    Promise<int> promise;
    Future<int> future = promise.future();
    std::atomic<int> calls = 0;
    future.add_done_callback([&](const Future<int>&) { ++calls; });
    std::jthread worker([&] {
      if (promise.set_running_or_notify_cancel()) promise.set_result(7);
    });
    future.cancel();
    worker.join();
    EXPECT_EQ(calls, 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 5: submit.

TEST(Step5_Submit, EachCallHasItsResultWhoeverSubmitsIt) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 2}};
    std::jthread other([&] { EXPECT_EQ(pool.submit([] { return 1; }).result(), 1); });
    EXPECT_EQ(pool.submit([] { return 2; }).result(), 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Submit, ACallRunsOrIsCancelledWheneverThePoolIsShutDown) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    std::atomic<int> ran = 0;
    const auto future = pool.submit([&] { ++ran; });
    pool.shutdown({.cancel_futures = true});
    EXPECT_TRUE(future.done()) << "nobody would ever finish it";
    EXPECT_EQ(ran, future.cancelled() ? 0 : 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Submit, ACancelledCallNeverRuns) {
  const auto scenario = [] {
    std::atomic<int> ran = 0;
    ThreadPoolExecutor pool{{.max_workers = 1}};
    auto future = pool.submit([&] { ++ran; });
    const bool cancelled = future.cancel();
    pool.shutdown();
    EXPECT_EQ(ran, cancelled ? 0 : 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 6: wait.

TEST(Step6_Wait, FuturesThatFinishAtTheSameTimeAreBothSeen) {
  const auto scenario = [] {
    std::array<Promise<int>, 2> promises;
    const std::vector<Future<int>> futures{promises[0].future(), promises[1].future()};
    std::jthread a([&] { promises[0].set_result(1); });
    std::jthread b([&] { promises[1].set_result(2); });
    EXPECT_EQ(concurrent::wait(futures).done.size(), 2u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Wait, ItMayReturnWhileOtherFuturesFinish) {
  const auto scenario = [] {
    std::array<Promise<int>, 2> promises;
    const std::vector<Future<int>> futures{promises[0].future(), promises[1].future()};
    std::jthread a([&] { promises[0].set_result(1); });
    std::jthread b([&] { promises[1].set_result(2); });
    const auto found = wait(futures, {.return_when = concurrent::ReturnWhen::first_completed});
    EXPECT_GE(found.done.size(), 1u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Wait, TheTimeMayBeUpWhileAFutureFinishes) {
  const auto scenario = [] {
    Promise<int> promise;
    const std::vector<Future<int>> futures{promise.future()};
    std::jthread worker([&] { promise.set_result(1); });
    const auto found = wait(futures, {.timeout = 1ms});
    EXPECT_EQ(found.done.size() + found.not_done.size(), 1u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 7: as_completed.

TEST(Step7_AsCompleted, EachFutureIsGivenOnceWheneverItFinishes) {
  const auto scenario = [] {
    std::array<Promise<int>, 2> promises;
    const std::vector<Future<int>> futures{promises[0].future(), promises[1].future()};
    std::jthread a([&] { promises[0].set_result(1); });
    std::jthread b([&] { promises[1].set_result(2); });
    int sum = 0, given = 0;
    for (const Future<int>& future : concurrent::as_completed(futures)) {
      sum += future.result();
      ++given;
    }
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(given, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 8: map.

TEST(Step8_Map, ResultsComeInTheOrderOfTheItemsWhoeverIsFaster) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 2}};
    std::vector<int> results;
    for (const int result : pool.map([](int i) { return 10 * i; }, std::views::iota(1, 3)))
      results.push_back(result);
    EXPECT_EQ(results, (std::vector{10, 20}));
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_Map, ARangeMayBeGivenUpWhileItsCallsRun) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    for (const int result : pool.map([](int i) { return i; }, std::views::iota(0, 2))) {
      EXPECT_EQ(result, 0);
      break;
    }
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 9: make it fast.

namespace {

/// Adds a callback while the future becomes done, of which somebody else waits to be told.
template <bool cancelled>
void a_late_callback_comes_last() {
  Promise<int> promise;
  Future<int> future = promise.future();
  // Its time is up, so it gives only what it has been told of already.
  auto waiting = concurrent::as_completed(std::array{future}, {.timeout = 0s});
  int given = 0;
  std::jthread other([&] {
    if (cancelled)
      promise.future().cancel();
    else
      promise.set_result(7);
  });
  future.add_done_callback([&](const Future<int>&) {
    if (waiting.next()) ++given;
  });
  other.join();
  EXPECT_EQ(given, 1) << "the callback was called before those that wait had been told";
}

}  // namespace

TEST(Step9_MakeItFast, WhoeverWaitsIsToldBeforeALateCallbackRuns) {  // CF-13
  EXPECT_TRUE(explore::survives(a_late_callback_comes_last<false>));
  EXPECT_TRUE(explore::survives(a_late_callback_comes_last<true>));
}

// Step 10: break it.

TEST(Step10_BreakIt, ACallbackIsCalledBeforeOrAfter) {
  const auto scenario = [] {
    concurrent::ForgetfulFuture future;
    int sum = 0;
    future.add_done_callback([&](int value) { sum += value; });
    EXPECT_EQ(sum, 0);
    future.set_result(7);
    future.add_done_callback([&](int value) { sum += value; });
    EXPECT_EQ(sum, 14);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step10_BreakIt, IfNobodyIsInterruptedNoCallbackIsForgotten) {
  const auto scenario = [] {
    concurrent::ForgetfulFuture future;
    std::atomic<int> calls = 0;
    std::jthread worker([&] { future.set_result(7); });
    future.add_done_callback([&](int) { ++calls; });
    worker.join();
    EXPECT_EQ(calls, 1);
  };
  EXPECT_TRUE(explore::survives(scenario, {.preemptions = 0, .search = explore::Search::systematic}));
}

TEST(Step10_BreakIt, AnInterruptionMakesItForgetACallback) {
  const auto scenario = [] {
    concurrent::ForgetfulFuture future;
    std::atomic<int> calls = 0;
    std::jthread worker([&] { future.set_result(7); });
    future.add_done_callback([&](int) { ++calls; });
    worker.join();
    EXPECT_EQ(calls, 1);
  };
  EXPECT_TRUE(explore::breaks(explore::Failure::check_failed, scenario, {.spurious = 0}));
}
