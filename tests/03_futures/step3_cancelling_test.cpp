// Chapter 03, step 3: work that is cancelled before it begins, and promises that are dropped.

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <optional>
#include <thread>
#include <utility>

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
