// Chapter 01, step 4: workers.

#include "support.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using concurrent::Job;

namespace {

/// While it lives, no thread can be started: each would get a stack larger than the address space.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_getattr_default_np(&usual_);
    pthread_attr_t huge;
    pthread_getattr_default_np(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 48);
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  ~NoMoreThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }

 private:
  pthread_attr_t usual_;
};

}  // namespace

TEST(Step4_Workers, EveryJobRunsOnce) {
  std::vector<std::atomic<int>> ran(10'000);
  {
    ThreadPool pool{{.max_workers = 4}};
    for (auto& count : ran) pool.post([&count] { ++count; });
  }
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
}

TEST(Step4_Workers, JobsStartInTheOrderOfThePosts) {
  std::vector<int> order;
  {
    ThreadPool pool{{.max_workers = 1}};
    for (int i = 0; i < 100; ++i) pool.post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step4_Workers, JobsRunOnWorkersNotOnTheCaller) {
  std::thread::id worker;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.post([&] { worker = std::this_thread::get_id(); });
  }
  EXPECT_NE(worker, std::thread::id());
  EXPECT_NE(worker, std::this_thread::get_id());
}

TEST(Step4_Workers, NoThreadStartsBeforeTheFirstJob) {  // CF-34
  const std::size_t before = course::live_threads();
  ThreadPool pool{{.max_workers = 4}};
  EXPECT_EQ(pool.threads_started(), 0u);
  EXPECT_EQ(course::live_threads(), before);
  pool.post([] {});
  EXPECT_EQ(pool.threads_started(), 1u);
}

TEST(Step4_Workers, ABusyPoolStartsOneThreadAJobUpToTheMaximum) {  // CF-34
  Gate gate;
  ThreadPool pool{{.max_workers = 3}};
  OpenAtTheEnd opener(gate);
  for (std::size_t expected : {1, 2, 3, 3, 3}) {
    pool.post(gate.job());
    EXPECT_EQ(pool.threads_started(), expected);
  }
  for (int i = 0; i < 3; ++i) gate.wait_until_entered();  // three run at the same time
  gate.open();
}

TEST(Step4_Workers, AnIdleWorkerIsReusedBeforeANewOneStarts) {  // CF-35
  ThreadPool pool{{.max_workers = 4}};
  for (int i = 0; i < 3; ++i) {
    std::binary_semaphore done(0);
    pool.post([&] { done.release(); });
    done.acquire();
    course::wait_until_others_block();  // the worker is idle again
  }
  EXPECT_EQ(pool.threads_started(), 1u);
}

TEST(Step4_Workers, IdleMeansFreeForThisJobNotOnlyAsleep) {
  // One worker sleeps. The first job is for it; the second needs a thread of its own, even if the sleeper has
  // not woken up yet.
  for (int round = 0; round < 3; ++round) {
    std::barrier both(2);
    ThreadPool pool{{.max_workers = 2}};
    pool.post(wake_up_politely);
    course::wait_until_others_block();
    pool.post([&] { both.arrive_and_wait(); });
    pool.post([&] { both.arrive_and_wait(); });  // hangs if both jobs are meant for the one sleeper
    EXPECT_EQ(pool.threads_started(), 2u);
  }
}

TEST(Step4_Workers, AllWorkersRunAtTheSameTime) {
  constexpr int workers = 5;
  std::barrier together(workers);  // hangs unless all are there at once
  ThreadPool pool{{.max_workers = workers}};
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < workers; ++i) pool.post([&] { together.arrive_and_wait(); });
  EXPECT_EQ(pool.threads_started(), static_cast<std::size_t>(workers));
}

TEST(Step4_Workers, WorkersBearThePoolsPrefixAndTheirNumber) {  // CF-36
  std::set<std::string> names;
  {
    std::barrier both(2);
    std::mutex mutex;
    ThreadPool pool{{.max_workers = 2, .thread_name_prefix = "cook"}};
    for (int i = 0; i < 2; ++i)
      pool.post([&] {
        both.arrive_and_wait();
        std::lock_guard lock(mutex);
        names.insert(concurrent::thread_name());
      });
  }
  EXPECT_EQ(names, (std::set<std::string>{"cook_0", "cook_1"}));
}

TEST(Step4_Workers, EachPoolHasADefaultPrefixOfItsOwn) {  // CF-36
  std::set<std::string> names;
  for (int i = 0; i < 2; ++i) {
    ThreadPool pool{{.max_workers = 1}};
    pool.post([&] { names.insert(concurrent::thread_name()); });
  }
  EXPECT_EQ(names.size(), 2u);
  for (const std::string& name : names) {
    EXPECT_TRUE(name.starts_with("ThreadPool-")) << name;
    EXPECT_TRUE(name.ends_with("_0")) << name;
  }
}

TEST(Step4_Workers, TheInitializerRunsOnceInEachWorkerBeforeItsFirstJob) {  // CF-37
  std::atomic<int> calls = 0;
  static thread_local bool ready = false;
  std::atomic<int> unready_jobs = 0;
  {
    std::barrier both(2);
    ThreadPool pool{{.max_workers = 2, .initializer = [&] {
                       ++calls;
                       ready = true;
                     }}};
    for (int i = 0; i < 2; ++i)
      pool.post([&] {
        unready_jobs += !ready;
        both.arrive_and_wait();
      });
    for (int i = 0; i < 20; ++i) pool.post([&] { unready_jobs += !ready; });
  }
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(unready_jobs, 0);
}

TEST(Step4_Workers, AJobsExceptionGoesToTheHandlerAndTheWorkerLivesOn) {  // CF-25
  std::vector<std::string> errors;
  std::thread::id thrower, survivor;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.set_exception_handler([&](std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        errors.push_back(e.what());
      } catch (int number) {
        errors.push_back(std::to_string(number));
      }
    });
    pool.post([&] {
      thrower = std::this_thread::get_id();
      throw std::runtime_error("burnt");
    });
    pool.post([] { throw 7; });
    pool.post([&] { survivor = std::this_thread::get_id(); });
  }
  EXPECT_EQ(errors, (std::vector<std::string>{"burnt", "7"}));
  EXPECT_EQ(thrower, survivor);
}

TEST(Step4_Workers, AHandlerThatThrowsDoesNoHarm) {
  bool ran = false;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.set_exception_handler([](std::exception_ptr) { throw std::runtime_error("the handler fails too"); });
    pool.post([] { throw std::runtime_error("burnt"); });
    pool.post([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(Step4_Workers, AJobIsDestroyedBeforeTheWorkerWaitsForTheNext) {  // CF-32
  std::atomic<int> alive = 0;
  ThreadPool pool{{.max_workers = 1}};
  pool.post([owned = std::make_unique<Counted>(alive)] {});
  course::wait_until_others_block();
  EXPECT_EQ(alive, 0) << "an idle worker still holds its last job, and all that the job owns";
}

TEST(Step4_Workers, AJobMayPostJobs) {  // CF-47
  std::atomic<int> ran = 0;
  std::binary_semaphore done(0);
  ThreadPool pool{{.max_workers = 1}};
  std::function<void(int)> next = [&](int left) {
    ++ran;
    if (left == 0) return done.release();
    pool.post([&, left] { next(left - 1); });
  };
  pool.post([&] { next(99); });
  done.acquire();
  EXPECT_EQ(ran, 100);
}

TEST(Step4_Workers, ABadMaximumIsRefused) {  // CF-33
  EXPECT_THROW(ThreadPool{{.max_workers = 0}}, std::invalid_argument);
  EXPECT_THROW(ThreadPool{{.max_workers = -1}}, std::invalid_argument);
  try {
    ThreadPool pool{{.max_workers = -3}};
    FAIL() << "max_workers = -3 was accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string(e.what()).find("-3"), std::string::npos)
        << "the message must name the value: " << e.what();
  }
  bool ran = false;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.post([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(Step4_Workers, TheDefaultMaximumIsPythons) {  // CF-33
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::binary_semaphore done(0);
  ThreadPool pool;
  EXPECT_EQ(pool.max_workers(), std::min(32u, cores + 4));
  pool.post([&] { done.release(); });
  done.acquire();
}

TEST(Step4_Workers, ANullJobIsRefused) {
  std::binary_semaphore done(0);
  ThreadPool pool{{.max_workers = 1}};
  EXPECT_THROW(pool.post(Job()), std::invalid_argument);
  EXPECT_EQ(pool.threads_started(), 0u);
  pool.post([&] { done.release(); });
  done.acquire();
}

TEST(Step4_Workers, IfTheSystemHasNoMoreThreadsTheWorkersThereAreDoTheWork) {
  std::atomic<int> ran = 0;
  Gate gate;
  {
    ThreadPool pool{{.max_workers = 2}};
    OpenAtTheEnd opener(gate);
    pool.post(gate.job());
    {
      NoMoreThreads limit;
      EXPECT_NO_THROW(pool.post([&] { ++ran; })) << "a worker is there: the job can wait for it";
    }
    EXPECT_EQ(pool.threads_started(), 1u);
    gate.open();
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step4_Workers, IfNotEvenTheFirstThreadStartsPostThrows) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool{{.max_workers = 2}};
    {
      NoMoreThreads limit;
      EXPECT_THROW(pool.post([&] { ran += 100; }), std::system_error);
    }
    pool.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1) << "the job that was refused does not run; the pool is still good for others";
}

TEST(Step4_Workers, TheDestructorRunsAllThatIsQueuedThenEndsTheWorkers) {  // CF-43, CF-44
  const std::size_t before = course::live_threads();
  std::atomic<int> ran = 0;
  {
    ThreadPool pool{{.max_workers = 3}};
    for (int i = 0; i < 1'000; ++i) pool.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1'000);
  while (course::live_threads() > before) std::this_thread::yield();  // a joined thread may still be leaving
}

TEST(Step4_Workers, AnIdlePoolUsesNoProcessorTime) {
  ThreadPool pool{{.max_workers = 1}};
  pool.post([] {});
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing") << "an idle worker is asleep";
}
