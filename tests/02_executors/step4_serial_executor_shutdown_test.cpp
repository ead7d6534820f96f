// Chapter 02, step 4: shutting down a serial executor, or the one beneath it.

#include "every_executor.hpp"
#include "support.hpp"

#include <functional>
#include <latch>
#include <utility>

namespace {

struct Serial : Engine {
  Executor& executor() override { return engine; }
  void hold() override {
    engine.post(gate.job());
    gate.wait_until_entered();
  }
  void release() override { gate.open(); }
  void finish() override { course::wait_until_others_block(); }

  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor engine{pool};
};

}  // namespace

TEST(Step4_SerialExecutor, ShutdownWaitsForTheJobThatRuns) {  // CF-40
  std::atomic<bool> ended = false, waited = false;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  strand.post([&] {
    gate.pass();
    ended = true;
  });
  gate.wait_until_entered();
  std::thread caller([&] {
    strand.shutdown({.cancel_futures = true});
    waited = ended.load();
  });
  course::wait_until_others_block();
  gate.open();
  caller.join();
  EXPECT_TRUE(waited) << "a job that has started finishes, and shutdown() waits for it";
}

TEST(Step4_SerialExecutor, WhatIsCancelledGoesBeforeShutdownWaits) {
  std::latch begun(1), gone(1);
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post([&] {
    begun.count_down();
    gone.wait();
  });
  strand.post([end = AtEnd([&] { gone.count_down(); })] {});
  begun.wait();
  strand.shutdown({.cancel_futures = true});  // hangs if it waits first: the job waits for the cancelled one
  EXPECT_TRUE(gone.try_wait());
}

TEST(Step4_SerialExecutor, EveryCallerThatWaitsIsWoken) {
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post(gate.job());
  gate.wait_until_entered();
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) callers.emplace_back([&] { strand.shutdown(); });
  course::wait_until_others_block();
  gate.open();
  for (auto& caller : callers) caller.join();  // hangs if only one is woken
}

TEST(Step4_SerialExecutor, ShutdownWaitsForTheDestructorOfTheLastJob) {  // CF-32
  std::atomic<bool> destroyed = false, waited = false;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post([end = AtEnd([&] {
                 gate.pass();
                 destroyed = true;
               })] {});
  gate.wait_until_entered();
  std::thread caller([&] {
    strand.shutdown();
    waited = destroyed.load();
  });
  course::wait_until_others_block();
  gate.open();
  caller.join();
  EXPECT_TRUE(waited);
}

TEST(Step4_SerialExecutor, ItsShutdownLeavesTheExecutorAlone) {
  bool ran = false;
  ManualExecutor executor;
  SerialExecutor strand(executor), other(executor);
  strand.post([] {});
  strand.shutdown({.wait = false});
  other.post([&] { ran = true; });
  executor.run_all();
  EXPECT_TRUE(ran);
}

TEST(Step4_SerialExecutor, AJobThatWouldWaitForItselfIsTold) {
  Log log;
  InlineExecutor executor;
  SerialExecutor strand(executor), other(executor);
  const auto try_to_wait = [&](const std::string& who) {
    try {
      strand.shutdown();
    } catch (const concurrent::Error&) {
      log.push_back(who + " is told");
    }
  };
  strand.post([&] {
    try_to_wait("the job");
    other.post([&] { try_to_wait("a job of another strand inside it"); });
    strand.post([&] { log.push_back("nothing has changed"); });
  });
  EXPECT_EQ(log,
            (Log{"the job is told", "a job of another strand inside it is told", "nothing has changed"}));
}

TEST(Step4_SerialExecutor, AJobMayShutItsStrandDownWithoutWaiting) {
  Log log;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.post([&] {
    strand.shutdown({.wait = false});
    log.push_back("first");
  });
  strand.post([&] { log.push_back("second"); });
  executor.run_all();
  EXPECT_EQ(log, (Log{"first", "second"}));
}

TEST(Step4_SerialExecutor, AnExecutorThatRefusesTellsThePoster) {
  std::atomic<int> alive = 0;
  Moody executor;
  SerialExecutor strand(executor);
  executor.mood = Moody::refuses;
  EXPECT_THROW(strand.post([owned = std::make_unique<Counted>(alive)] {}), concurrent::BrokenExecutor)
      << "post() throws what the executor underneath throws";
  EXPECT_EQ(alive, 0) << "the job is destroyed";
  int ran = 0;
  executor.mood = Moody::queues;
  strand.post([&] { ++ran; });
  executor.jobs.run_all();
  EXPECT_EQ(ran, 1) << "the strand works again as soon as the executor does";
  strand.shutdown();
}

namespace {

/// Refuses a job, and before the poster hears of it, lets something else happen.
struct RefusesLate : Executor {
  void post(Job job) override {
    if (!meanwhile) return jobs.post(std::move(job));
    { const Job dropped = std::move(job); }
    std::exchange(meanwhile, nullptr)();
    throw concurrent::BrokenExecutor("out of gas");
  }
  void shutdown(concurrent::ShutdownOptions options) override { jobs.shutdown(options); }

  std::function<void()> meanwhile;
  ManualExecutor jobs;
};

}  // namespace

TEST(Step4_SerialExecutor, ARefusalDoesNotConcernAPostThatCameInBetween) {
  int ran = 0;
  RefusesLate executor;
  SerialExecutor strand(executor);
  executor.meanwhile = [&] { strand.post([&] { ++ran; }); };
  EXPECT_THROW(strand.post([] {}), concurrent::BrokenExecutor);
  strand.post([&] { ++ran; });
  EXPECT_EQ(executor.jobs.pending(), 1u) << "two drain jobs could run at the same time";
  executor.jobs.run_all();
  EXPECT_EQ(ran, 2);
}

TEST(Step4_SerialExecutor, PostAfterTheExecutorsShutdownThrows) {  // CF-39
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post([] {});
  pool.shutdown();
  EXPECT_THROW(strand.post([] {}), concurrent::ExecutorShutdown);
  EXPECT_THROW(strand.post([] {}), concurrent::ExecutorShutdown) << "and again";
  strand.shutdown();  // must not wait for what was refused
}

TEST(Step4_SerialExecutor, JobsAreDestroyedWhenTheirTurnIs) {  // CF-42
  std::atomic<int> alive = 0;
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 3; ++i) strand.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  executor.shutdown({.cancel_futures = true});
  EXPECT_EQ(alive, 0) << "what waited for the drain job has been destroyed with it";
  EXPECT_EQ(ran, 0);
  strand.shutdown();  // must not wait for what was destroyed
}

TEST(Step4_SerialExecutor, ADestroyedJobMayPostToItsStrand) {
  Log log;
  Moody executor;
  SerialExecutor strand(executor);
  executor.mood = Moody::drops;
  strand.post([&, end = AtEnd([&] {
                    strand.post([&, end = AtEnd([&] { log.push_back("second destroyed"); })] {
                      log.push_back("second ran");
                    });
                    log.push_back("first destroyed");
                  })] { log.push_back("first ran"); });
  EXPECT_EQ(log, (Log{"first destroyed", "second destroyed"}))
      << "one after another, and neither inside the other";
}

TEST(Step4_SerialExecutor, JobsDroppedByABrokenPoolCanTellWhy) {  // CF-38
  Log reasons;
  std::latch fail(1);
  ThreadPoolExecutor pool{{.max_workers = 1, .initializer = [&] {
                             fail.wait();
                             throw std::runtime_error("no stove");
                           }}};
  pool.set_exception_handler([](std::exception_ptr) {});
  SerialExecutor strand(pool);
  for (int i = 0; i < 2; ++i)
    strand.post([end = AtEnd([&] { reasons.push_back(what(concurrent::DropReason::current())); })] {});
  fail.count_down();
  strand.shutdown();
  ASSERT_EQ(reasons.size(), 2u);
  for (const std::string& reason : reasons)
    EXPECT_NE(reason.find("initializer"), std::string::npos) << reason;
}

TEST(Step4_SerialExecutor, EachJobRunsOnce) { each_job_runs_once(on<Serial>); }

TEST(Step4_SerialExecutor, AJobMayOwnWhatOnlyMoves) { a_job_may_own_what_only_moves(on<Serial>); }

TEST(Step4_SerialExecutor, ANullJobIsRefused) { a_null_job_is_refused(on<Serial>); }

TEST(Step4_SerialExecutor, AJobMayPostJobs) { a_job_may_post_jobs(on<Serial>); }  // CF-47

TEST(Step4_SerialExecutor, AJobsExceptionGoesToTheHandler) {  // CF-25
  a_jobs_exception_goes_to_the_handler(on<Serial>);
}

TEST(Step4_SerialExecutor, AJobIsDestroyedOnceItHasRun) {  // CF-32
  a_job_is_destroyed_once_it_has_run(on<Serial>);
}

TEST(Step4_SerialExecutor, PostAfterShutdownThrows) { post_after_shutdown_throws(on<Serial>); }  // CF-39

TEST(Step4_SerialExecutor, ShuttingDownAgainDoesNothing) {  // CF-40
  shutting_down_again_does_nothing(on<Serial>);
}

TEST(Step4_SerialExecutor, ShutdownRunsWhatIsQueued) {  // CF-40
  shutdown_runs_what_is_queued(on<Serial>);
}

TEST(Step4_SerialExecutor, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
  shutdown_without_wait_returns_at_once_and_the_work_is_still_done(on<Serial>);
}

TEST(Step4_SerialExecutor, CancelledJobsAreDestroyedUnrun) {  // CF-42, CF-45
  cancelled_jobs_are_destroyed_unrun(on<Serial>);
}

TEST(Step4_SerialExecutor, ACancelledJobsDestructorMayUseTheExecutor) {
  a_cancelled_jobs_destructor_may_use_the_executor(on<Serial>);
}

TEST(Step4_SerialExecutor, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
  posts_racing_with_shutdown_either_run_or_throw(on<Serial>);
}

TEST(Step4_SerialExecutor, AJobForWhichThereIsNoMemoryIsDestroyedAndTheNextRuns) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ManualExecutor executor;
    SerialExecutor strand(executor);
    a_job_without_memory_is_destroyed(
        strand, [&] { executor.run_all(); }, memory);
    strand.shutdown();  // hangs if the strand counts as active, and nobody posts its turn
  });
  EXPECT_GT(failures, 0);
}

TEST(Step4_SerialExecutor, WhoeverWaitsForItsShutdownSleeps) {
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.post([] {});
  std::thread waiter([&] { strand.shutdown(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  executor.run_all();
  waiter.join();
}
