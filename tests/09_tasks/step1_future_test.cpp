// Chapter 09, step 1: a future.

#include "support.hpp"

#include <atomic>
#include <optional>
#include <utility>

TEST(Step1_Future, ItHasAResultOnceItIsSet) {  // AIO-24
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  EXPECT_FALSE(future.done());
  EXPECT_EQ(&future.get_loop(), &v.loop);
  future.set_result(7);
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.result(), 7);
  EXPECT_EQ(future.exception(), nullptr);
}

TEST(Step1_Future, APendingOneIsAskedInVain) {  // AIO-24
  VirtualLoop v;
  const Future<int> future = v.loop.create_future<int>();
  EXPECT_THROW(future.result(), InvalidStateError);
  EXPECT_THROW(static_cast<void>(future.exception()), InvalidStateError);
  EXPECT_EQ(error_of([&] { future.result(); }), "the result is not set");
  EXPECT_EQ(error_of([&] { return future.exception(); }), "the exception is not set");
  EXPECT_FALSE(future.done());
}

TEST(Step1_Future, AnExceptionIsWhatResultThrows) {  // AIO-24
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto error = std::make_exception_ptr(std::runtime_error("no"));
  future.set_exception(error);
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(error_of([&] { future.result(); }), "no");
  EXPECT_EQ(future.exception(), error);
  Future<> other = v.loop.create_future();
  other.set_exception(std::logic_error("an exception itself will do"));
  EXPECT_EQ(what(other.exception()), "an exception itself will do");
}

TEST(Step1_Future, AnExceptionMustNotBeNull) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  EXPECT_THROW(future.set_exception(std::exception_ptr()), std::invalid_argument);
  EXPECT_FALSE(future.done());
  future.set_result(1);
  EXPECT_THROW(future.set_exception(nullptr), std::invalid_argument);
  EXPECT_EQ(future.result(), 1);
}

TEST(Step1_Future, AFutureOfNothingIsJustDone) {
  VirtualLoop v;
  Future<> future = v.loop.create_future();
  EXPECT_THROW(future.result(), InvalidStateError);
  future.set_result();
  EXPECT_TRUE(future.done());
  future.result();
}

TEST(Step1_Future, AReferenceIsToTheObjectItself) {
  VirtualLoop v;
  Future<int&> future = v.loop.create_future<int&>();
  int number = 1;
  future.set_result(number);
  future.result() = 2;
  EXPECT_EQ(number, 2);
  EXPECT_EQ(&future.result(), &number);
  EXPECT_EQ(&std::move(future).result(), &number);
}

TEST(Step1_Future, AResultIsMadeInPlaceOfWhateverMakesOne) {
  VirtualLoop v;
  Future<Ticket> ticket = v.loop.create_future<Ticket>();
  ticket.set_result(5);
  EXPECT_EQ(*ticket.result().number, 5);
  Future<std::string> text = v.loop.create_future<std::string>();
  text.set_result(3, 'x');
  EXPECT_EQ(text.result(), "xxx");
  EXPECT_EQ(&text.result(), &text.result()) << "it stays where it is";
}

TEST(Step1_Future, ALargeResultFitsAndTheNextFutureIsIntact) {
  VirtualLoop v;
  for (int round = 0; round < 3; ++round) {
    Future<Page> large = v.loop.create_future<Page>();
    Future<int> small = v.loop.create_future<int>();
    large.set_result();
    small.set_result(round);
    EXPECT_EQ(large.result().numbers.back(), 0);
    EXPECT_EQ(small.result(), round);
  }
}

TEST(Step1_Future, TheLastHandleMovesItsResultOut) {
  VirtualLoop v;
  Future<Copies> future = v.loop.create_future<Copies>();
  future.set_result();
  const Future<Copies> other = future;
  EXPECT_EQ(std::move(future).result().copies, 1) << "the other handle wants it too";
  EXPECT_EQ(other.result().copies, 0);
  Future<Copies> last = v.loop.create_future<Copies>();
  last.set_result();
  EXPECT_EQ(std::move(last).result().copies, 0);
}

TEST(Step1_Future, WhatCannotBeCopiedIsMovedOut) {
  VirtualLoop v;
  Future<Ticket> future = v.loop.create_future<Ticket>();
  const Future<Ticket> other = future;
  future.set_result(Ticket(4));
  const Ticket ticket = std::move(future).result();
  EXPECT_EQ(*ticket.number, 4);
  EXPECT_EQ(other.result().number, nullptr);
}

TEST(Step1_Future, ASecondOutcomeIsRefused) {  // AIO-25
  VirtualLoop v;
  const auto refuses_all = [](Future<int> future) {
    EXPECT_THROW(future.set_result(2), InvalidStateError);
    EXPECT_THROW(future.set_exception(std::runtime_error("second")), InvalidStateError);
    EXPECT_FALSE(future.cancel());
  };
  Future<int> finished = v.loop.create_future<int>();
  finished.set_result(1);
  refuses_all(finished);
  EXPECT_EQ(outcome_of(finished), "1");
  EXPECT_FALSE(finished.cancelled());
  Future<int> failed = v.loop.create_future<int>();
  failed.set_exception(std::runtime_error("first"));
  refuses_all(failed);
  EXPECT_EQ(outcome_of(failed), "first");
  Future<int> cancelled = v.loop.create_future<int>();
  cancelled.cancel();
  refuses_all(cancelled);
  EXPECT_EQ(outcome_of(cancelled), "cancelled");
  EXPECT_TRUE(cancelled.cancelled());
}

TEST(Step1_Future, CancelIsTrueOnceThenFalse) {  // AIO-25
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  EXPECT_FALSE(future.cancelled());
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.done());
  EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(future.cancel());
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_THROW(static_cast<void>(future.exception()), CancelledError);
}

TEST(Step1_Future, ACancelledErrorIsNoStdException) {  // AIO-30
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  future.cancel();
  std::string caught;
  try {
    try {
      future.result();
    } catch (const std::exception&) {
      caught = "as an exception";
    }
  } catch (const CancelledError&) {
    caught = "as itself";
  }
  EXPECT_EQ(caught, "as itself");
}

TEST(Step1_Future, AValueThatCannotBeMadeLeavesItPending) {
  struct Picky {
    explicit Picky(int number) {
      if (number < 0) throw std::runtime_error("negative");
    }
  };
  VirtualLoop v;
  Future<Picky> future = v.loop.create_future<Picky>();
  EXPECT_EQ(error_of([&] { future.set_result(-1); }), "negative");
  EXPECT_FALSE(future.done());
  EXPECT_THROW(future.result(), InvalidStateError);
  future.set_result(1);
  EXPECT_EQ(future.exception(), nullptr);
}

TEST(Step1_Future, HandlesAreCopiedLikePointers) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<Counted> one = v.loop.create_future<Counted>();
  Future<Counted> two = v.loop.create_future<Counted>();
  EXPECT_FALSE(one == two);
  two.set_result(alive);
  EXPECT_EQ(alive, 1);
  one = two;
  EXPECT_TRUE(one == two);
  EXPECT_TRUE(one.done());
  const Future<Counted> three = std::move(two);
  two = three;
  one = v.loop.create_future<Counted>();
  EXPECT_FALSE(one.done());
  two = one;
  EXPECT_EQ(alive, 1) << "the result goes with the last handle";
  one = three;
  EXPECT_TRUE(one.done());
}

TEST(Step1_Future, TheResultGoesWithTheLastHandle) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  {
    Future<Counted> future = v.loop.create_future<Counted>();
    future.set_result(alive);
    const Future<Counted> copy = future;
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0) << "nothing else keeps it, and no pass of the loop is needed";
}

TEST(Step1_Future, ItMayOutliveItsLoop) {
  std::optional<VirtualLoop> v(std::in_place);
  Future<int> before = v->loop.create_future<int>();
  Future<int> after = v->loop.create_future<int>();
  Future<Page> large = v->loop.create_future<Page>();
  Future<int> pending = v->loop.create_future<int>();
  before.set_result(1);
  v.reset();
  EXPECT_EQ(before.result(), 1);
  after.set_result(2);
  EXPECT_EQ(after.result(), 2);
  large.set_result();
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(error_of([&] { return &after.get_loop(); }), "the future's event loop is gone");
}

TEST(Step1_Future, AClosedLoopHasFuturesToo) {
  VirtualLoop v;
  Future<int> before = v.loop.create_future<int>();
  v.loop.close();
  Future<int> after = v.loop.create_future<int>();
  before.set_result(1);
  after.set_result(2);
  EXPECT_EQ(before.result() + after.result(), 3);
  EXPECT_EQ(&after.get_loop(), &v.loop);
}
