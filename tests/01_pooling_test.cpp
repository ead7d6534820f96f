#include "blocking_queue.hpp"
#include "thread_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::BlockingQueue;
using concurrent::Job;
using concurrent::ThreadPool;
using course::Counted;

namespace {

/// Keeps workers busy until they are told to go on.
class Gate {
 public:
  /// Lets all jobs through, those that have come and those that will.
  void open() {
    opened_ = 1;
    opened_.notify_all();
  }
  Job job() {
    return [this] {
      entered_.release();
      opened_.wait(0);
    };
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0};
  std::atomic<int> opened_ = 0;
};

/// Opens a gate however a test ends. Declared after the pool: it joins its workers.
struct OpenAtTheEnd {
  explicit OpenAtTheEnd(Gate& gate) : gate(gate) {}
  ~OpenAtTheEnd() { gate.open(); }
  Gate& gate;
};

/// From now on, when this thread wakes up, it does not push another one off the processor: the one that wakes
/// it goes on for a while first.
void wake_up_politely() {
  const sched_param usual{};
  sched_setscheduler(0, SCHED_BATCH, &usual);
}

/// A job that asks, when it is destroyed, why it will not run.
class AsksWhy {
 public:
  AsksWhy(bool& asked, std::exception_ptr& reason) : asked_(&asked), reason_(&reason) {}
  AsksWhy(AsksWhy&& other) noexcept : asked_(std::exchange(other.asked_, nullptr)), reason_(other.reason_) {}
  ~AsksWhy() {
    if (!asked_) return;
    *asked_ = true;
    *reason_ = concurrent::DropReason::current();
  }
  void operator()() {}

 private:
  bool* asked_;
  std::exception_ptr* reason_;
};

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

// Step 1: items go in and come out.

TEST(Step1_BothEnds, ItemsComeOutInTheOrderInWhichTheyWentIn) {
  BlockingQueue<int> queue;
  for (int i = 0; i < 100; ++i) queue.push(i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(queue.try_pop(), i);
}

TEST(Step1_BothEnds, OrderHoldsWhenPushAndPopAlternate) {
  BlockingQueue<int> queue;
  int in = 0, out = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 3; ++i) queue.push(in++);
    for (int i = 0; i < 2; ++i)
      ASSERT_EQ(queue.try_pop(), out++) << "the head has items left when new ones come in";
  }
}

TEST(Step1_BothEnds, TryPopOfAnEmptyQueueReturnsNothing) {
  BlockingQueue<int> queue;
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  queue.push(1);
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(Step1_BothEnds, SizeCountsTheItemsAtBothEnds) {
  BlockingQueue<int> queue;
  EXPECT_EQ(queue.size(), 0u);
  for (int i = 0; i < 3; ++i) queue.push(i);
  EXPECT_EQ(queue.size(), 3u);
  queue.try_pop();  // moves the other two to the head
  queue.push(3);
  EXPECT_EQ(queue.size(), 3u) << "two items at the head and one at the tail";
}

TEST(Step1_BothEnds, ItemsThatOnlyMoveAreMoved) {
  BlockingQueue<std::unique_ptr<int>> queue;
  queue.push(std::make_unique<int>(7));
  EXPECT_EQ(**queue.try_pop(), 7);
}

TEST(Step1_BothEnds, NoItemIsLostOrDoubledBetweenThreads) {
  constexpr int per_thread = 20'000;
  BlockingQueue<int> queue;
  std::vector<std::atomic<int>> seen(2 * per_thread);
  std::atomic<int> taken = 0;
  {
    std::vector<std::jthread> threads;
    for (int producer = 0; producer < 2; ++producer)
      threads.emplace_back([&, producer] {
        for (int i = 0; i < per_thread; ++i) queue.push(producer * per_thread + i);
      });
    for (int consumer = 0; consumer < 2; ++consumer)
      threads.emplace_back([&] {
        while (taken < 2 * per_thread)
          if (const auto item = queue.try_pop()) {
            ++seen[*item];
            ++taken;
          }
      });
  }
  EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& count) { return count == 1; }));
  EXPECT_EQ(queue.size(), 0u);
}

// Step 2: pop waits for an item, push waits for room.

TEST(Step2_Waiting, PopReturnsAtOnceWhatIsThere) {
  BlockingQueue<int> queue;
  queue.push(1);
  queue.push(2);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
}

TEST(Step2_Waiting, PopWaitsForPush) {
  BlockingQueue<int> queue;
  std::optional<int> got;
  std::thread consumer([&] { got = queue.pop(); });
  course::wait_until_others_block();
  queue.push(42);
  consumer.join();
  EXPECT_EQ(got, 42);
}

TEST(Step2_Waiting, ManyWaitingPopsGetAnItemEach) {
  constexpr int consumers = 4;
  BlockingQueue<int> queue;
  std::atomic<int> sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < consumers; ++i) threads.emplace_back([&] { sum += *queue.pop(); });
  course::wait_until_others_block();
  for (int i = 1; i <= consumers; ++i) queue.push(i);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(sum, 1 + 2 + 3 + 4);
}

TEST(Step2_Waiting, AWokenPopWakesTheNextIfItemsAreLeft) {
  // The first consumer does not come back for the other items: someone else must have been woken for them.
  for (int round = 0; round < 3; ++round) {
    BlockingQueue<int> queue;
    std::latch all_have_one(3);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        wake_up_politely();
        queue.pop();
        all_have_one.arrive_and_wait();
      });
    course::wait_until_others_block();
    for (int i = 0; i < 3; ++i) queue.push(i);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(queue.size(), 0u);
  }
}

TEST(Step2_Waiting, APopThatHasWaitedCanWaitAgain) {
  BlockingQueue<int> queue;
  std::atomic<int> sum = 0;
  std::thread consumer([&] {
    for (int i = 0; i < 3; ++i) sum += *queue.pop();
  });
  for (int i = 1; i <= 3; ++i) {
    course::wait_until_others_block();
    queue.push(i);
  }
  consumer.join();
  EXPECT_EQ(sum, 1 + 2 + 3);
}

TEST(Step2_Waiting, WaitingUsesNoProcessorTime) {
  BlockingQueue<int> queue;
  std::thread consumer([&] { queue.pop(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0)
      << "a pop() that waits is asleep: it must not look again and again";
  queue.push(1);
  consumer.join();
}

TEST(Step2_Waiting, PushWaitsWhileTheQueueIsFull) {
  BlockingQueue<int> queue(2);
  queue.push(1);
  queue.push(2);
  std::atomic<bool> pushed = false;
  std::thread producer([&] {
    queue.push(3);
    pushed = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(pushed) << "a queue of capacity 2 has no room for a third item";
  EXPECT_EQ(queue.pop(), 1);
  producer.join();
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 3);
}

TEST(Step2_Waiting, RoomAtTheHeadCountsToo) {
  BlockingQueue<int> queue(3);
  for (int i = 0; i < 3; ++i) queue.push(i);
  EXPECT_EQ(queue.try_pop(), 0);  // the other two are at the head now
  queue.push(3);                  // must not wait
  std::thread producer([&] { queue.push(4); });
  course::wait_until_others_block();
  EXPECT_EQ(queue.size(), 3u) << "the items at both ends count against the capacity";
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(queue.pop(), i);
  producer.join();
}

TEST(Step2_Waiting, EachPopLetsAPushIn) {
  BlockingQueue<int> queue(1);
  queue.push(0);
  std::vector<std::thread> producers;
  for (int i = 1; i <= 3; ++i) producers.emplace_back([&, i] { queue.push(i); });
  course::wait_until_others_block();
  int sum = 0;
  for (int i = 0; i <= 3; ++i) sum += *queue.pop();
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(sum, 1 + 2 + 3);
}

TEST(Step2_Waiting, TryPopLetsAPushInToo) {
  BlockingQueue<int> queue(1);
  queue.push(1);
  std::thread producer([&] { queue.push(2); });
  course::wait_until_others_block();
  EXPECT_EQ(queue.try_pop(), 1);
  producer.join();  // hangs if the room was not given back, or nobody was told
  EXPECT_EQ(queue.pop(), 2);
}

TEST(Step2_Waiting, ACapacityOfZeroIsRefused) {
  EXPECT_THROW(BlockingQueue<int>(0), std::invalid_argument);
  BlockingQueue<int> queue(1);
  queue.push(5);
  EXPECT_EQ(queue.pop(), 5);
}

// Step 3: the end.

TEST(Step3_Closing, PushAfterCloseThrowsClosed) {
  BlockingQueue<int> queue;
  EXPECT_FALSE(queue.closed());
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_THROW(queue.push(1), concurrent::Closed);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(Step3_Closing, PopDrainsAClosedQueueThenReturnsNothing) {
  BlockingQueue<int> queue;
  queue.push(1);
  queue.push(2);
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(Step3_Closing, CloseWakesEveryPopThatWaits) {
  BlockingQueue<int> queue;
  std::atomic<int> empty_handed = 0;
  std::vector<std::thread> consumers;
  for (int i = 0; i < 3; ++i) consumers.emplace_back([&] { empty_handed += !queue.pop(); });
  course::wait_until_others_block();
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(empty_handed, 3);
}

TEST(Step3_Closing, CloseWakesEveryPushThatWaits) {
  BlockingQueue<int> queue(1);
  queue.push(0);
  std::atomic<int> refused = 0;
  std::vector<std::thread> producers;
  for (int i = 0; i < 3; ++i)
    producers.emplace_back([&] {
      try {
        queue.push(1);
      } catch (const concurrent::Closed&) {
        ++refused;
      }
    });
  course::wait_until_others_block();
  queue.close();
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(Step3_Closing, ClosingTwiceDoesNothing) {
  BlockingQueue<int> queue;
  queue.push(1);
  queue.close();
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(Step3_Closing, ARefusedItemIsDestroyed) {
  BlockingQueue<std::shared_ptr<int>> queue(1);
  queue.push(nullptr);
  auto item = std::make_shared<int>(1);
  std::thread producer([&] { EXPECT_THROW(queue.push(item), concurrent::Closed); });
  course::wait_until_others_block();
  queue.close();
  producer.join();
  EXPECT_THROW(queue.push(item), concurrent::Closed);
  EXPECT_EQ(item.use_count(), 1) << "neither the push that waited nor the one that came later kept the item";
}

// Step 4: workers.

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

TEST(Step4_Workers, PostingASmallJobToAWarmPoolAllocatesNothing) {
  std::binary_semaphore done(0);
  ThreadPool pool{{.max_workers = 1}};
  const auto run_one = [&] {
    pool.post([&done] { done.release(); });
    done.acquire();
  };
  for (int i = 0; i < 4; ++i) run_one();  // the worker has started, and both ends of its queue have grown
  EXPECT_EQ(course::allocations_in(run_one), 0u);
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
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0) << "an idle worker is asleep";
}

// Step 5: shutting down.

TEST(Step5_Shutdown, ShutdownRunsAllThatIsQueuedThenEndsTheWorkers) {  // CF-40
  const std::size_t before = course::live_threads();
  std::atomic<int> ran = 0;
  ThreadPool pool{{.max_workers = 3}};
  for (int i = 0; i < 1'000; ++i) pool.post([&] { ++ran; });
  pool.shutdown();
  EXPECT_EQ(ran, 1'000);
  while (course::live_threads() > before) std::this_thread::yield();  // a joined thread may still be leaving
}

TEST(Step5_Shutdown, PostAfterShutdownThrows) {  // CF-39
  ThreadPool pool{{.max_workers = 2}};
  pool.post([] {});
  pool.shutdown();
  EXPECT_THROW(pool.post([] {}), concurrent::ExecutorShutdown);
  EXPECT_EQ(pool.threads_started(), 1u) << "a job that is refused must not start a thread";
}

TEST(Step5_Shutdown, APoolThatNeverWorkedShutsDownToo) {
  ThreadPool pool{{.max_workers = 2}};
  pool.shutdown();
  EXPECT_THROW(pool.post([] {}), concurrent::ExecutorShutdown);
  EXPECT_EQ(pool.threads_started(), 0u);
}

TEST(Step5_Shutdown, ShuttingDownAgainDoesNothing) {  // CF-40
  std::atomic<int> ran = 0;
  ThreadPool pool{{.max_workers = 2}};
  pool.post([&] { ++ran; });
  pool.shutdown({.wait = false});
  pool.shutdown();
  pool.shutdown();
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Shutdown, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
  std::atomic<int> ran = 0;
  Gate gate;
  {
    ThreadPool pool{{.max_workers = 1}};
    OpenAtTheEnd opener(gate);
    pool.post(gate.job());
    pool.post([&] { ++ran; });
    pool.shutdown({.wait = false});  // the worker is busy: waiting would hang
    EXPECT_EQ(ran, 0);
    EXPECT_THROW(pool.post([&] { ran += 100; }), concurrent::ExecutorShutdown);
    gate.open();
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Shutdown, DroppedJobsAreDestroyedUnrunAndTheRunningOneFinishes) {  // CF-42
  std::atomic<int> alive = 0;
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post([&, entered = gate.job()]() mutable {
    entered();
    ++ran;
  });
  gate.wait_until_entered();
  for (int i = 0; i < 10; ++i) pool.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  EXPECT_EQ(alive, 10);
  pool.shutdown({.wait = false, .drop_pending = true});
  EXPECT_EQ(alive, 0) << "shutdown({.drop_pending = true}) returns when the queue is empty";
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1) << "the job that had started finishes; no other starts";
}

TEST(Step5_Shutdown, ADroppedJobsDestructorMayUseThePool) {
  struct Nosy {
    explicit Nosy(ThreadPool& pool, std::size_t& seen) : pool(&pool), seen(&seen) {}
    Nosy(Nosy&& other) noexcept : pool(std::exchange(other.pool, nullptr)), seen(other.seen) {}
    ~Nosy() {
      if (pool) *seen = pool->threads_started();
    }
    void operator()() {}
    ThreadPool* pool;
    std::size_t* seen;
  };
  std::size_t seen = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post(gate.job());
  gate.wait_until_entered();
  pool.post(Nosy(pool, seen));
  pool.shutdown(
      {.wait = false, .drop_pending = true});  // hangs if the job is destroyed under the pool's lock
  EXPECT_EQ(seen, 1u);
  gate.open();
}

TEST(Step5_Shutdown, EveryCallerThatWaitsFindsTheWorkersEnded) {
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post([&, entered = gate.job()]() mutable {
    entered();
    ++ran;
  });
  gate.wait_until_entered();
  std::vector<int> found(2);
  std::vector<std::thread> callers;
  for (int& what : found)
    callers.emplace_back([&] {
      pool.shutdown();
      what = ran;
    });
  course::wait_until_others_block();
  gate.open();
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(found, (std::vector<int>{1, 1})) << "a second shutdown() must wait as the first one does";
}

TEST(Step5_Shutdown, AWorkerThatWouldWaitForItselfIsTold) {
  std::atomic<bool> told = false;
  std::atomic<bool> went_on = false;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.post([&] {
      try {
        pool.shutdown();
      } catch (const concurrent::Error&) {
        told = true;
        pool.post([&] { went_on = true; });  // nothing has changed
      }
    });
    course::wait_until_others_block();
    EXPECT_TRUE(told);
    EXPECT_TRUE(went_on);
    pool.shutdown();
  }
}

TEST(Step5_Shutdown, AJobMayShutItsPoolDownWithoutWaiting) {
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post([&, entered = gate.job()]() mutable {
    entered();
    pool.shutdown({.wait = false});
  });
  pool.post([&] { ++ran; });
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Shutdown, AFailedInitializerBreaksThePool) {  // CF-38
  std::atomic<int> alive = 0, ran = 0, told = 0;
  std::latch fail(1);
  ThreadPool pool{{.max_workers = 1, .initializer = [&] {
                     fail.wait();
                     throw std::runtime_error("no stove");
                   }}};
  pool.set_exception_handler([&](std::exception_ptr) { ++told; });
  for (int i = 0; i < 3; ++i) pool.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  fail.count_down();
  pool.shutdown();
  EXPECT_EQ(alive, 0) << "what was queued is destroyed";
  EXPECT_EQ(ran, 0) << "no job runs on a worker that is not ready";
  EXPECT_EQ(told, 1) << "the exception handler hears of it";
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool);
}

TEST(Step5_Shutdown, EveryWorkerWhoseInitializerFailsIsReported) {  // CF-38
  std::atomic<int> told = 0;
  std::latch fail(1);
  ThreadPool pool{{.max_workers = 3, .initializer = [&] {
                     fail.wait();
                     throw std::runtime_error("no stove");
                   }}};
  pool.set_exception_handler([&](std::exception_ptr) { ++told; });
  for (int i = 0; i < 3; ++i) pool.post([] {});
  fail.count_down();
  pool.shutdown();
  EXPECT_EQ(told, 3) << "three workers fail, perhaps at the same time";
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool);
  EXPECT_EQ(pool.threads_started(), 3u);
}

TEST(Step5_Shutdown, WorkersOfABrokenPoolFinishTheirJob) {  // CF-38
  std::atomic<int> workers = 0, ran = 0;
  std::binary_semaphore failed(0);
  Gate gate;
  ThreadPool pool{{.max_workers = 2, .initializer = [&] {
                     if (++workers == 2) throw std::runtime_error("one stove only");
                   }}};
  OpenAtTheEnd opener(gate);
  pool.set_exception_handler([&](std::exception_ptr) { failed.release(); });
  pool.post([&, entered = gate.job()]() mutable {
    entered();
    ++ran;
  });
  gate.wait_until_entered();
  pool.post([&] { ran += 100; });  // for a second worker, which fails
  failed.acquire();
  course::wait_until_others_block();
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool) << "one failed worker breaks the pool";
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1) << "the job that had started finishes; no other starts";
}

TEST(Step5_Shutdown, JobsThatShutdownDropsHaveNoReason) {  // CF-42
  bool asked = false;
  std::exception_ptr reason = std::make_exception_ptr(0);
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post(gate.job());
  gate.wait_until_entered();
  pool.post(AsksWhy(asked, reason));
  pool.shutdown({.wait = false, .drop_pending = true});
  EXPECT_TRUE(asked);
  EXPECT_FALSE(reason) << "they are cancelled: nothing has failed";
  gate.open();
}

TEST(Step5_Shutdown, JobsDroppedByABrokenPoolCanTellWhy) {  // CF-38
  bool asked = false;
  std::exception_ptr reason;
  std::latch fail(1);
  ThreadPool pool{{.max_workers = 1, .initializer = [&] {
                     fail.wait();
                     throw std::runtime_error("no stove");
                   }}};
  pool.set_exception_handler([](std::exception_ptr) {});
  pool.post(AsksWhy(asked, reason));
  fail.count_down();
  pool.shutdown();
  EXPECT_TRUE(asked);
  ASSERT_TRUE(reason) << "a job that is dropped unrun finds the reason in DropReason::current()";
  EXPECT_THROW(std::rethrow_exception(reason), concurrent::BrokenThreadPool);
}

TEST(Step5_Shutdown, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> accepted = 0, ran = 0;
    ThreadPool pool{{.max_workers = 2}};
    std::barrier start(3);
    std::vector<std::jthread> posters;
    for (int i = 0; i < 2; ++i)
      posters.emplace_back([&] {
        start.arrive_and_wait();
        try {
          for (int job = 0; job < 50; ++job) {
            pool.post([&] { ++ran; });
            ++accepted;
          }
        } catch (const concurrent::ExecutorShutdown&) {
        }
      });
    start.arrive_and_wait();
    pool.shutdown();
    posters.clear();
    pool.shutdown();  // also waits for a worker that a racing post started
    ASSERT_EQ(ran, accepted) << "a job that was accepted must run";
  }
}
