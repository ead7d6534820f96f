#include "future.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::Future;
using concurrent::FutureState;
using concurrent::InlineExecutor;
using concurrent::Job;
using concurrent::ManualExecutor;
using concurrent::Promise;
using concurrent::ReturnWhen;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using concurrent::detail::CompletionQueue;
using concurrent::detail::WaitNode;
using course::AtEnd;
using course::Counted;
using namespace std::chrono_literals;

// What most tests submit and map. The compiler makes a pool's machinery anew for each type of function, so
// that a lambda that stays one costs it more than the whole test around it.
using Call = std::function<void()>;
using IntCall = std::function<int()>;
using IntOfInt = std::function<int(int)>;

namespace {

/// Keeps a thread until it is told to go on.
class Gate {
 public:
  void open() { opened_.release(); }
  void pass() {
    entered_.release();
    opened_.acquire();
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0}, opened_{0};
};

/// A call that does nothing but own something.
struct Owner {
  explicit Owner(std::atomic<int>& alive) : owned(std::make_unique<Counted>(alive)) {}
  void operator()() const {}
  std::unique_ptr<Counted> owned;
};

/// A value that takes its time to be stored: its copies pass through a gate.
struct Slow {
  Slow(int number, Gate& gate) : number(number), gate(&gate) {}
  Slow(const Slow& other) : number(other.number), gate(other.gate) { gate->pass(); }
  Slow(Slow&& other) noexcept = default;
  int number;
  Gate* gate;
};

struct Unmovable : std::runtime_error {
  Unmovable() : std::runtime_error("unmovable") {}
};
/// A value that cannot be stored.
struct ThrowsWhenMoved {
  ThrowsWhenMoved() = default;
  ThrowsWhenMoved(ThrowsWhenMoved&&) { throw Unmovable(); }
  ThrowsWhenMoved(const ThrowsWhenMoved&) { throw Unmovable(); }
};

std::exception_ptr error(const char* message) { return std::make_exception_ptr(std::runtime_error(message)); }

std::string what(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const concurrent::CancelledError&) {
    return "cancelled";
  } catch (const concurrent::BrokenPromise&) {
    return "broken promise";
  } catch (const concurrent::BrokenThreadPool&) {
    return "broken pool";
  } catch (const std::exception& e) {
    return e.what();
  } catch (int number) {
    return std::to_string(number);
  }
  return "nothing";
}

/// What came of a future, in a word: the result, "cancelled", "not done", or the message of the exception.
template <class T>
std::string outcome(const Future<T>& future) {
  try {
    if constexpr (std::is_void_v<T>) {
      future.result(0s);
      return "done";
    } else if constexpr (std::is_arithmetic_v<std::decay_t<T>>) {
      return std::to_string(future.result(0s));
    } else {
      return future.result(0s);
    }
  } catch (const concurrent::TimeoutError&) {
    return "not done";
  } catch (...) {
    return what(std::current_exception());
  }
}

/// What result() gives to a thread that has all the time in the world.
template <class T>
std::string outcome_at_last(const Future<T>& future) {
  try {
    future.result();
  } catch (...) {
  }
  return outcome(future);
}

/// Promises of ints, and their futures.
struct Several {
  explicit Several(std::size_t count) : promises(count) {
    for (auto& promise : promises) futures.push_back(promise.future());
  }
  void finish_all() {
    for (auto& promise : promises)
      if (!promise.future().done()) promise.set_result(0);
  }
  /// These futures, in the order of their numbers.
  std::vector<Future<int>> at(std::initializer_list<std::size_t> numbers) const {
    std::vector<Future<int>> chosen;
    for (std::size_t number : numbers) chosen.push_back(futures[number]);
    return chosen;
  }
  std::vector<Promise<int>> promises;
  std::vector<Future<int>> futures;
};

/// Remembers what is told to callback_exception_handler(), while it lives.
struct CallbackErrors {
  CallbackErrors() {
    concurrent::callback_exception_handler().set([this](auto error) { told.push_back(what(error)); });
  }
  ~CallbackErrors() { concurrent::callback_exception_handler().set(nullptr); }
  std::vector<std::string> told;
};

/// An executor that keeps jobs in memory that it has from the start, and runs them when told.
class Preallocated : public concurrent::Executor {
 public:
  explicit Preallocated(std::size_t most) { jobs_.reserve(most); }
  void post(Job job) override { jobs_.push_back(std::move(job)); }
  void shutdown(concurrent::ShutdownOptions) override {}
  void run_all() {
    for (Job& job : jobs_) job();
    jobs_.clear();
  }

 private:
  std::vector<Job> jobs_;
};

int add(int a, int b) { return a + b; }

const IntOfInt same = [](int item) { return item; };

template <class Range>
auto to_vector(Range&& range) {
  std::vector<std::ranges::range_value_t<Range>> values;
  for (auto&& value : range) values.push_back(std::move(value));
  return values;
}

}  // namespace

// Step 1: a promise is kept once, and its future tells what came of it.

TEST(Step1_PromiseAndFuture, AFutureIsPendingUntilItsPromiseIsKept) {  // CF-01
  Promise<int> promise;
  const Future<int> future = promise.future();
  EXPECT_EQ(future.state(), FutureState::pending);
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.cancelled());
  promise.set_result(1);
  EXPECT_EQ(future.state(), FutureState::finished);
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.cancelled());
}

TEST(Step1_PromiseAndFuture, TheResultIsTheValueThatWasSet) {  // CF-05
  Promise<std::string> promise;
  promise.set_result("soup");
  EXPECT_EQ(promise.future().result(), "soup");
  EXPECT_EQ(promise.future().result(0s), "soup") << "a future that is done answers at once, timeout or not";
}

TEST(Step1_PromiseAndFuture, TheResultCanBeReadAgainAndAgain) {  // CF-08
  Promise<std::string> promise;
  const Future<std::string> one = promise.future(), other = promise.future();
  promise.set_result("a result too long for the string itself");
  const std::string& first = one.result();
  EXPECT_EQ(&one.result(), &first) << "the future keeps its value: each result() refers to the same one";
  EXPECT_EQ(&other.result(0s), &first) << "and so do the other handles";
  EXPECT_EQ(first, "a result too long for the string itself");
}

TEST(Step1_PromiseAndFuture, AHandleThatIsAboutToGoGivesACopy) {
  using Text = std::string;
  static_assert(std::is_same_v<decltype(std::declval<Future<Text>&>().result()), const Text&>);
  static_assert(std::is_same_v<decltype(std::declval<Future<Text>>().result()), Text>);
  static_assert(std::is_same_v<decltype(std::declval<Future<Text>>().result(1s)), Text>);
  auto promise = std::make_unique<Promise<Text>>();
  promise->set_result("a result too long for the string itself");
  Future<Text> future = promise->future();
  promise.reset();
  const Text copy = std::move(future).result();
  EXPECT_EQ(copy, future.result()) << "the value that the other handles see must stay where it is";
}

TEST(Step1_PromiseAndFuture, APromiseOfNothingIsKeptWithoutAValue) {
  Promise<void> promise;
  promise.set_result();
  EXPECT_TRUE(promise.future().done());
  EXPECT_NO_THROW(promise.future().result());
  EXPECT_FALSE(promise.future().exception());
}

TEST(Step1_PromiseAndFuture, AReferenceStaysAReference) {
  int pot = 1;
  Promise<int&> promise;
  Promise<const int&> reader;
  promise.set_result(pot);
  reader.set_result(pot);
  promise.future().result() = 2;
  EXPECT_EQ(pot, 2);
  EXPECT_EQ(&reader.future().result(), &pot);
}

TEST(Step1_PromiseAndFuture, AResultNeedNotBeCopyable) {
  Promise<std::unique_ptr<int>> promise;
  const auto future = promise.future();
  promise.set_result(std::make_unique<int>(7));
  EXPECT_EQ(*future.result(), 7);
  EXPECT_EQ(*future.result(), 7);
}

TEST(Step1_PromiseAndFuture, EachResultThrowsTheSameException) {  // CF-08
  Promise<int> promise;
  const Future<int> future = promise.future();
  promise.set_exception(error("burnt"));
  const std::exception* thrown[2] = {};
  for (auto& each : thrown) {
    try {
      future.result();
      FAIL() << "the exception must come out of result()";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "burnt");
      each = &e;
    }
  }
  EXPECT_EQ(thrown[0], thrown[1]) << "not a copy: the very same object";
  EXPECT_EQ(future.state(), FutureState::finished);
}

TEST(Step1_PromiseAndFuture, ExceptionTellsWhatWentWrongAndThrowsNothing) {  // CF-07
  Promise<int> well, badly;
  const auto burnt = error("burnt");
  well.set_result(1);
  badly.set_exception(burnt);
  EXPECT_EQ(well.future().exception(), nullptr);
  EXPECT_EQ(badly.future().exception(), burnt);
  EXPECT_EQ(badly.future().exception(0s), burnt);
}

TEST(Step1_PromiseAndFuture, AnythingCanBeThrown) {
  Promise<void> promise;
  promise.set_exception(std::make_exception_ptr(7));
  EXPECT_EQ(what(promise.future().exception()), "7");
  EXPECT_THROW(promise.future().result(), int);
}

TEST(Step1_PromiseAndFuture, AnExceptionMayBeTheResult) {  // CF-08
  Promise<std::exception_ptr> promise;
  const auto burnt = error("burnt");
  promise.set_result(burnt);
  EXPECT_EQ(promise.future().exception(), nullptr) << "the work went well: what it found is an exception";
  EXPECT_EQ(promise.future().result(), burnt);
}

TEST(Step1_PromiseAndFuture, ANullExceptionIsRefused) {
  Promise<int> promise;
  EXPECT_THROW(promise.set_exception(nullptr), std::invalid_argument);
  promise.set_result(1);
  EXPECT_EQ(outcome(promise.future()), "1") << "the refusal must leave the future as it was";
}

TEST(Step1_PromiseAndFuture, ASecondOutcomeIsRefusedAndTheFirstStays) {  // CF-04, CF-14
  Promise<int> well, badly;
  well.set_result(1);
  EXPECT_THROW(well.set_result(2), concurrent::InvalidStateError);
  EXPECT_THROW(well.set_exception(error("burnt")), concurrent::InvalidStateError);
  EXPECT_EQ(outcome(well.future()), "1");
  badly.set_exception(error("burnt"));
  EXPECT_THROW(badly.set_result(2), concurrent::InvalidStateError);
  EXPECT_THROW(badly.set_exception(error("raw")), concurrent::InvalidStateError);
  EXPECT_EQ(outcome(badly.future()), "burnt");
  EXPECT_THROW(badly.set_result(3), concurrent::Error) << "the course's errors have one base";
}

TEST(Step1_PromiseAndFuture, ARefusedValueIsNotTouched) {  // CF-04
  Promise<std::unique_ptr<int>> promise;
  promise.set_result(nullptr);
  auto late = std::make_unique<int>(7);
  EXPECT_THROW(promise.set_result(std::move(late)), concurrent::InvalidStateError);
  EXPECT_TRUE(late) << "whoever comes too late keeps the value";
}

TEST(Step1_PromiseAndFuture, AValueThatCannotBeStoredMakesAnException) {
  Promise<ThrowsWhenMoved> promise;
  EXPECT_NO_THROW(promise.set_result(ThrowsWhenMoved()));
  ASSERT_TRUE(promise.future().done()) << "the promise is claimed: if nothing is published, nobody ever can";
  EXPECT_EQ(what(promise.future().exception()), "unmovable");
  EXPECT_THROW(promise.set_result(ThrowsWhenMoved()), concurrent::InvalidStateError);
}

TEST(Step1_PromiseAndFuture, WhileAValueIsBeingStoredTheFutureRunsAndOthersAreRefused) {
  Gate gate;
  Promise<Slow> promise;
  const Future<Slow> future = promise.future();
  const Slow mine(1, gate);
  std::thread first([&] { promise.set_result(mine); });
  gate.wait_until_entered();
  EXPECT_FALSE(future.done()) << "nobody may read the value before it is there";
  EXPECT_TRUE(future.running());
  EXPECT_THROW(promise.set_result(Slow(2, gate)), concurrent::InvalidStateError);
  EXPECT_THROW(promise.set_exception(error("burnt")), concurrent::InvalidStateError);
  gate.open();
  first.join();
  EXPECT_EQ(future.result(0s).number, 1);
}

TEST(Step1_PromiseAndFuture, OfManyThreadsThatSetTheResultOneSucceeds) {
  constexpr int threads = 4;
  for (int round = 0; round < 50; ++round) {
    Promise<std::string> promise;
    std::atomic<int> winner = -1, refused = 0;
    std::barrier start(threads);
    {
      std::vector<std::jthread> setters;
      for (int i = 0; i < threads; ++i)
        setters.emplace_back([&, i] {
          start.arrive_and_wait();
          try {
            if (i % 2 == 0)
              promise.set_result("a result by thread " + std::to_string(i));
            else
              promise.set_exception(error(("a result by thread " + std::to_string(i)).c_str()));
            winner = i;
          } catch (const concurrent::InvalidStateError&) {
            ++refused;
          }
        });
    }
    ASSERT_EQ(refused, threads - 1);
    ASSERT_EQ(outcome(promise.future()), "a result by thread " + std::to_string(winner));
  }
}

TEST(Step1_PromiseAndFuture, HandlesOfTheSameResultAreEqual) {
  Promise<int> one, other;
  const Future<int> future = one.future(), copy = future;
  EXPECT_EQ(future, copy);
  EXPECT_EQ(future, one.future());
  EXPECT_NE(future, other.future());
  std::unordered_set<Future<int>> set{future, copy, other.future(), one.future()};
  EXPECT_EQ(set.size(), 2u);
  one.set_result(1);
  other.set_result(1);
  EXPECT_NE(future, other.future()) << "the same value is not the same result";
  EXPECT_TRUE(set.contains(one.future()));
}

// Step 2: waiting.

TEST(Step2_Waiting, ResultWaitsForTheValue) {
  Promise<int> promise;
  std::string got;
  std::thread reader([&, future = promise.future()] { got = std::to_string(future.result()); });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
  EXPECT_EQ(got, "42");
}

TEST(Step2_Waiting, ResultAndExceptionWaitForAFailureToo) {
  Promise<int> promise;
  std::string thrown, told;
  std::thread reader([&, future = promise.future()] { thrown = outcome_at_last(future); });
  std::thread other([&, future = promise.future()] { told = what(future.exception()); });
  course::wait_until_others_block();
  promise.set_exception(error("burnt"));
  reader.join();
  other.join();
  EXPECT_EQ(thrown, "burnt");
  EXPECT_EQ(told, "burnt");
}

TEST(Step2_Waiting, AWaitWithATimeoutEndsWhenTheResultComes) {  // CF-05, CF-07
  Promise<int> promise;
  int got = 0;
  std::exception_ptr told = error("not asked yet");
  std::thread reader([&, future = promise.future()] { got = future.result(1h); });
  std::thread other([&, future = promise.future()] { told = future.exception(1h); });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
  other.join();
  EXPECT_EQ(got, 42);
  EXPECT_EQ(told, nullptr);
}

TEST(Step2_Waiting, WhenTheTimeIsUpItThrowsTimeoutErrorAndTheFutureStaysAsItIs) {  // CF-05, CF-07
  Promise<int> promise;
  const Future<int> future = promise.future();
  EXPECT_THROW(future.result(0s), concurrent::TimeoutError);
  EXPECT_THROW(future.result(-5s), concurrent::TimeoutError);
  EXPECT_THROW(future.result(1ms), concurrent::TimeoutError);
  EXPECT_THROW(future.result(std::chrono::duration<double>(1e-4)), concurrent::TimeoutError);
  EXPECT_THROW((void)future.exception(1ms), concurrent::TimeoutError);
  EXPECT_EQ(future.state(), FutureState::pending);
  promise.set_result(1);
  EXPECT_EQ(future.result(0s), 1);
  EXPECT_EQ(future.result(-5s), 1) << "whoever asks without waiting gets what is there";
}

TEST(Step2_Waiting, ATimeoutBeyondTheEndOfTimeIsNone) {
  Promise<int> promise;
  int got = 0;
  std::thread reader([&, future = promise.future()] { got = future.result(std::chrono::hours::max()); });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
  EXPECT_EQ(got, 42);
}

TEST(Step2_Waiting, EveryThreadThatWaitsIsReleased) {
  Promise<int> promise;
  std::atomic<int> sum = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 5; ++i)
    readers.emplace_back([&, future = promise.future()] { sum += future.result(); });
  course::wait_until_others_block();
  promise.set_result(8);
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(sum, 5 * 8);
}

TEST(Step2_Waiting, OneThatGivesUpLeavesTheOthersWaiting) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  std::atomic<int> sum = 0;
  std::vector<std::thread> readers;
  const auto one_more = [&] {
    readers.emplace_back([&] { sum += future.result(); });
    course::wait_until_others_block();
  };
  one_more();
  EXPECT_THROW(future.result(1ms), concurrent::TimeoutError);  // the newest of two gives up
  Gate gate;
  std::thread between([&] {
    CompletionQueue queue;
    WaitNode node(queue, future.shared_state());
    gate.pass();
  });
  gate.wait_until_entered();
  one_more();
  gate.open();
  between.join();  // the one in the middle gave up
  promise.set_result(8);
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(sum, 2 * 8);
}

TEST(Step2_Waiting, AWatchThatIsGoneIsNotTold) {
  Promise<int> one, other;
  CompletionQueue queue;
  std::optional<WaitNode> early, late;
  early.emplace(queue, one.future().shared_state());
  WaitNode stays(queue, one.future().shared_state());
  late.emplace(queue, one.future().shared_state());
  WaitNode elsewhere(queue, other.future().shared_state());
  early.reset();
  late.reset();
  one.set_result(1);
  EXPECT_EQ(queue.next(std::chrono::steady_clock::now()), &stays);
  EXPECT_EQ(queue.next(std::chrono::steady_clock::now()), nullptr)
      << "neither the first nor the last node is there any more, and the other future is not done";
  other.set_result(1);
  EXPECT_EQ(queue.next(std::nullopt), &elsewhere);
}

TEST(Step2_Waiting, WatchesLineUpInTheOrderInWhichTheirFuturesAreDone) {
  Several several(6);
  several.promises[3].set_result(0);
  CompletionQueue queue;
  std::vector<std::unique_ptr<WaitNode>> nodes;
  for (auto& future : several.futures)
    nodes.push_back(std::make_unique<WaitNode>(queue, future.shared_state()));
  std::vector<long> order;
  const auto take = [&] {
    WaitNode* node = queue.next(std::chrono::steady_clock::now());
    const auto same = [node](const auto& each) { return each.get() == node; };
    order.push_back(std::ranges::find_if(nodes, same) - nodes.begin());
  };
  take();  // the one that was done from the start
  for (std::size_t i : {5, 0, 4}) several.promises[i].set_result(0);
  take();
  for (std::size_t i : {2, 1}) several.promises[i].set_result(0);
  for (int i = 0; i < 4; ++i) take();
  EXPECT_EQ(order, (std::vector<long>{3, 5, 0, 4, 2, 1}));
  EXPECT_EQ(queue.next(std::chrono::steady_clock::now()), nullptr) << "each is told once";
}

TEST(Step2_Waiting, AWaiterThatHasWaitedCanWaitAgain) {
  Several several(3);
  std::atomic<int> done = 0;
  std::thread thread([&] {
    CompletionQueue queue;
    std::vector<std::unique_ptr<WaitNode>> nodes;
    for (auto& future : several.futures)
      nodes.push_back(std::make_unique<WaitNode>(queue, future.shared_state()));
    for (; done < 3; ++done) queue.next(std::nullopt);
  });
  for (int i = 0; i < 3; ++i) {
    course::wait_until_others_block();
    EXPECT_EQ(done, i);
    several.promises[static_cast<std::size_t>(i)].set_result(0);
  }
  thread.join();
}

TEST(Step2_Waiting, WaitingUsesNoProcessorTime) {
  Promise<void> promise;
  std::thread reader([&, future = promise.future()] { future.result(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0)
      << "a result() that waits is asleep: it must not look again and again";
  promise.set_result();
  reader.join();
}

TEST(Step2_Waiting, WaitingAllocatesNothing) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  std::latch about_to_wait(1);
  std::size_t allocations = 1;
  std::thread reader([&] {
    about_to_wait.count_down();
    allocations = course::allocations_in([&] { future.result(); });
  });
  about_to_wait.wait();
  for (int i = 0; i < 1'000; ++i) std::this_thread::yield();  // it waits by now, most likely
  promise.set_result(1);
  reader.join();
  EXPECT_EQ(allocations, 0u);
}

TEST(Step2_Waiting, AResultThatComesJustWhenSomebodyBeginsToWaitIsNotMissed) {
  for (int round = 0; round < 500; ++round) {
    Promise<int> promise;
    std::barrier start(3);
    std::atomic<int> sum = 0;
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i)
      readers.emplace_back([&, future = promise.future()] {
        start.arrive_and_wait();
        sum += future.result();
      });
    start.arrive_and_wait();
    promise.set_result(1);
    readers.clear();  // hangs if one of them went to sleep after the news
    ASSERT_EQ(sum, 2);
  }
}

// Step 3: work that is cancelled before it begins, and promises that are dropped.

TEST(Step3_Cancelling, APendingFutureCanBeCancelled) {  // CF-01, CF-02, CF-05, CF-14
  Promise<int> promise;
  Future<int> future = promise.future();
  EXPECT_TRUE(future.cancel());
  EXPECT_EQ(future.state(), FutureState::cancelled);
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(future.done()) << "nobody needs to wait for it any more";
  EXPECT_FALSE(future.running());
  EXPECT_THROW(future.result(), concurrent::CancelledError);
  EXPECT_THROW(future.result(0s), concurrent::CancelledError);
  EXPECT_THROW((void)future.exception(), concurrent::CancelledError);
  EXPECT_THROW((void)future.exception(0s), concurrent::CancelledError);
  EXPECT_THROW(future.result(), concurrent::Error) << "a CancelledError is an Error";
}

TEST(Step3_Cancelling, CancellingAgainSaysYesAgain) {  // CF-02
  Promise<int> promise;
  Future<int> future = promise.future(), other = future;
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(other.cancel());
  EXPECT_TRUE(other.cancelled());
}

TEST(Step3_Cancelling, WorkThatHasBegunCannotBeCancelled) {  // CF-01, CF-02, CF-03
  Promise<int> promise;
  Future<int> future = promise.future();
  EXPECT_TRUE(promise.set_running_or_notify_cancel());
  EXPECT_EQ(future.state(), FutureState::running);
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.cancel());
  EXPECT_TRUE(future.running()) << "a cancel() that comes too late changes nothing";
  promise.set_result(1);
  EXPECT_FALSE(future.running());
  EXPECT_EQ(outcome(future), "1");
}

TEST(Step3_Cancelling, WorkThatHasBegunMayFail) {
  Promise<int> promise;
  promise.set_running_or_notify_cancel();
  promise.set_exception(error("burnt"));
  EXPECT_EQ(outcome(promise.future()), "burnt");
}

TEST(Step3_Cancelling, AResultCannotBeCancelled) {  // CF-02
  Promise<int> well, badly;
  well.set_result(1);
  badly.set_exception(error("burnt"));
  EXPECT_FALSE(well.future().cancel());
  EXPECT_FALSE(badly.future().cancel());
  EXPECT_EQ(outcome(well.future()), "1");
  EXPECT_EQ(outcome(badly.future()), "burnt");
}

TEST(Step3_Cancelling, AResultThatIsBeingStoredCannotBeCancelled) {
  Gate gate;
  Promise<Slow> promise;
  Future<Slow> future = promise.future();
  const Slow value(1, gate);
  std::thread setter([&] { promise.set_result(value); });
  gate.wait_until_entered();
  EXPECT_FALSE(future.cancel());
  EXPECT_THROW(promise.set_running_or_notify_cancel(), concurrent::InvalidStateError);
  EXPECT_FALSE(future.done());
  gate.open();
  setter.join();
  EXPECT_EQ(future.result().number, 1);
}

TEST(Step3_Cancelling, CancelledWorkMustNotBegin) {  // CF-03
  Promise<int> promise;
  promise.future().cancel();
  EXPECT_FALSE(promise.set_running_or_notify_cancel());
  EXPECT_FALSE(promise.set_running_or_notify_cancel());
  EXPECT_TRUE(promise.future().cancelled());
}

TEST(Step3_Cancelling, WorkBeginsOnce) {  // CF-03
  Promise<int> promise;
  EXPECT_TRUE(promise.set_running_or_notify_cancel());
  EXPECT_THROW(promise.set_running_or_notify_cancel(), concurrent::InvalidStateError);
  promise.set_result(1);
  EXPECT_THROW(promise.set_running_or_notify_cancel(), concurrent::InvalidStateError);
  EXPECT_EQ(outcome(promise.future()), "1");
}

TEST(Step3_Cancelling, ACancelledFutureTakesNoOutcome) {  // CF-04
  Promise<int> promise;
  promise.future().cancel();
  EXPECT_THROW(promise.set_result(1), concurrent::InvalidStateError);
  EXPECT_THROW(promise.set_exception(error("burnt")), concurrent::InvalidStateError);
  EXPECT_EQ(outcome(promise.future()), "cancelled");
}

TEST(Step3_Cancelling, CancelReleasesEveryThreadThatWaits) {  // CF-06
  Promise<int> promise;
  std::vector<std::string> got(3);
  std::vector<std::thread> readers;
  for (auto& each : got)
    readers.emplace_back([&, future = promise.future()] { each = outcome_at_last(future); });
  course::wait_until_others_block();
  EXPECT_TRUE(promise.future().cancel());
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(got, (std::vector<std::string>(3, "cancelled")));
}

TEST(Step3_Cancelling, EitherTheWorkBeginsOrItIsCancelled) {  // CF-03
  for (int round = 0; round < 500; ++round) {
    Promise<int> promise;
    Future<int> future = promise.future();
    std::barrier start(2);
    std::atomic<bool> begun = false;
    std::jthread worker([&] {
      start.arrive_and_wait();
      begun = promise.set_running_or_notify_cancel();
      if (begun) promise.set_result(1);
    });
    start.arrive_and_wait();
    const bool cancelled = future.cancel();
    worker.join();
    ASSERT_NE(cancelled, begun) << "cancel() and the worker must not both win, nor both lose";
    ASSERT_EQ(outcome(future), cancelled ? "cancelled" : "1");
  }
}

TEST(Step3_Cancelling, EitherTheResultIsSetOrTheFutureIsCancelled) {
  for (int round = 0; round < 500; ++round) {
    Promise<int> promise;
    Future<int> future = promise.future();
    std::barrier start(2);
    std::atomic<bool> set = false;
    std::jthread setter([&] {
      start.arrive_and_wait();
      try {
        promise.set_result(1);
        set = true;
      } catch (const concurrent::InvalidStateError&) {
      }
    });
    start.arrive_and_wait();
    const bool cancelled = future.cancel();
    setter.join();
    ASSERT_NE(cancelled, set);
    ASSERT_EQ(outcome(future), cancelled ? "cancelled" : "1");
  }
}

TEST(Step3_Cancelling, APromiseDroppedBeforeTheWorkBeganIsCancelled) {
  std::optional<Promise<int>> promise(std::in_place);
  const Future<int> future = promise->future();
  std::string got;
  std::thread reader([&] { got = outcome_at_last(future); });
  course::wait_until_others_block();
  promise.reset();
  reader.join();  // hangs if nobody tells it that no result will come
  EXPECT_EQ(got, "cancelled");
  EXPECT_TRUE(future.cancelled());
}

TEST(Step3_Cancelling, APromiseDroppedWhileTheWorkRunsIsBroken) {
  std::optional<Promise<int>> promise(std::in_place);
  const Future<int> future = promise->future();
  promise->set_running_or_notify_cancel();
  std::string got;
  std::thread reader([&] { got = outcome_at_last(future); });
  course::wait_until_others_block();
  promise.reset();
  reader.join();
  EXPECT_EQ(got, "broken promise");
  EXPECT_EQ(future.state(), FutureState::finished);
}

TEST(Step3_Cancelling, IfThereIsAReasonTheDroppedPromiseTellsIt) {
  std::optional<Promise<int>> pending(std::in_place), running(std::in_place);
  running->set_running_or_notify_cancel();
  const Future<int> one = pending->future(), other = running->future();
  {
    const concurrent::DropReason reason(error("no gas"));
    pending.reset();
    running.reset();
  }
  EXPECT_EQ(outcome(one), "no gas");
  EXPECT_EQ(outcome(other), "no gas");
  EXPECT_EQ(one.state(), FutureState::finished) << "it was not cancelled: it failed";
}

TEST(Step3_Cancelling, ADroppedPromiseThatWasKeptOrCancelledChangesNothing) {
  std::optional<Promise<int>> kept(std::in_place), cancelled(std::in_place);
  const Future<int> one = kept->future();
  Future<int> other = cancelled->future();
  kept->set_result(1);
  other.cancel();
  {
    const concurrent::DropReason reason(error("no gas"));
    kept.reset();
    cancelled.reset();
  }
  EXPECT_EQ(outcome(one), "1");
  EXPECT_EQ(outcome(other), "cancelled");
}

TEST(Step3_Cancelling, AMovedPromiseIsNotDropped) {
  std::optional<Promise<int>> first(std::in_place);
  const Future<int> future = first->future();
  Promise<int> second(std::move(*first));
  first.reset();
  EXPECT_EQ(outcome(future), "not done");
  const Future<int> dropped = std::exchange(second, Promise<int>()).future();
  EXPECT_EQ(outcome(future), "cancelled") << "its last owner was a temporary";
  EXPECT_EQ(dropped, future);
}

TEST(Step3_Cancelling, AFutureMayOutliveItsPromise) {
  std::optional<Promise<std::string>> promise(std::in_place);
  const auto future = promise->future();
  promise->set_result("a result too long for the string itself");
  promise.reset();
  EXPECT_EQ(future.result(), "a result too long for the string itself");
  std::optional<Promise<void>> other(std::in_place);
  other.reset();  // nobody cares
}

// Step 4: done-callbacks.

TEST(Step4_Callbacks, ACallbackIsCalledOnceWithTheFuture) {  // CF-09
  Promise<int> promise;
  Future<int> future = promise.future();
  int calls = 0;
  future.add_done_callback([&](Future<int> done) {
    ++calls;
    EXPECT_EQ(done, future);
    EXPECT_EQ(outcome(done), "42") << "whoever is called back finds the future done";
  });
  EXPECT_EQ(calls, 0) << "not before the future is done";
  promise.set_result(42);
  EXPECT_EQ(calls, 1);
  EXPECT_THROW(promise.set_result(43), concurrent::InvalidStateError);
  EXPECT_EQ(calls, 1);
}

TEST(Step4_Callbacks, CallbacksAreCalledInTheOrderInWhichTheyWereAdded) {  // CF-09
  Promise<void> promise;
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) promise.future().add_done_callback([&order, i](auto) { order.push_back(i); });
  promise.set_result();
  ASSERT_EQ(order.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step4_Callbacks, CallbacksAreCalledHoweverTheFutureEnds) {  // CF-02, CF-09
  std::vector<std::string> told;
  const auto tell = [&](const Future<int>& future) { told.push_back(outcome(future)); };
  Promise<int> well, badly, never, begun;
  std::optional<Promise<int>> dropped(std::in_place);
  for (auto* promise : {&well, &badly, &never, &begun, &*dropped}) promise->future().add_done_callback(tell);
  well.set_result(1);
  badly.set_exception(error("burnt"));
  never.future().cancel();
  never.future().cancel();  // again: nobody is told twice
  begun.set_running_or_notify_cancel();
  EXPECT_EQ(told.size(), 3u) << "work that begins is not done";
  begun.set_result(2);
  dropped.reset();
  EXPECT_EQ(told, (std::vector<std::string>{"1", "burnt", "cancelled", "2", "cancelled"}));
}

TEST(Step4_Callbacks, ACallbackRunsOnTheThreadThatMakesTheFutureDone) {  // CF-09
  Promise<void> promise, cancelled;
  std::thread::id called_on, cancelled_on;
  promise.future().add_done_callback([&](auto) { called_on = std::this_thread::get_id(); });
  cancelled.future().add_done_callback([&](auto) { cancelled_on = std::this_thread::get_id(); });
  std::thread setter([&] {
    promise.set_result();
    cancelled.future().cancel();
  });
  const auto id = setter.get_id();
  setter.join();
  EXPECT_EQ(called_on, id);
  EXPECT_EQ(cancelled_on, id);
}

TEST(Step4_Callbacks, OnAFutureThatIsDoneTheCallbackRunsAtOnce) {  // CF-10
  std::vector<std::string> told;
  const auto tell = [&, here = std::this_thread::get_id()](const Future<int>& future) {
    told.push_back(outcome(future));
    EXPECT_EQ(std::this_thread::get_id(), here);
  };
  Promise<int> well, badly, never;
  std::thread([&] {
    well.set_result(1);
    badly.set_exception(error("burnt"));
    never.future().cancel();
  }).join();
  well.future().add_done_callback(tell);
  EXPECT_EQ(told, (std::vector<std::string>{"1"})) << "before add_done_callback() returns";
  badly.future().add_done_callback(tell);
  never.future().add_done_callback(tell);
  EXPECT_EQ(told, (std::vector<std::string>{"1", "burnt", "cancelled"}));
}

TEST(Step4_Callbacks, WhatACallbackThrowsGoesToTheHandlerAndTheOthersAreCalled) {  // CF-11
  CallbackErrors errors;
  Promise<int> promise;
  std::vector<int> called;
  promise.future().add_done_callback([&](auto) {
    called.push_back(1);
    throw std::runtime_error("burnt");
  });
  promise.future().add_done_callback([&](auto) {
    called.push_back(2);
    throw 7;
  });
  promise.future().add_done_callback([&](auto) { called.push_back(3); });
  EXPECT_NO_THROW(promise.set_result(42));
  EXPECT_EQ(called, (std::vector<int>{1, 2, 3}));
  EXPECT_NO_THROW(promise.future().add_done_callback([](auto) { throw std::runtime_error("too late"); }));
  EXPECT_EQ(errors.told, (std::vector<std::string>{"burnt", "7", "too late"}));
  EXPECT_EQ(outcome(promise.future()), "42");
}

TEST(Step4_Callbacks, ACallbackMayUseItsFuture) {  // CF-12
  Promise<int> promise;
  std::vector<std::string> log;
  promise.future().add_done_callback([&](Future<int> future) {
    log.push_back(std::to_string(future.result()));
    log.push_back(future.cancel() ? "cancelled" : "too late");
    future.add_done_callback([&](auto) { log.push_back("at once"); });
    log.push_back("after");
  });
  promise.future().add_done_callback([&](auto) { log.push_back("next"); });
  promise.set_result(42);
  EXPECT_EQ(log, (std::vector<std::string>{"42", "too late", "at once", "after", "next"}));
}

TEST(Step4_Callbacks, WhileACallbackRunsOtherThreadsMayUseTheFuture) {  // CF-12
  Promise<int> promise;
  Future<int> future = promise.future();
  int called = 0;
  const auto ask_on_another_thread = [&](auto) {
    std::thread([&] {
      EXPECT_EQ(future.result(), 42);
      EXPECT_FALSE(future.cancel());
      future.add_done_callback([&](auto) { ++called; });
    }).join();  // hangs if the callback runs under the future's lock
  };
  future.add_done_callback(ask_on_another_thread);
  promise.set_result(42);
  future.add_done_callback(ask_on_another_thread);
  EXPECT_EQ(called, 2);
}

TEST(Step4_Callbacks, ThreadsThatWaitAreReleasedBeforeTheCallbacksRun) {  // CF-13
  Promise<int> promise;
  Future<int> future = promise.future();
  std::binary_semaphore released(0);
  future.add_done_callback([&](auto) { released.acquire(); });  // hangs if the reader still waits
  std::thread reader([&] {
    EXPECT_EQ(future.result(), 42);
    released.release();
  });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
}

TEST(Step4_Callbacks, ACallbackMayOwnWhatOnlyMoves) {
  Promise<void> promise;
  int seen = 0;
  promise.future().add_done_callback([&, owned = std::make_unique<int>(7)](auto) { seen = *owned; });
  promise.set_result();
  EXPECT_EQ(seen, 7);
}

TEST(Step4_Callbacks, ACallbackThatWasCalledIsDestroyed) {
  std::atomic<int> alive = 0;
  Promise<void> promise;
  Future<void> future = promise.future();
  // It owns a handle to its own future: a circle, which must be broken when the callback has been called.
  future.add_done_callback([owned = std::make_unique<Counted>(alive), future](auto) {});
  EXPECT_EQ(alive, 1);
  promise.set_result();
  EXPECT_EQ(alive, 0) << "the future still holds a callback that it has no more use for";
}

TEST(Step4_Callbacks, ACallbacksDestructorMayUseTheFutureToo) {
  Promise<void> promise;
  Future<void> future = promise.future();
  int destroyed = 0;
  const auto at_end = [&] {
    return AtEnd([&] {
      std::thread([&] { future.cancel(); }).join();  // hangs if it is destroyed under the future's lock
      ++destroyed;
    });
  };
  future.add_done_callback([end = at_end()](auto) {});
  promise.set_result();
  future.add_done_callback([end = at_end()](auto) {});
  EXPECT_EQ(destroyed, 2);
}

TEST(Step4_Callbacks, ACallbackAddedJustWhenTheFutureIsDoneIsCalledOnce) {
  for (int round = 0; round < 300; ++round) {
    constexpr int callbacks = 20;
    Promise<void> promise;
    std::vector<std::atomic<int>> calls(callbacks);
    std::barrier start(2);
    std::jthread setter([&] {
      start.arrive_and_wait();
      promise.set_result();
    });
    start.arrive_and_wait();
    for (auto& count : calls) promise.future().add_done_callback([&count](auto) { ++count; });
    setter.join();
    ASSERT_TRUE(std::ranges::all_of(calls, [](const auto& count) { return count == 1; }));
  }
}

// Step 5: submit.

TEST(Step5_Submit, SubmitReturnsAtOnceAndTheResultComesLater) {  // CF-24
  ManualExecutor executor;
  const Future<int> future = executor.submit(add, 40, 2);
  EXPECT_EQ(future.state(), FutureState::pending);
  EXPECT_EQ(outcome(future), "not done");
  EXPECT_EQ(executor.pending(), 1u);
  executor.run_one();
  EXPECT_EQ(future.state(), FutureState::finished);
  EXPECT_EQ(outcome(future), "42");
}

TEST(Step5_Submit, AnyExecutorWillDo) {  // CF-24
  InlineExecutor here;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  for (concurrent::Executor* executor : std::initializer_list<concurrent::Executor*>{&here, &pool, &strand}) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 500; ++i) futures.push_back(executor->submit(add, i, 1));
    for (int i = 0; i < 500; ++i) ASSERT_EQ(futures[static_cast<std::size_t>(i)].result(), i + 1);
  }
}

TEST(Step5_Submit, TheCallRunsOnAWorkerAndTheCallbacksToo) {  // CF-09
  std::thread::id worker, called_on;
  Gate gate;
  {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    Future<void> future = pool.submit(Call([&] {
      gate.pass();
      worker = std::this_thread::get_id();
    }));
    future.add_done_callback([&](auto) { called_on = std::this_thread::get_id(); });
    gate.open();
  }
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_EQ(called_on, worker);
}

TEST(Step5_Submit, WhatTheCallThrowsComesOutOfResultAndTheWorkerLivesOn) {  // CF-25
  int told = 0;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  pool.set_exception_handler([&](auto) { ++told; });
  const Future<int> burnt = pool.submit(IntCall([]() -> int { throw std::runtime_error("burnt"); }));
  const Future<void> seven = pool.submit(Call([] { throw 7; }));
  const Future<int> fine = pool.submit(add, 40, 2);
  EXPECT_EQ(outcome_at_last(burnt), "burnt");
  EXPECT_EQ(outcome_at_last(seven), "7") << "anything can be thrown";
  EXPECT_EQ(fine.result(), 42);
  pool.shutdown();
  EXPECT_EQ(told, 0) << "what a future keeps is no news for the executor's exception handler";
}

TEST(Step5_Submit, ArgumentsAreCopied) {  // CF-24
  ManualExecutor executor;
  std::string word = "salt";
  const auto say = [](const std::string& what) { return what; };
  const Future<std::string> copied = executor.submit(say, word);
  const Future<std::string> referred = executor.submit(say, std::cref(word));
  word = "pepper";
  executor.run_all();
  EXPECT_EQ(outcome(copied), "salt");
  EXPECT_EQ(outcome(referred), "pepper") << "std::ref and std::cref pass a reference";
}

TEST(Step5_Submit, ArgumentsAreMovedIntoTheCall) {  // CF-24
  ManualExecutor executor;
  auto whole = std::make_unique<int>(41);
  const auto eat = [](std::unique_ptr<int> one, std::unique_ptr<int>&& other) { return *one + *other; };
  const Future<int> future = executor.submit(eat, std::move(whole), std::make_unique<int>(1));
  EXPECT_FALSE(whole);
  executor.run_all();
  EXPECT_EQ(outcome(future), "42");
}

TEST(Step5_Submit, FunctionsAndResultsMayBeMoveOnly) {  // CF-24
  ManualExecutor executor;
  const auto future =
      executor.submit([owned = std::make_unique<int>(42)]() mutable { return std::move(owned); });
  executor.run_all();
  EXPECT_EQ(*future.result(), 42);
}

TEST(Step5_Submit, AnythingThatCanBeInvokedCanBeSubmitted) {  // CF-24
  struct Pot {
    int liters = 3;
    int filled(int by) const { return liters + by; }
    void empty() { liters = 0; }
  };
  ManualExecutor executor;
  Pot pot;
  const Future<int> copy = executor.submit(&Pot::filled, pot, 1);
  const Future<int> pointed = executor.submit(&Pot::filled, &pot, 2);
  const Future<int&> member = executor.submit(&Pot::liters, std::ref(pot));
  const Future<void> emptied = executor.submit(&Pot::empty, std::ref(pot));
  executor.run_all();
  EXPECT_EQ(outcome(copy), "4");
  EXPECT_EQ(outcome(pointed), "5");
  EXPECT_EQ(&member.result(0s), &pot.liters);
  EXPECT_EQ(outcome(emptied), "done");
  EXPECT_EQ(pot.liters, 0);
}

TEST(Step5_Submit, AReferenceThatTheCallReturnsStaysOne) {
  InlineExecutor executor;
  int pot = 1;
  Future<int&> future = executor.submit([&]() -> int& { return pot; });
  future.result() = 2;
  EXPECT_EQ(pot, 2);
}

TEST(Step5_Submit, AResultThatCannotBeStoredMakesAnException) {
  InlineExecutor executor;
  const auto future = executor.submit([made = std::make_unique<ThrowsWhenMoved>()]() -> ThrowsWhenMoved {
    return std::move(*made);  // moved once already to get out of here
  });
  EXPECT_EQ(what(future.exception()), "unmovable");
}

TEST(Step5_Submit, WhileTheCallRunsItCannotBeCancelled) {  // CF-01, CF-02
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  Future<void> future = pool.submit(Call([&] { gate.pass(); }));
  gate.wait_until_entered();
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.cancel());
  gate.open();
  EXPECT_NO_THROW(future.result());
}

TEST(Step5_Submit, ACancelledCallNeverRuns) {  // CF-45
  std::atomic<int> ran = 0;
  Gate gate;
  {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    pool.submit(Call([&] { gate.pass(); }));
    Future<void> first = pool.submit(Call([&] { ran += 100; }));
    const Future<void> second = pool.submit(Call([&] { ++ran; }));
    Future<void> last = pool.submit(Call([&] { ran += 100; }));
    EXPECT_TRUE(first.cancel());
    EXPECT_TRUE(last.cancel());
    gate.open();
    second.result();
  }  // hangs if the worker stumbles over a cancelled call
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Submit, ACancelledCallIsDestroyedWhenItsTurnComes) {  // CF-45, CF-32
  std::atomic<int> alive = 0;
  ManualExecutor executor;
  Future<void> future = executor.submit(Owner(alive));
  future.cancel();
  EXPECT_TRUE(executor.run_one());
  EXPECT_EQ(alive, 0) << "the handle to the future must not keep alive what the call owns";
  EXPECT_TRUE(future.cancelled());
}

TEST(Step5_Submit, TheCallIsDestroyedBeforeTheResultIsPublished) {  // CF-32
  for (const bool fails : {false, true}) {
    std::atomic<int> alive = 0;
    int left_over = -1;
    ManualExecutor executor;
    Future<int> future = executor.submit(
        [fails](const std::unique_ptr<Counted>&) { return fails ? throw std::runtime_error("burnt") : 42; },
        std::make_unique<Counted>(alive));
    future.add_done_callback([&](auto) { left_over = alive; });
    executor.run_all();
    EXPECT_EQ(outcome(future), fails ? "burnt" : "42");
    EXPECT_EQ(left_over, 0) << "whoever has the result may rely on that function and arguments are gone";
  }
}

TEST(Step5_Submit, WhatIsDroppedUnrunIsCancelledAndDestroyed) {
  std::atomic<int> alive = 0;
  std::optional<ManualExecutor> executor(std::in_place);
  int left_over = -1;
  Future<void> future = executor->submit(Owner(alive));
  future.add_done_callback([&](auto) { left_over = alive; });
  std::string got;
  std::thread reader([&] { got = outcome_at_last(future); });
  course::wait_until_others_block();
  executor.reset();
  reader.join();  // hangs if the dropped job does not tell its future
  EXPECT_EQ(got, "cancelled");
  EXPECT_EQ(left_over, 0) << "the call is destroyed first, as after a run";
}

TEST(Step5_Submit, ShutdownCancelsTheFuturesThatHaveNotBegun) {  // CF-42
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const Future<int> running = pool.submit(IntCall([&] {
    gate.pass();
    return ++ran;
  }));
  gate.wait_until_entered();
  std::vector<Future<int>> queued;
  for (int i = 0; i < 10; ++i) queued.push_back(pool.submit(IntCall([&] { return ++ran; })));
  std::string got;
  std::thread reader([&] { got = outcome_at_last(queued.back()); });
  pool.shutdown({.wait = false, .cancel_futures = true});
  reader.join();
  EXPECT_EQ(got, "cancelled");
  for (const auto& future : queued) EXPECT_EQ(outcome(future), "cancelled");
  EXPECT_TRUE(running.running());
  gate.open();
  pool.shutdown();
  EXPECT_EQ(outcome(running), "1") << "the call that had begun finishes";
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Submit, SubmitAfterShutdownThrows) {  // CF-39
  std::atomic<int> alive = 0;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const Future<int> future = pool.submit(add, 40, 2);
  pool.shutdown();
  EXPECT_THROW(pool.submit(Owner(alive)), concurrent::ExecutorShutdown);
  EXPECT_EQ(alive, 0) << "a call that is refused is destroyed";
  EXPECT_EQ(outcome(future), "42") << "results stay when the executor goes";
}

TEST(Step5_Submit, FuturesOfABrokenPoolTellThatItBroke) {  // CF-14, CF-38
  std::latch fail(1);
  ThreadPoolExecutor pool{{.max_workers = 1, .initializer = [&] {
                             fail.wait();
                             throw std::runtime_error("no stove");
                           }}};
  pool.set_exception_handler([](auto) {});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(pool.submit(add, i, i));
  fail.count_down();
  for (const auto& future : futures) EXPECT_EQ(outcome_at_last(future), "broken pool");
  EXPECT_THROW(futures[0].result(), concurrent::BrokenExecutor);
  EXPECT_THROW(pool.submit(add, 1, 1), concurrent::BrokenThreadPool);
}

TEST(Step5_Submit, ACallMaySubmitCalls) {
  std::vector<int> order;
  ManualExecutor executor;
  std::optional<Future<int>> inner;
  const Future<int> outer = executor.submit(IntCall([&] {
    order.push_back(1);
    inner = executor.submit(IntCall([&] {
      order.push_back(2);
      return 2;
    }));
    return 1;
  }));
  EXPECT_EQ(executor.run_all(), 2u);
  EXPECT_EQ(outer.result(0s) + inner->result(0s), 3);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Step5_Submit, ACallThatIsCancelledOrDroppedEndsOnce) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran = 0, told = 0;
    ThreadPoolExecutor pool{{.max_workers = 1}};
    std::vector<Future<void>> futures;
    for (int i = 0; i < 10; ++i) {
      futures.push_back(pool.submit(Call([&] { ++ran; })));
      futures.back().add_done_callback([&](auto) { ++told; });
    }
    std::jthread canceller([&] {
      for (auto& future : futures) future.cancel();
    });
    pool.shutdown({.wait = true, .cancel_futures = true});
    canceller.join();
    const auto finished = std::ranges::count(futures, FutureState::finished, &Future<void>::state);
    ASSERT_EQ(finished, ran);
    ASSERT_EQ(told, 10);
    ASSERT_EQ(std::ranges::count(futures, FutureState::cancelled, &Future<void>::state), 10 - finished);
  }
}

TEST(Step5_Submit, ASubmitAllocatesOnceAndAResultNever) {
  Preallocated executor(4);
  const auto use = [&] {
    const Future<int> future = executor.submit(add, 40, 2);
    executor.run_all();
    EXPECT_EQ(future.result(), 42);
  };
  EXPECT_EQ(course::allocations_in(use), 1u) << "function, arguments, result and future share one block";
  std::optional<Future<int>> future;
  EXPECT_EQ(course::allocations_in([&] { future = executor.submit(add, 40, 2); }), 1u);
  executor.run_all();
  EXPECT_EQ(course::allocations_in([&] { future->result(); }), 0u);
}

TEST(Step5_Submit, AnExecutorThatHasGrownAddsNoAllocationOfItsOwn) {
  ManualExecutor executor;
  const auto run_one = [&] {
    const Future<int> future = executor.submit(add, 40, 2);
    executor.run_one();
    future.result();
  };
  run_one();
  EXPECT_EQ(course::allocations_in(run_one), 1u);
}

TEST(Step5_Submit, AWarmPoolAllocatesOnceForASubmitAndItsResult) {
  std::size_t allocations = 0;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  for (int i = 0; i < 4; ++i) {  // the worker has started, and both ends of its queue have grown
    allocations = course::allocations_in([&] { pool.submit(add, 40, 2).result(); });
    course::wait_until_others_block();
  }
  EXPECT_EQ(allocations, 1u);
}

// Step 6: wait for many.

TEST(Step6_Wait, AllCompletedWaitsForAll) {  // CF-15
  Several several(3);
  several.promises[1].set_result(0);
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    const auto [done, not_done] = concurrent::wait(several.futures);
    returned = true;
    EXPECT_EQ(done, several.futures);
    EXPECT_TRUE(not_done.empty());
  });
  course::wait_until_others_block();
  several.promises[2].set_exception(error("burnt"));
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "one is not done yet";
  several.promises[0].future().cancel();
  waiter.join();
}

TEST(Step6_Wait, TheFuturesMayComeFromDifferentExecutors) {  // CF-15
  ThreadPoolExecutor one{{.max_workers = 1}}, other{{.max_workers = 1}};
  Promise<int> promise;
  promise.set_result(3);
  const std::array futures{one.submit(add, 0, 1), other.submit(add, 1, 1), promise.future()};
  const auto [done, not_done] = concurrent::wait(futures);
  ASSERT_EQ(done.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)].result(), i + 1);
}

TEST(Step6_Wait, EachFutureIsFoundOnceInTheOrderGiven) {  // CF-15
  Several several(3);
  for (std::size_t i : {2, 0}) several.promises[i].set_result(0);
  const auto [done, not_done] = concurrent::wait(several.at({1, 2, 0, 1, 0, 2, 2}), {.timeout = 0s});
  EXPECT_EQ(done, several.at({2, 0}));
  EXPECT_EQ(not_done, several.at({1}));
}

TEST(Step6_Wait, WithNoFuturesItReturnsAtOnce) {  // CF-15
  for (const auto when :
       {ReturnWhen::all_completed, ReturnWhen::first_completed, ReturnWhen::first_exception}) {
    const auto [done, not_done] = concurrent::wait(std::vector<Future<int>>(), {.return_when = when});
    EXPECT_TRUE(done.empty());
    EXPECT_TRUE(not_done.empty());
  }
}

TEST(Step6_Wait, FirstCompletedWaitsForOne) {  // CF-16
  Several several(3);
  std::thread waiter([&] {
    const auto [done, not_done] =
        concurrent::wait(several.futures, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(done, several.at({1}));
    EXPECT_EQ(not_done, several.at({0, 2}));
  });
  course::wait_until_others_block();
  several.promises[1].set_result(0);
  waiter.join();
  several.finish_all();
}

TEST(Step6_Wait, FirstCompletedReturnsAtOnceThoseThatAreDone) {  // CF-16
  Several several(4);
  several.promises[3].set_result(0);
  several.promises[1].future().cancel();
  const auto [done, not_done] =
      concurrent::wait(several.futures, {.return_when = ReturnWhen::first_completed});
  EXPECT_EQ(done, several.at({1, 3}));
  EXPECT_EQ(not_done, several.at({0, 2}));
  several.finish_all();
}

TEST(Step6_Wait, FirstExceptionWaitsForAFailure) {  // CF-17
  Several several(4);
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    const auto [done, not_done] =
        concurrent::wait(several.futures, {.return_when = ReturnWhen::first_exception});
    returned = true;
    EXPECT_EQ(done, several.at({0, 1, 2}));
    EXPECT_EQ(not_done, several.at({3}));
  });
  course::wait_until_others_block();
  several.promises[0].set_result(0);
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "a result is no exception";
  several.promises[1].future().cancel();
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "a cancelled future does not count as failed";
  several.promises[2].set_exception(error("burnt"));
  waiter.join();
  several.finish_all();
}

TEST(Step6_Wait, FirstExceptionCountsThoseThatHaveFailedAlready) {  // CF-17
  Several several(4);
  several.promises[1].set_result(0);
  several.promises[2].set_exception(error("burnt"));
  several.promises[3].future().cancel();
  const auto [done, not_done] =
      concurrent::wait(several.futures, {.return_when = ReturnWhen::first_exception});
  EXPECT_EQ(done, several.at({1, 2, 3}));
  EXPECT_EQ(not_done, several.at({0}));
  several.finish_all();
}

TEST(Step6_Wait, FirstExceptionWithoutOneWaitsForAll) {  // CF-17
  Several several(3);
  several.promises[2].set_result(0);
  std::thread waiter([&] {
    const auto [done, not_done] =
        concurrent::wait(several.futures, {.return_when = ReturnWhen::first_exception});
    EXPECT_EQ(done, several.futures);
  });
  course::wait_until_others_block();
  several.promises[0].future().cancel();
  several.promises[1].set_result(0);
  waiter.join();
}

TEST(Step6_Wait, ACancelledFutureIsDoneAtOnce) {  // CF-18
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const Future<void> running = pool.submit(Call([&] { gate.pass(); }));
  gate.wait_until_entered();
  std::vector<Future<void>> queued;
  for (int i = 0; i < 2; ++i) queued.push_back(pool.submit(Call([] {})));
  EXPECT_TRUE(queued[0].cancel());
  pool.shutdown({.wait = false, .cancel_futures = true});
  const auto [done, not_done] = concurrent::wait(queued);  // in Python this waits for ever
  EXPECT_EQ(done, queued);
  gate.open();
}

TEST(Step6_Wait, WhenTheTimeIsUpItReturnsWhatThereIs) {  // CF-19
  Several several(3);
  several.promises[1].set_result(0);
  for (const auto timeout : {-1'000ms, 0ms, 1ms}) {
    const auto [done, not_done] = concurrent::wait(several.futures, {.timeout = timeout});
    EXPECT_EQ(done, several.at({1}));
    EXPECT_EQ(not_done, several.at({0, 2}));
  }
  several.finish_all();  // nobody waits for these any more
  const auto [done, not_done] = concurrent::wait(several.futures, {.timeout = 0s});
  EXPECT_EQ(done, several.futures) << "a timeout of 0 asks without waiting";
}

TEST(Step6_Wait, AWaitWithATimeoutEndsWhenAllAreDone) {  // CF-19
  Several several(2);
  std::thread waiter([&] { EXPECT_EQ(concurrent::wait(several.futures, {.timeout = 1h}).done.size(), 2u); });
  course::wait_until_others_block();
  several.finish_all();
  waiter.join();
}

TEST(Step6_Wait, AnyRangeOfFuturesWillDo) {
  Several several(3);
  several.finish_all();
  EXPECT_EQ(concurrent::wait(std::as_const(several.futures)).done, several.futures);
  const auto some = several.futures | std::views::drop(1);
  EXPECT_EQ(concurrent::wait(some).done, several.at({1, 2}));
  const auto made = several.promises | std::views::transform(&Promise<int>::future);
  EXPECT_EQ(concurrent::wait(made).done, several.futures);
  std::unordered_set<Future<int>> set(several.futures.begin(), several.futures.end());
  EXPECT_EQ(concurrent::wait(set).done.size(), 3u);
}

TEST(Step6_Wait, FuturesThatAreDoneWhileItBeginsAreNotMissed) {  // CF-20
  for (int round = 0; round < 50; ++round) {
    Several several(100);
    std::barrier start(2);
    std::jthread setter([&] {
      start.arrive_and_wait();
      several.finish_all();
    });
    start.arrive_and_wait();
    concurrent::wait(several.futures, {.return_when = ReturnWhen::first_completed});
    concurrent::wait(several.futures, {.timeout = 0s});
    ASSERT_EQ(concurrent::wait(several.futures).done.size(), 100u);
  }
}

TEST(Step6_Wait, WaitingForManyUsesNoProcessorTime) {
  Several several(3);
  std::thread waiter([&] { concurrent::wait(several.futures); });
  course::wait_until_others_block();
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0);
  several.finish_all();
  waiter.join();
}

// Step 7: as they come.

TEST(Step7_AsCompleted, ThoseThatAreDoneComeFirstThenTheOthersAsTheyAreDone) {  // CF-21
  Several several(5);
  several.promises[3].set_result(0);
  several.promises[1].set_exception(error("burnt"));
  auto futures = concurrent::as_completed(several.futures);
  std::vector<Future<int>> order;
  for (int i = 0; i < 2; ++i) order.push_back(*futures.next());
  EXPECT_EQ((std::unordered_set<Future<int>>(order.begin(), order.end())),
            (std::unordered_set<Future<int>>{several.futures[1], several.futures[3]}));
  several.promises[4].set_result(0);
  several.promises[0].future().cancel();
  several.promises[2].set_result(0);
  order.clear();
  for (auto& future : futures) order.push_back(future);
  EXPECT_EQ(order, several.at({4, 0, 2})) << "in the order in which they were done, however they ended";
  EXPECT_EQ(futures.next(), std::nullopt);
}

TEST(Step7_AsCompleted, TheLoopWaitsForTheNext) {  // CF-21
  Several several(3);
  std::vector<Future<int>> order;
  std::thread reader([&] {
    for (auto& future : concurrent::as_completed(several.futures)) order.push_back(future);
  });
  for (std::size_t i : {1, 2, 0}) {
    course::wait_until_others_block();
    several.promises[i].set_result(0);
  }
  reader.join();
  EXPECT_EQ(order, several.at({1, 2, 0}));
}

TEST(Step7_AsCompleted, EachFutureComesOnce) {  // CF-21
  Several several(2);
  several.promises[1].set_result(0);
  auto futures = concurrent::as_completed(several.at({0, 1, 0, 1, 1, 0}));
  EXPECT_EQ(futures.next(), several.futures[1]);
  several.promises[0].set_result(0);
  EXPECT_EQ(futures.next(), several.futures[0]);
  EXPECT_EQ(futures.next(), std::nullopt);
}

TEST(Step7_AsCompleted, NoFuturesMeanNoLoop) {
  Promise<int> promise;
  promise.set_result(1);
  int loops = 0;
  for (auto& future : concurrent::as_completed(std::vector<Future<int>>())) loops += 100 * future.done();
  for (auto& future : concurrent::as_completed(std::vector{promise.future()})) loops += future.done();
  EXPECT_EQ(loops, 1);
}

TEST(Step7_AsCompleted, WhenTheTimeIsUpTheLoopThrows) {  // CF-22
  Several several(4);
  for (std::size_t i : {3, 1}) several.promises[i].set_result(0);
  auto futures = concurrent::as_completed(several.futures, {.timeout = 0s});
  EXPECT_TRUE(futures.next()) << "those that are done come all the same";
  EXPECT_TRUE(futures.next());
  try {
    futures.next();
    FAIL() << "two futures are not done, and the time is up";
  } catch (const concurrent::TimeoutError& e) {
    EXPECT_STREQ(e.what(), "2 (of 4) futures unfinished");
  }
  EXPECT_EQ(futures.next(), std::nullopt) << "after an exception the range has ended";
  several.finish_all();
}

TEST(Step7_AsCompleted, TheTimeoutCountsEachFutureOnce) {  // CF-22
  Several several(3);
  several.promises[2].set_result(0);
  auto futures = concurrent::as_completed(several.at({0, 0, 1, 2, 2, 1}), {.timeout = 1ms});
  EXPECT_EQ(futures.next(), several.futures[2]);
  try {
    futures.next();
    FAIL() << "two futures are not done, and the time is up";
  } catch (const concurrent::TimeoutError& e) {
    EXPECT_STREQ(e.what(), "2 (of 3) futures unfinished");
  }
  several.finish_all();
}

TEST(Step7_AsCompleted, ATimeoutThatIsNotNeededDoesNoHarm) {  // CF-22
  ThreadPoolExecutor pool{{.max_workers = 2}};
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(add, i, 0));
  int sum = 0;
  for (auto& future : concurrent::as_completed(futures, {.timeout = 1h})) sum += future.result();
  EXPECT_EQ(sum, 99 * 100 / 2);
}

TEST(Step7_AsCompleted, AFutureThatWasGivenIsNotKeptAlive) {  // CF-23
  Several several(2);
  auto futures = concurrent::as_completed(several.at({0, 1}));
  const std::weak_ptr<void> result = several.futures[1].shared_state();
  several.promises[1].set_result(42);
  several.promises.pop_back();
  several.futures.clear();
  EXPECT_FALSE(result.expired()) << "the range has yet to give it";
  EXPECT_EQ(futures.next()->result(), 42);
  EXPECT_TRUE(result.expired()) << "the range still holds a future that it has given away";
  several.finish_all();
}

TEST(Step7_AsCompleted, ARangeThatIsGivenUpLeavesNothingBehind) {  // CF-23
  Several several(3);
  several.promises[0].set_result(0);
  const auto held = several.futures[1].shared_state().use_count();
  {
    auto futures = concurrent::as_completed(several.futures);
    EXPECT_EQ(futures.next(), several.futures[0]);
    EXPECT_GT(several.futures[1].shared_state().use_count(), held);
  }
  EXPECT_EQ(several.futures[1].shared_state().use_count(), held);
  several.finish_all();  // crashes if a node is still in the list
  for (auto& future : concurrent::as_completed(several.futures)) {
    EXPECT_TRUE(future.done());
    break;
  }
}

TEST(Step7_AsCompleted, FuturesThatAreDoneWhileTheLoopEndsDoNoHarm) {  // CF-23
  for (int round = 0; round < 200; ++round) {
    Several several(20);
    std::barrier start(2);
    std::jthread setter([&] {
      start.arrive_and_wait();
      several.finish_all();
    });
    start.arrive_and_wait();
    auto futures = concurrent::as_completed(several.futures);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(futures.next());
  }
}

// Step 8: map.

TEST(Step8_Map, ResultsComeInTheOrderOfTheItems) {  // CF-26
  constexpr int items = 4;
  std::vector<std::binary_semaphore*> done;
  std::deque<std::binary_semaphore> semaphores;
  for (int i = 0; i <= items; ++i) done.push_back(&semaphores.emplace_back(0));
  done[items]->release();
  ThreadPoolExecutor pool{{.max_workers = items}};
  const IntOfInt last_one_first = [&](int item) {
    done[static_cast<std::size_t>(item) + 1]->acquire();
    done[static_cast<std::size_t>(item)]->release();
    return 10 * item;
  };
  EXPECT_EQ(to_vector(pool.map(last_one_first, std::views::iota(0, items))),
            (std::vector<int>{0, 10, 20, 30}));
}

TEST(Step8_Map, SeveralRangesAreReadSideBySideUntilTheShortestEnds) {  // CF-26
  InlineExecutor executor;
  const std::vector<int> tens{10, 20, 30};
  EXPECT_EQ(to_vector(executor.map(add, tens, std::vector{1, 2, 3, 4})), (std::vector<int>{11, 22, 33}));
  EXPECT_EQ(to_vector(executor.map(add, std::views::iota(1), tens)), (std::vector<int>{11, 22, 33}));
  const auto add_all = [](int a, long b, const std::string& c) {
    return a + static_cast<int>(b) + std::stoi(c);
  };
  const std::array<std::string, 2> hundreds{"100", "200"};
  EXPECT_EQ(to_vector(executor.map(add_all, tens, std::views::iota(1L), hundreds)),
            (std::vector<int>{111, 222}));
  EXPECT_TRUE(to_vector(executor.map(add, tens, std::vector<int>())).empty());
}

TEST(Step8_Map, AllCallsAreSubmittedBeforeMapReturns) {  // CF-27
  std::vector<int> seen;
  ManualExecutor executor;
  const IntOfInt see = [&](int item) { return seen.push_back(item), item; };
  auto results = executor.map(see, std::views::iota(0, 50));
  EXPECT_EQ(executor.pending(), 50u);
  executor.run_all();
  EXPECT_EQ(seen.size(), 50u) << "the calls run even if nobody reads their results";
  EXPECT_TRUE(std::ranges::is_sorted(seen)) << "they are submitted in order";
  EXPECT_EQ(results.next(), 0);
}

TEST(Step8_Map, ItemsMayComeFromATemporaryOrFromARangeThatIsReadOnce) {
  ManualExecutor executor;
  const auto length = [](const std::string& word) { return static_cast<int>(word.size()); };
  auto lengths = executor.map(length, std::vector<std::string>{"salt", "a word too long for the string"});
  std::size_t pulled = 0;
  auto counted = executor.map(length, concurrent::InputRange<std::string>([&] {
                                return pulled < 3 ? std::optional(std::string(++pulled, 'x')) : std::nullopt;
                              }));
  executor.run_all();
  EXPECT_EQ(to_vector(lengths), (std::vector<int>{4, 30}));
  EXPECT_EQ(to_vector(counted), (std::vector<int>{1, 2, 3}));
}

TEST(Step8_Map, AnExceptionComesAtItsPlaceAndEndsTheRange) {  // CF-28
  std::atomic<int> ran = 0;
  ManualExecutor executor;
  const IntOfInt burn = [&](int item) { return ++ran, item == 2 ? throw std::runtime_error("burnt") : item; };
  auto results = executor.map(burn, std::views::iota(0, 6));
  for (int i = 0; i < 3; ++i) executor.run_one();
  EXPECT_EQ(results.next(), 0);
  EXPECT_EQ(results.next(), 1) << "what came before is given first";
  EXPECT_THROW(results.next(), std::runtime_error);
  EXPECT_EQ(results.next(), std::nullopt) << "after an exception the range has ended";
  EXPECT_EQ(executor.run_all(), 3u);
  EXPECT_EQ(ran, 3) << "nobody will read the other results: their calls are cancelled";
}

TEST(Step8_Map, WhenTheTimeIsUpTheLoopThrowsAndTheRestIsCancelled) {  // CF-29, CF-30
  std::atomic<int> ran = 0;
  ManualExecutor executor;
  const IntOfInt run = [&](int item) { return ++ran, item; };
  auto results = executor.map(run, std::views::iota(0, 5), {.timeout = 0s});
  for (int i = 0; i < 2; ++i) executor.run_one();
  EXPECT_EQ(results.next(), 0) << "results that are there are given, timeout or not";
  EXPECT_EQ(results.next(), 1);
  EXPECT_THROW(results.next(), concurrent::TimeoutError);
  EXPECT_EQ(results.next(), std::nullopt);
  executor.run_all();
  EXPECT_EQ(ran, 2) << "the call that was waited for is cancelled like the others";
}

TEST(Step8_Map, ATimeoutErrorOfACallIsJustAnException) {  // CF-29
  InlineExecutor executor;
  const IntOfInt time_out = [](int) -> int { throw concurrent::TimeoutError("the oven's"); };
  auto results = executor.map(time_out, std::views::iota(0, 1));
  try {
    results.next();
    FAIL() << "the call's exception must come out";
  } catch (const concurrent::TimeoutError& e) {
    EXPECT_STREQ(e.what(), "the oven's");
  }
}

TEST(Step8_Map, ARangeThatIsGivenUpCancelsWhatHasNotBegun) {  // CF-30
  std::atomic<int> ran = 0;
  Gate gate;
  const IntOfInt stop_at_one = [&](int item) {
    if (item == 1) gate.pass();
    return ++ran;
  };
  {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    {
      auto results = pool.map(stop_at_one, std::views::iota(0, 10));
      EXPECT_EQ(results.next(), 1);
      gate.wait_until_entered();
    }
    gate.open();
  }
  EXPECT_EQ(ran, 2) << "the call that ran finishes; the others never begin";
}

TEST(Step8_Map, ARangeThatNobodyReadsLetsItsCallsRun) {  // CF-27
  std::vector<int> seen;
  ManualExecutor executor;
  const IntOfInt see = [&](int item) { return seen.push_back(item), item; };
  executor.map(see, std::views::iota(0, 5));
  executor.run_all();
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}))
      << "only a range that somebody has begun to read cancels the rest";
}

TEST(Step8_Map, WithABufferOnlySoManyCallsAreUnderWay) {  // CF-31
  std::vector<int> ran;
  ManualExecutor executor;
  const IntOfInt run = [&](int item) { return ran.push_back(item), item; };
  auto results = executor.map(run, std::views::iota(0), {.buffersize = 3});  // items without end
  EXPECT_EQ(executor.pending(), 3u);
  for (int i = 0; i < 10; ++i) {
    executor.run_one();
    EXPECT_EQ(results.next(), i);
    EXPECT_EQ(executor.pending(), 3u) << "for each result that is read, one call is submitted";
  }
  EXPECT_EQ(ran.size(), 10u);
}

TEST(Step8_Map, ABufferLargerThanTheInputDoesNoHarm) {  // CF-31
  ManualExecutor executor;
  const std::vector<int> items{0, 1, 2};
  auto results = executor.map(add, items, std::vector{0, 1, 2, 3}, {.timeout = 1h, .buffersize = 5});
  EXPECT_EQ(executor.pending(), 3u);
  executor.run_all();
  EXPECT_EQ(to_vector(results), (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(executor.pending(), 0u);
}

TEST(Step8_Map, WithABufferItemsArePulledNoSoonerThanNeeded) {  // CF-31
  int pulled = 0;
  ManualExecutor executor;
  auto results = executor.map(same, concurrent::InputRange<int>([&] { return std::optional(++pulled); }),
                              {.buffersize = 2});
  EXPECT_EQ(pulled, 2);
  executor.run_all();
  EXPECT_EQ(results.next(), 1);
  EXPECT_EQ(pulled, 3);
}

TEST(Step8_Map, ABufferOfZeroIsRefused) {  // CF-31
  ManualExecutor executor;
  EXPECT_THROW(executor.map(same, std::views::iota(1, 3), {.buffersize = 0}), std::invalid_argument);
  EXPECT_EQ(executor.pending(), 0u);
  auto results = executor.map(same, std::views::iota(1, 3), {.buffersize = 1});
  executor.run_one();
  EXPECT_EQ(results.next(), 1);
}

TEST(Step8_Map, AFunctionThatReturnsNothingGivesAnEmptyValueForEachItem) {
  int sum = 0, values = 0;
  InlineExecutor executor;
  auto results = executor.map([&](int item) { sum += item; }, std::views::iota(1, 4));
  while (results.next()) ++values;
  EXPECT_EQ(values, 3);
  EXPECT_EQ(sum, 6);
}

TEST(Step8_Map, ResultsAreMovedOutOfTheirFutures) {
  InlineExecutor executor;
  auto results = executor.map([](int item) { return std::make_unique<int>(item); }, std::views::iota(1, 3));
  EXPECT_EQ(**results.next(), 1);
  EXPECT_EQ(**results.next(), 2);
}

TEST(Step8_Map, AResultThatWasReadIsNotKept) {  // CF-32
  InlineExecutor executor;
  auto results = executor.map([](int item) { return std::make_shared<int>(item); }, std::views::iota(1, 3));
  const std::weak_ptr<int> first = *results.next();
  EXPECT_TRUE(first.expired());
}

TEST(Step8_Map, AReferenceBecomesAValue) {
  InlineExecutor executor;
  std::vector<int> pots{10, 20};
  auto results =
      executor.map([&](int i) -> int& { return pots[static_cast<std::size_t>(i)]; }, std::views::iota(0, 2));
  static_assert(std::is_same_v<std::ranges::range_value_t<decltype(results)>, int>);
  std::optional<int> pot = results.next();
  *pot += 1;
  EXPECT_EQ(pots[0], 10) << "the result is a copy of what the call refers to";
  EXPECT_EQ(results.next(), 20);
}

TEST(Step8_Map, AfterShutdownItThrows) {  // CF-39
  ManualExecutor executor;
  auto results = executor.map(same, std::views::iota(1, 3));
  executor.shutdown({.cancel_futures = true});
  EXPECT_THROW(results.next(), concurrent::CancelledError) << "a cancelled call is told at its place";
  EXPECT_THROW(executor.map(same, std::views::iota(1, 3)), concurrent::ExecutorShutdown);
}

TEST(Step8_Map, IfSubmittingFailsWhatWasSubmittedIsCancelled) {
  std::atomic<int> ran = 0;
  int plates = 0;
  ManualExecutor executor;
  const IntOfInt run = [&](int item) { return ++ran, item; };
  EXPECT_THROW(executor.map(run, concurrent::InputRange<int>([&] {
                              return plates < 3 ? std::optional(++plates)
                                                : throw std::runtime_error("no more plates");
                            })),
               std::runtime_error);
  EXPECT_EQ(executor.pending(), 3u);
  executor.run_all();
  EXPECT_EQ(ran, 0);
}

TEST(Step8_Map, APoolMapsManyItems) {
  const IntOfInt twice = [](int item) { return 2 * item; };
  ThreadPoolExecutor pool{{.max_workers = 2}};
  for (const std::optional<std::size_t> buffersize : {std::optional<std::size_t>(), {std::size_t{7}}}) {
    int expected = 0;
    for (int result : pool.map(twice, std::views::iota(0, 2'000), {.buffersize = buffersize}))
      ASSERT_EQ(result, 2 * expected++);
    EXPECT_EQ(expected, 2'000);
  }
}
