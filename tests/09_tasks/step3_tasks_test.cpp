// Chapter 09, step 3: a coroutine becomes a task: how it begins, ends and is kept.

#include "fragile.hpp"
#include "support.hpp"

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

using asyncio::ensure_future;

TEST(Step3_Tasks, TheBodyBeginsInTheNextPass) {  // AIO-33
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    v.note("begins");
    co_return;
  };
  std::optional<Task<>> task;
  v.loop.call_soon([&] {
    task = v.loop.create_task(body());
    v.note("made");
  });
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 made", "0 ready", "1 begins"}));
  EXPECT_TRUE(task->done());
}

TEST(Step3_Tasks, AnAwaitThatNeedsNoWaitLetsNobodyElseBegin) {  // AIO-28, AIO-33
  VirtualLoop v;
  Future<int> done = v.loop.create_future<int>();
  done.set_result(1);
  const auto other = [&]() -> Coro<> {
    v.note("other begins");
    co_return;
  };
  const auto creator = [&]() -> Coro<> {
    create_task(other());
    for (int i = 0; i < 3; ++i) co_await done;
    v.note("creator ends");
  };
  const Task<> task = v.loop.create_task(creator());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 creator ends", "1 other begins"}));
}

TEST(Step3_Tasks, ACoroutineIsLazyUntilItIsATask) {  // AIO-32
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted counted) -> Coro<> {
    v.note("begins");
    co_return;
  };
  Coro<> coro = body(Counted(alive));
  v.passes(2);
  EXPECT_EQ(v.log, Log());
  const Task<> task = v.loop.create_task(std::move(coro));
  EXPECT_EQ(coro.handle(), nullptr) << "it is moved in";
  EXPECT_EQ(alive, 1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"2 begins"});
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Tasks, ItIsAFutureOfWhatTheCoroutineReturns) {  // AIO-35
  VirtualLoop v;
  Task<int> task = v.loop.create_task(give(7));
  Future<int> future = task;
  EXPECT_TRUE(future == task);
  EXPECT_FALSE(future.done());
  EXPECT_THROW(task.result(), InvalidStateError);
  EXPECT_EQ(v.passes_until_done(task), 1);
  EXPECT_EQ(future.result(), 7);
  EXPECT_EQ(task.exception(), nullptr);
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(&task.get_loop(), &v.loop);
}

TEST(Step3_Tasks, WhatTheCoroutineThrowsIsItsException) {  // AIO-35
  VirtualLoop v;
  const auto inner = []() -> Coro<int> { co_return co_await fail("no"); };
  const Task<int> task = v.loop.create_task(inner());
  v.passes(1);
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(outcome_of(task), "no");
  EXPECT_EQ(what(task.exception()), "no");
}

TEST(Step3_Tasks, WhateverIsThrownIsItsException) {  // AIO-35
  VirtualLoop v;
  const auto body = []() -> Coro<int> {
    throw 7;
    co_return 0;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(what(task.exception()), "7") << "also what is no std::exception";
}

TEST(Step3_Tasks, AValueThatCannotBeMovedIsAnException) {
  const auto body = [](course::Fuse& fuse) -> Coro<course::Fragile> { co_return course::Fragile(7, fuse); };
  const int broke = course::until_nothing_breaks([&](course::Fuse& fuse) {
    VirtualLoop v;
    const Task<course::Fragile> task = v.loop.create_task(body(fuse));
    v.passes(1);
    ASSERT_TRUE(task.done());
    EXPECT_EQ(error_of([&] { EXPECT_EQ(task.result().number(), 7); }), fuse.burnt() ? "broke" : "nothing");
  });
  EXPECT_GT(broke, 1) << "it is moved out of the coroutine, and into the task";
  EXPECT_EQ(course::Fragile::alive, 0);
}

TEST(Step3_Tasks, ItsOutcomeIsNobodyElsesToSet) {  // AIO-35
  VirtualLoop v;
  Task<int> task = v.loop.create_task(give(1));
  const std::string set_result = error_of([&] { task.set_result(2); });
  const std::string set_exception = error_of([&] { task.set_exception(std::runtime_error("no")); });
  EXPECT_EQ(set_result, "Task does not support set_result operation");
  EXPECT_EQ(set_exception, "Task does not support set_exception operation");
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "1");
  EXPECT_THROW(task.set_result(2), std::runtime_error);
}

TEST(Step3_Tasks, ItMayReturnWhateverACoroutineMay) {
  VirtualLoop v;
  int number = 1;
  const auto nothing = []() -> Coro<> { co_return; };
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto ticket = []() -> Coro<Ticket> { co_return Ticket(5); };
  const auto page = []() -> Coro<Page> {
    Page page;
    page.numbers.back() = 9;
    co_return page;
  };
  const Task<> of_nothing = v.loop.create_task(nothing());
  const Task<int&> of_reference = v.loop.create_task(reference());
  const Task<Ticket> of_ticket = v.loop.create_task(ticket());
  const Task<Page> of_page = v.loop.create_task(page());
  v.passes(1);
  of_nothing.result();
  EXPECT_EQ(&of_reference.result(), &number);
  EXPECT_EQ(*of_ticket.result().number, 5);
  EXPECT_EQ(of_page.result().numbers.back(), 9);
}

TEST(Step3_Tasks, ItRunsOnIfNobodyKeepsIt) {  // AIO-49
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&](Counted counted) -> Coro<> {
    const int number = co_await future;
    v.note(std::to_string(number));
  };
  v.loop.create_task(body(Counted(alive)));
  v.passes(1);
  EXPECT_EQ(alive, 1);
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 7"});
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Tasks, ACircleOfATaskAndItsFutureIsKeptByTheLoop) {  // AIO-49
  VirtualLoop v;
  std::function<void(int)> wake;
  const auto body = [&]() -> Coro<> {
    Future<int> future = asyncio::get_running_loop().create_future<int>();
    wake = [raw = &future](int number) { raw->set_result(number); };  // keeps nothing
    const int number = co_await future;
    v.note(std::to_string(number));
  };
  v.loop.create_task(body());
  v.passes(3);
  wake(7);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 7"});
}

TEST(Step3_Tasks, ItsCoroutineIsDestroyedBeforeAnybodyHearsThatItHasEnded) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto body = [](Counted parameter, Counted other) -> Coro<> {
    const Counted local = std::move(other);
    co_return;
  };
  const Task<> task = v.loop.create_task(body(Counted(alive), Counted(alive)));
  EXPECT_EQ(alive, 2);
  v.loop.call_soon([&] { EXPECT_EQ(alive, 0) << "it goes with the end of its last step"; });
  v.passes(1);
  EXPECT_TRUE(task.done());
}

TEST(Step3_Tasks, ItsCallbacksRunOnePassAfterItsEnd) {  // AIO-26
  VirtualLoop v;
  std::optional<Task<int>> task = v.loop.create_task(give(7));
  for (int i = 0; i < 2; ++i)
    task->add_done_callback([&](const Future<int>& done) { v.note("callback " + outcome_of(done)); });
  task.reset();
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 ready", "1 callback 7", "1 callback 7"}));
}

TEST(Step3_Tasks, MakingOneNeedsALoopThatIsOpen) {
  VirtualLoop v;
  const auto body = [](Counted) -> Coro<> { co_return; };
  std::atomic<int> alive = 0;
  const Task<int> before = v.loop.create_task(give(1));
  v.passes(1);
  EXPECT_EQ(outcome_of(before), "1") << "this loop is";
  EXPECT_EQ(error_of([&] { create_task(body(Counted(alive))); }), "no running event loop");
  EXPECT_EQ(alive, 0);
  v.loop.create_task(body(Counted(alive)));
  EXPECT_EQ(alive, 1);
  v.loop.close();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(error_of([&] { v.loop.create_task(body(Counted(alive))); }), "Event loop is closed");
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Tasks, ACoroutineBecomesATaskOnce) {
  VirtualLoop v;
  Coro<int> coro = give(1);
  const Task<int> task = v.loop.create_task(std::move(coro));
  EXPECT_EQ(error_of([&] { v.loop.create_task(std::move(coro)); }), "cannot reuse already awaited coroutine");
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "1");
}

TEST(Step3_Tasks, WhatElseCanBeAwaitedBecomesATaskToo) {  // AIO-50
  struct Seven {
    static bool await_ready() { return true; }
    static void await_suspend(std::coroutine_handle<>) {}
    static int await_resume() { return 7; }
  };
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> of_future = v.loop.create_task(future);
  const Task<int> of_other = v.loop.create_task(Seven());
  v.passes(1);
  EXPECT_EQ(outcome_of(of_other), "7");
  future.set_result(8);
  v.passes(1);
  EXPECT_EQ(outcome_of(of_future), "8");
  EXPECT_EQ(future.result(), 8) << "which has its result still";
}

TEST(Step3_Tasks, EnsureFutureLeavesFuturesAsTheyAre) {  // AIO-50
  VirtualLoop v, other;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(give(1));
  EXPECT_TRUE(ensure_future(future) == future);
  EXPECT_TRUE(ensure_future(future, v.loop) == future);
  const Task<int> same = ensure_future(task, v.loop);
  EXPECT_TRUE(same == task);
  EXPECT_THROW(static_cast<void>(ensure_future(future, other.loop)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(ensure_future(task, other.loop)), std::invalid_argument);
  const Task<int> made = ensure_future(give(2), v.loop);
  std::optional<Task<int>> in_running_loop;
  v.loop.call_soon([&] { in_running_loop = ensure_future(give(3)); });
  v.passes(2);
  EXPECT_EQ(outcome_of(same), "1");
  EXPECT_EQ(outcome_of(made), "2");
  EXPECT_EQ(outcome_of(*in_running_loop), "3");
}

TEST(Step3_Tasks, TheEndOfALoopDestroysWhatIsPending) {  // AIO-49
  std::atomic<int> alive = 0;
  std::optional<VirtualLoop> v(std::in_place);
  const auto waits = [](AnyFuture future, Counted counted) -> Coro<> { co_await future; };
  const auto waits_inside = [&](AnyFuture future, Counted parameter) -> Coro<> {
    const Counted local(alive);
    co_await waits(std::move(future), Counted(alive));
  };
  const auto begins = [](Counted) -> Coro<> { co_return; };
  Future<int> future = v->loop.create_future<int>();
  std::vector<Task<>> tasks;
  tasks.push_back(v->loop.create_task(waits(future, Counted(alive))));
  tasks.push_back(v->loop.create_task(waits_inside(future, Counted(alive))));
  tasks.push_back(v->loop.create_task(waits(tasks[0], Counted(alive))));
  v->loop.create_task(waits(v->loop.create_future<int>(), Counted(alive)));  // nobody else has that future
  Future<int> ready = v->loop.create_future<int>();
  tasks.push_back(v->loop.create_task(waits(ready, Counted(alive))));
  v->passes(1);
  ready.set_result(1);
  tasks.push_back(v->loop.create_task(begins(Counted(alive))));  // which has not begun
  EXPECT_EQ(alive, 8);
  v.reset();
  EXPECT_EQ(alive, 0);
  for (const Task<>& task : tasks) EXPECT_EQ(outcome_of(task), "cancelled");
  future.set_result(2);
  EXPECT_EQ(future.result(), 2) << "nobody waits for it any more";
}

TEST(Step3_Tasks, WhatIsDestroyedWithALoopMayUseFuturesAndTasks) {
  std::optional<VirtualLoop> v(std::in_place);
  Log log;
  std::optional<Task<>> first, second;
  Future<int> future = v->loop.create_future<int>();
  const auto body = [](VirtualLoop& loop, AtEnd at_end, Future<int> future) -> Coro<> {
    co_await relay(loop, "", future);
  };
  const auto at_end = [&] {
    log.push_back(error_of([&] { v->loop.create_task(give(1)); }));
    if (!future.done()) future.set_result(1);
    first->add_done_callback([](const Future<>&) { ADD_FAILURE(); });
    second->add_done_callback([](const Future<>&) { ADD_FAILURE(); });
    log.push_back(first->cancelled() ? "first cancelled" : "first pending");
    log.push_back(second->cancelled() ? "second cancelled" : "second pending");
  };
  first = v->loop.create_task(body(*v, AtEnd(at_end), future));
  second = v->loop.create_task(body(*v, AtEnd(at_end), future));
  first->add_done_callback([at_end = AtEnd([&] { log.push_back("callback"); })](const Future<>&) {});
  v->passes(1);
  v->loop.close();
  EXPECT_EQ(log, (Log{"callback", "Event loop is closed", "first cancelled", "second pending",
                      "Event loop is closed", "first cancelled", "second cancelled"}));
}

TEST(Step3_Tasks, TheEndOfALoopDestroysALongChainOneByOne) {  // AIO-49
  struct Chain {
    static Coro<> outwards(AnyFuture inner) { co_await inner; }
    static Coro<> inwards(Future<>& innermost, int links) {
      if (links == 0)
        co_await innermost;
      else
        co_await create_task(inwards(innermost, links - 1));
    }
  };
  int reports = 0;
  for (const bool inner_first : {true, false}) {
    VirtualLoop v;
    v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++reports; });
    Future<> innermost = v.loop.create_future();
    if (inner_first) {
      AnyFuture outermost = innermost;
      for (int i = 0; i < 10'000; ++i) outermost = v.loop.create_task(Chain::outwards(outermost));
      v.passes(1);
    } else {
      v.loop.create_task(Chain::inwards(innermost, 9'999));
      v.passes(10'000);
    }
  }
  EXPECT_EQ(reports, 20'000) << "and tells of each";
}

TEST(Step3_Tasks, ATaskOfWhateverTypeCanBeAwaited) {
  VirtualLoop v;
  const std::vector<asyncio::AnyTask> tasks{v.loop.create_task(give(1)), v.loop.create_task(fail("no"))};
  const auto main = [&]() -> Coro<> {
    co_await tasks.at(0);
    EXPECT_TRUE(tasks.at(0).done());
    try {
      co_await tasks.at(1);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "no");
    }
    EXPECT_NO_THROW(tasks.at(0).result());
    EXPECT_THROW(tasks.at(1).result(), std::runtime_error);
  };
  const Task<> done = v.loop.create_task(main());
  v.passes(6);
  EXPECT_NO_THROW(done.result());
}
