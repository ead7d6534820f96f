#include "bridge.hpp"
#include "composition.hpp"
#include "pitfall_hasty_weak_loop.hpp"
#include "process_pool.hpp"
#include "virtual_time_selector.hpp"
#include "work_stealing_executor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <latch>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "generator.hpp"
#include "testing.hpp"
#include "thread_name.hpp"

using asyncio::all_tasks;
using asyncio::as_completed;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::ExceptionGroup;
using asyncio::Future;
using asyncio::gather;
using asyncio::GatherOptions;
using asyncio::Generator;
using asyncio::get_running_loop;
using asyncio::HastyWeakLoop;
using asyncio::InvalidStateError;
using asyncio::Outcome;
using asyncio::ReturnWhen;
using asyncio::run_coroutine_threadsafe;
using asyncio::shield;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TaskGroup;
using asyncio::Timeout;
using asyncio::timeout;
using asyncio::timeout_at;
using asyncio::TimeoutError;
using asyncio::TimePoint;
using asyncio::to_thread;
using asyncio::VirtualTimeSelector;
using asyncio::wait;
using asyncio::wait_for;
using asyncio::wrap_future;
using concurrent::InlineExecutor;
using concurrent::ManualExecutor;
using concurrent::ProcessPoolExecutor;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using concurrent::WorkStealingExecutor;
using course::AtEnd;
using course::Counted;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

namespace {

/// What was thrown, in a word.
[[maybe_unused]] std::string said(const std::exception_ptr& error) {
  try {
    if (!error) return "nothing";
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const TimeoutError&) {
    return "timeout";
  } catch (...) {
    return course::what(std::current_exception());
  }
}

/// What `fn` throws, in a word.
template <class F>
std::string error_in(F fn) {
  try {
    fn();
  } catch (...) {
    return said(std::current_exception());
  }
  return "nothing";
}

/// What awaiting `awaitable` throws, in a word.
template <class A>
Coro<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return said(std::current_exception());
  }
  co_return "nothing";
}

/// Remembers what a loop tells its exception handler. What is not written stops the loop, for nothing would
/// end it any more.
[[maybe_unused]] void listen(EventLoop& loop, Log& reports) {
  loop.set_exception_handler([&reports](EventLoop& loop, const ExceptionContext& context) {
    reports.push_back(context.message + " " + said(context.exception));
    try {
      if (context.exception) std::rethrow_exception(context.exception);
    } catch (const concurrent::NotWritten&) {
      loop.stop();
    } catch (...) {
    }
  });
}

[[maybe_unused]] std::unique_ptr<EventLoop> virtual_loop() {
  return std::make_unique<EventLoop>(std::make_unique<VirtualTimeSelector>());
}

/// Runs `main()` on a loop whose clock jumps, and begins at 0.
template <class F>
void in_loop(Log& reports, F main) {
  const auto factory = [&] {
    auto loop = virtual_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(main(), {.loop_factory = factory});
}

/// … and nothing goes to the loop's exception handler.
template <class F>
void in_loop(F main) {
  Log reports;
  in_loop(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

/// The time on the clock of the running loop, which began at 0.
[[maybe_unused]] Duration now() { return get_running_loop().time().time_since_epoch(); }

/// Lets `loop` run for so many passes. Its time stands still.
[[maybe_unused]] void run_passes(EventLoop& loop, int passes) {
  for (int i = 0; i < passes; ++i) {
    loop.stop();
    loop.run_forever();
  }
}

/// Begins `main(alive)`, which waits and counts something as alive in its frames. Then the loop is closed, or
/// destroyed: nothing is left.
template <class F>
void abandon(F main) {
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    Log reports;
    auto loop = virtual_loop();
    listen(*loop, reports);
    Task<> task = loop->create_task(main(alive));
    run_passes(*loop, 6);
    EXPECT_FALSE(task.done());
    EXPECT_GT(alive, 0);
    if (close) {
      loop->close();
      EXPECT_EQ(alive, 0) << "closed";
    } else {
      loop.reset();
      EXPECT_EQ(alive, 0) << "destroyed";
    }
    EXPECT_TRUE(task.cancelled());
  }
}

template <class T>
Coro<T> after(Duration delay, T result) {
  co_await sleep(delay);
  co_return result;
}

[[maybe_unused]] Coro<> fail_after(Duration delay, std::string text) {
  co_await sleep(delay);
  throw std::runtime_error(text);
}

/// Sleeps. Says what becomes of it.
[[maybe_unused]] Coro<> logs(Log& log, std::string name, Duration work) {
  log.push_back(name + " begins");
  try {
    co_await sleep(work);
  } catch (const CancelledError&) {
    log.push_back(name + " is cancelled");
    throw;
  }
  log.push_back(name + " ends");
}

/// Sleeps, with something alive.
[[maybe_unused]] Coro<> alive_for(std::atomic<int>& alive, Duration work) {
  const Counted counted(alive);
  co_await sleep(work);
}

/// Works for ever. When it is cancelled it takes time to go.
[[maybe_unused]] Coro<> slow_to_go(Log& log, Duration cleanup, std::string name = "it") {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  log.push_back(name + " is cancelled");
  co_await sleep(cleanup);
  log.push_back(name + " is gone");
  throw CancelledError();
}

/// Works for ever. When it is cancelled it takes time, and then does not go, but gives a value.
[[maybe_unused]] Coro<int> refuses(int value, Duration cleanup = 0s) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  if (cleanup > 0s) co_await sleep(cleanup);
  co_return value;
}

/// Lets everybody else have so many turns.
[[maybe_unused]] Coro<> passes(int number) {
  while (number-- > 0) co_await sleep(0s);
}

/// Counts the passes in a log, up to a number of them.
[[maybe_unused]] Coro<> count_passes(Log& log, int last) {
  for (int i = 1; i <= last; ++i) {
    co_await sleep(0s);
    log.push_back(std::to_string(i));
  }
}

/// Takes so many turns, with something alive.
[[maybe_unused]] Coro<> alive_passes(std::atomic<int>& alive, int number) {
  const Counted counted(alive);
  co_await passes(number);
}

/// Runs `main(alive)` as a task, and cancels that after no pass, after one, after two, … until it ends
/// before. However late that is, it is cancelled, and nothing is left.
/// @returns how often it was cancelled
template <class F>
Coro<int> cancel_at_every_pass(F main) {
  for (int pass = 0;; ++pass) {
    std::atomic<int> alive = 0;
    Task<> task = create_task(main(alive));
    co_await passes(pass);
    if (task.done()) {
      EXPECT_EQ(task.exception(), nullptr);
      EXPECT_EQ(alive, 0);
      co_return pass;
    }
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled") << "after " << pass << " passes";
    EXPECT_EQ(task.cancelling(), 1u);
    EXPECT_EQ(alive, 0) << "after " << pass << " passes";
    EXPECT_EQ(all_tasks().size(), 1u);
  }
}

/// Whose copies throw.
struct NoCopies {
  NoCopies() = default;
  NoCopies(NoCopies&&) = default;
  NoCopies(const NoCopies& other) : copied(true) { throw std::runtime_error("no copies"); }
  NoCopies& operator=(NoCopies&&) = default;

  bool copied = false;
};

[[maybe_unused]] Coro<NoCopies> no_copies() {
  co_await sleep(1s);
  co_return NoCopies();
}

[[maybe_unused]] int shared_number = 7;

[[maybe_unused]] Coro<int&> reference_after(Duration delay) {
  co_await sleep(delay);
  co_return shared_number;
}

}  // namespace

// Step 1: gather.

TEST(Step1_Gather, ResultsComeInTheOrderOfTheArguments) {  // AIO-53
  in_loop([]() -> Coro<> {
    const auto [a, b, c] = co_await gather(after(3s, 1), after(1s, 2), after(2s, 3));
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 2);
    EXPECT_EQ(c, 3);
    EXPECT_EQ(now(), 3s) << "as long as the longest, for they run at the same time";
  });
}

TEST(Step1_Gather, ItIsDoneWhenTheLastOneIs) {  // AIO-53
  in_loop([]() -> Coro<> {
    Future<int> first = get_running_loop().create_future<int>();
    Future<int> second = get_running_loop().create_future<int>();
    auto all = gather(first, second);
    second.set_result(2);
    co_await passes(5);
    EXPECT_FALSE(all.done());
    first.set_result(1);
    EXPECT_FALSE(all.done()) << "nothing happens inside set_result()";
    co_await passes(1);
    EXPECT_TRUE(all.done());
    EXPECT_EQ(all.result(), std::tuple(1, 2));
  });
}

TEST(Step1_Gather, EachResultMayBeOfAnotherType) {  // AIO-53
  in_loop([]() -> Coro<> {
    auto [number, text, nothing, owner, copy] =
        co_await gather(after(1s, 1), after(2s, std::string("two")), sleep(3s),
                        after(1s, std::make_unique<int>(4)), reference_after(1s));
    EXPECT_EQ(number, 1);
    EXPECT_EQ(text, "two");
    static_assert(std::is_same_v<decltype(nothing), std::monostate>);
    EXPECT_EQ(*owner, 4);
    static_assert(std::is_same_v<decltype(copy), int>);
    EXPECT_EQ(copy, 7);
  });
}

TEST(Step1_Gather, OfARangeItIsAVector) {  // AIO-53
  in_loop([]() -> Coro<> {
    std::vector<Coro<int>> coros;
    for (int i = 1; i <= 4; ++i) coros.push_back(after(10s - i * 1s, i));
    const std::vector<int> numbers = co_await gather(std::move(coros));
    EXPECT_EQ(numbers, (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(now(), 9s);
    std::list<Coro<>> nothing;
    nothing.push_back(fail_after(0s, "not run"));
    nothing.clear();
    nothing.push_back(passes(1));
    const std::vector<std::monostate> none = co_await gather(std::move(nothing));
    EXPECT_EQ(none.size(), 1u);
    std::array<Coro<std::unique_ptr<int>>, 2> owners{after(1s, std::make_unique<int>(1)),
                                                     after(0s, std::make_unique<int>(2))};
    const std::vector<std::unique_ptr<int>> owned = co_await gather(std::move(owners));
    EXPECT_EQ(*owned.at(0), 1);
    EXPECT_EQ(*owned.at(1), 2);
  });
}

TEST(Step1_Gather, WhoHasTheTasksKeepsThem) {  // AIO-53
  in_loop([]() -> Coro<> {
    std::vector<Task<int>> tasks;
    for (int i = 1; i <= 3; ++i) tasks.push_back(create_task(after(i * 1s, i)));
    const std::vector<int> of_an_lvalue = co_await gather(tasks);
    const std::vector<int> of_a_constant = co_await gather(std::as_const(tasks));
    const std::vector<int> of_a_span = co_await gather(std::span(tasks));
    const std::vector<int> of_a_view =
        co_await gather(tasks | std::views::filter([](const auto&) { return true; }));
    for (const auto& numbers : {of_an_lvalue, of_a_constant, of_a_span, of_a_view})
      EXPECT_EQ(numbers, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(tasks[0].result() + tasks[1].result() + tasks[2].result(), 6);
    const auto [one, two] = co_await gather(tasks[0], std::as_const(tasks[1]));
    EXPECT_EQ(one + two, tasks[0].result() + tasks[1].result());
  });
}

TEST(Step1_Gather, ARangeMayMakeItsCorosOnTheWay) {  // AIO-53
  in_loop([]() -> Coro<> {
    const auto make = [](int last) -> Generator<Coro<int>> {
      for (int i = 1; i <= last; ++i) co_yield after(i * 1s, i);
    };
    const std::vector<int> numbers = co_await gather(make(3));
    EXPECT_EQ(numbers, (std::vector<int>{1, 2, 3}));
    auto view = std::views::iota(1, 4) | std::views::transform([](int i) { return after(i * 1s, 10 * i); });
    const std::vector<int> of_an_lvalue = co_await gather(view);
    EXPECT_EQ(of_an_lvalue, (std::vector<int>{10, 20, 30}));
    const std::vector<int> again = co_await gather(std::move(view));
    EXPECT_EQ(again, (std::vector<int>{10, 20, 30}));
  });
}

TEST(Step1_Gather, ChildrenBeginInTheNextPassInOrder) {  // AIO-53
  in_loop([]() -> Coro<> {
    Log log;
    const auto say = [&](std::string name) -> Coro<> {
      log.push_back(name);
      co_return;
    };
    auto all = gather(say("a"), say("b"), say("c"));
    EXPECT_EQ(log, Log());
    co_await all;
    EXPECT_EQ(log, (Log{"a", "b", "c"}));
  });
}

TEST(Step1_Gather, ItTakesAsManyPassesAsInPython) {  // AIO-53
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 6));
    co_await gather(passes(1), passes(2));
    log.push_back("gathered");
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "2", "3", "4", "gathered", "5", "6"}));
  });
}

TEST(Step1_Gather, NothingGathersToNothingAtOnce) {  // AIO-58
  in_loop([]() -> Coro<> {
    Future<std::tuple<>> none = gather();
    EXPECT_TRUE(none.done());
    static_cast<void>(co_await none);
    std::vector<Task<int>> empty;
    Future<std::vector<int>> all = gather(empty);
    EXPECT_TRUE(all.done());
    EXPECT_TRUE(all.result().empty());
    EXPECT_TRUE(gather({.return_exceptions = true}).done());
    EXPECT_TRUE(gather(empty, {.return_exceptions = true}).result().empty());
    static_cast<void>(co_await gather(passes(1)));
  });
}

TEST(Step1_Gather, OneAloneIsATupleOfOne) {  // AIO-53
  in_loop([]() -> Coro<> {
    const std::tuple<int> one = co_await gather(after(1s, 1));
    EXPECT_EQ(std::get<0>(one), 1);
    const std::tuple<std::tuple<int, int>> nested = co_await gather(gather(after(1s, 1), after(2s, 2)));
    EXPECT_EQ(std::get<0>(nested), std::tuple(1, 2));
  });
}

TEST(Step1_Gather, TheFirstErrorComesOutAtOnceAndTheOthersRunOn) {  // AIO-54
  in_loop([]() -> Coro<> {
    Log log;
    Task<int> sibling = create_task(after(5s, 5));
    const std::string error =
        co_await error_of(gather(logs(log, "a", 3s), fail_after(1s, "first"), sibling, logs(log, "b", 2s)));
    EXPECT_EQ(error, "first");
    EXPECT_EQ(now(), 1s);
    EXPECT_EQ(log, (Log{"a begins", "b begins"}));
    EXPECT_EQ(sibling.cancelling(), 0u);
    const int result = co_await sibling;
    EXPECT_EQ(result, 5);
    EXPECT_EQ(log, (Log{"a begins", "b begins", "b ends", "a ends"})) << "they end as if nothing had been";
  });
}

TEST(Step1_Gather, LaterErrorsMakeNoNoise) {  // AIO-58
  in_loop([]() -> Coro<> {
    const auto all =
        gather(fail_after(3s, "third"), fail_after(1s, "first"), fail_after(2s, "second"), after(4s, 4));
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "first") << "in time, not in the order of the arguments";
    EXPECT_EQ(now(), 1s);
    co_await sleep(10s);
    EXPECT_EQ(said(all.exception()), "first");
  });
}

TEST(Step1_Gather, OfErrorsAtTheSameTimeTheFirstArgumentsComesOut) {  // AIO-54
  in_loop([]() -> Coro<> {
    const std::string in_one_pass =
        co_await error_of(gather(fail_after(1s, "a"), fail_after(1s, "b"), fail_after(1s, "c")));
    EXPECT_EQ(in_one_pass, "a");
    Task<> a = create_task(fail_after(2s, "a"));
    Task<> b = create_task(fail_after(1s, "b"));
    co_await sleep(5s);
    const std::string before = co_await error_of(gather(a, b));
    EXPECT_EQ(before, "a");
    std::vector<Task<>> both{b, a};
    const std::string of_a_range = co_await error_of(gather(both));
    EXPECT_EQ(of_a_range, "b");
  });
}

TEST(Step1_Gather, ReturnExceptionsWaitsForAllAndThrowsNothing) {  // AIO-55
  in_loop([]() -> Coro<> {
    Task<int> cancelled = create_task(after(100s, 1));
    get_running_loop().call_later(2s, [&] { cancelled.cancel(); });
    const auto [error, value, no_value, nothing, last] =
        co_await gather({.return_exceptions = true}, fail_after(1s, "first"), after(2s, 2), cancelled,
                        passes(1), after(3s, std::string("last")));
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(said(error.exception()), "first");
    EXPECT_EQ(value.get(), 2);
    EXPECT_EQ(said(no_value.exception()), "cancelled");
    EXPECT_EQ(nothing.exception(), nullptr);
    EXPECT_FALSE(nothing.empty());
    EXPECT_EQ(last.get(), "last");
  });
}

TEST(Step1_Gather, OutcomesMayBeReferencesAndOwners) {  // AIO-55
  in_loop([]() -> Coro<> {
    auto [reference, owner] = co_await gather({.return_exceptions = true}, reference_after(1s),
                                              after(1s, std::make_unique<int>(4)));
    EXPECT_EQ(&reference.get(), &shared_number);
    EXPECT_EQ(*owner.take(), 4);
    std::vector<Task<std::unique_ptr<int>>> tasks;
    tasks.push_back(create_task(after(1s, std::make_unique<int>(5))));
    tasks.push_back(create_task(after(100s, std::make_unique<int>(6))));
    get_running_loop().call_later(2s, [&] { tasks[1].cancel(); });
    std::vector<Outcome<std::unique_ptr<int>>> outcomes = co_await gather(tasks, {.return_exceptions = true});
    EXPECT_EQ(*outcomes.at(0).take(), 5);
    EXPECT_EQ(said(outcomes.at(1).exception()), "cancelled");
  });
}

TEST(Step1_Gather, WithoutTheOptionOutcomesAreValuesAndErrorsAreThrown) {  // AIO-54
  in_loop([]() -> Coro<> {
    const auto [one] = co_await gather(GatherOptions(), after(1s, 1));
    EXPECT_EQ(one.get(), 1);
    const std::string error = co_await error_of(gather(GatherOptions(), fail_after(1s, "thrown"), passes(1)));
    EXPECT_EQ(error, "thrown");
  });
}

TEST(Step1_Gather, ToCancelItCancelsAllChildren) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(logs(log, "a", 3s), logs(log, "b", 1s), logs(log, "c", 5s));
    co_await sleep(2s);
    EXPECT_FALSE(all.done());
    EXPECT_TRUE(all.cancel());
    EXPECT_FALSE(all.done()) << "not before its children are";
    EXPECT_EQ(log, (Log{"a begins", "b begins", "c begins", "b ends"}));
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, (Log{"a begins", "b begins", "c begins", "b ends", "a is cancelled", "c is cancelled"}));
    EXPECT_EQ(now(), 2s);
    EXPECT_FALSE(all.cancelled()) << "it has failed with a CancelledError";
    EXPECT_EQ(said(all.exception()), "cancelled");
  });
}

TEST(Step1_Gather, WhoAwaitsItIsCancelledThroughIt) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    const auto gathers = [&]() -> Coro<> {
      co_await gather(logs(log, "a", 1h), gather(logs(log, "b", 1h), logs(log, "c", 1h)));
    };
    Task<> task = create_task(gathers());
    co_await sleep(1s);
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(
        log, (Log{"b begins", "c begins", "a begins", "a is cancelled", "b is cancelled", "c is cancelled"}));
  });
}

TEST(Step1_Gather, ItMayBeCancelledAtAnyTime) {  // AIO-56
  in_loop([]() -> Coro<> {
    const auto gathers = [](std::atomic<int>& alive) -> Coro<> {
      co_await gather(alive_passes(alive, 2),
                      gather({.return_exceptions = true}, alive_passes(alive, 1), alive_passes(alive, 3)));
      std::vector<Coro<>> coros;
      for (int i = 1; i <= 3; ++i) coros.push_back(alive_passes(alive, i));
      co_await gather(std::move(coros));
    };
    const int times = co_await cancel_at_every_pass(gathers);
    EXPECT_GT(times, 10);
  });
}

TEST(Step1_Gather, ReturnExceptionsDoesNotSwallowACancellation) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    const auto gathers = [&]() -> Coro<> {
      co_await gather({.return_exceptions = true}, slow_to_go(log, 2s, "a"), slow_to_go(log, 1s, "b"));
      log.push_back("gathered");
    };
    Task<> task = create_task(gathers());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, (Log{"a is cancelled", "b is cancelled", "b is gone", "a is gone"}));
    EXPECT_EQ(now(), 3s) << "it waits for all of them";
  });
}

TEST(Step1_Gather, ACancelledOneEndsWithTheFirstChildThatIsCancelled) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(slow_to_go(log, 2s, "a"), slow_to_go(log, 1s, "b"));
    co_await sleep(1s);
    all.cancel();
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(now(), 2s) << "as any other error, it comes out at once";
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a is cancelled", "b is cancelled", "b is gone", "a is gone"}));
  });
}

TEST(Step1_Gather, ACancellationIsNotLostOnChildrenThatRefuseIt) {  // AIO-56
  in_loop([]() -> Coro<> {
    for (const bool return_exceptions : {false, true}) {
      auto all = gather({.return_exceptions = return_exceptions}, refuses(1), refuses(2, 1s));
      co_await passes(2);
      EXPECT_TRUE(all.cancel());
      const std::string error = co_await error_of(all);
      EXPECT_EQ(error, "cancelled") << "although all have a value";
    }
  });
}

TEST(Step1_Gather, CancelSaysNoOnceAllChildrenAreDone) {  // AIO-56
  in_loop([]() -> Coro<> {
    Future<int> child = get_running_loop().create_future<int>();
    auto all = gather(child);
    child.set_result(1);
    EXPECT_FALSE(all.done());
    EXPECT_FALSE(all.cancel()) << "it is as good as done";
    const std::tuple<int> result = co_await all;
    EXPECT_EQ(result, std::tuple(1));
    EXPECT_FALSE(all.cancel());
    EXPECT_EQ(all.result(), std::tuple(1));
  });
}

TEST(Step1_Gather, WhoIsCancelledAfterTheLastChildIsStillCancelled) {  // AIO-56
  in_loop([]() -> Coro<> {
    Future<int> child = get_running_loop().create_future<int>();
    Log log;
    const auto gathers = [&]() -> Coro<> {
      co_await gather(child);
      log.push_back("gathered");
    };
    Task<> task = create_task(gathers());
    co_await passes(2);
    child.set_result(1);
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, Log());
  });
}

TEST(Step1_Gather, AChildThatIsCancelledIsAnErrorAndTheGatherIsNotCancelled) {  // AIO-57
  in_loop([]() -> Coro<> {
    Task<int> child = create_task(after(1h, 1));
    Task<int> sibling = create_task(after(3s, 3));
    auto all = gather(sibling, child);
    co_await sleep(1s);
    child.cancel();
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(all.done());
    EXPECT_FALSE(all.cancelled());
    EXPECT_EQ(said(all.exception()), "cancelled");
    EXPECT_EQ(now(), 1s);
    const int result = co_await sibling;
    EXPECT_EQ(result, 3);
  });
}

TEST(Step1_Gather, TheSameTaskTwiceRunsOnceAndCountsTwice) {  // AIO-58
  in_loop([]() -> Coro<> {
    int runs = 0;
    const auto count = [&]() -> Coro<int> {
      co_await sleep(1s);
      co_return ++runs;
    };
    Task<int> task = create_task(count());
    const auto [a, b, c] = co_await gather(task, after(2s, 5), task);
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 5);
    EXPECT_EQ(c, 1);
    std::vector<Future<int>> same(3, task);
    const std::vector<int> numbers = co_await gather(same);
    EXPECT_EQ(numbers, (std::vector<int>{1, 1, 1}));
  });
}

TEST(Step1_Gather, FuturesOfDifferentLoopsAreRefused) {  // AIO-58
  const auto one = virtual_loop();
  const auto other = virtual_loop();
  Future<int> a = one->create_future<int>();
  Future<int> b = other->create_future<int>();
  EXPECT_THROW(static_cast<void>(gather(a, b)), std::invalid_argument);
  std::vector<Future<int>> both{a, b};
  EXPECT_THROW(static_cast<void>(gather(both)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(gather(both, {.return_exceptions = true})), std::invalid_argument);
  Log reports;
  listen(*one, reports);
  auto all = gather(a, a);
  a.set_result(1);
  run_passes(*one, 1);
  EXPECT_EQ(all.result(), std::tuple(1, 1)) << "no loop needs to run for futures";
}

TEST(Step1_Gather, CorosRunOnTheLoopOfTheFuturesOrOnTheRunningOne) {  // AIO-58
  const auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  Future<int> future = loop->create_future<int>();
  auto all = gather(after(0s, 1), future);
  EXPECT_EQ(&all.get_loop(), loop.get());
  future.set_result(2);
  EXPECT_EQ(loop->run_until_complete(all), std::tuple(1, 2));
  EXPECT_EQ(error_in([] { static_cast<void>(gather(after(0s, 1))); }), "no running event loop");
  EXPECT_EQ(error_in([] { static_cast<void>(gather()); }), "no running event loop");
}

TEST(Step1_Gather, WhenItIsDroppedItsChildrenRunOnAndReportForThemselves) {  // AIO-54
  Log reports;
  in_loop(reports, [&]() -> Coro<> {
    Log log;
    { const auto dropped = gather(logs(log, "a", 1s), fail_after(2s, "b fails")); }
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a begins", "a ends"}));
    EXPECT_EQ(reports, (Log{"Task exception was never retrieved b fails"}));
    // With one that is kept, its children have nothing to report.
    const auto kept = gather(passes(1));
    co_await sleep(1s);
    EXPECT_TRUE(kept.done());
  });
}

TEST(Step1_Gather, AnErrorThatNobodyLooksAtIsReportedOnce) {  // AIO-58
  Log reports;
  in_loop(reports, []() -> Coro<> {
    {
      const auto all = gather(fail_after(1s, "a"), fail_after(2s, "b"));
      co_await sleep(5s);
    }
    co_await passes(2);
  });
  EXPECT_EQ(reports, (Log{"Future exception was never retrieved a"}));
}

TEST(Step1_Gather, ACopyThatThrowsIsItsError) {
  in_loop([]() -> Coro<> {
    Task<NoCopies> task = create_task(no_copies());
    const std::string error = co_await error_of(gather(task, passes(1)));
    EXPECT_EQ(error, "no copies");
    const std::string outcome = co_await error_of(gather({.return_exceptions = true}, task));
    EXPECT_EQ(outcome, "no copies");
  });
}

TEST(Step1_Gather, ALoopMayGoWhileItWaits) {
  const auto gathers = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await gather(passes(1), alive_for(alive, 1h),
                    gather({.return_exceptions = true}, alive_for(alive, 1h), passes(2)));
  };
  abandon(gathers);
}

TEST(Step1_Gather, ItMayOutliveItsLoop) {
  auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  std::atomic<int> alive = 0;
  Future<int> child = loop->create_future<int>();
  auto all = gather(child, loop->create_task(alive_for(alive, 1h)));
  auto some = gather({.return_exceptions = true}, all, child);
  run_passes(*loop, 2);
  child.set_result(1);
  run_passes(*loop, 2);
  EXPECT_EQ(alive, 1);
  loop.reset();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(all.done());
  EXPECT_FALSE(all.cancel()) << "all of its children are done";
  some.cancel();
}

TEST(Step1_Gather, AHundredThousandChildrenTakeNoStack) {
  in_loop([]() -> Coro<> {
    constexpr int many = 100'000;
    std::vector<Coro<int>> coros;
    for (int i = 0; i < many; ++i) coros.push_back(after(Duration(i % 7), i));
    const std::vector<int> numbers = co_await gather(std::move(coros));
    EXPECT_EQ(std::ranges::count_if(numbers, [i = 0](int number) mutable { return number == i++; }), many);
    std::vector<Task<>> tasks;
    for (int i = 0; i < many; ++i) tasks.push_back(create_task(passes(1'000'000)));
    auto all = gather(tasks);
    co_await passes(2);
    EXPECT_TRUE(all.cancel());
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    std::vector<Future<>> same(many, get_running_loop().create_future());
    { const auto dropped = gather(same); }
  });
}

TEST(Step1_Gather, InSteadyStateItAllocatesAFewTimesHoweverManyThereAre) {
  in_loop([]() -> Coro<> {
    const auto one_round = [](std::size_t children) -> Coro<> {
      std::vector<Coro<int>> coros;
      coros.reserve(children);
      for (std::size_t i = 0; i < children; ++i) coros.push_back(after(0s, 1));
      const std::vector<int> numbers = co_await gather(std::move(coros));
      EXPECT_EQ(numbers.size(), children);
    };
    const auto allocations_of = [&](std::size_t children) -> Coro<std::size_t> {
      for (int i = 0; i < 3; ++i) co_await one_round(children);
      const std::size_t before = course::allocations();
      co_await one_round(children);
      co_return course::allocations() - before;
    };
    const std::size_t of_ten = co_await allocations_of(10);
    const std::size_t of_a_thousand = co_await allocations_of(1'000);
    if (asyncio::NodePool::recycles) {
      EXPECT_LE(of_ten, 20u);
      EXPECT_LE(of_a_thousand, of_ten + 10) << "a vector that grows does so a few times more";
    }
  });
}

// Step 2: shield.

TEST(Step2_Shield, WhatTheInnerOneEndsWithPassesThrough) {  // AIO-60
  in_loop([]() -> Coro<> {
    const int number = co_await shield(after(1s, 1));
    EXPECT_EQ(number, 1);
    const std::string text = co_await shield(after(1s, std::string("two")));
    EXPECT_EQ(text, "two");
    co_await shield(sleep(1s));
    const std::unique_ptr<int> owner = co_await shield(after(1s, std::make_unique<int>(4)));
    EXPECT_EQ(*owner, 4);
    Task<int&> reference = create_task(reference_after(1s));
    int& same = co_await shield(reference);
    EXPECT_EQ(&same, &shared_number);
    EXPECT_EQ(now(), 5s);
    const std::string error = co_await error_of(shield(fail_after(1s, "inner")));
    EXPECT_EQ(error, "inner");
  });
}

TEST(Step2_Shield, TheResultStaysWithTheInnerOneToo) {  // AIO-60
  in_loop([]() -> Coro<> {
    Task<std::string> task = create_task(after(1s, std::string("a text that is too long to stay in place")));
    const std::string shielded = co_await shield(task);
    const std::string own = co_await task;
    EXPECT_EQ(shielded, "a text that is too long to stay in place");
    EXPECT_EQ(own, shielded);
    Task<> fails = create_task(fail_after(1s, "inner"));
    const std::string through = co_await error_of(shield(fails));
    EXPECT_EQ(through, said(fails.exception()));
  });
}

TEST(Step2_Shield, ItTakesAsManyPassesAsInPython) {  // AIO-60
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 6));
    co_await shield(passes(1));
    log.push_back("shielded");
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "2", "3", "shielded", "4", "5", "6"}));
  });
}

TEST(Step2_Shield, WhoAwaitsItIsCancelledAndTheInnerOneRunsOn) {  // AIO-59
  in_loop([]() -> Coro<> {
    Log log;
    Task<> inner = create_task(logs(log, "inner", 3s));
    const auto awaits = [&]() -> Coro<> { co_await shield(inner); };
    Task<> outer = create_task(awaits());
    co_await sleep(1s);
    EXPECT_TRUE(outer.cancel());
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(now(), 1s);
    EXPECT_FALSE(inner.done());
    EXPECT_EQ(inner.cancelling(), 0u);
    co_await inner;
    EXPECT_EQ(log, (Log{"inner begins", "inner ends"}));
  });
}

TEST(Step2_Shield, TheFutureItselfMayBeCancelled) {  // AIO-59
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    Future<int> outer = shield(inner);
    EXPECT_FALSE(outer == inner);
    EXPECT_TRUE(outer.cancel());
    EXPECT_TRUE(outer.cancelled());
    EXPECT_FALSE(outer.cancel());
    co_await passes(3);
    EXPECT_FALSE(inner.done());
    inner.set_result(1);
    co_await passes(3);
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(inner.result(), 1);
  });
}

TEST(Step2_Shield, TheLoopKeepsWhatRuns) {  // AIO-59
  in_loop([]() -> Coro<> {
    Log log;
    const auto awaits = [&]() -> Coro<> { co_await shield(logs(log, "inner", 3s)); };
    Task<> outer = create_task(awaits());
    co_await sleep(1s);
    outer.cancel();
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"inner begins", "inner ends"})) << "although nobody has a handle of it";
  });
}

TEST(Step2_Shield, TheInnerOnesCancellationIsPassedOn) {  // AIO-60
  in_loop([]() -> Coro<> {
    Task<int> inner = create_task(after(1h, 1));
    Future<int> outer = shield(inner);
    co_await sleep(1s);
    inner.cancel();
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(now(), 1s);
  });
}

TEST(Step2_Shield, WhatIsDoneIsReturnedAsItIs) {  // AIO-60
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    inner.set_result(1);
    EXPECT_TRUE(shield(inner) == inner);
    Task<int> task = create_task(after(1h, 1));
    task.cancel();
    co_await passes(2);
    EXPECT_TRUE(shield(task) == task);
  });
}

TEST(Step2_Shield, AnErrorAfterTheOuterOneWasCancelledIsReportedOnce) {  // AIO-60
  Log reports;
  in_loop(reports, [&]() -> Coro<> {
    const auto awaits = []() -> Coro<> { co_await shield(fail_after(3s, "too late")); };
    Task<> outer = create_task(awaits());
    co_await sleep(1s);
    outer.cancel();
    co_await sleep(5s);
    EXPECT_EQ(reports, (Log{"Task exception was never retrieved too late"}));
    // Not if somebody looks at it.
    Task<> inner = create_task(fail_after(1s, "seen"));
    Future<> shielded = shield(inner);
    shielded.cancel();
    const std::string error = co_await error_of(inner);
    EXPECT_EQ(error, "seen");
  });
  EXPECT_EQ(reports.size(), 1u);
}

TEST(Step2_Shield, AnErrorThatNobodyLooksAtIsReportedOnce) {  // AIO-60
  Log reports;
  in_loop(reports, []() -> Coro<> {
    { const auto dropped = shield(fail_after(1s, "lost")); }
    co_await sleep(5s);
  });
  EXPECT_EQ(reports, (Log{"Future exception was never retrieved lost"}));
}

TEST(Step2_Shield, GatherAndShieldGoTogether) {  // AIO-59
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(shield(logs(log, "a", 3s)), logs(log, "b", 3s));
    co_await sleep(1s);
    all.cancel();
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a begins", "b begins", "b is cancelled", "a ends"}));
    log.clear();
    auto shielded = shield(gather(logs(log, "a", 3s), logs(log, "b", 3s)));
    co_await sleep(1s);
    shielded.cancel();
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a begins", "b begins", "a ends", "b ends"}));
  });
}

TEST(Step2_Shield, ACopyThatThrowsIsItsError) {
  in_loop([]() -> Coro<> {
    Task<NoCopies> task = create_task(no_copies());
    const std::string error = co_await error_of(shield(task));
    EXPECT_EQ(error, "no copies");
  });
}

TEST(Step2_Shield, ALoopMayGoWhileItWaits) {
  const auto shields = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await shield(passes(1));
    co_await shield(alive_for(alive, 1h));
  };
  abandon(shields);
}

// Step 3: limits of time.

TEST(Step3_Timeouts, InTimeItGivesWhatThePartReturns) {  // AIO-76
  in_loop([]() -> Coro<> {
    const int number = co_await timeout(2s, []() -> Coro<int> { co_return co_await after(1s, 1); });
    EXPECT_EQ(number, 1);
    const std::string text = co_await timeout(2s, [] { return after(1s, std::string("two")); });
    EXPECT_EQ(text, "two");
    co_await timeout(2s, [](Timeout&) { return sleep(1s); });
    const std::unique_ptr<int> owner =
        co_await timeout(2s, [] { return after(1s, std::make_unique<int>(4)); });
    EXPECT_EQ(*owner, 4);
    int& reference = co_await timeout(2s, [] { return reference_after(1s); });
    EXPECT_EQ(&reference, &shared_number);
    EXPECT_EQ(now(), 5s);
  });
}

TEST(Step3_Timeouts, WhenTheTimeIsOverThePartIsCancelled) {  // AIO-76
  in_loop([]() -> Coro<> {
    Log log;
    const std::string error = co_await error_of(timeout(2s, [&] { return logs(log, "part", 1h); }));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(now(), 2s);
    EXPECT_EQ(log, (Log{"part begins", "part is cancelled"}));
    EXPECT_EQ(current_task()->cancelling(), 0u) << "its own request is taken back";
    co_await sleep(1h);
  });
}

TEST(Step3_Timeouts, TheLimitKnowsHowItStands) {  // AIO-76
  in_loop([]() -> Coro<> {
    Timeout* seen = nullptr;
    const auto in_time = [&](Timeout& limit) -> Coro<> {
      seen = &limit;
      EXPECT_EQ(limit.when(), TimePoint(5s));
      co_await sleep(1s);
      EXPECT_FALSE(limit.expired());
    };
    co_await timeout_at(TimePoint(5s), in_time);
    const auto too_late = [&](Timeout& limit) -> Coro<> {
      EXPECT_EQ(limit.when(), TimePoint(3s));
      EXPECT_FALSE(limit.expired());
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        EXPECT_TRUE(limit.expired());
        throw;
      }
    };
    const std::string error = co_await error_of(timeout(2s, too_late));
    EXPECT_EQ(error, "timeout");
  });
}

TEST(Step3_Timeouts, NothingIsLeftBehind) {  // AIO-76
  in_loop([]() -> Coro<> {
    co_await timeout(1s, [] { return passes(3); });
    const std::string error = co_await error_of(timeout(1s, [] { return fail_after(0s, "part"); }));
    EXPECT_EQ(error, "part");
    co_await sleep(5s);
    std::size_t before = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (i == 10'000) before = course::allocations();
      co_await timeout(1h, [] { return passes(1); });
    }
    if (asyncio::NodePool::recycles) {
      EXPECT_LE(course::allocations() - before, 10u) << "timers of parts that have ended are dropped";
    }
  });
}

TEST(Step3_Timeouts, ACancellationFromElsewherePassesThrough) {  // AIO-76
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        log.push_back(limit.expired() ? "expired" : "not expired");
        throw;
      }
    };
    const auto limited = [&]() -> Coro<> { co_await timeout(2s, part); };
    Task<> task = create_task(limited());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 1u);
    EXPECT_EQ(log, Log{"not expired"});
  });
}

namespace {

/// A task with a timeout at 2 s, whose part takes 2 s more to go. At `when`, somebody else cancels it, too.
[[maybe_unused]] Coro<std::string> both_cancel(Duration when) {
  Log log;
  const auto limited = [&]() -> Coro<> { co_await timeout(2s, [&] { return slow_to_go(log, 2s); }); };
  Task<> task = create_task(limited());
  co_await sleep(when);
  EXPECT_TRUE(task.cancel());
  const std::string error = co_await error_of(task);
  EXPECT_EQ(task.cancelling(), 1u) << "the other request stays";
  co_return error;
}

}  // namespace

TEST(Step3_Timeouts, WhenBothCancelItIsNoTimeout) {  // AIO-76
  in_loop([]() -> Coro<> {
    const std::string after_it_expired = co_await both_cancel(3s);
    EXPECT_EQ(after_it_expired, "cancelled");
    const std::string before_it_expired = co_await both_cancel(1s);
    EXPECT_EQ(before_it_expired, "cancelled");
    const std::string at_the_same_time = co_await both_cancel(2s);
    EXPECT_EQ(at_the_same_time, "cancelled");
  });
}

TEST(Step3_Timeouts, RequestsFromBeforeItBeganDoNotCount) {  // AIO-76
  in_loop([]() -> Coro<> {
    const auto limited = []() -> Coro<std::string> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      EXPECT_EQ(current_task()->cancelling(), 1u);
      const std::string error = co_await error_of(timeout(2s, [] { return sleep(1h); }));
      EXPECT_EQ(current_task()->cancelling(), 1u);
      co_return error;
    };
    Task<std::string> task = create_task(limited());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await task;
    EXPECT_EQ(error, "timeout");
  });
}

TEST(Step3_Timeouts, APartThatRefusesToGoGivesItsValue) {  // AIO-76
  in_loop([]() -> Coro<> {
    const int number = co_await timeout(1s, [] { return refuses(7, 2s); });
    EXPECT_EQ(number, 7);
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

namespace {

/// Two limits, one in the other. Where does which exception come?
[[maybe_unused]] Coro<> nested(Log& log, Duration outer_delay, Duration inner_delay, Duration work) {
  const auto innermost = [&](Timeout& limit) -> Coro<> {
    try {
      co_await sleep(work);
    } catch (...) {
      log.push_back(std::string("part: ") + said(std::current_exception()) +
                    (limit.expired() ? ", expired" : ""));
      throw;
    }
  };
  const auto inner = [&](Timeout& limit) -> Coro<> {
    const std::string error = co_await error_of(timeout(inner_delay, innermost));
    log.push_back("inner: " + error + (limit.expired() ? ", expired" : ""));
    if (error == "cancelled") throw CancelledError();
    co_await sleep(work);
  };
  const std::string error = co_await error_of(timeout(outer_delay, inner));
  log.push_back("outer: " + error);
  EXPECT_EQ(current_task()->cancelling(), 0u);
}

}  // namespace

TEST(Step3_Timeouts, OfTwoNestedLimitsTheOneThatWasOverConverts) {  // AIO-77
  in_loop([]() -> Coro<> {
    Log log;
    co_await nested(log, 1h, 1s, 2s);
    EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: timeout", "outer: nothing"}));
    log.clear();
    co_await nested(log, 1s, 1h, 2s);
    EXPECT_EQ(log, (Log{"part: cancelled", "inner: cancelled, expired", "outer: timeout"}));
    log.clear();
    co_await nested(log, 3s, 1s, 1h);
    EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: timeout", "outer: timeout"}));
  });
}

TEST(Step3_Timeouts, OfTwoThatAreOverTogetherTheOuterOneConverts) {  // AIO-77
  in_loop([]() -> Coro<> {
    Log log;
    co_await nested(log, 1s, 1s, 1h);
    EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: cancelled, expired", "outer: timeout"}));
  });
}

TEST(Step3_Timeouts, TheLoopMayBeTooBusyToTellWhichCameFirst) {  // AIO-77
  for (const bool outer_first : {true, false}) {
    auto selector = std::make_unique<VirtualTimeSelector>();
    VirtualTimeSelector& clock = *selector;
    EventLoop loop(std::move(selector));
    Log reports;
    listen(loop, reports);
    loop.call_later(500ms, [&] { clock.advance(10s); });
    const auto main = [&]() -> Coro<> {
      Log log;
      co_await nested(log, outer_first ? 1s : 2s, outer_first ? 2s : 1s, 1h);
      EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: cancelled, expired", "outer: timeout"}));
    };
    loop.run_until_complete(main());
    EXPECT_EQ(reports, Log());
  }
}

TEST(Step3_Timeouts, ACleanUpMayHaveALimitOfItsOwn) {  // AIO-77
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&]() -> Coro<> {
      bool cancelled = false;
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        cancelled = true;
      }
      const std::string error = co_await error_of(timeout(2s, [&] { return logs(log, "clean-up", 1h); }));
      log.push_back(error);
      if (cancelled) throw CancelledError();
    };
    const std::string error = co_await error_of(timeout(1s, part));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(log, (Log{"clean-up begins", "clean-up is cancelled", "timeout"}));
    EXPECT_EQ(now(), 3s);
  });
}

TEST(Step3_Timeouts, WithoutATimeThereIsNoLimit) {  // AIO-78
  in_loop([]() -> Coro<> {
    const auto part = [](Timeout& limit) -> Coro<int> {
      EXPECT_EQ(limit.when(), std::nullopt);
      co_await sleep(1000h);
      EXPECT_FALSE(limit.expired());
      co_return 1;
    };
    const int of_timeout = co_await timeout(std::nullopt, part);
    EXPECT_EQ(of_timeout, 1);
    const int of_timeout_at = co_await timeout_at(std::nullopt, part);
    EXPECT_EQ(of_timeout_at, 1);
    EXPECT_EQ(now(), 2000h);
    const int saturated = co_await timeout(Duration::max(), [] { return after(1h, 1); });
    EXPECT_EQ(saturated, 1);
  });
}

TEST(Step3_Timeouts, OneThatIsOverAlreadyCancelsAtTheFirstAwait) {  // AIO-78
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 3));
    for (const Duration delay : {Duration(0s), Duration(-1s), Duration(-1000h)}) {
      const auto part = [&](Timeout& limit) -> Coro<> {
        EXPECT_FALSE(limit.expired());
        log.push_back("part");
        co_await sleep(0s);
        log.push_back("not cancelled");
      };
      const std::string error = co_await error_of(timeout(delay, part));
      log.push_back(error);
    }
    const std::string past = co_await error_of(timeout_at(TimePoint(), [] { return sleep(1s); }));
    EXPECT_EQ(past, "timeout");
    co_await counter;
    EXPECT_EQ(log, (Log{"part", "timeout", "part", "1", "timeout", "part", "2", "timeout", "3"}))
        << "in the pass in which they began or the next, as in Python";
    EXPECT_EQ(now(), 0s);
  });
}

TEST(Step3_Timeouts, APartThatNeverWaitsIsNotDisturbed) {  // AIO-78
  in_loop([]() -> Coro<> {
    const int number = co_await timeout(0s, []() -> Coro<int> { co_return 1; });
    EXPECT_EQ(number, 1);
    co_await sleep(1s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step3_Timeouts, TheDelayCountsFromTheAwait) {  // AIO-76
  in_loop([]() -> Coro<> {
    const auto part = [](Timeout& limit) -> Coro<> {
      EXPECT_EQ(limit.when(), TimePoint(7s));
      co_return;
    };
    auto limited = timeout(2s, part);
    co_await sleep(5s);
    co_await std::move(limited);
  });
}

TEST(Step3_Timeouts, RescheduleSetsAnotherLimit) {  // AIO-79
  in_loop([]() -> Coro<> {
    const auto later = [](Timeout& limit) -> Coro<> {
      limit.reschedule(TimePoint(10s));
      EXPECT_EQ(limit.when(), TimePoint(10s));
      co_await sleep(1h);
    };
    const std::string at_ten = co_await error_of(timeout(1s, later));
    EXPECT_EQ(at_ten, "timeout");
    EXPECT_EQ(now(), 10s);
    const auto none = [](Timeout& limit) -> Coro<> {
      limit.reschedule(std::nullopt);
      EXPECT_EQ(limit.when(), std::nullopt);
      co_await sleep(5s);
    };
    co_await timeout(1s, none);
    EXPECT_EQ(now(), 15s);
    const auto one_after_all = [](Timeout& limit) -> Coro<> {
      limit.reschedule(TimePoint(20s));
      co_await sleep(1h);
    };
    const std::string at_twenty = co_await error_of(timeout(std::nullopt, one_after_all));
    EXPECT_EQ(at_twenty, "timeout");
    EXPECT_EQ(now(), 20s);
    const auto past = [](Timeout& limit) -> Coro<> {
      limit.reschedule(TimePoint(1s));
      EXPECT_FALSE(limit.expired());
      co_await sleep(0s);
      ADD_FAILURE() << "not cancelled";
    };
    const std::string at_once = co_await error_of(timeout(1h, past));
    EXPECT_EQ(at_once, "timeout");
    EXPECT_EQ(now(), 20s);
  });
}

TEST(Step3_Timeouts, RescheduleIsRefusedWhenItIsTooLate) {  // AIO-79
  in_loop([]() -> Coro<> {
    std::string expiring;
    const auto too_late = [&](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        expiring = error_in([&] { limit.reschedule(TimePoint(1h)); });
        EXPECT_EQ(limit.when(), TimePoint(1s)) << "and nothing is changed";
        throw;
      }
    };
    const std::string error = co_await error_of(timeout(1s, too_late));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(expiring, "Cannot change state of expiring Timeout");
    // By hand, for what timeout() gives its body goes with the body.
    Timeout ended(TimePoint(1h));
    EXPECT_FALSE(ended.end(false));
    EXPECT_FALSE(ended.expired());
    EXPECT_EQ(error_in([&] { ended.reschedule(std::nullopt); }), "Cannot change state of finished Timeout");
    Timeout expired(TimePoint(2s));
    const std::string sleeping = co_await error_of(sleep(1h));
    EXPECT_EQ(sleeping, "cancelled");
    EXPECT_TRUE(expired.end(true));
    EXPECT_TRUE(expired.expired());
    EXPECT_EQ(error_in([&] { expired.reschedule(std::nullopt); }), "Cannot change state of expired Timeout");
  });
}

TEST(Step3_Timeouts, OtherExceptionsStayAsTheyAre) {  // AIO-79
  in_loop([]() -> Coro<> {
    const std::string in_time = co_await error_of(timeout(2s, [] { return fail_after(1s, "in time"); }));
    EXPECT_EQ(in_time, "in time");
    const auto because_of_it = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw std::runtime_error("because of it");
      }
    };
    const std::string late = co_await error_of(timeout(1s, because_of_it));
    EXPECT_EQ(late, "because of it");
    EXPECT_EQ(current_task()->cancelling(), 0u);
    const auto number = []() -> Coro<> {
      co_await sleep(1s);
      throw 7;
    };
    const std::string seven = co_await error_of(timeout(5s, number));
    EXPECT_EQ(seven, "7");
    const auto cancelled = []() -> Coro<> {
      co_await sleep(1s);
      throw CancelledError();
    };
    const std::string by_itself = co_await error_of(timeout(5s, cancelled));
    EXPECT_EQ(by_itself, "cancelled") << "the time was not over";
    co_await sleep(1s);
  });
}

TEST(Step3_Timeouts, ItNeedsATask) {  // AIO-79
  const auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  std::string said_outside;
  loop->call_soon([&] {
    Coro<> limited = timeout(1s, [] { return passes(1); });
    limited.handle().resume();
    if (limited.done()) said_outside = said(limited.outcome().exception());
  });
  run_passes(*loop, 1);
  EXPECT_EQ(said_outside, "Timeout should be used inside a task");
  // Within one, it does its work.
  loop->run_until_complete(timeout(1s, [] { return passes(1); }));
}

TEST(Step3_Timeouts, TheFunctionLivesAsLongAsThePart) {  // AIO-76
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    const auto limited = [&]() -> Coro<> {
      const auto counted = std::make_shared<Counted>(alive);
      const auto part = [counted,
                         text = std::string("a text that is too long to stay in place")]() -> Coro<> {
        co_await sleep(1s);
        EXPECT_EQ(text, "a text that is too long to stay in place");
      };
      return timeout(5s, part);
    };
    Task<> task = create_task(limited());
    co_await passes(3);
    EXPECT_EQ(alive, 1) << "whoever wrote it has gone";
    co_await task;
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step3_Timeouts, ItMayBeCancelledAtAnyTime) {  // AIO-64, AIO-76
  in_loop([]() -> Coro<> {
    const auto limited = [](std::atomic<int>& alive) -> Coro<> {
      co_await timeout(1h, [&] { return wait_for(alive_passes(alive, 2), 2h); });
      Task<> task = create_task(alive_passes(alive, 3));
      co_await wait_for(task, 1h);
      const std::string cancelled = co_await error_of(timeout(0s, [&] { return alive_passes(alive, 5); }));
      if (cancelled == "cancelled") throw CancelledError();
      co_await wait_for(gather(alive_passes(alive, 1), alive_passes(alive, 2)), std::nullopt);
    };
    const int times = co_await cancel_at_every_pass(limited);
    EXPECT_GT(times, 10);
  });
}

TEST(Step3_Timeouts, ALoopMayGoWhileItWaits) {
  const auto limited = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await timeout(1h, [] { return passes(1); });
    co_await timeout(1h, [&] { return timeout(2h, [&] { return alive_for(alive, 3h); }); });
  };
  abandon(limited);
}

TEST(Step3_Timeouts, WaitForGivesTheResultInTime) {  // AIO-61
  in_loop([]() -> Coro<> {
    const int number = co_await wait_for(after(1s, 1), 2s);
    EXPECT_EQ(number, 1);
    const std::string text = co_await wait_for(after(1000h, std::string("two")), std::nullopt);
    EXPECT_EQ(text, "two");
    const std::unique_ptr<int> owner = co_await wait_for(after(1s, std::make_unique<int>(4)), 2s);
    EXPECT_EQ(*owner, 4);
    co_await wait_for(sleep(1s), 2s);
    Task<int> task = create_task(after(1s, 5));
    const int of_a_task = co_await wait_for(task, 2s);
    EXPECT_EQ(of_a_task, task.result());
    Future<int> future = get_running_loop().create_future<int>();
    get_running_loop().call_later(1s, [&] { future.set_result(6); });
    const int of_a_future = co_await wait_for(future, 2s);
    EXPECT_EQ(of_a_future, 6);
    const std::string error = co_await error_of(wait_for(fail_after(1s, "it failed"), 2s));
    EXPECT_EQ(error, "it failed");
    co_await sleep(1h);
  });
}

TEST(Step3_Timeouts, WaitForTakesAsManyPassesAsInPython) {  // AIO-61
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 8));
    co_await wait_for(passes(1), 10s);
    log.push_back("in time");
    Task<> task = create_task(passes(1));
    co_await wait_for(task, 10s);
    log.push_back("in time too");
    co_await counter;
    EXPECT_EQ(log, (Log{"in time", "1", "2", "3", "in time too", "4", "5", "6", "7", "8"}));
  });
}

TEST(Step3_Timeouts, WaitForReturnsWhenWhatWasCancelledHasReallyEnded) {  // AIO-61
  in_loop([]() -> Coro<> {
    Log log;
    const std::string of_a_coro = co_await error_of(wait_for(slow_to_go(log, 5s), 1s));
    EXPECT_EQ(of_a_coro, "timeout");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 6s) << "to clean up may take longer than the limit";
    log.clear();
    Task<> task = create_task(slow_to_go(log, 5s));
    const std::string of_a_task = co_await error_of(wait_for(task, 1s));
    EXPECT_EQ(of_a_task, "timeout");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 12s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
    Future<int> future = get_running_loop().create_future<int>();
    const std::string of_a_future = co_await error_of(wait_for(future, 1s));
    EXPECT_EQ(of_a_future, "timeout");
    EXPECT_TRUE(future.cancelled());
  });
}

TEST(Step3_Timeouts, WaitForWithoutTimeGivesTheResultOfWhatIsDone) {  // AIO-62
  in_loop([]() -> Coro<> {
    Future<int> future = get_running_loop().create_future<int>();
    future.set_result(1);
    const int number = co_await wait_for(future, 0s);
    EXPECT_EQ(number, 1);
    const int again = co_await wait_for(future, -5s);
    EXPECT_EQ(again, 1);
    Task<> failed = create_task(fail_after(0s, "before"));
    co_await passes(3);
    const std::string error = co_await error_of(wait_for(failed, 0s));
    EXPECT_EQ(error, "before");
    Future<int> cancelled = get_running_loop().create_future<int>();
    cancelled.cancel();
    const std::string none = co_await error_of(wait_for(cancelled, 0s));
    EXPECT_EQ(none, "cancelled") << "not for the time";
  });
}

TEST(Step3_Timeouts, WaitForWithoutTimeNeverBeginsACoro) {  // AIO-62
  in_loop([]() -> Coro<> {
    Log log;
    std::atomic<int> alive = 0;
    for (const Duration delay : {0s, -1s}) {
      const std::string error = co_await error_of(wait_for(logs(log, "it", 0s), delay));
      EXPECT_EQ(error, "timeout");
      const auto counted = std::make_shared<Counted>(alive);
      const auto begins = [&log, counted]() -> Coro<> {
        log.push_back("it begins");
        co_return;
      };
      const std::string of_a_lambda = co_await error_of(wait_for(begins(), delay));
      EXPECT_EQ(of_a_lambda, "timeout");
    }
    co_await sleep(1s);
    EXPECT_EQ(log, Log());
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step3_Timeouts, WaitForWithoutTimeCancelsAndAwaitsWhatRuns) {  // AIO-62
  in_loop([]() -> Coro<> {
    Log log;
    Task<> task = create_task(slow_to_go(log, 5s));
    co_await passes(2);
    const std::string error = co_await error_of(wait_for(task, 0s));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 5s);
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(current_task()->cancelling(), 0u);
    Future<int> future = get_running_loop().create_future<int>();
    const std::string of_a_future = co_await error_of(wait_for(future, 0s));
    EXPECT_EQ(of_a_future, "timeout");
    EXPECT_TRUE(future.cancelled());
  });
}

TEST(Step3_Timeouts, WaitForLeavesTheLastWordToWhatAnswersTheCancellation) {  // AIO-63
  in_loop([]() -> Coro<> {
    const auto throws = []() -> Coro<int> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      throw std::runtime_error("instead");
    };
    const int of_a_coro = co_await wait_for(refuses(1), 1s);
    EXPECT_EQ(of_a_coro, 1);
    const std::string error_of_a_coro = co_await error_of(wait_for(throws(), 1s));
    EXPECT_EQ(error_of_a_coro, "instead");
    for (const Duration delay : {1s, 0s}) {
      Task<int> refusing = create_task(refuses(2, 1s));
      Task<int> throwing = create_task(throws());
      co_await passes(2);
      const int value = co_await wait_for(refusing, delay);
      EXPECT_EQ(value, 2);
      const std::string error = co_await error_of(wait_for(throwing, delay));
      EXPECT_EQ(error, "instead");
    }
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step3_Timeouts, WaitForLetsATimeoutErrorThroughThatIsNotItsOwn) {  // AIO-63
  in_loop([]() -> Coro<> {
    const auto throws = []() -> Coro<> {
      co_await sleep(1s);
      throw TimeoutError("of its own");
    };
    try {
      co_await wait_for(throws(), 1h);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const TimeoutError& error) {
      EXPECT_STREQ(error.what(), "of its own");
    }
    const std::string ours = co_await error_of(wait_for(sleep(1h), 1s));
    EXPECT_EQ(ours, "timeout");
  });
}

TEST(Step3_Timeouts, ToCancelWaitForCancelsWhatItWaitsForAndWaits) {  // AIO-64
  in_loop([]() -> Coro<> {
    for (const auto delay : {std::optional<Duration>(1h), std::optional<Duration>()}) {
      Log log;
      const Duration begin = now();
      Task<> inner = create_task(slow_to_go(log, 5s));
      const auto waits = [&]() -> Coro<> { co_await wait_for(inner, delay); };
      Task<> outer = create_task(waits());
      co_await sleep(1s);
      EXPECT_TRUE(outer.cancel());
      const std::string error = co_await error_of(outer);
      EXPECT_EQ(error, "cancelled");
      EXPECT_TRUE(inner.cancelled());
      EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
      EXPECT_EQ(now() - begin, 6s);
    }
  });
}

TEST(Step3_Timeouts, WaitForLosesNoCancellationInThePassInWhichItEnds) {  // AIO-64
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    const auto waits = [&]() -> Coro<int> { co_return co_await wait_for(inner, 1h); };
    Task<int> outer = create_task(waits());
    co_await passes(2);
    inner.set_result(1);
    EXPECT_TRUE(outer.cancel());
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(inner.result(), 1);
  });
}

TEST(Step3_Timeouts, WaitForLosesNoCancellationWhileItWaitsForTheEnd) {  // AIO-64
  in_loop([]() -> Coro<> {
    for (const Duration delay : {1s, 0s}) {
      Log log;
      Task<> inner = create_task(slow_to_go(log, 5s));
      co_await passes(2);
      const auto waits = [&]() -> Coro<> { co_await wait_for(inner, delay); };
      Task<> outer = create_task(waits());
      co_await sleep(3s);
      EXPECT_EQ(log, (Log{"it is cancelled"}));
      EXPECT_TRUE(outer.cancel());
      const std::string error = co_await error_of(outer);
      EXPECT_EQ(error, "cancelled");
      EXPECT_TRUE(outer.cancelled());
      EXPECT_EQ(outer.cancelling(), 1u);
      EXPECT_TRUE(inner.done());
    }
  });
}

TEST(Step3_Timeouts, WaitForAShieldLeavesTheInnerOneAlone) {  // AIO-64
  in_loop([]() -> Coro<> {
    Task<int> inner = create_task(after(100s, 1));
    const std::string in_time = co_await error_of(wait_for(shield(inner), 1s));
    EXPECT_EQ(in_time, "timeout");
    EXPECT_EQ(now(), 1s);
    const std::string at_once = co_await error_of(wait_for(shield(inner), 0s));
    EXPECT_EQ(at_once, "timeout");
    const auto waits = [&]() -> Coro<> { co_await wait_for(shield(inner), 1h); };
    Task<> outer = create_task(waits());
    co_await sleep(1s);
    outer.cancel();
    const std::string cancelled = co_await error_of(outer);
    EXPECT_EQ(cancelled, "cancelled");
    const int result = co_await inner;
    EXPECT_EQ(result, 1);
    EXPECT_EQ(inner.cancelling(), 0u);
  });
}

TEST(Step3_Timeouts, WaitForAGatherCancelsItAsAWhole) {  // AIO-61
  in_loop([]() -> Coro<> {
    Log log;
    const std::string error =
        co_await error_of(wait_for(gather(logs(log, "a", 1h), logs(log, "b", 1s), logs(log, "c", 1h)), 2s));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(log, (Log{"a begins", "b begins", "c begins", "b ends", "a is cancelled", "c is cancelled"}));
    const auto [in_time, too_late] =
        co_await gather({.return_exceptions = true}, wait_for(after(1s, 1), 2s), wait_for(after(3s, 3), 2s));
    EXPECT_EQ(in_time.get(), 1);
    EXPECT_EQ(said(too_late.exception()), "timeout");
  });
}

TEST(Step3_Timeouts, ALoopMayGoWhileWaitForWaits) {
  const auto waits = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await wait_for(passes(1), 1h);
    Log log;
    Task<> stubborn = create_task(slow_to_go(log, 1h));
    co_await passes(1);
    co_await gather(wait_for(alive_for(alive, 2h), 1h), wait_for(stubborn, 0s));
  };
  abandon(waits);
}

// Step 4: several exceptions at a time, and groups of tasks.

namespace {

/// The exceptions of a group, in order, with those of the groups in it: "a, (b, c)".
[[maybe_unused]] std::string list(const ExceptionGroup& group) {
  std::string text;
  for (const std::exception_ptr& exception : group.exceptions()) {
    if (!text.empty()) text += ", ";
    try {
      std::rethrow_exception(exception);
    } catch (const ExceptionGroup& inner) {
      text += "(" + list(inner) + ")";
    } catch (...) {
      text += said(exception);
    }
  }
  return text;
}

/// As error_of(), but of an ExceptionGroup it lists what is in it.
template <class A>
Coro<std::string> errors_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const ExceptionGroup& group) {
    co_return "group: " + list(group);
  } catch (...) {
    co_return said(std::current_exception());
  }
  co_return "nothing";
}

/// An exception that nothing else is.
template <class E = std::runtime_error>
std::exception_ptr error(const char* text) {
  return std::make_exception_ptr(E(text));
}

/// Works for ever. When it is cancelled it fails.
[[maybe_unused]] Coro<> fails_to_go(std::string text) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  throw std::runtime_error(text);
}

}  // namespace

TEST(Step4_TaskGroup, AGroupOfExceptionsSaysHowManyThereAre) {  // AIO-70
  const ExceptionGroup two("two of them", {error("a"), error("b")});
  EXPECT_STREQ(two.what(), "two of them (2 sub-exceptions)");
  EXPECT_EQ(two.message(), "two of them");
  EXPECT_EQ(list(two), "a, b");
  EXPECT_STREQ(ExceptionGroup("one", {error("a")}).what(), "one (1 sub-exception)");
  EXPECT_THROW(ExceptionGroup("none", {}), std::invalid_argument);
  EXPECT_THROW(ExceptionGroup("null", {error("a"), nullptr}), std::invalid_argument);
  const auto [all, none] = two.split<std::runtime_error>();
  EXPECT_STREQ(all.value().what(), two.what());
  EXPECT_FALSE(none);
}

TEST(Step4_TaskGroup, SplitTellsTheExceptionsThatAreOfAType) {  // AIO-70
  const ExceptionGroup group("mixed", {error<std::logic_error>("a"), error("b"), std::make_exception_ptr(3),
                                       error<std::out_of_range>("c"), error("d")});
  const auto [logic, others] = group.split<std::logic_error>();
  EXPECT_EQ(list(logic.value()), "a, c") << "what derives from it is one, too";
  EXPECT_EQ(list(others.value()), "b, 3, d");
  EXPECT_EQ(logic->exceptions()[0], group.exceptions()[0]) << "the very same exceptions";
  EXPECT_EQ(others->message(), "mixed");
  const auto [numbers, rest] = group.split<int>();
  EXPECT_EQ(list(numbers.value()), "3");
  EXPECT_EQ(list(rest.value()), "a, b, c, d");
  const auto [none, everything] = group.split<TimeoutError>();
  EXPECT_FALSE(none);
  EXPECT_EQ(list(everything.value()), list(group));
}

TEST(Step4_TaskGroup, SplitGoesIntoTheGroupsInside) {  // AIO-74
  const ExceptionGroup innermost("innermost", {error<std::logic_error>("d"), error("e")});
  const ExceptionGroup inner("inner", {error("b"), std::make_exception_ptr(innermost)});
  const ExceptionGroup only("only", {error<std::logic_error>("f")});
  const ExceptionGroup group("outer", {error<std::logic_error>("a"), std::make_exception_ptr(inner),
                                       std::make_exception_ptr(only), error("g")});
  const auto [logic, others] = group.split<std::logic_error>();
  EXPECT_EQ(list(logic.value()), "a, ((d)), (f)");
  EXPECT_EQ(list(others.value()), "(b, (e)), g") << "with the same groups inside, but for empty ones";
  const auto [all, none] = group.split<std::exception>();
  EXPECT_EQ(list(all.value()), list(group)) << "a group is a std::exception";
  EXPECT_FALSE(none);
  const auto [groups, no_groups] = group.split<ExceptionGroup>();
  EXPECT_EQ(list(groups.value()), "(b, (d, e)), (f)");
  EXPECT_EQ(list(no_groups.value()), "a, g");
}

TEST(Step4_TaskGroup, ItEndsWhenAllTasksHave) {  // AIO-69
  in_loop([]() -> Coro<> {
    Log log;
    std::optional<Task<int>> result;
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "a", 3s));
      group.create_task(logs(log, "b", 1s), {.name = "b"});
      result = group.create_task(after(2s, 2));
      log.push_back("body ends");
      co_return;
    });
    EXPECT_EQ(log, (Log{"body ends", "a begins", "b begins", "b ends", "a ends"}));
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(result->result(), 2);
    EXPECT_EQ(all_tasks().size(), 1u);
  });
}

TEST(Step4_TaskGroup, ItGivesWhatThePartReturns) {  // AIO-69
  in_loop([]() -> Coro<> {
    const int number = co_await TaskGroup::run([](TaskGroup& group) -> Coro<int> {
      Task<int> task = group.create_task(after(1s, 1));
      group.create_task(sleep(5s));
      co_return co_await task + 1;
    });
    EXPECT_EQ(number, 2);
    EXPECT_EQ(now(), 5s) << "not before the last task has ended";
    const std::unique_ptr<int> owner =
        co_await TaskGroup::run([](TaskGroup&) { return after(1s, std::make_unique<int>(4)); });
    EXPECT_EQ(*owner, 4);
    const std::string text = co_await TaskGroup::run([] { return after(1s, std::string("text")); });
    EXPECT_EQ(text, "text");
    int& reference = co_await TaskGroup::run([](TaskGroup& group) -> Coro<int&> {
      group.create_task(passes(1));
      co_return co_await reference_after(1s);
    });
    EXPECT_EQ(&reference, &shared_number);
    const std::string error = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<int> {
      group.create_task(fail_after(1s, "child"));
      co_return 1;
    }));
    EXPECT_EQ(error, "group: child") << "a value does not hide an error";
  });
}

TEST(Step4_TaskGroup, ItTakesAsManyPassesAsInPython) {  // AIO-69
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 8));
    co_await TaskGroup::run([&](TaskGroup&) -> Coro<> { co_return; });
    log.push_back("empty");
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(passes(1));
      group.create_task(passes(2));
      log.push_back("body");
      co_return;
    });
    log.push_back("left");
    co_await counter;
    EXPECT_EQ(log, (Log{"empty", "body", "1", "2", "3", "4", "left", "5", "6", "7", "8"}));
    log.clear();
    counter = create_task(count_passes(log, 8));
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      const auto fails = []() -> Coro<> {
        co_await passes(1);
        throw std::runtime_error("child");
      };
      const auto says = [&](std::string name) -> Coro<> {
        const AtEnd at_end([&log, name] { log.push_back(name); });
        co_await passes(100);
      };
      group.create_task(fails());
      group.create_task(says("cancelled"));
      co_await says("body cancelled");
    }));
    log.push_back(error);
    co_await counter;
    EXPECT_EQ(log,
              (Log{"1", "2", "cancelled", "body cancelled", "3", "4", "group: child", "5", "6", "7", "8"}));
  });
}

TEST(Step4_TaskGroup, TasksMayMakeTasksHoweverLate) {  // AIO-69
  in_loop([]() -> Coro<> {
    Log log;
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      const std::function<Coro<>(int)> child = [&](int depth) -> Coro<> {
        co_await sleep(1s);
        log.push_back(std::to_string(depth));
        if (depth < 4) group.create_task(child(depth + 1));
      };
      group.create_task(child(1));
      co_await sleep(500ms);
      // `child` must live as long as the tasks.
      while (log.size() < 4) co_await sleep(500ms);
    });
    EXPECT_EQ(log, (Log{"1", "2", "3", "4"}));
    log.clear();
    TaskGroup* group = nullptr;
    const std::function<Coro<>(int)> late = [&](int depth) -> Coro<> {
      co_await sleep(1s);
      log.push_back(std::to_string(depth));
      if (depth < 3) group->create_task(late(depth + 1));
    };
    const Duration begin = now();
    co_await TaskGroup::run([&](TaskGroup& running) -> Coro<> {
      group = &running;
      running.create_task(late(1));
      co_return;
    });
    EXPECT_EQ(log, (Log{"1", "2", "3"}));
    EXPECT_EQ(now() - begin, 3s) << "the part ended long before";
  });
}

TEST(Step4_TaskGroup, WhenOneFailsAllOthersAreCancelledAndThePartToo) {  // AIO-70
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "a", 1h));
      group.create_task(fail_after(1s, "child"));
      group.create_task(slow_to_go(log, 2s));
      co_await logs(log, "body", 1h);
      log.push_back("the body goes on");
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(now(), 3s) << "all have ended";
    EXPECT_EQ(log, (Log{"body begins", "a begins", "a is cancelled", "it is cancelled", "body is cancelled",
                        "it is gone"}));
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step4_TaskGroup, WhatTheGroupSaysIsOfPython) {  // AIO-70
  in_loop([]() -> Coro<> {
    try {
      co_await TaskGroup::run([](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "a"));
        group.create_task(fail_after(1s, "b"));
        co_return;
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::exception& error) {
      EXPECT_STREQ(error.what(), "unhandled errors in a TaskGroup (2 sub-exceptions)");
    }
  });
}

TEST(Step4_TaskGroup, AllErrorsAreThere) {  // AIO-70
  in_loop([]() -> Coro<> {
    const auto part = [](TaskGroup& group) -> Coro<> {
      const auto throws = [](int number) -> Coro<> {
        co_await sleep(1s);
        throw number;
      };
      group.create_task(fails_to_go("a"));
      group.create_task(fail_after(1s, "b"));
      group.create_task(throws(3));
      group.create_task(sleep(1h));
      group.create_task(fails_to_go("d"));
      co_return;
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: b, 3, a, d") << "in the order in which they came";
    EXPECT_EQ(now(), 1s);
  });
}

TEST(Step4_TaskGroup, ATaskThatIsCancelledIsNoError) {  // AIO-70
  in_loop([]() -> Coro<> {
    Log log;
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      Task<> task = group.create_task(logs(log, "a", 1h));
      group.create_task(logs(log, "b", 2s));
      co_await sleep(1s);
      task.cancel();
      const std::string error = co_await error_of(task);
      EXPECT_EQ(error, "cancelled");
      Task<> later = group.create_task(logs(log, "c", 1s));
      co_await later;
    });
    EXPECT_EQ(log, (Log{"a begins", "b begins", "a is cancelled", "c begins", "b ends", "c ends"}));
    EXPECT_EQ(now(), 2s);
  });
}

TEST(Step4_TaskGroup, WhenThePartFailsItsTasksAreCancelled) {  // AIO-71
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 2s));
      group.create_task(fails_to_go("child"));
      co_await sleep(1s);
      throw std::logic_error("body");
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child, body") << "the body's error comes last";
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
    const std::string number = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<int> {
      group.create_task(sleep(1h));
      co_await passes(1);
      throw 7;
    }));
    EXPECT_EQ(number, "group: 7");
    const std::string alone = co_await errors_of(TaskGroup::run([] { return fail_after(1s, "alone"); }));
    EXPECT_EQ(alone, "group: alone");
    const std::string both = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await fails_to_go("body");
    }));
    EXPECT_EQ(both, "group: child, body");
  });
}

TEST(Step4_TaskGroup, APartThatThrowsACancelledErrorIsCancelled) {  // AIO-71
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 1s));
      co_await passes(2);
      throw CancelledError();
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step4_TaskGroup, WhoFailsBeforeThePartAwaitsItFailsTwice) {  // AIO-71
  in_loop([]() -> Coro<> {
    const auto awaits_too_late = [](TaskGroup& group) -> Coro<> {
      Task<> task = group.create_task(fail_after(0s, "child"));
      for (int i = 0; i < 5 && !task.done(); ++i) co_await sleep(0s);
      co_await task;
    };
    const std::string twice = co_await errors_of(TaskGroup::run(awaits_too_late));
    EXPECT_EQ(twice, "group: child, child") << "as a task's error, and as the body's";
    const auto awaits_in_time = [](TaskGroup& group) -> Coro<> {
      co_await group.create_task(fail_after(1s, "child"));
    };
    const std::string once = co_await errors_of(TaskGroup::run(awaits_in_time));
    EXPECT_EQ(once, "group: child") << "the body was cancelled before it could see that";
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

namespace {

/// A task that runs a group; it is cancelled after a second. What becomes of the group's task?
template <class Part>
Coro<std::string> cancel_after_a_second(Part part) {
  const auto runs = [&]() -> Coro<> { co_await TaskGroup::run(part); };
  Task<> task = create_task(runs());
  co_await sleep(1s);
  EXPECT_TRUE(task.cancel());
  const std::string error = co_await errors_of(task);
  EXPECT_EQ(task.cancelling(), 1u);
  co_return error;
}

}  // namespace

TEST(Step4_TaskGroup, CancelledFromOutsideItCancelsAndAwaitsItsTasks) {  // AIO-72
  in_loop([]() -> Coro<> {
    Log log;
    const auto in_the_body = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 2s));
      co_await logs(log, "body", 1h);
    };
    const std::string of_the_body = co_await cancel_after_a_second(in_the_body);
    EXPECT_EQ(of_the_body, "cancelled");
    EXPECT_EQ(log, (Log{"body begins", "body is cancelled", "it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 3s);
    log.clear();
    const auto at_the_end = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 2s));
      co_return;
    };
    const std::string of_the_end = co_await cancel_after_a_second(at_the_end);
    EXPECT_EQ(of_the_end, "cancelled");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 6s);
    log.clear();
    const auto in_a_task_of_the_group = [&](TaskGroup& group) -> Coro<> {
      co_await group.create_task(slow_to_go(log, 2s));
    };
    const std::string of_the_task = co_await cancel_after_a_second(in_a_task_of_the_group);
    EXPECT_EQ(of_the_task, "cancelled");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
  });
}

TEST(Step4_TaskGroup, ARealErrorWinsAgainstACancellation) {  // AIO-72
  in_loop([]() -> Coro<> {
    const auto in_the_body = [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_to_go("child"));
      co_await sleep(1h);
    };
    const std::string of_the_body = co_await cancel_after_a_second(in_the_body);
    EXPECT_EQ(of_the_body, "group: child");
    const auto at_the_end = [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_to_go("child"));
      co_return;
    };
    const std::string of_the_end = co_await cancel_after_a_second(at_the_end);
    EXPECT_EQ(of_the_end, "group: child");
    const auto of_its_own = [](TaskGroup& group) -> Coro<> {
      group.create_task(sleep(1h));
      co_await fails_to_go("body");
    };
    const std::string of_the_part = co_await cancel_after_a_second(of_its_own);
    EXPECT_EQ(of_the_part, "group: body");
  });
}

TEST(Step4_TaskGroup, ItStandsSeveralCancellations) {  // AIO-72
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(slow_to_go(log, 5s));
        co_return;
      });
    };
    Task<> task = create_task(runs());
    for (int i = 0; i < 3; ++i) {
      co_await sleep(1s);
      EXPECT_TRUE(task.cancel());
    }
    const std::string error = co_await errors_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(task.cancelling(), 3u);
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"})) << "its tasks are cancelled once";
    EXPECT_EQ(now(), 6s);
  });
}

TEST(Step4_TaskGroup, ItMayBeCancelledAtAnyTime) {  // AIO-72
  in_loop([]() -> Coro<> {
    const auto runs = [](std::atomic<int>& alive) -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        const auto late = [](TaskGroup& group, std::atomic<int>& alive) -> Coro<> {
          co_await alive_passes(alive, 2);
          group.create_task(alive_passes(alive, 3));
        };
        group.create_task(alive_passes(alive, 2));
        group.create_task(late(group, alive));
        co_await alive_passes(alive, 1);
        co_await TaskGroup::run([&](TaskGroup& inner) -> Coro<> {
          Task<> task = inner.create_task(alive_passes(alive, 1));
          inner.create_task(alive_passes(alive, 2));
          co_await task;
        });
      });
    };
    const int times = co_await cancel_at_every_pass(runs);
    EXPECT_GT(times, 5);
  });
}

TEST(Step4_TaskGroup, ACancellationOfSomebodyElseIsNotLostOnAnError) {  // AIO-73
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "child"));
        group.create_task(slow_to_go(log, 5s));
        co_await sleep(1h);
      }));
      log.push_back(error + " " + std::to_string(current_task()->cancelling()));
      const std::string next = co_await error_of(sleep(1s));
      log.push_back(next + " " + std::to_string(current_task()->cancelling()));
      co_await sleep(1s);
      log.push_back("goes on");
    };
    Task<> task = create_task(runs());
    co_await sleep(3s);
    task.cancel();
    co_await task;
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone", "group: child 1", "cancelled 1", "goes on"}))
        << "it arrives at the next co_await";
    log.clear();
    Task<> at_once = create_task(runs());
    co_await sleep(1s);
    at_once.cancel();
    co_await at_once;
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone", "group: child 1", "cancelled 1", "goes on"}))
        << "in the pass in which the child fails, too";
    // Nobody else has cancelled this one.
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await sleep(1h);
    }));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step4_TaskGroup, RequestsFromBeforeStay) {  // AIO-73
  in_loop([]() -> Coro<> {
    const auto runs = [&]() -> Coro<> {
      const std::string caught = co_await error_of(sleep(1h));
      EXPECT_EQ(caught, "cancelled");
      co_await TaskGroup::run([](TaskGroup& group) -> Coro<> {
        group.create_task(sleep(1s));
        co_return;
      });
      EXPECT_EQ(current_task()->cancelling(), 1u);
    };
    Task<> task = create_task(runs());
    co_await sleep(1s);
    task.cancel();
    co_await task;
    EXPECT_EQ(now(), 2s);
  });
}

TEST(Step4_TaskGroup, GroupsNest) {  // AIO-74
  in_loop([]() -> Coro<> {
    Log log;
    const auto inner = [&](Duration delay) -> Coro<> {
      co_await TaskGroup::run([&, delay](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(delay, "inner"));
        group.create_task(logs(log, "a", 1h));
        co_await sleep(1h);
      });
    };
    const std::string inner_fails = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "b", 1h));
      group.create_task(inner(1s));
      co_return;
    }));
    EXPECT_EQ(inner_fails, "group: (inner)");
    EXPECT_EQ(log, (Log{"b begins", "a begins", "a is cancelled", "b is cancelled"}));
    log.clear();
    const std::string outer_fails = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "outer"));
      co_await inner(1h);
    }));
    EXPECT_EQ(outer_fails, "group: outer");
    EXPECT_EQ(log, (Log{"a begins", "a is cancelled"}));
    const std::string both_fail = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(inner(1s));
      group.create_task(fail_after(1s, "outer"));
      co_return;
    }));
    EXPECT_EQ(both_fail, "group: outer, (inner)") << "as in Python";
    const std::string in_one_task = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "outer"));
      co_await inner(1s);
    }));
    EXPECT_EQ(in_one_task, "group: outer, (inner)");
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step4_TaskGroup, AGroupThatHasEndedTakesNoTasks) {  // AIO-75
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    Log log;
    std::string refused;
    const auto counted = [&](std::shared_ptr<Counted>) -> Coro<> {
      log.push_back("begins");
      co_return;
    };
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      Task<> task = group.create_task(sleep(1s));
      // When the last task has ended, before anybody else knows.
      task.add_done_callback([&](const Future<>&) {
        refused = error_in([&] { group.create_task(counted(std::make_shared<Counted>(alive))); });
      });
      co_return;
    });
    EXPECT_EQ(refused, "TaskGroup is finished");
    EXPECT_EQ(alive, 0) << "the coroutine is destroyed";
    co_await sleep(1s);
    EXPECT_EQ(log, Log());
  });
}

TEST(Step4_TaskGroup, AGroupThatIsBeingCancelledTakesNoTasks) {  // AIO-75
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    Log log;
    const auto counted = [&](std::shared_ptr<Counted>) -> Coro<> {
      log.push_back("begins");
      co_return;
    };
    const auto part = [&](TaskGroup& group) -> Coro<> {
      const auto makes_one = [&]() -> Coro<> {
        try {
          co_await sleep(1h);
        } catch (const CancelledError&) {
          log.push_back(error_in([&] { group.create_task(counted(std::make_shared<Counted>(alive))); }));
          throw;
        }
      };
      group.create_task(makes_one());
      group.create_task(fail_after(1s, "child"));
      co_await makes_one();
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(log, (Log{"TaskGroup is shutting down", "TaskGroup is shutting down"}));
    EXPECT_EQ(alive, 0);
    co_await sleep(1s);
    EXPECT_EQ(log.size(), 2u);
  });
}

TEST(Step4_TaskGroup, ItNeedsATask) {  // AIO-75
  const auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  std::string said_outside;
  loop->call_soon([&] {
    Coro<> group = TaskGroup::run([](TaskGroup&) { return passes(1); });
    group.handle().resume();
    if (group.done()) said_outside = said(group.outcome().exception());
  });
  run_passes(*loop, 1);
  EXPECT_EQ(said_outside, "TaskGroup cannot be used outside of a task");
  // Within one, it does its work.
  loop->run_until_complete(TaskGroup::run([](TaskGroup& group) -> Coro<> {
    group.create_task(passes(1));
    co_return;
  }));
}

TEST(Step4_TaskGroup, ALimitOfTimeAroundAGroupIsATimeout) {  // AIO-76, AIO-79
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&](Coro<> (*body)(Log&), bool fails) -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(slow_to_go(log, 1s));
        if (fails) group.create_task(fails_to_go("child"));
        co_await body(log);
      });
    };
    const auto waits = +[](Log&) -> Coro<> { co_await sleep(1h); };
    const auto ends = +[](Log&) -> Coro<> { co_return; };
    for (const auto body : {waits, ends}) {
      log.clear();
      const std::string error = co_await errors_of(timeout(2s, [&] { return runs(body, false); }));
      EXPECT_EQ(error, "timeout");
      EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
      EXPECT_EQ(current_task()->cancelling(), 0u);
      const std::string with_an_error = co_await errors_of(timeout(2s, [&] { return runs(body, true); }));
      EXPECT_EQ(with_an_error, "group: child") << "an error is no timeout";
      EXPECT_EQ(current_task()->cancelling(), 0u);
      const std::string next = co_await error_of(sleep(1s));
      EXPECT_EQ(next, "nothing") << "the limit's request is taken back";
    }
  });
}

TEST(Step4_TaskGroup, ALimitOfTimeInAGroupIsAnErrorLikeAnyOther) {  // AIO-76
  in_loop([]() -> Coro<> {
    Log log;
    const auto limited_body = [&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "a", 1h));
      co_await timeout(1s, [] { return sleep(1h); });
    };
    const std::string of_the_body = co_await errors_of(TaskGroup::run(limited_body));
    EXPECT_EQ(of_the_body, "group: timeout");
    EXPECT_EQ(log, (Log{"a begins", "a is cancelled"}));
    const auto limited_task = [&](TaskGroup& group) -> Coro<> {
      group.create_task(wait_for(sleep(1h), 1s));
      co_await sleep(1h);
    };
    const std::string of_a_task = co_await errors_of(TaskGroup::run(limited_task));
    EXPECT_EQ(of_a_task, "group: timeout");
    const auto cancelled_in_time = [&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await timeout(1h, [] { return sleep(2h); });
    };
    const std::string of_both = co_await errors_of(TaskGroup::run(cancelled_in_time));
    EXPECT_EQ(of_both, "group: child");
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step4_TaskGroup, TheCancellationOfTheBodyGoesThroughWhatItAwaits) {  // AIO-70
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await gather(logs(log, "a", 1h), wait_for(logs(log, "b", 1h), 2h), shield(logs(log, "c", 3s)));
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(log, (Log{"c begins", "a begins", "b begins", "a is cancelled", "b is cancelled"}));
    co_await sleep(5s);
    EXPECT_EQ(log.back(), "c ends");
  });
}

TEST(Step4_TaskGroup, TheFunctionLivesAsLongAsTheTasks) {  // AIO-69
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    const auto runs = [&]() -> Coro<> {
      const auto counted = std::make_shared<Counted>(alive);
      const auto part = [counted](TaskGroup& group) -> Coro<> {
        const auto sleeps = [](const std::shared_ptr<Counted>& counted) -> Coro<> {
          co_await sleep(1s);
          EXPECT_EQ(counted.use_count(), 1);
        };
        group.create_task(sleeps(counted));
        co_return;
      };
      return TaskGroup::run(part);
    };
    Task<> task = create_task(runs());
    co_await passes(3);
    EXPECT_EQ(alive, 1) << "whoever wrote it has gone";
    co_await task;
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step4_TaskGroup, NothingElseIsToldOfTheErrors) {  // AIO-70
  in_loop([]() -> Coro<> {
    const std::string error = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 10; ++i) group.create_task(fail_after(1s, "child"));
      group.create_task(fails_to_go("last"));
      co_return;
    }));
    EXPECT_EQ(std::ranges::count(error, ','), 10);
    co_await passes(3);
  });
}

TEST(Step4_TaskGroup, ALoopMayGoWhileItWaits) {
  const auto runs = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(passes(1));
      group.create_task(alive_for(alive, 1h));
      co_await TaskGroup::run([&](TaskGroup& inner) -> Coro<> {
        inner.create_task(alive_for(alive, 1h));
        const Counted in_the_body(alive);
        co_await sleep(1h);
      });
    });
  };
  abandon(runs);
  const auto ends = [](std::atomic<int>& alive) -> Coro<> {
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(passes(1));
      group.create_task(alive_for(alive, 1h));
      co_return;
    });
  };
  abandon(ends);
}

TEST(Step4_TaskGroup, TwentyThousandTasksTakeNoStack) {
  in_loop([]() -> Coro<> {
    int ended = 0;
    const auto counts = [&]() -> Coro<> {
      co_await sleep(1s);
      ++ended;
    };
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 20'000; ++i) group.create_task(counts());
      co_return;
    });
    EXPECT_EQ(ended, 20'000);
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 20'000; ++i) group.create_task(counts());
      co_await passes(1);
      throw std::runtime_error("body");
    }));
    EXPECT_EQ(error, "group: body");
    EXPECT_EQ(ended, 20'000);
  });
}

// Step 5: wait, and as_completed.

namespace {

[[maybe_unused]] std::vector<Task<int>> tasks_after(std::vector<Duration> delays) {
  std::vector<Task<int>> tasks;
  for (const Duration delay : delays)
    tasks.push_back(create_task(after(delay, static_cast<int>(delay / 1s))));
  return tasks;
}

/// The results of tasks that are done, in order.
[[maybe_unused]] std::vector<int> results(const std::vector<Task<int>>& tasks) {
  std::vector<int> numbers;
  for (const Task<int>& task : tasks) numbers.push_back(task.result());
  return numbers;
}

/// How many callbacks the running loop calls while `until` lasts. In debug mode it tells of each that is
/// slow.
[[maybe_unused]] Coro<std::ptrdiff_t> callbacks_in(Coro<> until) {
  EventLoop& loop = get_running_loop();
  loop.slow_callback_duration = 0s;
  testing::internal::CaptureStderr();
  loop.set_debug(true);
  co_await std::move(until);
  loop.set_debug(false);
  const std::string text = testing::internal::GetCapturedStderr();
  co_return std::ranges::count(text, '\n');
}

using Numbers = std::vector<int>;

}  // namespace

TEST(Step5_Waiting, WaitEndsWhenAllAreDone) {  // AIO-65
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    const auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(results(done), (Numbers{3, 1, 2})) << "in the order in which they were given";
    EXPECT_TRUE(pending.empty());
    const auto [again, none] = co_await wait(tasks);
    EXPECT_EQ(results(again), (Numbers{3, 1, 2}));
    EXPECT_EQ(now(), 3s);
  });
}

TEST(Step5_Waiting, WaitEndsWithTheFirstThatIsDone) {  // AIO-65
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    const auto [done, pending] = co_await wait(tasks, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(now(), 1s);
    EXPECT_EQ(results(done), (Numbers{1}));
    EXPECT_EQ(pending.size(), 2u);
    EXPECT_TRUE(pending.at(0) == tasks[0]);
    EXPECT_TRUE(pending.at(1) == tasks[2]);
    const auto [more, fewer] = co_await wait(pending, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(now(), 2s);
    EXPECT_EQ(results(more), (Numbers{2}));
    co_await wait(fewer);
    EXPECT_EQ(results(tasks), (Numbers{3, 1, 2})) << "none was cancelled";
  });
}

TEST(Step5_Waiting, WaitEndsWithTheFirstError) {  // AIO-65
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(sleep(3s)));
    tasks.push_back(create_task(fail_after(2s, "child")));
    tasks.push_back(create_task(passes(2)));
    tasks.push_back(create_task(sleep(1h)));
    tasks.push_back(create_task(sleep(1h)));
    get_running_loop().call_later(1s, [&] { tasks[4].cancel(); });
    const auto [done, pending] = co_await wait(tasks, {.return_when = ReturnWhen::first_exception});
    EXPECT_EQ(now(), 2s) << "a task that is cancelled is no error";
    EXPECT_EQ(done.size(), 3u);
    EXPECT_TRUE(done.at(0) == tasks[1]);
    EXPECT_TRUE(done.at(1) == tasks[2]);
    EXPECT_TRUE(done.at(2) == tasks[4]);
    EXPECT_EQ(pending.size(), 2u);
    EXPECT_EQ(said(tasks[1].exception()), "child");
    tasks[3].cancel();
    const auto [all, none] = co_await wait(pending, {.return_when = ReturnWhen::first_exception});
    EXPECT_EQ(now(), 3s) << "without an error, it waits for all";
    EXPECT_EQ(all.size(), 2u);
    EXPECT_TRUE(none.empty());
  });
}

TEST(Step5_Waiting, WhatTheyEndWithIsNoConcernOfWait) {  // AIO-65
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(fail_after(1s, "a")));
    tasks.push_back(create_task(fail_after(2s, "b")));
    const auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done.size(), 2u);
    EXPECT_EQ(said(tasks[0].exception()), "a");
    EXPECT_EQ(said(tasks[1].exception()), "b");
  });
  Log reports;
  in_loop(reports, []() -> Coro<> {
    const std::vector<Task<>> tasks(1, create_task(fail_after(1s, "nobody looks")));
    co_await wait(tasks, {.return_when = ReturnWhen::first_exception});
  });
  EXPECT_EQ(reports, (Log{"Task exception was never retrieved nobody looks"}));
}

TEST(Step5_Waiting, WhenTheTimeIsOverWaitTellsWhatIsPending) {  // AIO-65
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 5s});
    for (const auto return_when : {ReturnWhen::all_completed, ReturnWhen::first_exception}) {
      const Duration begin = now();
      const auto [done, pending] = co_await wait(tasks, {.return_when = return_when, .timeout = 1500ms});
      EXPECT_EQ(now() - begin, 1500ms);
      EXPECT_EQ(results(done).front(), begin == 0s ? 1 : 3);
      for (const Task<int>& task : pending) EXPECT_EQ(task.cancelling(), 0u);
    }
    const auto [done, pending] = co_await wait(tasks, {.timeout = 1h});
    EXPECT_EQ(now(), 5s) << "no longer than it takes";
    EXPECT_EQ(results(done), (Numbers{3, 1, 5}));
    const std::vector<Future<>> never(1, get_running_loop().create_future());
    const auto [none, one] = co_await wait(never, {.timeout = -1s});
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(one.size(), 1u);
    EXPECT_EQ(now(), 5s);
  });
}

TEST(Step5_Waiting, WaitTakesAsManyPassesAsInPython) {  // AIO-65, AIO-66
  in_loop([]() -> Coro<> {
    Log log;
    const auto note = [&](const auto& found) {
      log.push_back(std::to_string(found.done.size()) + " " + std::to_string(found.pending.size()));
    };
    Task<> counter = create_task(count_passes(log, 8));
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(passes(1)));
    tasks.push_back(create_task(passes(3)));
    note(co_await wait(tasks, {.return_when = ReturnWhen::first_completed}));
    note(co_await wait(tasks));
    note(co_await wait(tasks));
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "2", "3", "1 1", "4", "5", "2 0", "6", "7", "2 0", "8"}));
    log.clear();
    counter = create_task(count_passes(log, 4));
    tasks[0] = create_task(passes(1));
    tasks[1] = create_task(passes(3));
    note(co_await wait(tasks, {.timeout = 0s}));
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "1 1", "2", "3", "4"}));
  });
}

TEST(Step5_Waiting, MoreMayBeDoneThanWaitHasWaitedFor) {  // AIO-66
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({2s, 2s, 2s, 3s});
    const auto [done, pending] = co_await wait(tasks, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(results(done), (Numbers{2, 2, 2})) << "done is what is done when it goes on";
    EXPECT_EQ(pending.size(), 1u);
  });
}

TEST(Step5_Waiting, WaitCountsEachOnceAndNeedsOne) {  // AIO-66
  in_loop([]() -> Coro<> {
    Task<int> task = create_task(after(1s, 1));
    Task<int> other = create_task(after(2s, 2));
    const std::vector<Future<int>> futures{task, other, task, other, task};
    const auto [done, pending] = co_await wait(futures);
    EXPECT_EQ(done.size(), 2u);
    EXPECT_TRUE(done.at(0) == task);
    EXPECT_TRUE(done.at(1) == other);
    const std::vector<Task<int>> none;
    EXPECT_THROW(static_cast<void>(wait(none)), std::invalid_argument);
    const auto [of_a_view, rest] = co_await wait(futures | std::views::take(1));
    EXPECT_EQ(of_a_view.size(), 1u);
    EXPECT_TRUE(rest.empty());
  });
}

TEST(Step5_Waiting, ToCancelWaitCancelsNothingElse) {  // AIO-67
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 5s});
    const auto waits = [&]() -> Coro<> { co_await wait(tasks, {.timeout = 1h}); };
    Task<> waiting = create_task(waits());
    co_await sleep(1s);
    EXPECT_TRUE(waiting.cancel());
    const std::string error = co_await error_of(waiting);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(now(), 1s);
    co_await wait(tasks);
    EXPECT_EQ(results(tasks), (Numbers{3, 5}));
  });
}

TEST(Step5_Waiting, TheyMayBeCancelledAtAnyTime) {  // AIO-67, AIO-68
  in_loop([]() -> Coro<> {
    const auto waits = [](std::atomic<int>& alive) -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        std::vector<Task<>> tasks;
        for (int i = 1; i <= 4; ++i) tasks.push_back(group.create_task(alive_passes(alive, 2 * i)));
        co_await wait(tasks, {.return_when = ReturnWhen::first_completed, .timeout = 1h});
        auto completed = as_completed(tasks, {.timeout = 1h});
        co_await completed.next();
        for (auto next : completed) co_await std::move(next);
        co_await wait(tasks);
      });
    };
    const int times = co_await cancel_at_every_pass(waits);
    EXPECT_GT(times, 8);
  });
}

TEST(Step5_Waiting, WaitLosesNoCancellationInThePassInWhichItEnds) {  // AIO-67
  in_loop([]() -> Coro<> {
    const std::vector<Future<>> futures(1, get_running_loop().create_future());
    const auto waits = [&]() -> Coro<> { co_await wait(futures); };
    Task<> waiting = create_task(waits());
    co_await passes(2);
    Future<>(futures[0]).set_result();
    co_await passes(1);
    EXPECT_TRUE(waiting.cancel());
    const std::string error = co_await error_of(waiting);
    EXPECT_EQ(error, "cancelled");
  });
}

TEST(Step5_Waiting, WaitLeavesNothingBehind) {  // AIO-67
  in_loop([]() -> Coro<> {
    const std::vector<Future<>> never(1, get_running_loop().create_future());
    const auto waits = [&]() -> Coro<> { co_await wait(never, {.timeout = 1h}); };
    for (int i = 0; i < 50; ++i) {
      co_await wait(never, {.timeout = 0s});
      Task<> waiting = create_task(waits());
      co_await passes(2);
      waiting.cancel();
      co_await passes(2);
    }
    const std::vector<Future<>> soon{never[0], get_running_loop().create_future()};
    get_running_loop().call_soon([&] { Future<>(soon[1]).set_result(); });
    co_await wait(soon, {.return_when = ReturnWhen::first_completed, .timeout = 1h});
    const auto ends = [&]() -> Coro<> {
      Future<>(never[0]).set_result();
      co_await sleep(2h);
    };
    const auto calls = co_await callbacks_in(ends());
    EXPECT_LE(calls, 5) << "no callback of the future, and no timer";
  });
}

TEST(Step5_Waiting, AsCompletedGivesResultsAsTheyCome) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 5s, 2s});
    Numbers numbers;
    std::vector<Duration> times;
    for (auto next : as_completed(tasks)) {
      numbers.push_back(co_await std::move(next));
      times.push_back(now());
    }
    EXPECT_EQ(numbers, (Numbers{1, 2, 3, 5}));
    EXPECT_EQ(times, (std::vector<Duration>{1s, 2s, 3s, 5s}));
    Numbers again;
    for (auto next : as_completed(tasks)) again.push_back(co_await std::move(next));
    EXPECT_EQ(again, (Numbers{3, 1, 5, 2})) << "what is done already comes in the order of the range";
  });
}

TEST(Step5_Waiting, AsCompletedTakesAsManyPassesAsInPython) {  // AIO-68
  in_loop([]() -> Coro<> {
    const auto result_after = [](int number) -> Coro<std::string> {
      co_await passes(number);
      co_return "r" + std::to_string(number);
    };
    for (const bool with_next : {false, true}) {
      Log log;
      Task<> counter = create_task(count_passes(log, 10));
      std::vector<Task<std::string>> tasks;
      for (const int number : {4, 1, 2}) tasks.push_back(create_task(result_after(number)));
      auto completed = as_completed(tasks);
      if (with_next)
        while (auto task = co_await completed.next()) log.push_back(task->result());
      else
        for (auto next : completed) log.push_back(co_await std::move(next));
      co_await counter;
      EXPECT_EQ(log, (Log{"1", "2", "3", "r1", "4", "r2", "5", "6", "r4", "7", "8", "9", "10"}));
    }
  });
}

TEST(Step5_Waiting, TheKthThatIsAwaitedGivesTheKthThatIsDone) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    std::vector<Coro<int>> coros;
    for (auto next : as_completed(tasks)) coros.push_back(std::move(next));
    EXPECT_EQ(coros.size(), 3u);
    Log log;
    const auto reads = [&](std::string name, Coro<int> coro) -> Coro<> {
      const int number = co_await std::move(coro);
      log.push_back(name + std::to_string(number));
    };
    // The last one first.
    co_await gather(reads("c", std::move(coros[2])), reads("b", std::move(coros[1])),
                    reads("a", std::move(coros[0])));
    EXPECT_EQ(log, (Log{"c1", "b2", "a3"}));
  });
}

TEST(Step5_Waiting, NextGivesTheTasksThemselves) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    auto completed = as_completed(tasks);
    Numbers places;
    while (const auto task = co_await completed.next()) {
      EXPECT_TRUE(task->done());
      places.push_back(static_cast<int>(std::ranges::find(tasks, *task) - tasks.begin()));
    }
    EXPECT_EQ(places, (Numbers{1, 2, 0}));
    const auto none = co_await completed.next();
    EXPECT_FALSE(none) << "and nothing when all have been given";
  });
}

TEST(Step5_Waiting, ALoopThatWasLeftEarlyMayGoOn) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({4s, 1s, 5s, 2s, 3s});
    auto completed = as_completed(tasks);
    Numbers numbers;
    for (auto next : completed) {
      numbers.push_back(co_await std::move(next));
      if (numbers.size() == 2) break;
    }
    const auto third = co_await completed.next();
    numbers.push_back(third.value().result());
    for (auto next : completed) numbers.push_back(co_await std::move(next));
    EXPECT_EQ(numbers, (Numbers{1, 2, 3, 4, 5}));
  });
}

TEST(Step5_Waiting, AsCompletedThrowsWhatATaskEndedWith) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(fail_after(2s, "child")));
    tasks.push_back(create_task(passes(1)));
    tasks.push_back(create_task(sleep(1h)));
    get_running_loop().call_later(3s, [&] { tasks[2].cancel(); });
    Log log;
    for (auto next : as_completed(tasks)) log.push_back(co_await error_of(std::move(next)));
    EXPECT_EQ(log, (Log{"nothing", "child", "cancelled"}));
    EXPECT_EQ(current_task()->cancelling(), 0u);
    auto completed = as_completed(tasks);
    int given = 0;
    while (co_await completed.next()) ++given;
    EXPECT_EQ(given, 3) << "next() gives the tasks, and throws nothing";
  });
}

TEST(Step5_Waiting, WhenTheTimeIsOverTheRestAreTimeouts) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({5s, 1s, 9s, 2s});
    Log log;
    for (auto next : as_completed(tasks, {.timeout = 3s})) {
      log.push_back(co_await error_of(std::move(next)));
      log.push_back(std::to_string(now() / 1s));
    }
    EXPECT_EQ(log, (Log{"nothing", "1", "nothing", "2", "timeout", "3", "timeout", "3"}));
    EXPECT_EQ(tasks[0].cancelling(), 0u);
    co_await wait(tasks);
    EXPECT_EQ(results(tasks), (Numbers{5, 1, 9, 2})) << "none was cancelled";
  });
}

TEST(Step5_Waiting, WhatWasInTimeIsGivenHoweverLateItIsAskedFor) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({2s, 1s, 9s});
    auto completed = as_completed(tasks, {.timeout = 3s});
    co_await sleep(5s);
    Log log;
    for (auto next : completed) {
      try {
        log.push_back(std::to_string(co_await std::move(next)));
      } catch (const TimeoutError&) {
        log.push_back("timeout");
      }
    }
    EXPECT_EQ(log, (Log{"1", "2", "timeout"})) << "the time counts from the call";
    const std::string none = co_await error_of(completed.next());
    EXPECT_EQ(none, "nothing");
  });
}

TEST(Step5_Waiting, AsCompletedCountsEachOnceAndMayBeEmpty) {  // AIO-68
  in_loop([]() -> Coro<> {
    Task<int> task = create_task(after(1s, 1));
    Task<int> other = create_task(after(2s, 2));
    Numbers numbers;
    for (auto next : as_completed(std::vector<Future<int>>{other, task, other, task}))
      numbers.push_back(co_await std::move(next));
    EXPECT_EQ(numbers, (Numbers{1, 2}));
    const std::vector<Task<int>> empty;
    for ([[maybe_unused]] auto next : as_completed(empty)) ADD_FAILURE() << "of nothing comes nothing";
    const auto none = co_await as_completed(empty).next();
    EXPECT_FALSE(none);
  });
  EXPECT_EQ(error_in([] { as_completed(std::vector<Task<int>>()); }), "no running event loop");
}

TEST(Step5_Waiting, WhoIsCancelledPassesItsWakeUpOn) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(get_running_loop().create_future<int>());
    std::vector<Coro<int>> coros;
    for (auto next : as_completed(futures)) coros.push_back(std::move(next));
    std::vector<Task<int>> readers;
    for (Coro<int>& coro : coros) readers.push_back(create_task(std::move(coro)));
    co_await passes(2);
    futures[1].set_result(1);
    co_await passes(1);
    EXPECT_TRUE(readers[0].cancel()) << "it has been woken, and does not know yet";
    const int second = co_await readers[1];
    EXPECT_EQ(second, 1);
    EXPECT_TRUE(readers[0].cancelled());
    futures[0].set_result(2);
    const int third = co_await readers[2];
    EXPECT_EQ(third, 2);
  });
}

TEST(Step5_Waiting, WhoIsCancelledWhileItWaitsIsNotWoken) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(get_running_loop().create_future<int>());
    auto completed = as_completed(futures);
    const auto reads = [&]() -> Coro<int> {
      const auto future = co_await completed.next();
      co_return future.value().result();
    };
    Task<int> first = create_task(reads());
    Task<int> second = create_task(reads());
    co_await passes(2);
    first.cancel();
    co_await passes(2);
    EXPECT_TRUE(first.cancelled());
    futures[2].set_result(3);
    const int number = co_await second;
    EXPECT_EQ(number, 3);
    futures[0].set_result(1);
    const int last = co_await reads();
    EXPECT_EQ(last, 1);
  });
}

TEST(Step5_Waiting, ResultsMayBeOfAnyType) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Task<std::unique_ptr<int>>> owners;
    for (int i = 1; i <= 2; ++i) owners.push_back(create_task(after(i * 1s, std::make_unique<int>(i))));
    int sum = 0;
    for (auto next : as_completed(owners)) sum += *co_await std::move(next);
    EXPECT_EQ(sum, 3);
    std::vector<Task<int&>> references(1, create_task(reference_after(1s)));
    for (auto next : as_completed(references)) {
      int& reference = co_await std::move(next);
      EXPECT_EQ(&reference, &shared_number);
    }
    const auto [done, pending] = co_await wait(references);
    EXPECT_EQ(&done.at(0).result(), &shared_number);
  });
}

TEST(Step5_Waiting, WhatAsCompletedGivesMayOutliveIt) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({2s, 1s});
    auto next = as_completed(tasks).next();
    const auto first = co_await std::move(next);
    EXPECT_EQ(first.value().result(), 1);
    std::optional<Coro<int>> coro;
    {
      auto completed = as_completed(tasks);
      coro = *completed.begin();
    }
    const int number = co_await std::move(*coro);
    EXPECT_EQ(number, 1);
  });
}

TEST(Step5_Waiting, AsCompletedLeavesNothingBehind) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Future<>> never(1, get_running_loop().create_future());
    for (int i = 0; i < 50; ++i) {
      auto completed = as_completed(never, {.timeout = 1h});
      co_await passes(1);
    }
    const auto ends = [&]() -> Coro<> {
      Future<>(never[0]).set_result();
      co_await sleep(2h);
    };
    const auto calls = co_await callbacks_in(ends());
    EXPECT_LE(calls, 5) << "no callback of the future, and no timer";
    auto completed = as_completed(never);
    const auto future = co_await completed.next();
    EXPECT_TRUE(future.has_value());
  });
}

TEST(Step5_Waiting, TwentyThousandTakeNoStack) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 20'000; ++i) tasks.push_back(create_task(sleep(Duration(i % 7))));
    int number = 0;
    for (auto next : as_completed(tasks)) {
      co_await std::move(next);
      ++number;
    }
    EXPECT_EQ(number, 20'000);
    const auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done.size(), 20'000u);
  });
}

TEST(Step5_Waiting, ALoopMayGoWhileTheyWait) {
  const auto waits = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(passes(1)));
    tasks.push_back(create_task(alive_for(alive, 1h)));
    const auto reads = [&]() -> Coro<> {
      for (auto next : as_completed(tasks, {.timeout = 2h})) co_await std::move(next);
    };
    const auto reads_tasks = [&]() -> Coro<> {
      auto completed = as_completed(tasks);
      while (co_await completed.next()) {
      }
    };
    co_await wait(tasks, {.return_when = ReturnWhen::first_completed, .timeout = 1h});
    co_await gather(reads(), reads_tasks(), wait(tasks, {.timeout = 3h}));
  };
  abandon(waits);
}

// Step 6: from threads into the loop.

namespace {

/// Runs `main()` on a loop that sleeps until it is woken, as loops do where there are threads.
template <class F>
void in_real_loop(Log& reports, F main) {
  const auto factory = [&] {
    auto loop = asyncio::new_event_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(main(), {.loop_factory = factory});
}
template <class F>
void in_real_loop(F main) {
  Log reports;
  in_real_loop(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

/// Keeps a thread until it is told to go on.
class Gate {
 public:
  ~Gate() { open(); }

  /// Says that a thread is here, and waits for open().
  void pass() {
    entered_.release();
    opened_.acquire();
    opened_.release();
  }
  void open() {
    if (!std::exchange(is_open_, true)) opened_.release();
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  bool is_open_ = false;
  std::counting_semaphore<1'000> entered_{0};
  std::counting_semaphore<1'000> opened_{0};
};

/// What is told of exceptions that escape from the callbacks of futures of threads.
class CallbackErrors {
 public:
  CallbackErrors() {
    concurrent::callback_exception_handler().set([this](std::exception_ptr error) {
      std::lock_guard lock(mutex_);
      log_.push_back(said(error));
    });
  }
  ~CallbackErrors() {
    concurrent::callback_exception_handler().set({});
    EXPECT_EQ(log_, Log());
  }

 private:
  std::mutex mutex_;
  Log log_;
};

[[maybe_unused]] int twice(int number) { return 2 * number; }
[[maybe_unused]] int complain(int number) { throw std::invalid_argument("not " + std::to_string(number)); }

template <class T, class... Value>
concurrent::Future<T> already(Value&&... value) {
  concurrent::Promise<T> promise;
  promise.set_result(std::forward<Value>(value)...);
  return promise.future();
}

}  // namespace

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
    const CallbackErrors errors;
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
  const CallbackErrors errors;
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
  const CallbackErrors errors;
  EventLoop loop;
  loop.close();
  concurrent::Promise<int> promise;
  Future<int> wrapped = wrap_future(promise.future(), loop);
  promise.set_result(1);
  EXPECT_FALSE(wrapped.done());
  EXPECT_EQ(error_in([&] { static_cast<void>(loop.run_in_executor(nullptr, twice, 1)); }),
            "Event loop is closed");
  EXPECT_EQ(error_in([&] { static_cast<void>(wrap_future(promise.future())); }), "no running event loop");
}

TEST(Step6_Bridge, ACallRunsOnAThreadAndItsResultComesInTheLoop) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    std::thread::id worker;
    std::string name;
    const auto call = [&](int number) {
      worker = std::this_thread::get_id();
      name = concurrent::thread_name();
      EXPECT_EQ(EventLoop::running(), nullptr);
      return 2 * number;
    };
    std::thread::id delivered;
    Future<int> future = loop.run_in_executor(nullptr, call, 21);
    future.add_done_callback([&](const Future<int>&) { delivered = std::this_thread::get_id(); });
    const int number = co_await future;
    EXPECT_EQ(number, 42);
    EXPECT_NE(worker, std::this_thread::get_id());
    EXPECT_EQ(delivered, std::this_thread::get_id());
    EXPECT_EQ(name, "asyncio_0");
    const std::string error = co_await error_of(loop.run_in_executor(nullptr, complain, 7));
    EXPECT_EQ(error, "not 7");
  });
}

TEST(Step6_Bridge, TheLoopRunsOnMeanwhile) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    Gate gate;
    const auto blocks = [&] { gate.pass(); };
    Future<> future = get_running_loop().run_in_executor(nullptr, blocks);
    gate.wait_until_entered();
    Log log;
    co_await gather(logs(log, "a", 1ms), logs(log, "b", 0s));
    EXPECT_EQ(log.size(), 4u);
    EXPECT_FALSE(future.done());
    gate.open();
    co_await future;
  });
}

TEST(Step6_Bridge, ArgumentsAreHandedOnAndResultsMayBeOfAnyType) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const auto takes = [](std::string text, std::unique_ptr<int> owner, int& number) {
      number += *owner;
      return std::make_unique<std::string>(text + "!");
    };
    int number = 1;
    const std::unique_ptr<std::string> text = co_await loop.run_in_executor(
        nullptr, takes, std::string("text"), std::make_unique<int>(2), std::ref(number));
    EXPECT_EQ(*text, "text!");
    EXPECT_EQ(number, 3);
    Future<int&> reference = loop.run_in_executor(nullptr, []() -> int& { return shared_number; });
    int& same = co_await reference;
    EXPECT_EQ(&same, &shared_number);
    co_await loop.run_in_executor(nullptr, [] {});
    struct Adder {
      int sum = 1;
      int add(int more) { return sum += more; }
    } adder;
    const int sum = co_await loop.run_in_executor(nullptr, &Adder::add, &adder, 2);
    EXPECT_EQ(sum, 3);
  });
}

TEST(Step6_Bridge, EveryExecutorWillDo) {  // AIO-19
  ProcessPoolExecutor processes({.max_workers = 1});
  in_real_loop([&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ThreadPoolExecutor threads({.max_workers = 2});
    WorkStealingExecutor stealing({.max_workers = 2});
    SerialExecutor serial(threads);
    InlineExecutor at_once;
    concurrent::Executor& any = threads;
    const auto [a, b, c, d, e, f] =
        co_await gather(loop.run_in_executor(threads, twice, 1), loop.run_in_executor(stealing, twice, 2),
                        loop.run_in_executor(serial, twice, 3), loop.run_in_executor(at_once, twice, 4),
                        loop.run_in_executor(any, twice, 5), loop.run_in_executor(processes, twice, 6));
    EXPECT_EQ((Numbers{a, b, c, d, e, f}), (Numbers{2, 4, 6, 8, 10, 12}));
    for (int i = 0; i < 3; ++i) {
      const std::string of_stealing = co_await error_of(loop.run_in_executor(stealing, complain, i));
      EXPECT_EQ(of_stealing, "not " + std::to_string(i));
    }
    try {
      co_await loop.run_in_executor(processes, complain, 7);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const concurrent::RemoteError& error) {
      EXPECT_STREQ(error.what(), "not 7");
    }
    serial.shutdown();
  });
}

TEST(Step6_Bridge, NothingIsDeliveredBeforeItHasRun) {  // AIO-19
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    Future<int> first = loop.run_in_executor(manual, twice, 1);
    Future<int> second = loop.run_in_executor(manual, twice, 2);
    co_await passes(3);
    EXPECT_FALSE(first.done());
    EXPECT_TRUE(manual.run_one());
    EXPECT_FALSE(first.done()) << "it comes through the loop";
    co_await passes(2);
    EXPECT_EQ(first.result(), 2);
    EXPECT_FALSE(second.done());
    manual.run_all();
    const int number = co_await second;
    EXPECT_EQ(number, 4);
    InlineExecutor at_once;
    Future<int> ran = loop.run_in_executor(at_once, twice, 3);
    EXPECT_FALSE(ran.done()) << "although it has run";
    co_await passes(2);
    EXPECT_EQ(ran.result(), 6);
  });
}

TEST(Step6_Bridge, CancelledBeforeItBeginsTheCallNeverRuns) {  // AIO-20
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    std::atomic<int> alive = 0;
    int calls = 0;
    Future<int> future =
        loop.run_in_executor(manual, [&, counted = std::make_shared<Counted>(alive)] { return ++calls; });
    EXPECT_TRUE(future.cancel());
    const std::string error = co_await error_of(future);
    EXPECT_EQ(error, "cancelled");
    co_await passes(1);
    EXPECT_EQ(manual.run_all(), 1u);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(alive, 0);
    const auto waits = [&]() -> Coro<> {
      co_await wait_for(loop.run_in_executor(manual, [&] { ++calls; }), 1s);
    };
    const std::string too_late = co_await error_of(waits());
    EXPECT_EQ(too_late, "timeout");
    manual.run_all();
    EXPECT_EQ(calls, 0);
  });
}

TEST(Step6_Bridge, CancelledWhileItRunsTheCallRunsOn) {  // AIO-20
  in_real_loop([]() -> Coro<> {
    Gate gate;
    std::atomic<int> alive = 0;
    std::atomic<bool> ended = false;
    const auto call = [&] {
      gate.pass();
      ended = true;
      return Counted(alive);
    };
    ThreadPoolExecutor threads({.max_workers = 1});
    Future<Counted> future = get_running_loop().run_in_executor(threads, call);
    const auto awaits = [&]() -> Coro<> { co_await std::move(future); };
    Task<> task = create_task(awaits());
    co_await passes(1);
    gate.wait_until_entered();
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_FALSE(ended);
    gate.open();
    threads.shutdown();
    EXPECT_TRUE(ended);
    co_await passes(3);
    EXPECT_EQ(alive, 0) << "the result has nobody who wants it";
  });
}

TEST(Step6_Bridge, AnExecutorThatIsShutDownCancelsWhatWaits) {  // AIO-20, AIO-30
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    Future<int> future = loop.run_in_executor(manual, twice, 1);
    manual.shutdown({.wait = false, .cancel_futures = true});
    const std::string error = co_await error_of(future);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(future.cancelled());
    EXPECT_THROW(static_cast<void>(loop.run_in_executor(manual, twice, 1)), concurrent::ExecutorShutdown);
    std::optional<Future<int>> left;
    {
      ManualExecutor gone;
      left = loop.run_in_executor(gone, twice, 1);
    }
    const std::string dropped = co_await error_of(*left);
    EXPECT_EQ(dropped, "cancelled");
  });
}

TEST(Step6_Bridge, ABrokenPoolIsAnErrorLikeAnyOther) {  // AIO-20
  ProcessPoolExecutor processes({.max_workers = 1});
  in_real_loop([&]() -> Coro<> {
    Future<int> future = get_running_loop().run_in_executor(processes, [] {
      std::_Exit(3);
      return 1;
    });
    try {
      co_await future;
      ADD_FAILURE() << "nothing was thrown";
    } catch (const concurrent::BrokenProcessPool&) {
    }
  });
}

TEST(Step6_Bridge, AWorkerMayEndWhenTheLoopIsGone) {  // AIO-20
  const CallbackErrors errors;
  for (const bool close : {true, false}) {
    Gate gate;
    std::atomic<int> alive = 0;
    ThreadPoolExecutor threads({.max_workers = 1});
    auto loop = asyncio::new_event_loop();
    Log reports;
    listen(*loop, reports);
    std::optional<Future<Counted>> future = loop->run_in_executor(threads, [&] {
      gate.pass();
      return Counted(alive);
    });
    gate.wait_until_entered();
    run_passes(*loop, 2);
    close ? loop->close() : loop.reset();
    gate.open();
    threads.shutdown();
    EXPECT_FALSE(future->done());
    future.reset();
    EXPECT_EQ(alive, 0);
  }
}

TEST(Step6_Bridge, ManyCallsOfManyThreadsAllArrive) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    ThreadPoolExecutor threads({.max_workers = 4});
    for (int round = 0; round < 10; ++round) {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 100; ++i) futures.push_back(get_running_loop().run_in_executor(threads, twice, i));
      const std::vector<int> numbers = co_await gather(futures);
      for (int i = 0; i < 100; ++i) EXPECT_EQ(numbers.at(i), 2 * i);
    }
    // One after another: the loop falls asleep each time.
    int number = 1;
    for (int i = 0; i < 20; ++i) number = co_await get_running_loop().run_in_executor(threads, twice, number);
    EXPECT_EQ(number, 1 << 20);
  });
}

TEST(Step6_Bridge, AnotherExecutorMayBeTheDefault) {  // AIO-19
  auto manual = std::make_shared<ManualExecutor>();
  const std::weak_ptr<ManualExecutor> watch = manual;
  {
    const auto loop = virtual_loop();
    Log reports;
    listen(*loop, reports);
    EXPECT_THROW(loop->set_default_executor(nullptr), std::invalid_argument);
    loop->set_default_executor(manual);
    Future<int> future = loop->run_in_executor(nullptr, twice, 4);
    EXPECT_EQ(manual->run_all(), 1u);
    EXPECT_EQ(loop->run_until_complete(future), 8);
    loop->close();
    EXPECT_THROW(manual->post([] {}), concurrent::ExecutorShutdown) << "it is shut down with the loop";
    EXPECT_EQ(error_in([&] { loop->set_default_executor(manual); }), "Event loop is closed");
    manual.reset();
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Step6_Bridge, TheExecutorIsJoinedWhileTheLoopRuns) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    std::latch answered(1);
    std::atomic<bool> ended = false;
    const auto needs_the_loop = [&] {
      loop.call_soon_threadsafe([&] { answered.count_down(); });
      answered.wait();
      ended = true;
    };
    Future<> future = loop.run_in_executor(nullptr, needs_the_loop);
    co_await loop.shutdown_default_executor();
    EXPECT_TRUE(ended);
    co_await future;
    EXPECT_EQ(error_in([&] { static_cast<void>(loop.run_in_executor(nullptr, twice, 1)); }),
              "Executor shutdown has been called");
    co_await loop.shutdown_default_executor();
    ThreadPoolExecutor threads({.max_workers = 1});
    const int number = co_await loop.run_in_executor(threads, twice, 1);
    EXPECT_EQ(number, 2) << "others work on";
  });
}

TEST(Step6_Bridge, ToJoinWhatWasNeverNeededTakesNoTime) {  // AIO-21
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const int number = co_await wrap_future(already<int>(1));
    EXPECT_EQ(number, 1);
    co_await loop.shutdown_default_executor();
    co_await loop.shutdown_default_executor(1s);
    EXPECT_EQ(now(), 0s);
    EXPECT_EQ(error_in([&] { static_cast<void>(loop.run_in_executor(nullptr, twice, 1)); }),
              "Executor shutdown has been called");
  });
}

TEST(Step6_Bridge, AnExecutorThatTakesTooLongIsReportedAndLeftAlone) {  // AIO-21
  Log reports;
  Gate gate;
  std::atomic<bool> ended = false;
  in_loop(reports, [&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    Future<> future = loop.run_in_executor(nullptr, [&] {
      gate.pass();
      ended = true;
    });
    gate.wait_until_entered();
    co_await loop.shutdown_default_executor(1s);
    EXPECT_GE(now(), 1s);
    EXPECT_FALSE(future.done());
    EXPECT_FALSE(ended);
    EXPECT_EQ(reports, (Log{"The executor did not finish joining its threads in time. nothing"}));
    gate.open();
    co_await wait_for(shield(future), std::nullopt);
    EXPECT_TRUE(ended);
    co_await loop.shutdown_default_executor();
  });
  EXPECT_EQ(reports.size(), 1u);
}

TEST(Step6_Bridge, RunWaitsForTheExecutorAtItsEnd) {  // AIO-21
  std::atomic<bool> ended = false;
  std::latch entered(1);
  std::latch main_ends(1);
  in_real_loop([&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const auto needs_the_loop = [&] {
      entered.count_down();
      main_ends.wait();
      for (int i = 0; i < 20; ++i) {
        std::latch answered(1);
        loop.call_soon_threadsafe([&] { answered.count_down(); });
        answered.wait();
      }
      ended = true;
    };
    const auto awaits = [](Future<> future) -> Coro<> { co_await std::move(future); };
    static_cast<void>(create_task(awaits(loop.run_in_executor(nullptr, needs_the_loop))));
    entered.wait();
    co_await passes(1);
    main_ends.count_down();
  });
  EXPECT_TRUE(ended) << "although the task that awaited it was cancelled";
}

TEST(Step6_Bridge, AnExecutorsCallsGoOnAfterClose) {  // AIO-20
  std::atomic<int> ended = 0;
  Gate gate;
  {
    EventLoop loop;
    Log reports;
    listen(loop, reports);
    for (int i = 0; i < 3; ++i)
      static_cast<void>(loop.run_in_executor(nullptr, [&] {
        gate.pass();
        ++ended;
      }));
    gate.wait_until_entered();
    loop.close();
    EXPECT_EQ(ended, 0) << "close() does not wait";
    gate.open();
  }
  EXPECT_EQ(ended, 3) << "but the end of the loop does";
}

TEST(Step6_Bridge, TheGroupOfATaskMayHoldCalls) {  // AIO-20, AIO-69
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    int calls = 0;
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(loop.run_in_executor(manual, [&] { ++calls; }));
      group.create_task(loop.run_in_executor(manual, complain, 7));
      group.create_task(loop.run_in_executor(manual, [&] { ++calls; }));
      co_await passes(2);
      manual.run_one();
      manual.run_one();
      co_await sleep(1h);
    }));
    EXPECT_EQ(error, "group: not 7");
    manual.run_all();
    EXPECT_EQ(calls, 1) << "the last one was cancelled";
  });
}

// Step 7: to_thread, and the way from other threads.

TEST(Step7_Threads, ToThreadCallsOnAThread) {  // AIO-21
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

TEST(Step7_Threads, ToThreadHandsArgumentsOnAndGivesAnyResult) {  // AIO-21
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

TEST(Step7_Threads, ToThreadCopiesWhenItIsCalledAndBeginsWhenItIsAwaited) {  // AIO-21
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

TEST(Step7_Threads, SeveralThreadsRunAtTheSameTime) {  // AIO-21
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

TEST(Step7_Threads, ToThreadUsesTheDefaultExecutor) {  // AIO-21
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

TEST(Step7_Threads, RunWaitsForACallWhoseTaskIsCancelled) {  // AIO-21
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

namespace {

/// A loop that runs on another thread.
class LoopThread {
 public:
  LoopThread()
      : loop_(asyncio::new_event_loop()), thread_([this] {
          listen(*loop_, reports_);
          loop_->run_forever();
        }) {}
  ~LoopThread() { stop(); }

  /// Until here it runs; then it may be closed.
  void stop() {
    if (!thread_.joinable()) return;
    loop_->call_soon_threadsafe([&loop = *loop_] { loop.stop(); });
    thread_.join();
  }
  EventLoop& loop() { return *loop_; }
  void destroy() {
    stop();
    loop_.reset();
  }
  const Log& reports() const { return reports_; }

 private:
  Log reports_;
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace

TEST(Step7_Threads, ACoroutineRunsInTheLoopForAnotherThread) {  // AIO-22
  LoopThread other;
  EXPECT_EQ(run_coroutine_threadsafe(after(1ms, 7), other.loop()).result(), 7);
  const auto where = []() -> Coro<std::thread::id> {
    EXPECT_TRUE(current_task());
    co_return std::this_thread::get_id();
  };
  EXPECT_NE(run_coroutine_threadsafe(where(), other.loop()).result(), std::this_thread::get_id());
  run_coroutine_threadsafe(passes(2), other.loop()).result();
  EXPECT_EQ(*run_coroutine_threadsafe(after(0s, std::make_unique<int>(4)), other.loop()).result(), 4);
  EXPECT_EQ(&run_coroutine_threadsafe(reference_after(0s), other.loop()).result(), &shared_number);
  EXPECT_EQ(run_coroutine_threadsafe(after(0s, std::string("text")), other.loop()).result(), "text");
}

TEST(Step7_Threads, WhatItThrowsComesThere) {  // AIO-22
  LoopThread other;
  const auto future = run_coroutine_threadsafe(fail_after(1ms, "it failed"), other.loop());
  EXPECT_EQ(said(future.exception()), "it failed");
  EXPECT_EQ(error_in([&] { future.result(); }), "it failed");
  other.stop();
  EXPECT_EQ(other.reports(), Log()) << "it has been looked at";
}

TEST(Step7_Threads, TheThreadMayGiveUpWaiting) {  // AIO-22
  std::atomic<int> alive = 0;
  LoopThread other;
  auto future = run_coroutine_threadsafe(alive_for(alive, 1h), other.loop());
  EXPECT_THROW(future.result(1ms), TimeoutError);
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancelled());
  // What was posted before is done when this is.
  run_coroutine_threadsafe(passes(3), other.loop()).result();
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Threads, ToCancelItCancelsTheTask) {  // AIO-22
  LoopThread other;
  Log log;
  std::latch begun(1);
  const auto waits = [&]() -> Coro<> {
    begun.count_down();
    co_await logs(log, "it", 1h);
  };
  auto future = run_coroutine_threadsafe(waits(), other.loop());
  begun.wait();
  EXPECT_TRUE(future.cancel());
  run_coroutine_threadsafe(passes(3), other.loop()).result();
  EXPECT_EQ(log, (Log{"it begins", "it is cancelled"}));
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(future.cancel()) << "it is cancelled already";
  // A task that refuses to go, and one that fails when it is to: nobody is told any more.
  auto refusing = run_coroutine_threadsafe(refuses(7), other.loop());
  auto failing = run_coroutine_threadsafe(fails_to_go("too late"), other.loop());
  run_coroutine_threadsafe(passes(1), other.loop()).result();
  EXPECT_TRUE(refusing.cancel());
  EXPECT_TRUE(failing.cancel());
  run_coroutine_threadsafe(passes(4), other.loop()).result();
  EXPECT_TRUE(refusing.cancelled());
  EXPECT_TRUE(failing.cancelled());
  other.stop();
  EXPECT_EQ(other.reports(), (Log{"Task exception was never retrieved too late"}));
}

TEST(Step7_Threads, AsInPythonATaskThatWasCancelledTooEarlyBeginsAndIsCancelled) {  // AIO-22
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      log.push_back("begins");
      co_await passes(3);
      log.push_back("ends");
    };
    auto future = run_coroutine_threadsafe(runs(), get_running_loop());
    EXPECT_TRUE(future.cancel());
    co_await passes(6);
    EXPECT_EQ(log, (Log{"begins"}));
  });
}

TEST(Step7_Threads, ATaskThatIsCancelledCancelsTheFuture) {  // AIO-22
  LoopThread other;
  std::optional<asyncio::AnyTask> task;
  std::latch begun(1);
  const auto waits = [&]() -> Coro<int> {
    task = current_task();
    begun.count_down();
    co_await sleep(1h);
    co_return 1;
  };
  auto future = run_coroutine_threadsafe(waits(), other.loop());
  begun.wait();
  other.loop().call_soon_threadsafe([&] {
    task->cancel();
    task.reset();
  });
  EXPECT_THROW(future.result(), concurrent::CancelledError);
  EXPECT_TRUE(future.cancelled());
  const auto throws = []() -> Coro<> {
    co_await passes(1);
    throw CancelledError();
  };
  EXPECT_THROW(run_coroutine_threadsafe(throws(), other.loop()).result(), concurrent::CancelledError);
}

TEST(Step7_Threads, ALoopThatIsClosedRefusesIt) {  // AIO-22
  std::atomic<int> alive = 0;
  EventLoop loop;
  loop.close();
  const auto counts = [](Counted) -> Coro<> { co_return; };
  EXPECT_EQ(error_in([&] { run_coroutine_threadsafe(counts(Counted(alive)), loop); }),
            "Event loop is closed");
  EXPECT_EQ(alive, 0);
  LoopThread other;
  EXPECT_EQ(run_coroutine_threadsafe(after(0s, 1), other.loop()).result(), 1);
}

TEST(Step7_Threads, ALoopThatGoesBeforeTheEndCancelsIt) {  // AIO-22
  const CallbackErrors errors;
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    LoopThread other;
    auto running = run_coroutine_threadsafe(alive_for(alive, 1h), other.loop());
    run_coroutine_threadsafe(passes(2), other.loop()).result();
    EXPECT_EQ(alive, 1);
    int told = 0;
    running.add_done_callback([&](const auto&) { ++told; });
    other.stop();
    const auto counts = [](std::shared_ptr<Counted>) -> Coro<> { co_return; };
    auto not_begun = run_coroutine_threadsafe(counts(std::make_shared<Counted>(alive)), other.loop());
    EXPECT_FALSE(running.done() || not_begun.done());
    close ? other.loop().close() : other.destroy();
    EXPECT_TRUE(running.cancelled());
    EXPECT_TRUE(not_begun.cancelled());
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(told, 1);
  }
}

TEST(Step7_Threads, AFutureThatIsCancelledWhenTheLoopHasGoneIsNobodysConcern) {  // AIO-22
  const CallbackErrors errors;
  LoopThread other;
  auto future = run_coroutine_threadsafe(after(0s, 1), other.loop());
  EXPECT_EQ(future.result(), 1);
  auto pending = run_coroutine_threadsafe(after(1h, 1), other.loop());
  run_coroutine_threadsafe(passes(1), other.loop()).result();
  other.destroy();
  EXPECT_FALSE(future.cancel());
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(future.result(), 1);
}

TEST(Step7_Threads, NothingIsKeptOfWhatIsDone) {  // AIO-22
  std::atomic<int> alive = 0;
  LoopThread other;
  {
    const auto future = run_coroutine_threadsafe(after(0s, std::make_shared<Counted>(alive)), other.loop());
    EXPECT_EQ(future.result().use_count() > 0 ? alive.load() : 0, 1);
  }
  run_coroutine_threadsafe(passes(2), other.loop()).result();
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Threads, ManyThreadsAtOnce) {  // AIO-22
  LoopThread other;
  std::atomic<int> sum = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 100; ++i) {
          auto future = run_coroutine_threadsafe(after(Duration(i % 3), 1), other.loop());
          if ((i + thread) % 10 == 0)
            future.cancel();
          else
            sum += future.result();
        }
      });
  }
  EXPECT_EQ(sum, 4 * 90);
  run_coroutine_threadsafe(passes(3), other.loop()).result();
  const auto left = []() -> Coro<std::size_t> { co_return all_tasks().size(); };
  EXPECT_EQ(run_coroutine_threadsafe(left(), other.loop()).result(), 1u);
}

TEST(Step7_Threads, ThereAndBack) {  // AIO-22
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const auto asks_the_loop = [&](int number) {
      return run_coroutine_threadsafe(after(1ms, number), loop).result() + 1;
    };
    const auto [a, b] = co_await gather(to_thread(asks_the_loop, 1), to_thread(asks_the_loop, 10));
    EXPECT_EQ(a, 2);
    EXPECT_EQ(b, 11);
    // The futures of another loop's tasks are futures of a thread here.
    LoopThread other;
    Future<int> there = wrap_future(run_coroutine_threadsafe(after(1ms, 7), other.loop()));
    const int number = co_await there;
    EXPECT_EQ(number, 7);
    Log log;
    std::latch begun(1);
    const auto waits = [&]() -> Coro<> {
      begun.count_down();
      co_await logs(log, "it", 1h);
    };
    auto future = run_coroutine_threadsafe(waits(), other.loop());
    begun.wait();
    wrap_future(future).cancel();
    co_await passes(2);
    EXPECT_TRUE(future.cancelled());
    run_coroutine_threadsafe(passes(3), other.loop()).result();
    EXPECT_EQ(log, (Log{"it begins", "it is cancelled"})) << "from loop to loop";
  });
}

// Step 8: a loop that may go between the look and the call.

TEST(Step8_BreakIt, AloneItDoesWhatItShould) {
  asyncio::Bell bell;
  HastyWeakLoop weak_loop(bell);
  weak_loop.post();
  weak_loop.post();
  EXPECT_EQ(bell.rings(), 2);
  weak_loop.close();
  weak_loop.post();
  EXPECT_EQ(bell.rings(), 2);
}

TEST(Step8_BreakIt, FromManyThreadsEveryRingIsHeard) {
  asyncio::Bell bell;
  HastyWeakLoop weak_loop(bell);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 100; ++j) weak_loop.post();
      });
  }
  EXPECT_EQ(bell.rings(), 400);
}
