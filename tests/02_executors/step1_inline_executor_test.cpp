// Chapter 02, step 1: the sequential baseline as an executor.

#include "every_executor.hpp"
#include "support.hpp"

namespace {

struct Inline : Engine {
  Executor& executor() override { return engine; }

  InlineExecutor engine;
};

}  // namespace

TEST(Step1_InlineExecutor, AJobRunsInsidePostOnTheThreadThatPosts) {
  std::thread::id ran_on;
  InlineExecutor executor;
  executor.post([&] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  std::thread::id other;
  std::thread thread([&] {
    executor.post([&] { ran_on = std::this_thread::get_id(); });
    other = std::this_thread::get_id();
  });
  thread.join();
  EXPECT_EQ(ran_on, other);
}

TEST(Step1_InlineExecutor, JobsRunInTheOrderOfThePosts) {
  std::vector<int> order;
  InlineExecutor executor;
  for (int i = 0; i < 10; ++i) executor.post([&order, i] { order.push_back(i); });
  EXPECT_EQ(order.size(), 10u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step1_InlineExecutor, AJobThatPostsWaitsForTheNewJob) {
  Log log;
  InlineExecutor executor;
  executor.post([&] {
    log.push_back("outer begins");
    executor.post([&] { log.push_back("inner"); });
    log.push_back("outer ends");
  });
  EXPECT_EQ(log, (Log{"outer begins", "inner", "outer ends"}));
}

TEST(Step1_InlineExecutor, AJobMayShutTheExecutorDown) {
  Log log;
  InlineExecutor executor;
  executor.post([&] {
    executor.shutdown();  // waits for nothing, not even for this job
    log.push_back("job ends");
  });
  EXPECT_THROW(executor.post([&] { log.push_back("too late"); }), concurrent::ExecutorShutdown);
  EXPECT_EQ(log, Log{"job ends"});
}

TEST(Step1_InlineExecutor, TheExceptionOfAJobDoesNotReachThePoster) {  // CF-25
  int told = 0;
  InlineExecutor executor;
  executor.set_exception_handler([&](std::exception_ptr) { ++told; });
  EXPECT_NO_THROW(executor.post([] { throw std::runtime_error("burnt"); }));
  EXPECT_EQ(told, 1);
}

TEST(Step1_InlineExecutor, EachJobRunsOnce) { each_job_runs_once(on<Inline>); }

TEST(Step1_InlineExecutor, AJobMayOwnWhatOnlyMoves) { a_job_may_own_what_only_moves(on<Inline>); }

TEST(Step1_InlineExecutor, ANullJobIsRefused) { a_null_job_is_refused(on<Inline>); }

TEST(Step1_InlineExecutor, AJobMayPostJobs) { a_job_may_post_jobs(on<Inline>); }

TEST(Step1_InlineExecutor, AJobsExceptionGoesToTheHandler) {  // CF-25
  a_jobs_exception_goes_to_the_handler(on<Inline>);
}

TEST(Step1_InlineExecutor, AJobIsDestroyedOnceItHasRun) {  // CF-32
  a_job_is_destroyed_once_it_has_run(on<Inline>);
}

TEST(Step1_InlineExecutor, PostAfterShutdownThrows) { post_after_shutdown_throws(on<Inline>); }  // CF-39

TEST(Step1_InlineExecutor, ShuttingDownAgainDoesNothing) {  // CF-40
  shutting_down_again_does_nothing(on<Inline>);
}

TEST(Step1_InlineExecutor, TwoThreadsMayRunJobsThatWaitForEachOther) {
  std::barrier both(2);
  InlineExecutor executor;
  const auto meet = [&] { both.arrive_and_wait(); };
  std::thread other([&] { executor.post(meet); });
  executor.post(meet);  // hangs if one job waits for the other to end
  other.join();
  const course::Log log = [&] {
    course::Log names;
    executor.post([&] {
      std::thread([&] { executor.shutdown(); }).join();  // hangs if a shutdown waits for the job
      names.push_back("ended");
    });
    return names;
  }();
  EXPECT_EQ(log, course::Log{"ended"});
}
