#include "executor.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <ranges>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::Executor;
using concurrent::InlineExecutor;
using concurrent::Job;
using concurrent::ManualExecutor;
using concurrent::parallel_for;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using course::AtEnd;
using course::Counted;
using course::what;
using Log = std::vector<std::string>;

namespace {

/// Keeps a worker busy until it is told to go on.
class Gate {
 public:
  void open() { opened_.release(); }
  Job job() {
    return [this] {
      entered_.release();
      opened_.acquire();
    };
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0}, opened_{0};
};

/// An executor with what it stands on, for the sentences that are true of every executor.
struct Engine {
  virtual ~Engine() = default;
  virtual Executor& executor() = 0;
  virtual void hold() {}     ///< keeps the executor from starting another job…
  virtual void release() {}  ///< …until then
  virtual void finish() {}   ///< returns when all that was posted has ended
};

/// Makes one: after the objects that the jobs use, so that these are destroyed later.
using Make = std::unique_ptr<Engine> (*)();
template <class E>
std::unique_ptr<Engine> on() {
  return std::make_unique<E>();
}

struct Inline : Engine {
  Executor& executor() override { return engine; }

  InlineExecutor engine;
};

struct Manual : Engine {
  Executor& executor() override { return engine; }
  void release() override { engine.run_all(); }
  void finish() override { engine.run_all(); }

  ManualExecutor engine;
};

struct Pool : Engine {
  Executor& executor() override { return engine; }
  void hold() override {
    for (int i = 0; i < 2; ++i) engine.post(gate.job());
    for (int i = 0; i < 2; ++i) gate.wait_until_entered();
  }
  void release() override {
    for (int i = 0; i < 2; ++i) gate.open();
  }
  void finish() override { course::wait_until_others_block(); }

  Gate gate;
  ThreadPoolExecutor engine{{.max_workers = 2}};
};

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

void each_job_runs_once(Make make) {
  std::vector<std::atomic<int>> ran(2'000);
  const auto engine = make();
  Executor& executor = engine->executor();
  {
    std::vector<std::jthread> posters;
    for (std::size_t first : {0, 1'000})
      posters.emplace_back([&, first] {
        for (std::size_t i = first; i < first + 1'000; ++i) executor.post([&ran, i] { ++ran[i]; });
      });
  }
  engine->finish();
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
}

void a_job_may_own_what_only_moves(Make make) {
  std::atomic<int> seen = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&seen, owned = std::make_unique<int>(7)] { seen = *owned; });
  engine->finish();
  EXPECT_EQ(seen, 7);
}

void a_null_job_is_refused(Make make) {
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&] { ++ran; });
  EXPECT_THROW(executor.post(nullptr), std::invalid_argument);
  EXPECT_THROW(executor.post(Job()), std::invalid_argument);
  executor.post([&] { ++ran; });
  engine->finish();
  EXPECT_EQ(ran, 2) << "a job that is refused leaves the executor as it was";
}

void a_job_may_post_jobs(Make make) {
  std::atomic<int> ran = 0;
  std::function<void(int)> next;
  const auto engine = make();
  Executor& executor = engine->executor();
  next = [&](int left) {
    ++ran;
    if (left > 0) executor.post([&, left] { next(left - 1); });
  };
  executor.post([&] { next(99); });
  engine->finish();
  EXPECT_EQ(ran, 100);
}

void a_jobs_exception_goes_to_the_handler(Make make) {
  Log errors;
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.set_exception_handler([&](std::exception_ptr error) { errors.push_back(what(error)); });
  executor.post([] { throw std::runtime_error("burnt"); });
  engine->finish();
  executor.post([] { throw 7; });
  engine->finish();
  executor.set_exception_handler(
      [](std::exception_ptr) { throw std::runtime_error("the handler fails too"); });
  executor.post([] { throw std::runtime_error("burnt again"); });
  executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_EQ(errors, (Log{"burnt", "7"}));
  EXPECT_EQ(ran, 1) << "the executor lives on";
}

void a_job_is_destroyed_once_it_has_run(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  for (int i = 0; i < 3; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  engine->finish();
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(alive, 0) << "an executor without work still holds a job, and all that the job owns";
}

void post_after_shutdown_throws(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_THROW(executor.post([&, owned = std::make_unique<Counted>(alive)] { ran += 10; }),
               concurrent::ExecutorShutdown);
  engine->finish();
  EXPECT_EQ(ran, 1) << "a job that is refused does not run";
  EXPECT_EQ(alive, 0) << "a job that is refused is destroyed";
}

void shutting_down_again_does_nothing(Make make) {
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  executor.shutdown();
  executor.shutdown({.cancel_futures = true});
  executor.shutdown();
  EXPECT_EQ(ran, 1);
  EXPECT_THROW(executor.post([] {}), concurrent::ExecutorShutdown);
}

void shutdown_runs_what_is_queued(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  for (int i = 0; i < 500; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  executor.shutdown();
  EXPECT_EQ(ran, 500) << "shutdown() waits until all that was posted has run";
  EXPECT_EQ(alive, 0) << "and has been destroyed";
}

void shutdown_without_wait_returns_at_once_and_the_work_is_still_done(Make make) {
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  engine->hold();
  for (int i = 0; i < 3; ++i) executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  EXPECT_EQ(ran, 0) << "shutdown({.wait = false}) neither waits nor runs anything";
  engine->release();
  executor.shutdown();
  EXPECT_EQ(ran, 3);
}

void cancelled_jobs_are_destroyed_unrun(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  engine->hold();
  for (int i = 0; i < 10; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  EXPECT_EQ(alive, 10);
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(alive, 0) << "shutdown({.cancel_futures = true}) has destroyed what was queued when it returns";
  engine->release();
  executor.shutdown();
  EXPECT_EQ(ran, 0) << "a job that was cancelled never starts";
}

void a_cancelled_jobs_destructor_may_use_the_executor(Make make) {
  int refused = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  engine->hold();
  executor.post([end = AtEnd([&] {
                   try {
                     executor.post([] {});
                   } catch (const concurrent::ExecutorShutdown&) {
                     ++refused;
                   }
                 })] {});
  // Hangs if the job is destroyed under a lock of the executor.
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(refused, 1);
  engine->release();
}

void posts_racing_with_shutdown_either_run_or_throw(Make make) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> accepted = 0, ran = 0;
    const auto engine = make();
    Executor& executor = engine->executor();
    std::barrier start(3);
    std::vector<std::jthread> posters;
    for (int i = 0; i < 2; ++i)
      posters.emplace_back([&] {
        start.arrive_and_wait();
        try {
          for (int job = 0; job < 50; ++job) {
            executor.post([&] { ++ran; });
            ++accepted;
          }
        } catch (const concurrent::ExecutorShutdown&) {
        }
      });
    start.arrive_and_wait();
    executor.shutdown();
    posters.clear();
    executor.shutdown();  // also for what a racing post has just started
    ASSERT_EQ(ran, accepted) << "a job that was accepted must run";
  }
}

/// Wants to be told why it was dropped.
class AsksWhy {
 public:
  explicit AsksWhy(Log& reasons) : reasons_(&reasons) {}
  AsksWhy(AsksWhy&& other) noexcept : reasons_(std::exchange(other.reasons_, nullptr)) {}
  ~AsksWhy() {
    if (reasons_) reasons_->push_back(what(concurrent::DropReason::current()));
  }
  void operator()() {}

 private:
  Log* reasons_;
};

/// A ManualExecutor that can be told to refuse work, or to destroy it unrun.
class Moody : public Executor {
 public:
  enum Mood { queues, refuses, drops };

  void post(Job job) override {
    if (++posts > accepts || mood == refuses) throw concurrent::BrokenExecutor("out of gas");
    if (mood == queues) jobs.post(std::move(job));
  }
  void shutdown(concurrent::ShutdownOptions options) override { jobs.shutdown(options); }

  Mood mood = queues;
  int accepts = 1'000'000;  // and refuses what comes after
  int posts = 0;
  ManualExecutor jobs;
};

}  // namespace

// Step 1: the sequential baseline as an executor.

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
TEST(Step1_InlineExecutor, ShuttingDownAgainDoesNothing) {                                       // CF-40
  shutting_down_again_does_nothing(on<Inline>);
}

// Step 2: you are the scheduler.

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
TEST(Step2_ManualExecutor, ShuttingDownAgainDoesNothing) {                                       // CF-40
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

// Step 3: the pool behind the same interface.

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
  for (int i = 0; i < 4; ++i) gate.open();
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
  executor.post([&, pass = gate.job()]() mutable {
    pass();
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
TEST(Step3_ThreadPoolExecutor, AJobsExceptionGoesToTheHandler) {                    // CF-25
  a_jobs_exception_goes_to_the_handler(on<Pool>);
}
TEST(Step3_ThreadPoolExecutor, AJobIsDestroyedOnceItHasRun) {  // CF-32
  a_job_is_destroyed_once_it_has_run(on<Pool>);
}
TEST(Step3_ThreadPoolExecutor, PostAfterShutdownThrows) { post_after_shutdown_throws(on<Pool>); }  // CF-39
TEST(Step3_ThreadPoolExecutor, ShuttingDownAgainDoesNothing) {                                     // CF-40
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

// Step 4: one at a time, in order, on any executor.

TEST(Step4_SerialExecutor, JobsRunInTheOrderOfThePosts) {
  std::vector<int> order;  // no lock
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  for (int i = 0; i < 1'000; ++i) strand.post([&order, i] { order.push_back(i); });
  strand.shutdown();
  ASSERT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step4_SerialExecutor, TwoJobsNeverRunAtTheSameTime) {
  Log log;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  strand.post([&, pass = gate.job()]() mutable {
    pass();
    log.push_back("first");
  });
  gate.wait_until_entered();
  for (int i = 0; i < 3; ++i) strand.post([&] { log.push_back("later"); });
  course::wait_until_others_block();  // three workers have nothing to do, and the first job still runs
  gate.open();
  strand.shutdown();
  EXPECT_EQ(log, (Log{"first", "later", "later", "later"}))
      << "a job must not start before the last has ended";
}

TEST(Step4_SerialExecutor, WhatTheJobsShareNeedsNoLock) {
  long sum = 0;
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  {
    std::vector<std::jthread> posters;
    for (int i = 0; i < 4; ++i)
      posters.emplace_back([&] {
        for (int job = 0; job < 2'000; ++job) strand.post([&] { sum = sum + 1; });
      });
  }
  strand.shutdown();
  EXPECT_EQ(sum, 8'000);
}

TEST(Step4_SerialExecutor, EachPostersJobsKeepTheirOrder) {
  std::vector<std::vector<int>> ran(2);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  {
    std::vector<std::jthread> posters;
    for (auto& order : ran)
      posters.emplace_back([&] {
        for (int job = 0; job < 1'000; ++job) strand.post([&order, job] { order.push_back(job); });
      });
  }
  strand.shutdown();
  for (const auto& order : ran) {
    EXPECT_EQ(order.size(), 1'000u);
    EXPECT_TRUE(std::ranges::is_sorted(order));
  }
}

TEST(Step4_SerialExecutor, StrandsOnOnePoolRunSideBySide) {
  std::barrier both(2);  // hangs unless both jobs run at the same time
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor one(pool), two(pool);
  one.post([&] { both.arrive_and_wait(); });
  two.post([&] { both.arrive_and_wait(); });
  one.shutdown();
  two.shutdown();
}

TEST(Step4_SerialExecutor, ItWorksAgainAfterItHadNothingToDo) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int round = 1; round <= 3; ++round) {
    strand.post([&] { ++ran; });
    executor.run_all();
    EXPECT_EQ(ran, round);
  }
}

TEST(Step4_SerialExecutor, ItTakesOneJobOfTheExecutorForAllThatIsQueued) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 100; ++i) strand.post([&] { ++ran; });
  EXPECT_EQ(executor.pending(), 1u) << "a strand has one drain job at most in the executor's queue";
  EXPECT_EQ(ran, 0) << "post() only queues, if the executor underneath only queues";
  executor.run_one();
  EXPECT_EQ(ran, 100);
}

TEST(Step4_SerialExecutor, ItRunsOnAnInlineExecutorToo) {
  Log log;
  InlineExecutor executor;
  SerialExecutor strand(executor);
  strand.post([&] { log.push_back("first"); });
  EXPECT_EQ(log, Log{"first"});
  strand.post([&] { log.push_back("second"); });
  EXPECT_EQ(log, (Log{"first", "second"}));
}

TEST(Step4_SerialExecutor, AStrandMayStandOnAStrand) {
  Log log;
  std::binary_semaphore done(0);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor outer(pool);
  SerialExecutor inner(
      static_cast<Executor&>(outer));  // without the cast it would be a copy, which there is not
  outer.post([&] {
    inner.post([&] {
      log.push_back("inner");
      done.release();
    });
    log.push_back("outer");
  });
  done.acquire();
  EXPECT_EQ(log, (Log{"outer", "inner"}));
}

TEST(Step4_SerialExecutor, AJobThatPostsToItsOwnStrandGoesOnFirst) {
  Log log;
  InlineExecutor executor;  // even here, where every other post() runs the job at once
  SerialExecutor strand(executor);
  strand.post([&] {
    log.push_back("outer begins");
    strand.post([&] { log.push_back("inner"); });
    log.push_back("outer ends");
  });
  EXPECT_EQ(log, (Log{"outer begins", "outer ends", "inner"}));
}

TEST(Step4_SerialExecutor, AMillionPostsInAChainNeedNoDeepStack) {
  int left = 1'000'000;
  std::function<void()> next;
  InlineExecutor executor;
  SerialExecutor strand(executor);
  const auto top = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  std::uintptr_t deepest = 0;
  next = [&] {
    deepest = std::max(deepest, top - reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
    if (--left > 0) strand.post([&] { next(); });
  };
  strand.post([&] { next(); });
  EXPECT_EQ(left, 0);
  EXPECT_LT(deepest, 64u * 1024) << "each job runs where the last one ran, not on top of it";
}

TEST(Step4_SerialExecutor, AJobIsDestroyedBeforeTheNextStarts) {  // CF-32
  Log log;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.post([&, end = AtEnd([&] { log.push_back("first destroyed"); })] { log.push_back("first ran"); });
  strand.post([&] { log.push_back("second ran"); });
  executor.run_all();
  EXPECT_EQ(log, (Log{"first ran", "first destroyed", "second ran"}));
}

TEST(Step4_SerialExecutor, TheDestructorOfAJobNeverRunsBesideAnotherJob) {
  // The destructor belongs to the job: what it touches needs no lock either.
  Log log;
  Gate gate;
  Job wait = gate.job();
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  strand.post([end = AtEnd([&] {
                 wait();
                 log.push_back("first destroyed");
               })] {});
  gate.wait_until_entered();
  strand.post([&] { log.push_back("second ran"); });
  course::wait_until_others_block();
  gate.open();
  strand.shutdown();
  EXPECT_EQ(log, (Log{"first destroyed", "second ran"}));
}

TEST(Step4_SerialExecutor, ExceptionsDoNotStopIt) {  // CF-25
  Log log;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.set_exception_handler([&](std::exception_ptr error) { log.push_back(what(error)); });
  executor.set_exception_handler([&](std::exception_ptr) { log.push_back("the wrong handler was told"); });
  strand.post([] { throw std::runtime_error("burnt"); });
  strand.post([&] { log.push_back("second ran"); });
  executor.run_all();
  EXPECT_EQ(log, (Log{"burnt", "second ran"}));
}

TEST(Step4_SerialExecutor, ItDoesNotHogTheExecutor) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 600; ++i) strand.post([&] { ++ran; });
  bool had_its_turn = false;
  executor.post([&] { had_its_turn = true; });
  executor.run_one();
  EXPECT_EQ(ran, 256) << "after 256 jobs the strand goes to the back of the executor's queue";
  executor.run_one();
  EXPECT_TRUE(had_its_turn);
  EXPECT_EQ(ran, 256);
  executor.run_one();
  EXPECT_EQ(ran, 512);
  executor.run_all();
  EXPECT_EQ(ran, 600);
}

TEST(Step4_SerialExecutor, TwoBusyStrandsTakeTurns) {
  std::vector<int> turns;
  ManualExecutor executor;
  SerialExecutor one(executor), two(executor);
  const auto take_turn = [&](int strand) {
    if (turns.empty() || turns.back() != strand) turns.push_back(strand);
  };
  for (int i = 0; i < 600; ++i) {
    one.post([&] { take_turn(1); });
    two.post([&] { take_turn(2); });
  }
  executor.run_all();
  EXPECT_EQ(turns, (std::vector<int>{1, 2, 1, 2, 1, 2}));
}

TEST(Step4_SerialExecutor, APostAllocatesNothingOnceTheQueuesHaveGrown) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) strand.post([&] { ++ran; });
    executor.run_all();
  };
  round();
  EXPECT_EQ(course::allocations_in(round), 0u) << "the job is small, and the queues keep their memory";
  EXPECT_EQ(ran, 200);
}

TEST(Step4_SerialExecutor, TheObjectMayGoBeforeItsJobsHaveRun) {
  int ran = 0, told = 0;
  ManualExecutor executor;
  {
    SerialExecutor strand(executor);
    strand.set_exception_handler([&](std::exception_ptr) { ++told; });
    for (int i = 0; i < 300; ++i) strand.post([&] { ++ran; });
    strand.post([] { throw std::runtime_error("burnt"); });
  }
  EXPECT_EQ(ran, 0) << "its end does not wait";
  executor.run_all();
  EXPECT_EQ(ran, 300);
  EXPECT_EQ(told, 1) << "the exception handler stays as long as it is needed";
}

TEST(Step4_SerialExecutor, AJobMayDestroyItsOwnStrand) {
  Log log;
  InlineExecutor executor;
  auto strand = std::make_unique<SerialExecutor>(executor);
  SerialExecutor& posted_to = *strand;
  posted_to.post([&] {
    posted_to.post([&] { log.push_back("second"); });
    strand.reset();
    log.push_back("first");
  });
  EXPECT_EQ(log, (Log{"first", "second"}));
}

TEST(Step4_SerialExecutor, ShutdownWaitsForTheJobThatRuns) {  // CF-40
  std::atomic<bool> ended = false, waited = false;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  strand.post([&, pass = gate.job()]() mutable {
    pass();
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
  Job wait = gate.job();
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post([end = AtEnd([&] {
                 wait();
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
  for (int i = 0; i < 2; ++i) strand.post(AsksWhy(reasons));
  fail.count_down();
  strand.shutdown();
  ASSERT_EQ(reasons.size(), 2u);
  for (const std::string& reason : reasons)
    EXPECT_NE(reason.find("initializer"), std::string::npos) << reason;
}

TEST(Step4_SerialExecutor, WhatIsQueuedRunsAlthoughThePoolShutsDown) {  // CF-40
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post(gate.job());
  gate.wait_until_entered();
  for (int i = 0; i < 1'000; ++i) strand.post([&] { ++ran; });  // more than one batch
  pool.shutdown({.wait = false});
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1'000);
}

TEST(Step4_SerialExecutor, WhatIsQueuedRunsAlthoughANewTurnIsRefused) {
  int ran = 0;
  std::atomic<int> alive = 0;
  Moody executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 600; ++i) strand.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  executor.mood = Moody::refuses;
  executor.jobs.run_all();
  EXPECT_EQ(ran, 600) << "a drain job that cannot be posted again goes on";
  EXPECT_EQ(executor.posts, 3) << "after each 256 jobs it tries to yield";
  EXPECT_EQ(alive, 0);
  executor.mood = Moody::queues;
  strand.post([&] { ++ran; });
  executor.jobs.run_all();
  EXPECT_EQ(ran, 601);
}

TEST(Step4_SerialExecutor, EachJobRunsOnce) { each_job_runs_once(on<Serial>); }
TEST(Step4_SerialExecutor, AJobMayOwnWhatOnlyMoves) { a_job_may_own_what_only_moves(on<Serial>); }
TEST(Step4_SerialExecutor, ANullJobIsRefused) { a_null_job_is_refused(on<Serial>); }
TEST(Step4_SerialExecutor, AJobMayPostJobs) { a_job_may_post_jobs(on<Serial>); }  // CF-47
TEST(Step4_SerialExecutor, AJobsExceptionGoesToTheHandler) {                      // CF-25
  a_jobs_exception_goes_to_the_handler(on<Serial>);
}
TEST(Step4_SerialExecutor, AJobIsDestroyedOnceItHasRun) {  // CF-32
  a_job_is_destroyed_once_it_has_run(on<Serial>);
}
TEST(Step4_SerialExecutor, PostAfterShutdownThrows) { post_after_shutdown_throws(on<Serial>); }  // CF-39
TEST(Step4_SerialExecutor, ShuttingDownAgainDoesNothing) {                                       // CF-40
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

// Step 5: a loop on any executor.

TEST(Step5_ParallelFor, EveryItemIsVisitedOnce) {
  std::vector<std::atomic<int>> visits(1'000);
  ThreadPoolExecutor pool{{.max_workers = 4}};
  parallel_for(pool, visits, [](std::atomic<int>& count) { ++count; });
  EXPECT_TRUE(std::ranges::all_of(visits, [](const auto& count) { return count == 1; }));
}

TEST(Step5_ParallelFor, TheItemsAreTheRangesOwn) {
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  parallel_for(pool, numbers, [](int& number) { number *= number; });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i * i);
}

TEST(Step5_ParallelFor, AnyForwardRangeWillDo) {
  std::atomic<int> sum = 0;
  const auto add = [&](int number) { sum += number; };
  ThreadPoolExecutor pool{{.max_workers = 2}};
  parallel_for(pool, std::views::iota(1, 11), add);
  EXPECT_EQ(sum, 55);
  const std::vector<int> constant{100, 200};
  parallel_for(pool, constant, add);
  EXPECT_EQ(sum, 355);
  const std::set<int> tree{1'000, 2'000};
  parallel_for(pool, tree | std::views::transform([](int number) { return number * 10; }), add);
  EXPECT_EQ(sum, 30'355);
  int array[] = {1, 2};
  parallel_for(pool, array, add);
  EXPECT_EQ(sum, 30'358);
}

TEST(Step5_ParallelFor, AnEmptyRangeIsDoneAtOnce) {
  int visits = 0;
  ManualExecutor executor;  // nobody runs it
  parallel_for(executor, std::vector<int>(), [&](int) { ++visits; });
  EXPECT_EQ(visits, 0);
}

TEST(Step5_ParallelFor, TheWorkRunsOnTheExecutor) {
  std::set<std::string> names;
  ThreadPoolExecutor pool{{.max_workers = 1, .thread_name_prefix = "cook"}};
  parallel_for(pool, std::views::iota(0, 3), [&](int) { names.insert(concurrent::thread_name()); });
  EXPECT_EQ(names, std::set<std::string>{"cook_0"});
}

TEST(Step5_ParallelFor, EachItemIsAJobOfItsOwn) {
  std::barrier all(3);  // hangs unless three items are worked on at the same time
  ThreadPoolExecutor pool{{.max_workers = 3}};
  parallel_for(pool, std::views::iota(0, 3), [&](int) { all.arrive_and_wait(); });
}

TEST(Step5_ParallelFor, ItReturnsWhenAllCallsHaveEnded) {
  int visits = 0;
  bool returned = false;
  ManualExecutor executor;
  std::thread caller([&] {
    parallel_for(executor, std::views::iota(0, 3), [&](int) { ++visits; });
    returned = visits == 3;
  });
  for (int i = 0; i < 3; ++i) {
    course::wait_until_others_block();
    EXPECT_FALSE(returned);
    EXPECT_TRUE(executor.run_one());
  }
  caller.join();
  EXPECT_TRUE(returned);
}

TEST(Step5_ParallelFor, TheCallerSleepsWhileItWaits) {
  ManualExecutor executor;
  std::thread caller([&] { parallel_for(executor, std::views::iota(0, 1), [](int) {}); });
  course::wait_until_others_block();
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0);
  executor.run_all();
  caller.join();
}

TEST(Step5_ParallelFor, OnAnInlineExecutorItIsASequentialLoop) {
  std::vector<int> order;
  InlineExecutor executor;
  parallel_for(executor, std::views::iota(0, 10), [&](int item) { order.push_back(item); });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Step5_ParallelFor, OnASerialExecutorItNeedsNoLockAndKeepsTheOrder) {
  std::vector<int> order;
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  parallel_for(strand, std::views::iota(0, 1'000), [&](int item) { order.push_back(item); });
  ASSERT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step5_ParallelFor, AllCallsShareTheFunction) {
  struct Adder {
    int total = 0;
    int* sum;
    void operator()(int number) { *sum = total += number; }
  };
  int sum = 0;
  InlineExecutor executor;
  parallel_for(executor, std::views::iota(1, 5), Adder{.sum = &sum});
  EXPECT_EQ(sum, 10) << "fn is called again and again, not copied for each item";
}

TEST(Step5_ParallelFor, MembersCanBeCalledToo) {
  struct Dish {
    bool done = false;
    void cook() { done = true; }
  };
  std::vector<Dish> dishes(3);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  parallel_for(pool, dishes, &Dish::cook);
  EXPECT_TRUE(std::ranges::all_of(dishes, &Dish::done));
}

TEST(Step5_ParallelFor, AnExceptionComesOutAfterAllCallsHaveEnded) {  // CF-25
  Log told;
  std::vector<int> visited;
  InlineExecutor executor;
  executor.set_exception_handler([&](std::exception_ptr error) { told.push_back(what(error)); });
  try {
    parallel_for(executor, std::views::iota(0, 5), [&](int item) {
      visited.push_back(item);
      if (item == 1) throw std::runtime_error("burnt");
    });
    FAIL() << "the exception of a call was lost";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "burnt");
  }
  EXPECT_EQ(visited.size(), 5u) << "one call's exception does not stop the others";
  EXPECT_EQ(told, Log()) << "the exception is for the caller, not for the handler";
}

TEST(Step5_ParallelFor, TheFirstExceptionWins) {
  ManualExecutor executor;
  Log caught;
  std::thread caller([&] {
    try {
      parallel_for(executor, std::views::iota(0, 3), [](int item) { throw item; });
    } catch (int item) {
      caught.push_back(std::to_string(item));
    }
  });
  course::wait_until_others_block();
  for (int i = 0; i < 2; ++i) executor.run_one();
  course::wait_until_others_block();
  EXPECT_EQ(caught, Log()) << "it waits for the other calls";
  executor.run_one();
  caller.join();
  EXPECT_EQ(caught, Log{"0"});
}

TEST(Step5_ParallelFor, WhatTheWorkUsesMayGoWhenItReturns) {
  // The last worker may still be on its way out of the job: it must not touch anything of the caller's then.
  ThreadPoolExecutor pool{{.max_workers = 2}};
  for (int round = 0; round < 2'000; ++round) {
    const auto numbers = std::make_unique<std::vector<int>>(2, round);
    auto seen = std::make_unique<std::atomic<int>>(0);
    parallel_for(pool, *numbers, [&seen = *seen](int number) { seen += number; });
    ASSERT_EQ(*seen, 2 * round);
  }
}

TEST(Step5_ParallelFor, ARefusalComesOutAfterTheAcceptedCallsHaveEnded) {  // CF-39
  int visits = 0;
  std::optional<int> visits_at_the_end;
  Moody executor;
  executor.accepts = 3;
  std::thread caller([&] {
    try {
      parallel_for(executor, std::views::iota(0, 10), [&](int) { ++visits; });
    } catch (const concurrent::BrokenExecutor&) {
      visits_at_the_end = visits;
    }
  });
  course::wait_until_others_block();
  EXPECT_EQ(executor.jobs.run_all(), 3u) << "the calls that were accepted are still made";
  caller.join();
  EXPECT_EQ(visits_at_the_end, 3) << "and it waits for them: they use what is on its stack";
  EXPECT_EQ(executor.posts, 4) << "once the executor refuses, no more is posted";
}

TEST(Step5_ParallelFor, AfterShutdownItThrowsExecutorShutdown) {  // CF-39
  int visits = 0;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  pool.shutdown();
  EXPECT_THROW(parallel_for(pool, std::views::iota(0, 3), [&](int) { ++visits; }),
               concurrent::ExecutorShutdown);
  EXPECT_EQ(visits, 0);
}

TEST(Step5_ParallelFor, WhatTheExecutorDropsIsCancelled) {  // CF-42
  std::atomic<int> visits = 0;
  std::atomic<bool> cancelled = false;
  Gate gate;
  Job wait = gate.job();
  ThreadPoolExecutor pool{{.max_workers = 1}};
  std::thread caller([&] {
    try {
      parallel_for(pool, std::views::iota(0, 3), [&](int) {
        wait();
        ++visits;
      });
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  gate.wait_until_entered();
  course::wait_until_others_block();  // all three are posted
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_FALSE(cancelled) << "it waits for the call that runs";
  gate.open();
  caller.join();
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(visits, 1);
}

TEST(Step5_ParallelFor, WhatABrokenPoolDropsIsToldWhy) {  // CF-38
  std::latch fail(1);
  ThreadPoolExecutor pool{{.max_workers = 1, .initializer = [&] {
                             fail.wait();
                             throw std::runtime_error("no stove");
                           }}};
  pool.set_exception_handler([](std::exception_ptr) {});
  std::jthread opener([&] {
    course::wait_until_others_block();  // all is posted, and the caller waits
    fail.count_down();
  });
  EXPECT_THROW(parallel_for(pool, std::views::iota(0, 3), [](int) {}), concurrent::BrokenThreadPool);
}

TEST(Step5_ParallelFor, AStrandThatLosesItsTurnCancelsTheRest) {  // CF-42
  std::atomic<bool> cancelled = false;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  std::thread caller([&] {
    try {
      parallel_for(strand, std::views::iota(0, 3), [](int) {});
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  course::wait_until_others_block();
  executor.shutdown({.cancel_futures = true});
  caller.join();
  EXPECT_TRUE(cancelled);
}

TEST(Step5_ParallelFor, AWorkerMayCallItWhileAnotherIsFree) {  // CF-47
  std::atomic<int> visits = 0;
  std::binary_semaphore done(0);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  pool.post([&] {
    parallel_for(pool, std::views::iota(0, 10), [&](int) { ++visits; });
    done.release();
  });
  done.acquire();
  EXPECT_EQ(visits, 10);
}

TEST(Step5_ParallelFor, TheOnlyWorkerThatCallsItWaitsForItself) {  // CF-47
  std::atomic<int> visits = 0;
  std::atomic<bool> cancelled = false;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  pool.post([&] {
    try {
      parallel_for(pool, std::views::iota(0, 10), [&](int) { ++visits; });
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  course::wait_until_others_block();
  EXPECT_EQ(visits, 0) << "the calls are queued behind the job that waits for them";
  pool.shutdown({.wait = false, .cancel_futures = true});  // the only way out
  pool.shutdown();
  EXPECT_EQ(visits, 0);
  EXPECT_TRUE(cancelled);
}
