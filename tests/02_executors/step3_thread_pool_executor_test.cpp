// Chapter 02, step 3: the pool behind the same interface.

#include "every_executor.hpp"
#include "support.hpp"

#include <mutex>
#include <set>

namespace {

struct Pool : Engine {
  Executor& executor() override { return engine; }
  void hold() override {
    for (int i = 0; i < 2; ++i) engine.post(gate.job());
    for (int i = 0; i < 2; ++i) gate.wait_until_entered();
  }
  void release() override { gate.open(); }
  void finish() override { course::wait_until_others_block(); }

  Gate gate;
  ThreadPoolExecutor engine{{.max_workers = 2}};
};

}  // namespace

TEST(Step3_ThreadPoolExecutor, JobsRunOnThePoolsThreads) {
  std::set<std::thread::id> ran_on;
  {
    std::mutex mutex;
    std::barrier both(2);
    ThreadPoolExecutor executor{{.max_workers = 2}};
    for (int i = 0; i < 2; ++i)
      executor.post([&] {
        both.arrive_and_wait();  // hangs unless two run at the same time
        std::lock_guard lock(mutex);
        ran_on.insert(std::this_thread::get_id());
      });
  }
  EXPECT_EQ(ran_on.size(), 2u);
  EXPECT_FALSE(ran_on.contains(std::this_thread::get_id()));
}

TEST(Step3_ThreadPoolExecutor, ThreadsStartOneAJobUpToTheMaximum) {  // CF-34
  Gate gate;
  ThreadPoolExecutor executor{{.max_workers = 3}};
  EXPECT_EQ(executor.threads_started(), 0u);
  for (std::size_t expected : {1, 2, 3, 3}) {
    executor.post(gate.job());
    EXPECT_EQ(executor.threads_started(), expected);
  }
  gate.open();
}

TEST(Step3_ThreadPoolExecutor, AnIdleThreadIsReused) {  // CF-35
  ThreadPoolExecutor executor{{.max_workers = 3}};
  for (int i = 0; i < 3; ++i) {
    executor.post([] {});
    course::wait_until_others_block();
  }
  EXPECT_EQ(executor.threads_started(), 1u);
}

TEST(Step3_ThreadPoolExecutor, EachHasADefaultPrefixOfItsOwn) {  // CF-36
  std::set<std::string> names;
  for (int i = 0; i < 2; ++i) {
    ThreadPoolExecutor executor{{.max_workers = 1}};
    executor.post([&] { names.insert(concurrent::thread_name()); });
  }
  EXPECT_EQ(names.size(), 2u);
  for (const std::string& name : names) {
    EXPECT_TRUE(name.starts_with("ThreadPoolExecutor-")) << name;
    EXPECT_TRUE(name.ends_with("_0")) << name;
  }
}

TEST(Step3_ThreadPoolExecutor, ThePrefixYouGiveIsKept) {  // CF-36
  std::string name;
  {
    ThreadPoolExecutor executor{{.max_workers = 1, .thread_name_prefix = "cook"}};
    executor.post([&] { name = concurrent::thread_name(); });
  }
  EXPECT_EQ(name, "cook_0");
}

TEST(Step3_ThreadPoolExecutor, TheNumberOfWorkersIsChecked) {  // CF-33
  EXPECT_THROW(ThreadPoolExecutor{{.max_workers = 0}}, std::invalid_argument);
  EXPECT_THROW(ThreadPoolExecutor{{.max_workers = -3}}, std::invalid_argument);
  ThreadPoolExecutor executor;
  EXPECT_EQ(executor.max_workers(), static_cast<std::size_t>(concurrent::default_max_workers()));
  executor.post([] {});
}

TEST(Step3_ThreadPoolExecutor, TheInitializerRunsBeforeTheFirstJob) {  // CF-37
  Log log;
  {
    ThreadPoolExecutor executor{{.max_workers = 1, .initializer = [&] { log.push_back("apron on"); }}};
    for (int i = 0; i < 2; ++i) executor.post([&] { log.push_back("job"); });
  }
  EXPECT_EQ(log, (Log{"apron on", "job", "job"}));
}

TEST(Step3_ThreadPoolExecutor, AFailedInitializerBreaksIt) {  // CF-38
  std::atomic<int> ran = 0, told = 0;
  ThreadPoolExecutor executor{
      {.max_workers = 1, .initializer = [] { throw std::runtime_error("no stove"); }}};
  executor.set_exception_handler([&](std::exception_ptr) { ++told; });
  executor.post([&] { ++ran; });
  course::wait_until_others_block();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(ran, 0);
  EXPECT_THROW(executor.post([] {}), concurrent::BrokenThreadPool);
}

TEST(Step3_ThreadPoolExecutor, ItsEndWaitsForTheWork) {  // CF-43, CF-44
  std::atomic<int> ran = 0;
  {
    ThreadPoolExecutor executor{{.max_workers = 2}};
    for (int i = 0; i < 100; ++i) executor.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(Step3_ThreadPoolExecutor, TheRunningJobFinishesWhenTheRestIsCancelled) {  // CF-42, CF-45
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPoolExecutor executor{{.max_workers = 1}};
  executor.post([&] {
    gate.pass();
    ++ran;
  });
  gate.wait_until_entered();
  executor.post([&] { ran += 10; });
  executor.shutdown({.wait = false, .cancel_futures = true});
  gate.open();
  executor.shutdown();  // must not wait for the job that was cancelled
  EXPECT_EQ(ran, 1);
}

TEST(Step3_ThreadPoolExecutor, AWorkerThatWouldWaitForItselfIsTold) {
  std::atomic<bool> told = false, went_on = false;
  ThreadPoolExecutor executor{{.max_workers = 1}};
  executor.post([&] {
    try {
      executor.shutdown();
    } catch (const concurrent::Error&) {
      told = true;
      executor.post([&] { went_on = true; });  // nothing has changed
    }
  });
  course::wait_until_others_block();
  EXPECT_TRUE(told);
  EXPECT_TRUE(went_on);
}

TEST(Step3_ThreadPoolExecutor, EachJobRunsOnce) { each_job_runs_once(on<Pool>); }

TEST(Step3_ThreadPoolExecutor, AJobMayOwnWhatOnlyMoves) { a_job_may_own_what_only_moves(on<Pool>); }

TEST(Step3_ThreadPoolExecutor, ANullJobIsRefused) { a_null_job_is_refused(on<Pool>); }

TEST(Step3_ThreadPoolExecutor, AJobMayPostJobs) { a_job_may_post_jobs(on<Pool>); }  // CF-47

TEST(Step3_ThreadPoolExecutor, AJobsExceptionGoesToTheHandler) {  // CF-25
  a_jobs_exception_goes_to_the_handler(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, AJobIsDestroyedOnceItHasRun) {  // CF-32
  a_job_is_destroyed_once_it_has_run(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, PostAfterShutdownThrows) { post_after_shutdown_throws(on<Pool>); }  // CF-39

TEST(Step3_ThreadPoolExecutor, ShuttingDownAgainDoesNothing) {  // CF-40
  shutting_down_again_does_nothing(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, ShutdownRunsWhatIsQueued) {  // CF-40
  shutdown_runs_what_is_queued(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
  shutdown_without_wait_returns_at_once_and_the_work_is_still_done(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, CancelledJobsAreDestroyedUnrun) {  // CF-42
  cancelled_jobs_are_destroyed_unrun(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, ACancelledJobsDestructorMayUseTheExecutor) {
  a_cancelled_jobs_destructor_may_use_the_executor(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
  posts_racing_with_shutdown_either_run_or_throw(on<Pool>);
}

TEST(Step3_ThreadPoolExecutor, AJobForWhichThereIsNoMemoryIsDestroyedAndTheNextRuns) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ThreadPoolExecutor executor{{.max_workers = 1}};
    a_job_without_memory_is_destroyed(
        executor, [&] { executor.shutdown(); }, memory);
  });
  EXPECT_GT(failures, 0);
}
