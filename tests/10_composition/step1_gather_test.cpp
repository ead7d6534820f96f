// Chapter 10, step 1: gather, and what it gives.

#include "awkward_results.hpp"
#include "gather.hpp"
#include "generator.hpp"
#include "support.hpp"

#include <array>
#include <list>
#include <ranges>
#include <span>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

using asyncio::gather;
using asyncio::GatherOptions;
using asyncio::Generator;
using asyncio::Outcome;

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
    EXPECT_EQ(what(all.exception()), "first");
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
    EXPECT_EQ(what(error.exception()), "first");
    EXPECT_EQ(value.get(), 2);
    EXPECT_EQ(what(no_value.exception()), "cancelled");
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
    EXPECT_EQ(what(outcomes.at(1).exception()), "cancelled");
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

TEST(Step1_Gather, AllTasksCanBeGathered) {  // AIO-53
  in_loop([]() -> Coro<> {
    create_task(after(1s, 1));
    create_task(fail_after(2s, "no"));
    std::vector<asyncio::AnyTask> tasks = all_tasks();
    std::erase(tasks, *current_task());
    const auto outcomes = co_await gather(tasks, {.return_exceptions = true});
    EXPECT_EQ(outcomes.size(), 2u);
    EXPECT_EQ(outcomes.at(0).exception(), nullptr);
    EXPECT_EQ(what(outcomes.at(1).exception()), "no");
    const std::string error = co_await error_of(gather(tasks));
    EXPECT_EQ(error, "no");
    create_task(sleep(1h)).cancel();
    std::vector<asyncio::AnyTask> left = all_tasks();
    std::erase(left, *current_task());
    const std::string cancelled = co_await error_of(gather(left));
    EXPECT_EQ(cancelled, "cancelled");
  });
}

TEST(Step1_Gather, OfWhatIsDoneItIsDoneAtOnce) {  // AIO-53
  in_loop([]() -> Coro<> {
    Task<int> one = create_task(after(0s, 1)), other = create_task(after(0s, 2));
    co_await passes(3);
    const auto both = gather(one, other);
    EXPECT_TRUE(both.done());
    const auto [a, b] = co_await both;
    EXPECT_EQ(a + b, 3);
    Task<> failed = create_task(fail_after(0s, "no"));
    co_await passes(3);
    Future<int> never = get_running_loop().create_future<int>();
    const auto with_an_error = gather(never, failed);
    EXPECT_TRUE(with_an_error.done());
    const std::string error = co_await error_of(with_an_error);
    EXPECT_EQ(error, "no");
  });
}

TEST(Step1_Gather, OfWhatIsDoneAndWhatIsNotItHasTheResultsInOrder) {  // AIO-53
  in_loop([]() -> Coro<> {
    Task<std::string> done = create_task(after(0s, std::string("a text that is too long to stay in place")));
    Task<> failed = create_task(fail_after(0s, "it failed"));
    Task<> cancelled = create_task(sleep(1h));
    cancelled.cancel();
    co_await passes(3);
    const auto [one, two, three, four] = co_await gather(after(1s, 1), done, after(2s, 3), done);
    EXPECT_EQ(now(), 2s);
    EXPECT_EQ(one, 1);
    EXPECT_EQ(two, "a text that is too long to stay in place");
    EXPECT_EQ(three, 3);
    EXPECT_EQ(four, two);
    EXPECT_EQ(done.result(), two) << "the task keeps its result";
    const auto [no_error, error, cancellation, same] =
        co_await gather({.return_exceptions = true}, after(1s, 1), failed, cancelled, done);
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(no_error.get(), 1);
    EXPECT_EQ(what(error.exception()), "it failed");
    EXPECT_EQ(what(cancellation.exception()), "cancelled");
    EXPECT_EQ(same.get(), two);
    EXPECT_EQ(done.result(), two) << "with outcomes, too";
  });
}
