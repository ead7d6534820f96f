// Chapter 09, step 3: what a task cannot await, and tasks that outlive their loop.

#include "support.hpp"

#include <atomic>
#include <coroutine>
#include <optional>
#include <utility>

TEST(Step3_Awaiting, ATaskCannotAwaitItself) {  // AIO-47
  VirtualLoop v;
  std::optional<Task<int>> task;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    try {
      co_await *task;
    } catch (const std::runtime_error& error) {
      v.note(error.what());
    }
    co_return co_await future;
  };
  task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 Task cannot await on itself"});
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(outcome_of(*task), "1") << "it goes on all the same";
}

TEST(Step3_Awaiting, ATaskCannotAwaitAFutureOfAnotherLoop) {  // AIO-47
  VirtualLoop v, other;
  Future<int> theirs = other.loop.create_future<int>();
  Future<int> done = other.loop.create_future<int>();
  done.set_result(1);
  const auto body = [&]() -> Coro<int> {
    try {
      co_await theirs;
    } catch (const std::runtime_error& error) {
      v.note(error.what());
    }
    co_return co_await done;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 Task got Future attached to a different loop"});
  EXPECT_EQ(outcome_of(task), "1") << "of one that is done the loop does not matter";
  theirs.set_result(2);
  other.passes(1);
  EXPECT_EQ(v.log.size(), 1u);
}

TEST(Step3_Awaiting, ATaskThatAwaitsSomethingElseFails) {
  struct Never {
    static bool await_ready() { return false; }
    static void await_suspend(std::coroutine_handle<>) {}
    static void await_resume() {}
  };
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&](Counted counted) -> Coro<> {
    co_await future;
    co_await Never();
  };
  const Task<> task = v.loop.create_task(body(Counted(alive)));
  v.passes(1);
  future.set_result(1);
  v.passes(1);
  EXPECT_TRUE(task.done());
  EXPECT_THROW(task.result(), std::runtime_error);
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Awaiting, OutsideATaskAFutureCannotBeAwaited) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  EXPECT_EQ(error_of([&] { asyncio::sync_wait(future); }), "this can be awaited only in a task");
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  EXPECT_EQ(asyncio::sync_wait(future), 7) << "unless it is done";
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task 7"});
}

TEST(Step3_Awaiting, ATaskMayEndAfterItsLoopsCloseWasRefused) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    v.note(error_of([&] { v.loop.close(); }));
    co_return co_await future;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 Cannot close a running event loop"});
  EXPECT_EQ(outcome_of(task), "1");
}

TEST(Step3_Awaiting, ATaskMayOutliveItsLoop) {
  std::optional<VirtualLoop> v(std::in_place);
  std::atomic<int> alive = 0;
  const auto body = [](std::atomic<int>& alive) -> Coro<Counted> { co_return Counted(alive); };
  std::optional<Task<Counted>> done = v->loop.create_task(body(alive));
  std::optional<Task<Counted>> pending;
  v->passes(1);
  pending = v->loop.create_task(body(alive));
  v.reset();
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(done->done());
  EXPECT_TRUE(pending->cancelled());
  EXPECT_THROW(static_cast<void>(done->get_loop()), std::runtime_error);
  done.reset();
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Awaiting, ARefusedAwaitIsNoPlaceToGoOn) {  // AIO-47
  struct Never {
    static bool await_ready() { return false; }
    static void await_suspend(std::coroutine_handle<>) {}
    static void await_resume() {}
  };
  VirtualLoop v, other;
  Future<int> theirs = other.loop.create_future<int>();
  const auto body = [&]() -> Coro<> {
    try {
      co_await theirs;
    } catch (const std::runtime_error&) {
      v.note("refused");
    }
    co_await Never();
  };
  const Task<> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 refused"});
  ASSERT_TRUE(task.done()) << "it does not wait where its wait was refused";
  EXPECT_THROW(task.result(), std::runtime_error);
}
