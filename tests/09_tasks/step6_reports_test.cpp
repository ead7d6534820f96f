// Chapter 09, step 6: reports of exceptions that nobody looks at.

#include "support.hpp"

#include <atomic>
#include <optional>
#include <utility>

TEST(Step6_Reports, AnExceptionThatNobodyHasLookedAtIsReported) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  {
    Future<int> future = v.loop.create_future<int>();
    future.set_exception(std::runtime_error("no"));
    const Future<int> copy = future;
    v.loop.create_task(fail("not at all"));
    v.passes(1);
    EXPECT_EQ(v.log, Log{"Task exception was never retrieved: not at all"});
  }
  EXPECT_EQ(v.log, (Log{"Task exception was never retrieved: not at all",
                        "Future exception was never retrieved: no"}))
      << "with the last handle, and once";
}

TEST(Step6_Reports, AnyLookAtItWillDo) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  const auto failed = [&] {
    Future<int> future = v.loop.create_future<int>();
    future.set_exception(std::runtime_error("no"));
    return future;
  };
  EXPECT_THROW(failed().result(), std::runtime_error);
  {
    const Future<int> future = failed();
    EXPECT_THROW(future.result(), std::runtime_error);
  }
  EXPECT_EQ(what(failed().exception()), "no");
  EXPECT_FALSE(failed().cancel());
  const auto awaits = [&](Future<int> future) -> Coro<> {
    try {
      co_await future;
    } catch (const std::runtime_error&) {
    }
  };
  v.loop.create_task(awaits(failed()));
  v.loop.create_task(awaits(v.loop.create_task(fail("no"))));
  v.passes(3);
  {
    Task<int> task = v.loop.create_task(fail("no"));
    v.passes(1);
    EXPECT_FALSE(task.cancel());
  }
  EXPECT_EQ(v.log, Log());
  static_cast<void>(failed());
  EXPECT_EQ(v.log, Log{"Future exception was never retrieved: no"});
}

TEST(Step6_Reports, AnythingElseIsNot) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  v.loop.create_future<int>().set_result(1);
  v.loop.create_future<int>().cancel();
  static_cast<void>(v.loop.create_future<int>());
  v.loop.create_task(give(1));
  v.loop.create_task(give(1)).cancel();
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  v.loop.create_task(fail("no"));
  v.passes(1);
  EXPECT_EQ(v.log, Log{"Task exception was never retrieved: no"});
}

TEST(Step6_Reports, ToCancelATaskIsNoLookAtHowItEnds) {  // AIO-29, AIO-45
  VirtualLoop v;
  v.note_reports();
  const auto body = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error("while it was cancelled");
    }
  };
  {
    Task<> task = v.loop.create_task(body());
    v.passes(1);
    EXPECT_TRUE(task.cancel());
    v.passes(1);
    EXPECT_TRUE(task.done());
  }
  EXPECT_EQ(v.log, Log{"Task exception was never retrieved: while it was cancelled"});
}

TEST(Step6_Reports, AnExceptionThatGoesOnIsReportedOfTheLast) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  Future<int> future = v.loop.create_future<int>();
  v.loop.create_task(relay(v, "outer", v.loop.create_task(relay(v, "inner", future))));
  v.passes(1);
  future.set_exception(std::runtime_error("no"));
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 inner no", "2 outer no", "Task exception was never retrieved: no"}));
}

TEST(Step6_Reports, AnAwaitThatIsCancelledIsALookToo) {  // AIO-29, AIO-42
  VirtualLoop v;
  v.note_reports();
  {
    Future<int> future = v.loop.create_future<int>();
    Task<int> task = v.loop.create_task(relay(v, "task", future));
    v.passes(1);
    future.set_exception(std::runtime_error("no"));
    task.cancel();
  }
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"});
  v.loop.create_task(fail("other"));
  v.passes(1);
  EXPECT_EQ(v.log.back(), "Task exception was never retrieved: other");
}

TEST(Step6_Reports, WithoutALoopALineIsWritten) {  // AIO-29
  const std::string text = stderr_of([] {
    std::optional<VirtualLoop> v(std::in_place);
    Future<int> future = v->loop.create_future<int>();
    future.set_exception(std::runtime_error("too late"));
    v.reset();
  });
  EXPECT_EQ(text, "Future exception was never retrieved: too late\n");
  VirtualLoop v;
  v.note_reports();
  {
    Future<int> future = v.loop.create_future<int>();
    future.set_exception(std::runtime_error("of a closed loop"));
    v.loop.close();
  }
  EXPECT_EQ(v.log, Log{"Future exception was never retrieved: of a closed loop"});
}

TEST(Step6_Reports, APendingTaskThatIsDestroyedIsReported) {  // AIO-49
  std::atomic<int> alive = 0;
  Log log;
  std::optional<VirtualLoop> v(std::in_place);
  v->loop.set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
    log.push_back(context.message + " " + what(context.exception) + " " + std::to_string(alive) + " of " +
                  std::to_string(all_tasks(loop).size()));
    throw std::runtime_error("a handler may throw");
  });
  const auto body = [](Counted counted) -> Coro<> { co_await sleep(1h); };
  v->loop.create_task(body(Counted(alive)));
  v->loop.create_task(give(1));
  v->passes(1);
  v->loop.create_task(body(Counted(alive)));
  EXPECT_EQ(all_tasks(v->loop).size(), 2u);
  EXPECT_EQ(stderr_of([&] { v->loop.close(); }),
            "Unhandled error in exception handler: a handler may throw\n"
            "Unhandled error in exception handler: a handler may throw\n");
  v.reset();
  EXPECT_EQ(log, (Log{"Task was destroyed but it is pending! nothing 2 of 1",
                      "Task was destroyed but it is pending! nothing 1 of 0"}))
      << "each once, and then its coroutine is destroyed";
  EXPECT_EQ(alive, 0);
}

TEST(Step6_Reports, ToAskTooEarlyIsNoLook) {  // AIO-24, AIO-29
  VirtualLoop v;
  v.note_reports();
  for (const bool result : {true, false}) {
    Future<int> future = v.loop.create_future<int>();
    if (result)
      EXPECT_THROW(future.result(), InvalidStateError);
    else
      EXPECT_THROW(static_cast<void>(future.exception()), InvalidStateError);
    future.set_exception(std::runtime_error(result ? "after result()" : "after exception()"));
  }
  EXPECT_EQ(v.log, (Log{"Future exception was never retrieved: after result()",
                        "Future exception was never retrieved: after exception()"}))
      << "there was nothing to see";
}
