// Chapter 10, step 6: to_thread(), and futures that other threads complete.

#include "awkward_results.hpp"
#include "bridge.hpp"
#include "gather.hpp"
#include "real_loop.hpp"
#include "support.hpp"
#include "thread_name.hpp"
#include "virtual_loop.hpp"

#include <functional>
#include <latch>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

using asyncio::gather;
using asyncio::to_thread;
using asyncio::wrap_future;
using course::run_passes;

TEST(Step6_Bridge, ToThreadCallsOnAThread) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    const int number = co_await to_thread(twice, 21);
    EXPECT_EQ(number, 42);
    const std::string name = co_await to_thread([] { return concurrent::thread_name(); });
    EXPECT_TRUE(name.starts_with("asyncio_")) << name;
    const std::thread::id worker = co_await to_thread([] { return std::this_thread::get_id(); });
    EXPECT_NE(worker, std::this_thread::get_id());
    const std::string error = co_await error_of(to_thread(complain, 7));
    EXPECT_EQ(error, "not 7");
  });
}

TEST(Step6_Bridge, ToThreadHandsArgumentsOnAndGivesAnyResult) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    const auto takes = [](std::string text, std::unique_ptr<int> owner, int& number) {
      number += *owner;
      return std::make_unique<std::string>(text + "!");
    };
    int number = 1;
    const std::unique_ptr<std::string> text =
        co_await to_thread(takes, std::string("text"), std::make_unique<int>(2), std::ref(number));
    EXPECT_EQ(*text, "text!");
    EXPECT_EQ(number, 3);
    int& reference = co_await to_thread([]() -> int& { return shared_number; });
    EXPECT_EQ(&reference, &shared_number);
    co_await to_thread([&] { ++number; });
    EXPECT_EQ(number, 4);
    const std::string prefix = "a text that is too long to stay in place";
    const auto captures = [prefix](int number) { return prefix + std::to_string(number); };
    const std::string long_text = co_await to_thread(captures, 5);
    EXPECT_EQ(long_text, prefix + "5");
  });
}

TEST(Step6_Bridge, ToThreadCopiesWhenItIsCalledAndBeginsWhenItIsAwaited) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    std::atomic<int> calls = 0;
    const auto call = [&](std::string text) {
      ++calls;
      return text;
    };
    std::string text = "before";
    auto coro = to_thread(call, text);
    text = "after";
    co_await passes(3);
    EXPECT_EQ(calls, 0);
    const std::string result = co_await std::move(coro);
    EXPECT_EQ(result, "before");
    EXPECT_EQ(calls, 1);
    { const auto never = to_thread(call, std::string("never")); }
    EXPECT_EQ(calls, 1);
  });
}

TEST(Step6_Bridge, SeveralThreadsRunAtTheSameTime) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    std::latch all_there(3);
    const auto meets = [&](int number) {
      all_there.arrive_and_wait();
      return number;
    };
    const auto numbers = co_await gather(to_thread(meets, 1), to_thread(meets, 2), to_thread(meets, 3));
    EXPECT_EQ(numbers, std::tuple(1, 2, 3));
  });
}

TEST(Step6_Bridge, ToThreadUsesTheDefaultExecutor) {  // AIO-21
  in_loop([]() -> Coro<> {
    auto manual = std::make_shared<ManualExecutor>();
    get_running_loop().set_default_executor(manual);
    Task<int> task = create_task(to_thread(twice, 4));
    co_await passes(2);
    EXPECT_FALSE(task.done());
    EXPECT_EQ(manual->run_all(), 1u);
    const int number = co_await task;
    EXPECT_EQ(number, 8);
    int calls = 0;
    Task<> cancelled = create_task(to_thread([&] { ++calls; }));
    co_await passes(2);
    cancelled.cancel();
    co_await passes(3);
    EXPECT_TRUE(cancelled.cancelled());
    manual->run_all();
    EXPECT_EQ(calls, 0);
    co_await get_running_loop().shutdown_default_executor();
    const std::string error = co_await error_of(to_thread(twice, 1));
    EXPECT_EQ(error, "Executor shutdown has been called");
  });
}

TEST(Step6_Bridge, RunWaitsForACallWhoseTaskIsCancelled) {  // AIO-21
  std::atomic<bool> ended = false;
  Gate gate;
  in_real_loop([&]() -> Coro<> {
    const auto call = [&] {
      gate.pass();
      ended = true;
    };
    Task<> task = create_task(to_thread(call));
    co_await passes(2);
    gate.wait_until_entered();
    get_running_loop().call_soon([&] { gate.open(); });
  });
  EXPECT_TRUE(ended);
}

TEST(Step6_Bridge, TheGateLeadsIntoTheLoop) {  // AIO-23
  EventLoop loop;
  Log reports;
  listen(loop, reports);
  asyncio::detail::WeakLoop weak_loop(loop);
  Log log;
  std::thread::id ran_on;
  std::jthread other([&] {
    for (int i = 1; i <= 3; ++i) weak_loop.post([&log, i] { log.push_back(std::to_string(i)); });
    weak_loop.post([&, owned = std::make_unique<int>(4)] {
      log.push_back(std::to_string(*owned));
      ran_on = std::this_thread::get_id();
      loop.stop();
    });
  });
  loop.run_forever();
  EXPECT_EQ(log, (Log{"1", "2", "3", "4"}));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(Step6_Bridge, AGateThatIsClosedLeadsNowhere) {  // AIO-20
  std::atomic<int> alive = 0;
  int calls = 0;
  auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  asyncio::detail::WeakLoop weak_loop(*loop);
  weak_loop.post([&, counted = Counted(alive)] { ++calls; });
  EXPECT_EQ(alive, 1);
  run_passes(*loop, 1);
  EXPECT_EQ(calls, 1);
  weak_loop.close();
  weak_loop.post([&, counted = Counted(alive)] { ++calls; });
  run_passes(*loop, 1);
  loop.reset();
  weak_loop.post([&, counted = Counted(alive)] { ++calls; });
  weak_loop.close();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(alive, 0);
}

TEST(Step6_Bridge, AWrappedFutureEndsAsTheOtherDoes) {  // AIO-23
  in_loop([]() -> Coro<> {
    concurrent::Promise<int> result;
    concurrent::Promise<int> error;
    concurrent::Promise<void> nothing;
    Future<int> wrapped_result = wrap_future(result.future());
    Future<int> wrapped_error = wrap_future(error.future(), get_running_loop());
    Future<> wrapped_nothing = wrap_future(nothing.future());
    co_await passes(3);
    EXPECT_FALSE(wrapped_result.done() || wrapped_error.done() || wrapped_nothing.done());
    result.set_result(1);
    error.set_exception(std::make_exception_ptr(std::logic_error("it failed")));
    nothing.set_result();
    const int number = co_await wrapped_result;
    EXPECT_EQ(number, 1);
    const std::string text = co_await error_of(wrapped_error);
    EXPECT_EQ(text, "it failed");
    co_await wrapped_nothing;
  });
}

TEST(Step6_Bridge, WhatIsDoneIsNeverDeliveredAtOnce) {  // AIO-23
  in_loop([]() -> Coro<> {
    Future<int> wrapped = wrap_future(already<int>(1));
    EXPECT_FALSE(wrapped.done());
    concurrent::Promise<int> promise;
    Future<int> later = wrap_future(promise.future());
    promise.set_result(2);
    EXPECT_FALSE(later.done()) << "not within set_result()";
    const auto [one, two] = co_await gather(wrapped, later);
    EXPECT_EQ(one + two, 3);
  });
}

TEST(Step6_Bridge, AResultStaysWhereItIsToo) {  // AIO-23
  in_loop([]() -> Coro<> {
    concurrent::Future<std::string> source = already<std::string>("a text that is too long to stay in place");
    const auto [one, two] = co_await gather(wrap_future(source), wrap_future(source));
    EXPECT_EQ(one, two);
    EXPECT_EQ(source.result(), one);
    int here = 3;
    Future<int&> reference = wrap_future(already<int&>(here));
    int& same = co_await reference;
    EXPECT_EQ(&same, &here);
    const std::unique_ptr<int> owner =
        co_await wrap_future(already<std::unique_ptr<int>>(std::make_unique<int>(4)));
    EXPECT_EQ(*owner, 4);
    std::vector<std::unique_ptr<int>> several;
    several.push_back(std::make_unique<int>(5));
    const std::vector<std::unique_ptr<int>> owners =
        co_await wrap_future(already<std::vector<std::unique_ptr<int>>>(std::move(several)));
    EXPECT_EQ(*owners.at(0), 5);
    const std::string error = co_await error_of(wrap_future(already<NoCopies>(NoCopies())));
    EXPECT_EQ(error, "no copies");
  });
}

TEST(Step6_Bridge, NothingIsKeptOfWhatIsDone) {  // AIO-23
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    {
      concurrent::Promise<std::shared_ptr<Counted>> promise;
      Future<std::shared_ptr<Counted>> wrapped = wrap_future(promise.future());
      promise.set_result(std::make_shared<Counted>(alive));
      co_await wrapped;
      EXPECT_EQ(alive, 1);
    }
    co_await passes(2);
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step6_Bridge, TheOthersCancellationArrives) {  // AIO-23, AIO-30
  in_loop([]() -> Coro<> {
    concurrent::Promise<int> promise;
    Future<int> wrapped = wrap_future(promise.future());
    EXPECT_TRUE(promise.future().cancel());
    try {
      co_await wrapped;
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::exception&) {
      ADD_FAILURE() << "it must not be an exception like any other";
    } catch (const CancelledError&) {
    }
    EXPECT_TRUE(wrapped.cancelled());
    // A promise that goes.
    auto dropped = std::make_unique<concurrent::Promise<int>>();
    Future<int> wrapped_again = wrap_future(dropped->future());
    dropped.reset();
    const std::string error = co_await error_of(wrapped_again);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(wrapped_again.cancelled());
  });
}

TEST(Step6_Bridge, ToCancelItCancelsTheOther) {  // AIO-20, AIO-23
  in_loop([]() -> Coro<> {
    concurrent::Promise<int> waiting;
    Future<int> wrapped = wrap_future(waiting.future());
    EXPECT_TRUE(wrapped.cancel());
    EXPECT_TRUE(wrapped.cancelled());
    co_await passes(2);
    EXPECT_TRUE(waiting.future().cancelled());
    EXPECT_FALSE(waiting.set_running_or_notify_cancel()) << "so that the work never begins";
    const auto awaits = [&](concurrent::Future<int> source) -> Coro<> { co_await wrap_future(source); };
    concurrent::Promise<int> awaited;
    Task<> task = create_task(awaits(awaited.future()));
    co_await passes(2);
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    co_await passes(2);
    EXPECT_TRUE(awaited.future().cancelled());
  });
}

TEST(Step6_Bridge, WhatRunsAlreadyRunsOnAndItsResultIsDropped) {  // AIO-20, AIO-23
  in_loop([]() -> Coro<> {
    const NoCallbackErrors no_errors;
    std::atomic<int> alive = 0;
    auto running = std::make_unique<concurrent::Promise<Counted>>();
    EXPECT_TRUE(running->set_running_or_notify_cancel());
    Future<Counted> wrapped = wrap_future(running->future());
    wrapped.cancel();
    co_await passes(2);
    EXPECT_TRUE(running->future().running());
    running->set_result(Counted(alive));
    running.reset();
    co_await passes(2);
    EXPECT_TRUE(wrapped.cancelled());
    EXPECT_EQ(alive, 0) << "nobody keeps it";
    concurrent::Promise<int> failing;
    EXPECT_TRUE(failing.set_running_or_notify_cancel());
    Future<int> of_an_error = wrap_future(failing.future());
    of_an_error.cancel();
    failing.set_exception(std::make_exception_ptr(std::logic_error("too late")));
    co_await passes(2);
    EXPECT_TRUE(of_an_error.cancelled());
  });
}

TEST(Step6_Bridge, AnErrorThatNobodyLooksAtIsReported) {  // AIO-23
  Log reports;
  in_loop(reports, []() -> Coro<> {
    concurrent::Promise<int> promise;
    { const auto dropped = wrap_future(promise.future()); }
    promise.set_exception(std::make_exception_ptr(std::logic_error("lost")));
    co_await passes(3);
  });
  EXPECT_EQ(reports, (Log{"Future exception was never retrieved lost"}));
}

TEST(Step6_Bridge, AResultForALoopThatHasGoneIsDropped) {  // AIO-20
  const NoCallbackErrors no_errors;
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    Log reports;
    auto loop = virtual_loop();
    listen(*loop, reports);
    auto promise = std::make_unique<concurrent::Promise<Counted>>();
    auto posted = std::make_unique<concurrent::Promise<Counted>>();
    std::optional<Future<Counted>> wrapped = wrap_future(promise->future(), *loop);
    { const auto dropped = wrap_future(posted->future(), *loop); }
    const auto counts = [](Future<Counted> future, Counted) -> Coro<> { co_await std::move(future); };
    Task<> task = loop->create_task(counts(*wrapped, Counted(alive)));
    run_passes(*loop, 3);
    posted->set_result(Counted(alive));  // and the loop does not get to it any more
    posted.reset();
    close ? loop->close() : loop.reset();
    EXPECT_EQ(alive, 0);
    promise->set_result(Counted(alive));
    EXPECT_FALSE(wrapped->done());
    promise.reset();
    wrapped.reset();
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(task.cancelled());
  }
}

TEST(Step6_Bridge, ALoopThatIsClosedMayBeAskedStill) {  // AIO-20
  const NoCallbackErrors no_errors;
  EventLoop loop;
  loop.close();
  concurrent::Promise<int> promise;
  Future<int> wrapped = wrap_future(promise.future(), loop);
  promise.set_result(1);
  EXPECT_FALSE(wrapped.done());
  EXPECT_EQ(error_of([&] { static_cast<void>(loop.run_in_executor(nullptr, twice, 1)); }),
            "Event loop is closed");
  EXPECT_EQ(error_of([&] { static_cast<void>(wrap_future(promise.future())); }), "no running event loop");
}

TEST(Step6_Bridge, AResultForALoopThatWasClosedBeforeIsDropped) {  // AIO-20
  std::atomic<int> alive = 0;
  EventLoop loop;
  loop.close();
  concurrent::Promise<Counted> promise;
  {
    const Future<Counted> wrapped = wrap_future(promise.future(), loop);
    promise.set_result(Counted(alive));
    EXPECT_FALSE(wrapped.done());
  }
  promise = {};
  EXPECT_EQ(alive, 0) << "a loop that is closed keeps it";
}

TEST(Step6_Bridge, ACallThatThrowsTheErrorOfACancellationCancelsWhoAwaitsIt) {  // AIO-20
  in_loop([]() -> Coro<> {
    concurrent::Promise<int> promise;
    promise.set_exception(std::make_exception_ptr(concurrent::CancelledError()));
    const auto awaits = [&]() -> Coro<int> { co_return co_await wrap_future(promise.future()); };
    Task<int> task = create_task(awaits());
    co_await passes(5);
    EXPECT_TRUE(task.cancelled());
  });
}

TEST(Step6_Bridge, WhatAClosedGateDestroysMayComeBackToTheGate) {  // AIO-20
  const auto loop = virtual_loop();
  asyncio::detail::WeakLoop weak_loop(*loop);
  weak_loop.close();
  int destroyed = 0;
  const auto post_again = [&] {
    ++destroyed;
    weak_loop.post([end = course::AtEnd([&destroyed] { ++destroyed; })] {});
  };
  weak_loop.post([end = course::AtEnd(post_again)] {});
  EXPECT_EQ(destroyed, 2) << "a post within the destruction of another: no lock is held there";
}
