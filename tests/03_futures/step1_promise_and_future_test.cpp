// Chapter 03, step 1: a promise is kept once, and its future tells what came of it.

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <memory>
#include <thread>
#include <unordered_set>
#include <utility>

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

TEST(Step1_PromiseAndFuture, WhateverIsThrownWhileAValueIsStoredMakesAnException) {
  struct ThrowsANumber {
    ThrowsANumber() = default;
    ThrowsANumber(const ThrowsANumber&) { throw 7; }
  };
  Promise<ThrowsANumber> promise;
  const ThrowsANumber value;
  EXPECT_NO_THROW(promise.set_result(value));
  EXPECT_EQ(what(promise.future().exception()), "7") << "not all that is thrown derives from std::exception";
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
