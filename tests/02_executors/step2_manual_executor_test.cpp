// Chapter 02, step 2: you are the scheduler.

#include "every_executor.hpp"
#include "support.hpp"

namespace {

struct Manual : Engine {
  Executor& executor() override { return engine; }
  void release() override { engine.run_all(); }
  void finish() override { engine.run_all(); }

  ManualExecutor engine;
};

}  // namespace

TEST(Step2_ManualExecutor, PostOnlyQueuesTheJob) {
  int ran = 0;
  ManualExecutor executor;
  for (int i = 0; i < 3; ++i) executor.post([&] { ++ran; });
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(executor.pending(), 3u);
}

TEST(Step2_ManualExecutor, RunOneRunsTheOldestJob) {
  Log log;
  ManualExecutor executor;
  executor.post([&] { log.push_back("first"); });
  executor.post([&] { log.push_back("second"); });
  EXPECT_TRUE(executor.run_one());
  EXPECT_EQ(log, Log{"first"});
  EXPECT_EQ(executor.pending(), 1u);
  EXPECT_TRUE(executor.run_one());
  EXPECT_EQ(log, (Log{"first", "second"}));
  EXPECT_FALSE(executor.run_one()) << "there is nothing left to run";
}

TEST(Step2_ManualExecutor, AJobRunsOnTheThreadThatCallsRunOne) {
  std::thread::id ran_on, other;
  ManualExecutor executor;
  executor.post([&] { ran_on = std::this_thread::get_id(); });
  std::thread thread([&] {
    executor.run_one();
    other = std::this_thread::get_id();
  });
  thread.join();
  EXPECT_EQ(ran_on, other);
}

TEST(Step2_ManualExecutor, RunAllCountsTheJobsThatItRan) {
  ManualExecutor executor;
  for (int i = 0; i < 5; ++i) executor.post([] {});
  EXPECT_EQ(executor.run_all(), 5u);
  EXPECT_EQ(executor.run_all(), 0u);
}

TEST(Step2_ManualExecutor, RunAllRunsJobsThatArePostedMeanwhile) {
  int ran = 0;
  std::function<void(int)> next;
  ManualExecutor executor;
  next = [&](int left) {
    ++ran;
    if (left > 0) executor.post([&, left] { next(left - 1); });
  };
  executor.post([&] { next(9); });
  EXPECT_EQ(executor.run_all(), 10u);
  EXPECT_EQ(ran, 10);
  EXPECT_EQ(executor.pending(), 0u);
}

TEST(Step2_ManualExecutor, AJobThatThrowsCountsAsRun) {
  int told = 0;
  ManualExecutor executor;
  executor.set_exception_handler([&](std::exception_ptr) { ++told; });
  executor.post([] { throw std::runtime_error("burnt"); });
  executor.post([] {});
  EXPECT_TRUE(executor.run_one());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(executor.run_all(), 1u);
}

TEST(Step2_ManualExecutor, AJobMayRunTheNextOne) {
  Log log;
  ManualExecutor executor;
  executor.post([&] {
    log.push_back("first begins");
    executor.run_one();
    log.push_back("first ends");
  });
  executor.post([&] { log.push_back("second"); });
  EXPECT_EQ(executor.run_all(), 1u) << "the second job was run by the first one, not by run_all()";
  EXPECT_EQ(log, (Log{"first begins", "second", "first ends"}));
}

TEST(Step2_ManualExecutor, SeveralThreadsMayRunJobs) {
  std::vector<std::atomic<int>> ran(4'000);
  std::atomic<std::size_t> counted = 0;
  ManualExecutor executor;
  for (auto& count : ran) executor.post([&count] { ++count; });
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { counted += executor.run_all(); });
  }
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
  EXPECT_EQ(counted, ran.size());
}

TEST(Step2_ManualExecutor, ShutdownRunsTheRestOnThisThread) {
  std::vector<std::thread::id> ran_on;
  ManualExecutor executor;
  for (int i = 0; i < 3; ++i) executor.post([&] { ran_on.push_back(std::this_thread::get_id()); });
  executor.shutdown();
  EXPECT_EQ(ran_on, std::vector<std::thread::id>(3, std::this_thread::get_id()));
  EXPECT_EQ(executor.pending(), 0u);
}

TEST(Step2_ManualExecutor, ShutdownWithoutWaitLeavesTheJobsToYou) {  // CF-41
  ManualExecutor executor;
  for (int i = 0; i < 3; ++i) executor.post([] {});
  executor.shutdown({.wait = false});
  EXPECT_EQ(executor.pending(), 3u);
  EXPECT_EQ(executor.run_all(), 3u);
}

TEST(Step2_ManualExecutor, ShutdownThatCancelsLeavesNothingToRun) {  // CF-42
  int ran = 0;
  ManualExecutor executor;
  for (int i = 0; i < 3; ++i) executor.post([&] { ++ran; });
  executor.shutdown({.cancel_futures = true});
  EXPECT_EQ(executor.pending(), 0u);
  EXPECT_EQ(executor.run_all(), 0u);
  EXPECT_EQ(ran, 0) << "to cancel comes before to wait";
}

TEST(Step2_ManualExecutor, AJobThatShutdownRunsMayCancelTheOthers) {  // CF-42
  int ran = 0;
  ManualExecutor executor;
  executor.post([&] {
    EXPECT_EQ(executor.pending(), 2u) << "what has not started is still queued";
    executor.shutdown({.wait = false, .cancel_futures = true});
  });
  for (int i = 0; i < 2; ++i) executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_EQ(ran, 0) << "these had not started when they were cancelled";
}

TEST(Step2_ManualExecutor, ItsEndDestroysTheJobsThatNobodyRan) {
  std::atomic<int> alive = 0;
  int ran = 0;
  {
    ManualExecutor executor;
    for (int i = 0; i < 3; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
    EXPECT_EQ(alive, 3);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(ran, 0);
}

TEST(Step2_ManualExecutor, EachJobRunsOnce) { each_job_runs_once(on<Manual>); }

TEST(Step2_ManualExecutor, AJobMayOwnWhatOnlyMoves) { a_job_may_own_what_only_moves(on<Manual>); }

TEST(Step2_ManualExecutor, ANullJobIsRefused) { a_null_job_is_refused(on<Manual>); }

TEST(Step2_ManualExecutor, AJobMayPostJobs) { a_job_may_post_jobs(on<Manual>); }

TEST(Step2_ManualExecutor, AJobsExceptionGoesToTheHandler) {  // CF-25
  a_jobs_exception_goes_to_the_handler(on<Manual>);
}

TEST(Step2_ManualExecutor, AJobIsDestroyedOnceItHasRun) {  // CF-32
  a_job_is_destroyed_once_it_has_run(on<Manual>);
}

TEST(Step2_ManualExecutor, PostAfterShutdownThrows) { post_after_shutdown_throws(on<Manual>); }  // CF-39

TEST(Step2_ManualExecutor, ShuttingDownAgainDoesNothing) {  // CF-40
  shutting_down_again_does_nothing(on<Manual>);
}

TEST(Step2_ManualExecutor, ShutdownRunsWhatIsQueued) {  // CF-40
  shutdown_runs_what_is_queued(on<Manual>);
}

TEST(Step2_ManualExecutor, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
  shutdown_without_wait_returns_at_once_and_the_work_is_still_done(on<Manual>);
}

TEST(Step2_ManualExecutor, CancelledJobsAreDestroyedUnrun) {  // CF-42, CF-45
  cancelled_jobs_are_destroyed_unrun(on<Manual>);
}

TEST(Step2_ManualExecutor, ACancelledJobsDestructorMayUseTheExecutor) {
  a_cancelled_jobs_destructor_may_use_the_executor(on<Manual>);
}

TEST(Step2_ManualExecutor, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
  posts_racing_with_shutdown_either_run_or_throw(on<Manual>);
}

TEST(Step2_ManualExecutor, AJobForWhichThereIsNoMemoryIsDestroyedAndTheNextRuns) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ManualExecutor executor;
    a_job_without_memory_is_destroyed(
        executor, [&] { executor.run_all(); }, memory);
  });
  EXPECT_GT(failures, 0);
}
