#include "pitfall_hasty_future.hpp"
#include "sync_wait.hpp"
#include "task.hpp"
#include "virtual_time_selector.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "testing.hpp"

using asyncio::all_tasks;
using asyncio::AnyFuture;
using asyncio::AnyTask;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::Duration;
using asyncio::ensure_future;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::FramePool;
using asyncio::Future;
using asyncio::Handle;
using asyncio::HastyFuture;
using asyncio::InvalidStateError;
using asyncio::NodePool;
using asyncio::Runner;
using asyncio::Selector;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TimePoint;
using asyncio::VirtualTimeSelector;
using course::AtEnd;
using course::Counted;
using course::what;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

namespace {

/// A loop whose clock jumps, and what happens in it: "2 woken" has happened in its third pass.
struct VirtualLoop {
  Log log;  // outlives what the loop destroys
  int pass = 0;
  VirtualTimeSelector& clock;
  EventLoop loop;

  VirtualLoop() : VirtualLoop(std::make_unique<VirtualTimeSelector>()) {}
  explicit VirtualLoop(std::unique_ptr<VirtualTimeSelector> selector)
      : clock(*selector), loop(std::move(selector)) {}

  void note(const std::string& what) { log.push_back(std::to_string(pass) + " " + what); }

  /// Runs for so many passes.
  void passes(int count) {
    for (int i = 0; i < count; ++i) {
      loop.stop();
      loop.run_forever();
      ++pass;
    }
  }
  /// Runs until `future` is done. @returns how many passes that took; after a million it gives up
  int passes_until_done(const AnyFuture& future) {
    const int before = pass;
    while (!future.done() && pass - before < 1'000'000) passes(1);
    return pass - before;
  }
  /// Runs until the clock shows `time`, and then for one pass, in which those go on who have slept until
  /// then.
  void run_to(Duration time) {
    loop.call_at(TimePoint(time), [this] { loop.stop(); });
    loop.run_forever();
    passes(1);
  }
  /// The time on the loop's clock, which began at 0.
  Duration time() const { return loop.time().time_since_epoch(); }

  /// Notes what the loop's exception handler is told.
  void note_reports() {
    loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      log.push_back(context.message + ": " + what(context.exception));
    });
  }
};

/// What `fn` throws, as text.
template <class F>
std::string error_of(F fn) {
  try {
    fn();
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

/// How a future has ended: "7", an error, or "cancelled"; or that it is "pending".
std::string outcome_of(const Future<int>& future) {
  if (!future.done()) return "pending";
  std::string text;
  const std::string error = error_of([&] { text = std::to_string(future.result()); });
  return text.empty() ? error : text;
}
std::string outcome_of(const Future<>& future) {
  if (!future.done()) return "pending";
  const std::string error = error_of([&] { future.result(); });
  return error == "nothing" ? "done" : error;
}

/// What is written to stderr while `fn` runs.
template <class F>
std::string stderr_of(F fn) {
  testing::internal::CaptureStderr();
  fn();
  return testing::internal::GetCapturedStderr();
}

/// A result that can neither be copied nor made of nothing.
struct Ticket {
  explicit Ticket(int number) : number(std::make_unique<int>(number)) {}
  std::unique_ptr<int> number;
};

/// A result that tells how often it was copied.
struct Copies {
  Copies() = default;
  Copies(const Copies& other) : copies(other.copies + 1) {}
  Copies(Copies&&) = default;
  int copies = 0;
};

/// A result that is larger than what a pool has room for.
struct Page {
  std::array<int, 1'000> numbers{};
};

// Coroutines that many tests need.

/// Awaits a future, notes what it gives, and hands it on.
[[maybe_unused]] Coro<int> relay(VirtualLoop& v, const char* name, Future<int> future) {
  const std::string who = name;
  try {
    const int number = co_await future;
    v.note(who + " " + std::to_string(number));
    co_return number;
  } catch (const CancelledError&) {
    v.note(who + " cancelled");
    throw;
  } catch (const std::exception& error) {
    v.note(who + " " + error.what());
    throw;
  }
}

[[maybe_unused]] Coro<int> give(int number) { co_return number; }
[[maybe_unused]] Coro<int> fail(const char* error) {
  throw std::runtime_error(error);
  co_return 0;
}

}  // namespace

// Step 1: a future.

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

TEST(Step1_Future, ItCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  const auto round = [&] {
    for (int i = 0; i < 10; ++i) {
      Future<int> future = v.loop.create_future<int>();
      future.set_result(i);
      EXPECT_EQ(future.result(), i);
    }
  };
  round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 1'000u);
}

// Step 2: callbacks, through the loop.

TEST(Step2_Callbacks, TheyRunInTheLoopAndNotInsideSetResult) {  // AIO-26
  for (const char* how : {"set_result", "set_exception", "cancel"}) {
    VirtualLoop v;
    Future<int> future = v.loop.create_future<int>();
    for (const char* name : {"first", "second", "third"})
      future.add_done_callback([&v, name](const Future<int>&) { v.note(name); });
    v.loop.call_soon([&] { v.note("before"); });
    v.loop.call_soon([&] {
      if (how == std::string("set_result")) future.set_result(1);
      if (how == std::string("set_exception")) future.set_exception(std::runtime_error("no"));
      if (how == std::string("cancel")) future.cancel();
      v.note(how);
      v.loop.call_soon([&] { v.note("later"); });
    });
    v.loop.call_soon([&] { v.note("after"); });
    v.passes(3);
    EXPECT_EQ(v.log, (Log{"0 before", std::string("0 ") + how, "0 after", "1 first", "1 second", "1 third",
                          "1 later"}));
    if (!future.cancelled()) static_cast<void>(future.exception());
  }
}

TEST(Step2_Callbacks, OfADoneFutureTheyRunInTheNextPass) {  // AIO-26
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  future.set_result(1);
  v.loop.call_soon([&] {
    future.add_done_callback([&](const Future<int>& done) { v.note("callback " + outcome_of(done)); });
    v.loop.call_soon([&] { v.note("ready"); });
    v.note("added");
  });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 added", "1 callback 1", "1 ready"}));
}

TEST(Step2_Callbacks, TheyGetTheFuture) {  // AIO-26
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  bool same = false;
  future.add_done_callback([&](Future<int> done) {
    same = done == future;
    v.note("callback " + outcome_of(done));
  });
  Future<> other = v.loop.create_future();
  other.add_done_callback([&](const AnyFuture& done) { v.note(done.cancelled() ? "cancelled" : "not"); });
  future.set_result(7);
  other.cancel();
  v.passes(1);
  EXPECT_TRUE(same);
  EXPECT_EQ(v.log, (Log{"0 callback 7", "0 cancelled"}));
}

TEST(Step2_Callbacks, TheyKeepTheFutureUntilTheyHaveRun) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  {
    Future<Counted> future = v.loop.create_future<Counted>();
    future.add_done_callback([&](const Future<Counted>& done) {
      EXPECT_TRUE(done.done());
      v.note("first " + std::to_string(alive));
    });
    future.add_done_callback([&](const Future<Counted>&) { v.note("second " + std::to_string(alive)); });
    future.set_result(alive);
  }
  EXPECT_EQ(alive, 1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 first 1", "0 second 1"}));
  EXPECT_EQ(alive, 0) << "and not longer";
}

TEST(Step2_Callbacks, OneThatComesLateKeepsTheFutureToo) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  {
    Future<Counted> future = v.loop.create_future<Counted>();
    future.set_result(alive);
    future.add_done_callback([&](const Future<Counted>& done) {
      EXPECT_TRUE(done.done());
      v.note(std::to_string(alive));
    });
  }
  EXPECT_EQ(alive, 1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 1"});
  EXPECT_EQ(alive, 0);
}

TEST(Step2_Callbacks, APendingFutureThatNobodyHoldsGoesWithItsCallbacks) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  {
    Future<int> future = v.loop.create_future<int>();
    future.add_done_callback([counted = Counted(alive)](const Future<int>&) { ADD_FAILURE(); });
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  v.passes(2);
}

TEST(Step2_Callbacks, TheyMayOwnWhatCannotBeCopied) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  const Handle handle =
      future.add_done_callback([&, counted = Counted(alive), ticket = Ticket(3)](const Future<int>&) mutable {
        v.note("first " + std::to_string(*std::exchange(ticket.number, nullptr)));
      });
  future.add_done_callback([&](const Future<int>&) { v.note("second " + std::to_string(alive)); });
  Page page;
  page.numbers.back() = 9;
  future.add_done_callback([&, page](const Future<int>&) { v.note(std::to_string(page.numbers.back())); });
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 first 3", "0 second 0", "0 9"}))
      << "each is destroyed before the next runs, also if somebody has its handle";
}

TEST(Step2_Callbacks, WhatOneThrowsGoesToTheExceptionHandler) {  // AIO-16
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    EXPECT_TRUE(context.message.starts_with("Exception in callback ")) << context.message;
    v.note(what(context.exception));
  });
  future.add_done_callback([](const Future<int>&) { throw std::runtime_error("lost"); });
  future.add_done_callback([&](const Future<int>&) { v.note("next"); });
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 lost", "0 next"}));
}

TEST(Step2_Callbacks, OneThatIsRemovedDoesNotRunAndIsDestroyedAtOnce) {  // AIO-27
  for (const int removed : {0, 1, 2}) {
    VirtualLoop v;
    std::atomic<int> alive = 0;
    Future<int> future = v.loop.create_future<int>();
    std::array<Handle, 3> handles;
    for (int i = 0; i < 3; ++i)
      handles[static_cast<std::size_t>(i)] = future.add_done_callback(
          [&v, i, counted = Counted(alive)](const Future<int>&) { v.note(std::to_string(i)); });
    Handle& handle = handles[static_cast<std::size_t>(removed)];
    EXPECT_EQ(future.remove_done_callback(handle), 1u);
    EXPECT_EQ(alive, 2);
    EXPECT_EQ(future.remove_done_callback(handle), 0u);
    handle.cancel();
    future.add_done_callback([&](const Future<int>&) { v.note("3"); });
    future.set_result(1);
    v.passes(2);
    Log expected{"0 0", "0 1", "0 2", "0 3"};
    expected.erase(expected.begin() + removed);
    EXPECT_EQ(v.log, expected);
  }
}

TEST(Step2_Callbacks, AllMayBeRemovedAndOthersAdded) {  // AIO-27
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::vector<Handle> handles;
  for (int i = 0; i < 6; ++i)
    handles.push_back(future.add_done_callback([&](const Future<int>&) { v.note("removed"); }));
  std::size_t removed = 0;
  for (const Handle& handle : handles) removed += future.remove_done_callback(handle);
  EXPECT_EQ(removed, 6u);
  future.add_done_callback([&](const Future<int>&) { v.note("a"); });
  future.add_done_callback([&](const Future<int>&) { v.note("b"); });
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "0 b"}));
}

TEST(Step2_Callbacks, WhatWasNeverThereCannotBeRemoved) {  // AIO-27
  VirtualLoop v;
  Future<int> one = v.loop.create_future<int>();
  Future<int> two = v.loop.create_future<int>();
  const Handle handle = one.add_done_callback([&](const Future<int>&) { v.note("one"); });
  const Handle soon = v.loop.call_soon([&] { v.note("soon"); });
  EXPECT_EQ(two.remove_done_callback(handle), 0u);
  EXPECT_EQ(one.remove_done_callback(soon), 0u);
  EXPECT_EQ(one.remove_done_callback(Handle()), 0u);
  one.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 soon", "0 one"}));
}

TEST(Step2_Callbacks, OnceTheFutureIsDoneTheyAreOnTheirWay) {  // AIO-27
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Handle first = future.add_done_callback([&](const Future<int>&) { v.note("first"); });
  Handle second = future.add_done_callback([&](const Future<int>&) { v.note("second"); });
  future.set_result(1);
  EXPECT_EQ(future.remove_done_callback(first), 0u);
  second.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 first"}) << "but their handles can be cancelled";
}

TEST(Step2_Callbacks, TheyMayAddAndRemoveCallbacks) {  // AIO-27
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Future<int> other = v.loop.create_future<int>();
  const Handle theirs = other.add_done_callback([&](const Future<int>&) { v.note("removed"); });
  Handle own;
  own = future.add_done_callback([&](const Future<int>& done) {
    v.note("first " + std::to_string(future.remove_done_callback(own)) +
           std::to_string(other.remove_done_callback(theirs)));
    own.cancel();
    Future<int>(done).add_done_callback([&](const Future<int>&) { v.note("third"); });
    other.add_done_callback([&](const Future<int>&) { v.note("other"); });
    other.set_result(2);
  });
  future.add_done_callback([&](const Future<int>&) { v.note("second"); });
  future.set_result(1);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 first 01", "0 second", "1 third", "1 other"}));
}

TEST(Step2_Callbacks, AHandleMayBeCancelledBeforeTheFutureIsDone) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  Handle handle =
      future.add_done_callback([&, counted = Counted(alive)](const Future<int>&) { v.note("cancelled"); });
  handle.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(handle.cancelled());
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  Handle late = future.add_done_callback([&](const Future<int>&) { v.note("cancelled"); });
  late.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, Log());
}

TEST(Step2_Callbacks, AHandleMayOutliveTheFutureAndTheLoop) {
  Handle ran, waited, never;
  {
    VirtualLoop v;
    Future<int> future = v.loop.create_future<int>();
    ran = future.add_done_callback([](const Future<int>&) {});
    future.set_result(1);
    v.passes(1);
    Future<int> pending = v.loop.create_future<int>();
    waited = pending.add_done_callback([](const Future<int>&) {});
    never = future.add_done_callback([](const Future<int>&) {});
  }
  for (Handle* handle : {&ran, &waited, &never}) {
    EXPECT_FALSE(handle->cancelled());
    handle->cancel();
    EXPECT_TRUE(handle->cancelled());
  }
}

TEST(Step2_Callbacks, AClosedLoopDestroysThem) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto callback = [&] {
    return [counted = Counted(alive)](const Future<int>&) { ADD_FAILURE() << "the loop is closed"; };
  };
  Future<int> ready = v.loop.create_future<int>();
  Future<int> pending = v.loop.create_future<int>();
  ready.add_done_callback(callback());
  pending.add_done_callback(callback());
  ready.set_result(1);
  EXPECT_EQ(alive, 2);
  v.loop.close();
  EXPECT_EQ(alive, 1) << "what was ready is dropped";
  pending.set_result(2);
  EXPECT_EQ(alive, 0);
  ready.add_done_callback(callback());
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(ready.result() + pending.result(), 3);
}

TEST(Step2_Callbacks, WithoutALoopTheyAreDestroyedToo) {
  std::optional<VirtualLoop> v(std::in_place);
  std::atomic<int> alive = 0;
  const auto callback = [&] {
    return [counted = Counted(alive)](const Future<int>&) { ADD_FAILURE() << "the loop is gone"; };
  };
  Future<int> pending = v->loop.create_future<int>();
  Future<int> ready = v->loop.create_future<int>();
  pending.add_done_callback(callback());
  ready.add_done_callback(callback());
  ready.set_result(1);
  v.reset();
  EXPECT_EQ(alive, 1) << "only the one whose future is pending is left";
  const Handle handle = pending.add_done_callback(callback());
  EXPECT_EQ(pending.remove_done_callback(handle), 1u);
  pending.add_done_callback(callback());
  EXPECT_EQ(alive, 2);
  pending.cancel();
  EXPECT_EQ(alive, 0);
  pending.add_done_callback(callback());
  EXPECT_EQ(alive, 0);
}

TEST(Step2_Callbacks, AThousandRunInOrderInOnePass) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::vector<int> order;
  for (int i = 0; i < 1'000; ++i)
    future.add_done_callback([&order, i](const Future<int>&) { order.push_back(i); });
  order.reserve(1'000);
  EXPECT_EQ(course::allocations_in([&] {
              future.set_result(1);
              v.passes(1);
            }),
            0u)
      << "what waits is there already";
  EXPECT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step2_Callbacks, OneCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  int calls = 0;
  const auto round = [&] {
    Future<int> future = v.loop.create_future<int>();
    for (int i = 0; i < 10; ++i) future.add_done_callback([&](const Future<int>&) { ++calls; });
    future.set_result(1);
    future.add_done_callback([&](const Future<int>&) { ++calls; });
    v.passes(1);
  };
  round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 1'200u);
  EXPECT_EQ(calls, 101 * 11);
}

// Step 3: tasks.

TEST(Step3_Tasks, TheBodyBeginsInTheNextPass) {  // AIO-33
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    v.note("begins");
    co_return;
  };
  std::optional<Task<>> task;
  v.loop.call_soon([&] {
    task = v.loop.create_task(body());
    v.note("made");
  });
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 made", "0 ready", "1 begins"}));
  EXPECT_TRUE(task->done());
}

TEST(Step3_Tasks, AnAwaitThatNeedsNoWaitLetsNobodyElseBegin) {  // AIO-28, AIO-33
  VirtualLoop v;
  Future<int> done = v.loop.create_future<int>();
  done.set_result(1);
  const auto other = [&]() -> Coro<> {
    v.note("other begins");
    co_return;
  };
  const auto creator = [&]() -> Coro<> {
    create_task(other());
    for (int i = 0; i < 3; ++i) co_await done;
    v.note("creator ends");
  };
  const Task<> task = v.loop.create_task(creator());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 creator ends", "1 other begins"}));
}

TEST(Step3_Tasks, ACoroutineIsLazyUntilItIsATask) {  // AIO-32
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted counted) -> Coro<> {
    v.note("begins");
    co_return;
  };
  Coro<> coro = body(Counted(alive));
  v.passes(2);
  EXPECT_EQ(v.log, Log());
  const Task<> task = v.loop.create_task(std::move(coro));
  EXPECT_EQ(coro.handle(), nullptr) << "it is moved in";
  EXPECT_EQ(alive, 1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"2 begins"});
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Tasks, ItIsAFutureOfWhatTheCoroutineReturns) {  // AIO-35
  VirtualLoop v;
  Task<int> task = v.loop.create_task(give(7));
  Future<int> future = task;
  EXPECT_TRUE(future == task);
  EXPECT_FALSE(future.done());
  EXPECT_THROW(task.result(), InvalidStateError);
  EXPECT_EQ(v.passes_until_done(task), 1);
  EXPECT_EQ(future.result(), 7);
  EXPECT_EQ(task.exception(), nullptr);
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(&task.get_loop(), &v.loop);
}

TEST(Step3_Tasks, WhatTheCoroutineThrowsIsItsException) {  // AIO-35
  VirtualLoop v;
  const auto inner = []() -> Coro<int> { co_return co_await fail("no"); };
  const Task<int> task = v.loop.create_task(inner());
  v.passes(1);
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(outcome_of(task), "no");
  EXPECT_EQ(what(task.exception()), "no");
}

TEST(Step3_Tasks, ItsOutcomeIsNobodyElsesToSet) {  // AIO-35
  VirtualLoop v;
  Task<int> task = v.loop.create_task(give(1));
  const std::string set_result = error_of([&] { task.set_result(2); });
  const std::string set_exception = error_of([&] { task.set_exception(std::runtime_error("no")); });
  EXPECT_EQ(set_result, "Task does not support set_result operation");
  EXPECT_EQ(set_exception, "Task does not support set_exception operation");
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "1");
  EXPECT_THROW(task.set_result(2), std::runtime_error);
}

TEST(Step3_Tasks, ItMayReturnWhateverACoroutineMay) {
  VirtualLoop v;
  int number = 1;
  const auto nothing = []() -> Coro<> { co_return; };
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto ticket = []() -> Coro<Ticket> { co_return Ticket(5); };
  const auto page = []() -> Coro<Page> {
    Page page;
    page.numbers.back() = 9;
    co_return page;
  };
  const Task<> of_nothing = v.loop.create_task(nothing());
  const Task<int&> of_reference = v.loop.create_task(reference());
  const Task<Ticket> of_ticket = v.loop.create_task(ticket());
  const Task<Page> of_page = v.loop.create_task(page());
  v.passes(1);
  of_nothing.result();
  EXPECT_EQ(&of_reference.result(), &number);
  EXPECT_EQ(*of_ticket.result().number, 5);
  EXPECT_EQ(of_page.result().numbers.back(), 9);
}

TEST(Step3_Tasks, ItRunsOnIfNobodyKeepsIt) {  // AIO-49
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&](Counted counted) -> Coro<> {
    const int number = co_await future;
    v.note(std::to_string(number));
  };
  v.loop.create_task(body(Counted(alive)));
  v.passes(1);
  EXPECT_EQ(alive, 1);
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 7"});
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Tasks, ACircleOfATaskAndItsFutureIsKeptByTheLoop) {  // AIO-49
  VirtualLoop v;
  std::function<void(int)> wake;
  const auto body = [&]() -> Coro<> {
    Future<int> future = asyncio::get_running_loop().create_future<int>();
    wake = [raw = &future](int number) { raw->set_result(number); };  // keeps nothing
    const int number = co_await future;
    v.note(std::to_string(number));
  };
  v.loop.create_task(body());
  v.passes(3);
  wake(7);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 7"});
}

TEST(Step3_Tasks, ItsCoroutineIsDestroyedBeforeAnybodyHearsThatItHasEnded) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto body = [](Counted parameter, Counted other) -> Coro<> {
    const Counted local = std::move(other);
    co_return;
  };
  const Task<> task = v.loop.create_task(body(Counted(alive), Counted(alive)));
  EXPECT_EQ(alive, 2);
  v.loop.call_soon([&] { EXPECT_EQ(alive, 0) << "it goes with the end of its last step"; });
  v.passes(1);
  EXPECT_TRUE(task.done());
}

TEST(Step3_Tasks, ItsCallbacksRunOnePassAfterItsEnd) {  // AIO-26
  VirtualLoop v;
  std::optional<Task<int>> task = v.loop.create_task(give(7));
  for (int i = 0; i < 2; ++i)
    task->add_done_callback([&](const Future<int>& done) { v.note("callback " + outcome_of(done)); });
  task.reset();
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 ready", "1 callback 7", "1 callback 7"}));
}

TEST(Step3_Tasks, MakingOneNeedsALoopThatIsOpen) {
  VirtualLoop v;
  const auto body = [](Counted) -> Coro<> { co_return; };
  std::atomic<int> alive = 0;
  EXPECT_EQ(error_of([&] { create_task(body(Counted(alive))); }), "no running event loop");
  EXPECT_EQ(alive, 0);
  v.loop.create_task(body(Counted(alive)));
  EXPECT_EQ(alive, 1);
  v.loop.close();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(error_of([&] { v.loop.create_task(body(Counted(alive))); }), "Event loop is closed");
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Tasks, ACoroutineBecomesATaskOnce) {
  VirtualLoop v;
  Coro<int> coro = give(1);
  const Task<int> task = v.loop.create_task(std::move(coro));
  EXPECT_EQ(error_of([&] { v.loop.create_task(std::move(coro)); }), "cannot reuse already awaited coroutine");
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "1");
}

TEST(Step3_Tasks, WhatElseCanBeAwaitedBecomesATaskToo) {  // AIO-50
  struct Seven {
    static bool await_ready() { return true; }
    static void await_suspend(std::coroutine_handle<>) {}
    static int await_resume() { return 7; }
  };
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> of_future = v.loop.create_task(future);
  const Task<int> of_other = v.loop.create_task(Seven());
  v.passes(1);
  EXPECT_EQ(outcome_of(of_other), "7");
  future.set_result(8);
  v.passes(1);
  EXPECT_EQ(outcome_of(of_future), "8");
  EXPECT_EQ(future.result(), 8) << "which has its result still";
}

TEST(Step3_Tasks, EnsureFutureLeavesFuturesAsTheyAre) {  // AIO-50
  VirtualLoop v, other;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(give(1));
  EXPECT_TRUE(ensure_future(future) == future);
  EXPECT_TRUE(ensure_future(future, v.loop) == future);
  const Task<int> same = ensure_future(task, v.loop);
  EXPECT_TRUE(same == task);
  EXPECT_THROW(static_cast<void>(ensure_future(future, other.loop)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(ensure_future(task, other.loop)), std::invalid_argument);
  const Task<int> made = ensure_future(give(2), v.loop);
  std::optional<Task<int>> in_running_loop;
  v.loop.call_soon([&] { in_running_loop = ensure_future(give(3)); });
  v.passes(2);
  EXPECT_EQ(outcome_of(same), "1");
  EXPECT_EQ(outcome_of(made), "2");
  EXPECT_EQ(outcome_of(*in_running_loop), "3");
}

TEST(Step3_Tasks, TheEndOfALoopDestroysWhatIsPending) {  // AIO-49
  std::atomic<int> alive = 0;
  std::optional<VirtualLoop> v(std::in_place);
  const auto waits = [](AnyFuture future, Counted counted) -> Coro<> {
    co_await asyncio::detail::DoneAwaiter(std::move(future));
  };
  const auto waits_inside = [&](AnyFuture future, Counted parameter) -> Coro<> {
    const Counted local(alive);
    co_await waits(std::move(future), Counted(alive));
  };
  const auto begins = [](Counted) -> Coro<> { co_return; };
  Future<int> future = v->loop.create_future<int>();
  std::vector<Task<>> tasks;
  tasks.push_back(v->loop.create_task(waits(future, Counted(alive))));
  tasks.push_back(v->loop.create_task(waits_inside(future, Counted(alive))));
  tasks.push_back(v->loop.create_task(waits(tasks[0], Counted(alive))));
  v->loop.create_task(waits(v->loop.create_future<int>(), Counted(alive)));  // nobody else has that future
  Future<int> ready = v->loop.create_future<int>();
  tasks.push_back(v->loop.create_task(waits(ready, Counted(alive))));
  v->passes(1);
  ready.set_result(1);
  tasks.push_back(v->loop.create_task(begins(Counted(alive))));  // which has not begun
  EXPECT_EQ(alive, 8);
  v.reset();
  EXPECT_EQ(alive, 0);
  for (const Task<>& task : tasks) EXPECT_EQ(outcome_of(task), "cancelled");
  future.set_result(2);
  EXPECT_EQ(future.result(), 2) << "nobody waits for it any more";
}

TEST(Step3_Tasks, WhatIsDestroyedWithALoopMayUseFuturesAndTasks) {
  std::optional<VirtualLoop> v(std::in_place);
  Log log;
  std::optional<Task<>> first, second;
  Future<int> future = v->loop.create_future<int>();
  const auto body = [](VirtualLoop& loop, AtEnd at_end, Future<int> future) -> Coro<> {
    co_await relay(loop, "", future);
  };
  const auto at_end = [&] {
    log.push_back(error_of([&] { v->loop.create_task(give(1)); }));
    if (!future.done()) future.set_result(1);
    first->add_done_callback([](const Future<>&) { ADD_FAILURE(); });
    second->add_done_callback([](const Future<>&) { ADD_FAILURE(); });
    log.push_back(first->cancelled() ? "first cancelled" : "first pending");
    log.push_back(second->cancelled() ? "second cancelled" : "second pending");
  };
  first = v->loop.create_task(body(*v, AtEnd(at_end), future));
  second = v->loop.create_task(body(*v, AtEnd(at_end), future));
  first->add_done_callback([at_end = AtEnd([&] { log.push_back("callback"); })](const Future<>&) {});
  v->passes(1);
  v->loop.close();
  EXPECT_EQ(log, (Log{"callback", "Event loop is closed", "first cancelled", "second pending",
                      "Event loop is closed", "first cancelled", "second cancelled"}));
}

TEST(Step3_Tasks, TheEndOfALoopDestroysALongChainOneByOne) {  // AIO-49
  struct Chain {
    static Coro<> outwards(AnyFuture inner) { co_await asyncio::detail::DoneAwaiter(std::move(inner)); }
    static Coro<> inwards(Future<>& innermost, int links) {
      if (links == 0)
        co_await innermost;
      else
        co_await create_task(inwards(innermost, links - 1));
    }
  };
  int reports = 0;
  for (const bool inner_first : {true, false}) {
    VirtualLoop v;
    v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++reports; });
    Future<> innermost = v.loop.create_future();
    if (inner_first) {
      AnyFuture outermost = innermost;
      for (int i = 0; i < 10'000; ++i) outermost = v.loop.create_task(Chain::outwards(outermost));
      v.passes(1);
    } else {
      v.loop.create_task(Chain::inwards(innermost, 9'999));
      v.passes(10'000);
    }
  }
  EXPECT_EQ(reports, 20'000) << "and tells of each";
}

TEST(Step3_Tasks, MakingAndEndingOneCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  int sum = 0;
  const auto add = [](int& sum, int number) -> Coro<> {
    sum += number;
    co_return;
  };
  const auto round = [&] {
    for (int i = 0; i < 10; ++i) v.loop.create_task(add(sum, i));
    v.passes(1);
  };
  round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 2'000u)
      << "a node and a frame";
  EXPECT_EQ(sum, 101 * 45);
}

TEST(Step3_Tasks, OneTakesItsNodeAndItsFrame) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [](Future<int>& future) -> Coro<> { co_await future; };
  const std::size_t allocations = course::allocations_in([&] {
    for (int i = 0; i < 1'000; ++i) v.loop.create_task(body(future));
    v.passes(1);
  });
  EXPECT_LE(allocations, NodePool::recycles ? 1'020u : 2'000u) << "nodes come in pages, frames one by one";
  EXPECT_LE(sizeof(asyncio::detail::TaskCell<int>), 208u);
  future.set_result(1);
  v.passes(1);
}

TEST(Step3_Awaiting, ATaskGoesOnInTheLoopAndNotInsideSetResult) {  // AIO-26, AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  v.loop.call_soon([&] {
    future.set_result(7);
    v.note("set");
  });
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 set", "1 ready", "2 task 7"}));
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step3_Awaiting, TasksAndCallbacksGoOnInTheOrderInWhichTheyCame) {  // AIO-26, AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto callback = [&](const char* name) {
    future.add_done_callback([&v, name](const Future<int>&) { v.note(name); });
  };
  callback("a");
  const Task<int> first = v.loop.create_task(relay(v, "b", future));
  v.passes(1);
  callback("c");
  const Task<int> second = v.loop.create_task(relay(v, "d", future));
  v.passes(1);
  callback("e");
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"2 a", "2 b 7", "2 c", "2 d 7", "2 e"}));
}

TEST(Step3_Awaiting, AThousandTasksAwaitOneFuture) {  // AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::vector<int> order;
  const auto body = [](Future<int>& future, std::vector<int>& order, int number) -> Coro<> {
    co_await future;
    order.push_back(number);
  };
  for (int i = 0; i < 1'000; ++i) v.loop.create_task(body(future, order, i));
  v.passes(1);
  EXPECT_EQ(order.size(), 0u);
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step3_Awaiting, AFutureMayBeAwaitedAgainAndAgain) {  // AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    int sum = 0;
    for (int i = 0; i < 1'000; ++i) sum += co_await future;
    co_return sum;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  future.set_result(2);
  EXPECT_EQ(v.passes_until_done(task), 1) << "once it is done, it takes no pass";
  EXPECT_EQ(outcome_of(task), "2000");
}

TEST(Step3_Awaiting, AnExceptionArrivesAtEachWhoAwaitsIt) {  // AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> one = v.loop.create_task(relay(v, "one", future));
  const Task<int> two = v.loop.create_task(relay(v, "two", future));
  const auto recovers = [&]() -> Coro<int> {
    try {
      co_await relay(v, "three", future);
    } catch (const std::runtime_error&) {
    }
    co_return 3;
  };
  const Task<int> three = v.loop.create_task(recovers());
  v.passes(1);
  future.set_exception(std::runtime_error("no"));
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 one no", "1 two no", "1 three no"}));
  EXPECT_EQ(outcome_of(one), "no");
  EXPECT_EQ(outcome_of(two), "no");
  EXPECT_EQ(outcome_of(three), "3");
}

TEST(Step3_Awaiting, ToAwaitACoroutineIsACall) {  // AIO-34
  VirtualLoop v;
  const auto inner = [&](int number) -> Coro<int> {
    v.note("inner");
    if (number == 3) throw std::runtime_error("no");
    co_return number;
  };
  const auto outer = [&]() -> Coro<int> {
    const int sum = co_await inner(1) + co_await inner(2);
    v.note("outer");
    co_return sum + co_await inner(3);
  };
  const Task<int> task = v.loop.create_task(outer());
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 inner", "0 inner", "0 outer", "0 inner", "0 ready"}));
  EXPECT_EQ(outcome_of(task), "no");
}

TEST(Step3_Awaiting, TheInnermostCoroutineGoesOnAndThenThoseAroundIt) {  // AIO-34
  VirtualLoop v;
  Future<int> first = v.loop.create_future<int>();
  Future<int> second = v.loop.create_future<int>();
  const auto middle = [&]() -> Coro<int> {
    const int one = co_await relay(v, "inner", first);
    v.note("middle");
    co_return one + co_await relay(v, "inner", second);
  };
  const auto outer = [&]() -> Coro<int> {
    const int number = co_await middle();
    v.note("outer");
    co_return number + co_await second;
  };
  const Task<int> task = v.loop.create_task(outer());
  v.passes(1);
  first.set_result(1);
  v.passes(1);
  second.set_result(2);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 inner 1", "1 middle", "2 inner 2", "2 outer"}));
  EXPECT_EQ(outcome_of(task), "5");
}

TEST(Step3_Awaiting, ADeepCoroutineWaitsAndGoesOnOnConstantStack) {  // AIO-34
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  struct Deep {
    static Coro<int> dive(Future<int>& future, int levels) {
      if (levels == 0) co_return co_await future;
      co_return co_await dive(future, levels - 1) + 1;
    }
  };
  const int levels = course::levels(100'000);
  const Task<int> task = v.loop.create_task(Deep::dive(future, levels));
  v.passes(1);
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(outcome_of(task), std::to_string(levels + 7));
}

TEST(Step3_Awaiting, ATaskThatAwaitsAnotherGoesOnOnePassAfterItsEnd) {  // AIO-36
  VirtualLoop v;
  const auto inner = [&]() -> Coro<int> {
    v.note("inner");
    co_return 7;
  };
  const auto outer = [&]() -> Coro<> {
    v.note("outer begins");
    const int number = co_await create_task(inner());
    v.note("outer " + std::to_string(number));
  };
  v.loop.create_task(outer());
  v.passes(4);
  EXPECT_EQ(v.log, (Log{"0 outer begins", "1 inner", "2 outer 7"}));
}

TEST(Step3_Awaiting, AChainOfTasksTakesAPassEach) {  // AIO-36
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  const Task<int> outer = v.loop.create_task(relay(v, "outer", inner));
  const Task<int> outermost = v.loop.create_task(relay(v, "outermost", outer));
  v.passes(1);
  future.set_result(7);
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 inner 7", "2 outer 7", "3 outermost 7"}));
}

TEST(Step3_Awaiting, AHundredThousandTasksAwaitOneAnother) {  // AIO-36
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto link = [](Future<int> inner) -> Coro<int> { co_return co_await inner + 1; };
  Future<int> outermost = future;
  for (int i = 0; i < 100'000; ++i) outermost = v.loop.create_task(link(outermost));
  v.passes(1);
  future.set_result(0);
  EXPECT_EQ(v.passes_until_done(outermost), 100'000);
  EXPECT_EQ(outcome_of(outermost), "100000");
}

TEST(Step3_Awaiting, AnLvalueGivesAReferenceAndAnRvalueTheValue) {
  VirtualLoop v;
  const auto make = []() -> Coro<Copies> { co_return Copies(); };
  const auto body = [&]() -> Coro<> {
    Task<Copies> task = create_task(make());
    const Copies& kept = co_await task;
    EXPECT_EQ(&kept, &task.result());
    const Task<Copies> other = task;
    Copies copied = co_await std::move(task);
    EXPECT_EQ(copied.copies, 1) << "the other handle wants it too";
    Copies moved = co_await create_task(make());
    EXPECT_EQ(moved.copies, 0) << "it was the last handle";
    v.note("ended");
  };
  v.loop.create_task(body());
  v.passes(5);
  EXPECT_EQ(v.log, Log{"4 ended"});
}

TEST(Step3_Awaiting, WhatCannotBeCopiedIsMovedOut) {
  VirtualLoop v;
  Future<Ticket> future = v.loop.create_future<Ticket>();
  int target = 0;
  Future<int&> reference = v.loop.create_future<int&>();
  Future<> nothing = v.loop.create_future();
  const auto body = [&]() -> Coro<> {
    const Ticket& look = co_await future;
    EXPECT_EQ(*look.number, 4);
    const Ticket ticket = co_await std::move(future);
    EXPECT_EQ(*ticket.number, 4);
    (co_await reference) = 5;
    int& same = co_await std::move(reference);
    EXPECT_EQ(&same, &target);
    co_await nothing;
    co_await std::move(nothing);
    v.note("ended");
  };
  v.loop.create_task(body());
  v.passes(1);
  Future<Ticket>(future).set_result(4);
  Future<int&>(reference).set_result(target);
  Future<>(nothing).set_result();
  v.passes(3);
  EXPECT_EQ(target, 5);
  EXPECT_EQ(v.log, Log{"1 ended"});
}

TEST(Step3_Awaiting, WhoAwaitsKeepsTheFuture) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  std::optional<Future<Counted>> future = v.loop.create_future<Counted>();
  const auto body = [&]() -> Coro<> {
    co_await *future;
    v.note("ends");
  };
  v.loop.create_task(body());
  v.passes(1);
  future->set_result(alive);
  future.reset();
  EXPECT_EQ(alive, 1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 ends"});
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Awaiting, AFutureThatSomebodyElseHasCancelledCancelsTheTask) {  // AIO-45
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  const Task<int> outer = v.loop.create_task(relay(v, "outer", inner));
  v.passes(1);
  future.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 inner cancelled", "2 outer cancelled"}));
  EXPECT_TRUE(inner.cancelled());
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(outer.cancelling(), 0u) << "nobody has asked for that";
}

TEST(Step3_Awaiting, ACancelledErrorMayBeCaughtAndMayBeThrown) {  // AIO-30, AIO-43, AIO-45
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto catches = [&]() -> Coro<int> {
    try {
      try {
        co_return co_await future;
      } catch (const std::exception&) {
        v.note("caught as a std::exception");
      }
    } catch (const CancelledError&) {
    }
    co_return 3;
  };
  const auto throws = []() -> Coro<int> {
    throw CancelledError();
    co_return 0;
  };
  const Task<int> caught = v.loop.create_task(catches());
  const Task<int> thrown = v.loop.create_task(throws());
  v.passes(1);
  EXPECT_EQ(outcome_of(thrown), "cancelled");
  EXPECT_TRUE(thrown.cancelled());
  future.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  EXPECT_EQ(outcome_of(caught), "3");
  EXPECT_FALSE(caught.cancelled());
}

TEST(Step3_Awaiting, ATaskCannotAwaitItself) {  // AIO-47
  VirtualLoop v;
  std::optional<Task<int>> task;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    try {
      co_await *task;
    } catch (const std::runtime_error& error) {
      v.note(error.what());
    }
    co_return co_await future;
  };
  task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 Task cannot await on itself"});
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(outcome_of(*task), "1") << "it goes on all the same";
}

TEST(Step3_Awaiting, ATaskCannotAwaitAFutureOfAnotherLoop) {  // AIO-47
  VirtualLoop v, other;
  Future<int> theirs = other.loop.create_future<int>();
  Future<int> done = other.loop.create_future<int>();
  done.set_result(1);
  const auto body = [&]() -> Coro<int> {
    try {
      co_await theirs;
    } catch (const std::runtime_error& error) {
      v.note(error.what());
    }
    co_return co_await done;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 Task got Future attached to a different loop"});
  EXPECT_EQ(outcome_of(task), "1") << "of one that is done the loop does not matter";
  theirs.set_result(2);
  other.passes(1);
  EXPECT_EQ(v.log.size(), 1u);
}

TEST(Step3_Awaiting, ATaskThatAwaitsSomethingElseFails) {
  struct Never {
    static bool await_ready() { return false; }
    static void await_suspend(std::coroutine_handle<>) {}
    static void await_resume() {}
  };
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&](Counted counted) -> Coro<> {
    co_await future;
    co_await Never();
  };
  const Task<> task = v.loop.create_task(body(Counted(alive)));
  v.passes(1);
  future.set_result(1);
  v.passes(1);
  EXPECT_TRUE(task.done());
  EXPECT_THROW(task.result(), std::runtime_error);
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Awaiting, OutsideATaskAFutureCannotBeAwaited) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  EXPECT_EQ(error_of([&] { asyncio::sync_wait(future); }), "this can be awaited only in a task");
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  EXPECT_EQ(asyncio::sync_wait(future), 7) << "unless it is done";
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task 7"});
}

TEST(Step3_Awaiting, ATaskMayEndAfterItsLoopsCloseWasRefused) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    v.note(error_of([&] { v.loop.close(); }));
    co_return co_await future;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 Cannot close a running event loop"});
  EXPECT_EQ(outcome_of(task), "1");
}

TEST(Step3_Awaiting, ATaskMayOutliveItsLoop) {
  std::optional<VirtualLoop> v(std::in_place);
  std::atomic<int> alive = 0;
  const auto body = [](std::atomic<int>& alive) -> Coro<Counted> { co_return Counted(alive); };
  std::optional<Task<Counted>> done = v->loop.create_task(body(alive));
  std::optional<Task<Counted>> pending;
  v->passes(1);
  pending = v->loop.create_task(body(alive));
  v.reset();
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(done->done());
  EXPECT_TRUE(pending->cancelled());
  EXPECT_THROW(static_cast<void>(done->get_loop()), std::runtime_error);
  done.reset();
  EXPECT_EQ(alive, 0);
}

// Step 4: sleep.

TEST(Step4_Sleep, WithoutADelayOthersHaveTheirTurn) {  // AIO-37
  VirtualLoop v;
  const auto body = [&](std::string name) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      v.note(name + std::to_string(i));
      co_await sleep(0s);
    }
  };
  v.loop.create_task(body("a"));
  v.loop.create_task(body("b"));
  v.passes(4);
  EXPECT_EQ(v.log, (Log{"0 a0", "0 b0", "1 a1", "1 b1", "2 a2", "2 b2"}));
}

TEST(Step4_Sleep, WithoutADelayItTakesOnePassBehindWhatIsReady) {  // AIO-37
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    v.loop.call_soon([&] { v.note("ready"); });
    co_await sleep(0s);
    v.note("task");
    v.loop.call_soon([&] { v.note("later"); });
  };
  v.loop.create_task(body());
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 ready", "1 task", "2 later"}));
}

TEST(Step4_Sleep, ANegativeDelayIsNone) {  // AIO-38
  VirtualLoop v;
  const auto body = [&](Duration delay) -> Coro<> {
    co_await sleep(delay);
    v.note("task");
  };
  const auto forever = [&]() -> Coro<> {
    co_await sleep(std::chrono::duration<double>(-INFINITY));
    v.note("task");
  };
  v.loop.create_task(body(-1ns));
  v.loop.create_task(body(Duration::min()));
  v.loop.create_task(forever());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 task", "1 task", "1 task"}));
}

TEST(Step4_Sleep, ADelayThatIsNoNumberIsRefused) {  // AIO-38
  VirtualLoop v;
  const std::chrono::duration<double> nan(NAN);
  const auto body = [&]() -> Coro<int> {
    try {
      co_await sleep(nan);
    } catch (const std::invalid_argument&) {
      v.note("refused");
    }
    try {
      co_await sleep(nan, 1);
    } catch (const std::invalid_argument&) {
      v.note("refused");
    }
    co_return co_await sleep(0s, 2);
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 refused", "0 refused"}));
  EXPECT_EQ(outcome_of(task), "2");
}

TEST(Step4_Sleep, ItGivesItsResult) {  // AIO-37, AIO-38
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    const int number = co_await sleep(0s, 7);
    const std::string text = co_await sleep(1s, std::string("a text that is too long to lie in the string"));
    const std::unique_ptr<int> pointer = co_await sleep(1s, std::make_unique<int>(8));
    v.log.push_back(std::to_string(number) + " " + text + " " + std::to_string(*pointer));
  };
  v.loop.create_task(body());
  v.run_to(2s);
  EXPECT_EQ(v.log, Log{"7 a text that is too long to lie in the string 8"});
}

TEST(Step4_Sleep, NobodyWakesTooEarlyOrTooLate) {  // AIO-38
  VirtualLoop v;
  std::vector<Duration> woken;
  const auto body = [&](auto delay) -> Coro<> {
    co_await sleep(delay);
    woken.push_back(v.time());
    co_await sleep(delay);
    woken.push_back(v.time());
  };
  v.loop.create_task(body(1h));
  v.loop.create_task(body(1ns));
  v.loop.create_task(body(1500ms));
  v.loop.create_task(body(std::chrono::duration<double>(0.25)));
  v.run_to(2h);
  EXPECT_EQ(woken, (std::vector<Duration>{1ns, 2ns, 250ms, 500ms, 1500ms, 3s, 1h, 2h}));
}

TEST(Step4_Sleep, ATaskGoesOnInThePassAfterItsTimer) {  // AIO-38
  VirtualLoop v;
  const auto body = [&](const char* name) -> Coro<> {
    co_await sleep(1s);
    v.note(name);
  };
  v.loop.create_task(body("first"));
  v.loop.create_task(body("second"));
  v.passes(1);
  v.loop.call_later(1s, [&] { v.note("timer"); });
  v.clock.advance(1s - 1ns);
  v.passes(2);
  EXPECT_EQ(v.log, Log()) << "a nanosecond before its time is too early";
  v.clock.advance(1ns);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"3 timer", "4 first", "4 second"}));
}

TEST(Step4_Sleep, AThousandWakeInTheOrderOfTheirTimes) {  // AIO-38
  VirtualLoop v;
  std::vector<std::pair<Duration, int>> woken;
  const auto body = [&](Duration delay, int number) -> Coro<> {
    co_await sleep(delay);
    EXPECT_EQ(v.time(), delay);
    woken.emplace_back(delay, number);
  };
  for (int i = 0; i < 1'000; ++i) v.loop.create_task(body((i * 7 % 100 + 1) * 1s, i));
  v.run_to(1h);
  EXPECT_EQ(woken.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(woken)) << "those of the same time in the order in which they came";
}

TEST(Step4_Sleep, AnEternityIsNotTooLong) {
  VirtualLoop v;
  const auto body = [&](auto delay) -> Coro<> {
    co_await sleep(delay);
    v.note("woken");
  };
  v.loop.create_task(body(std::chrono::hours::max()));
  v.loop.create_task(body(std::chrono::duration<double>(INFINITY)));
  v.run_to(24h * 365);
  EXPECT_EQ(v.log, Log());
}

TEST(Step4_Sleep, OneThatHasANameMayBeAwaitedAgain) {
  VirtualLoop v;
  std::vector<Duration> woken;
  const auto body = [&]() -> Coro<> {
    auto nap = sleep(1s);
    for (int i = 0; i < 3; ++i) {
      co_await nap;
      woken.push_back(v.time());
    }
  };
  v.loop.create_task(body());
  v.run_to(1h);
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s, 3s}));
}

TEST(Step4_Sleep, ItMayBecomeATask) {  // AIO-50
  VirtualLoop v;
  const Task<> nap = v.loop.create_task(sleep(1s));
  const Task<int> answer = v.loop.create_task(sleep(2s, 42));
  v.run_to(1s);
  v.passes(1);
  EXPECT_EQ(outcome_of(nap), "done");
  EXPECT_FALSE(answer.done());
  v.run_to(2s);
  EXPECT_EQ(outcome_of(answer), "42");
}

TEST(Step4_Sleep, OutsideATaskItCannotBeAwaited) {
  const std::string refusal = "this can be awaited only in a task";
  EXPECT_EQ(error_of([] { asyncio::sync_wait(sleep(0s)); }), refusal);
  EXPECT_EQ(error_of([] { asyncio::sync_wait(sleep(1s)); }), refusal);
  EXPECT_EQ(error_of([] { asyncio::sync_wait(sleep(1s, 7)); }), refusal);
}

TEST(Step4_Sleep, AMillionTurnsTakeConstantStackAndNoAllocation) {  // AIO-34, AIO-37
  VirtualLoop v;
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
  std::size_t allocations = 0;
  const auto nap = []() -> Coro<> { co_await sleep(0s); };
  const auto body = [&]() -> Coro<> {
    co_await sleep(0s);
    first = course::stack_end();
    const std::size_t before = course::allocations();
    for (int i = 0; i < 1'000'000; ++i) co_await sleep(0s);
    allocations = course::allocations() - before;
    last = course::stack_end();
    co_await nap();
    v.loop.stop();
  };
  const Task<> task = v.loop.create_task(body());
  v.loop.run_forever();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(first, last);
  EXPECT_EQ(allocations, 0u);
}

TEST(Step4_Sleep, ADelayCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  std::size_t allocations = 0;
  const auto body = [&]() -> Coro<> {
    co_await sleep(1ms);
    const std::size_t before = course::allocations();
    for (int i = 0; i < 1'000; ++i) co_await sleep(1ms);
    allocations = course::allocations() - before;
  };
  v.loop.create_task(body());
  v.run_to(1h);
  EXPECT_LE(allocations, NodePool::recycles ? 0u : 2'000u) << "a future and a timer";
}

TEST(Step4_Sleep, TheEndOfALoopDestroysWhoSleeps) {  // AIO-49
  std::atomic<int> alive = 0;
  std::optional<VirtualLoop> v(std::in_place);
  const auto body = [](Duration delay, Counted counted) -> Coro<> { co_await sleep(delay); };
  const Task<> yields = v->loop.create_task(body(0s, Counted(alive)));
  const Task<> sleeps = v->loop.create_task(body(1s, Counted(alive)));
  const Task<> woken = v->loop.create_task(body(1ms, Counted(alive)));
  v->passes(1);
  v->clock.advance(1ms);
  v->loop.create_task(body(0s, Counted(alive)));
  v->passes(1);  // its timer has run, and it has not gone on
  EXPECT_TRUE(yields.done());
  EXPECT_EQ(alive, 3);
  v.reset();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(outcome_of(sleeps), "cancelled");
  EXPECT_EQ(outcome_of(woken), "cancelled");
}

// Step 5: cancellation.

TEST(Step5_Cancellation, ItIsARequestThatArrivesWhereTheTaskWaits) {  // AIO-39
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    try {
      co_await relay(v, "inner", future);
    } catch (const CancelledError&) {
      v.note("outer");
      throw;
    }
    co_return 1;
  };
  Task<int> task = v.loop.create_task(body());
  v.passes(1);
  v.loop.call_soon([&] {
    EXPECT_TRUE(task.cancel());
    EXPECT_FALSE(task.done());
    EXPECT_FALSE(task.cancelled());
    EXPECT_TRUE(future.cancelled());
    v.note("asked");
  });
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 asked", "1 ready", "2 inner cancelled", "2 outer"}));
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(outcome_of(task), "cancelled");
}

TEST(Step5_Cancellation, OfADoneTaskItIsRefused) {  // AIO-39
  VirtualLoop v;
  Task<int> finished = v.loop.create_task(give(7));
  Task<int> cancelled = v.loop.create_task(give(7));
  EXPECT_TRUE(cancelled.cancel());
  v.passes(1);
  EXPECT_FALSE(finished.cancel());
  EXPECT_FALSE(cancelled.cancel());
  EXPECT_EQ(outcome_of(finished), "7");
  EXPECT_EQ(finished.cancelling(), 0u);
  EXPECT_EQ(cancelled.cancelling(), 1u);
}

TEST(Step5_Cancellation, ATaskThatHasNotBegunNeverBegins) {  // AIO-40
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted counted) -> Coro<int> {
    const AtEnd at_end([&] { v.note("ended"); });
    v.note("begins");
    co_return 1;
  };
  Task<int> task = v.loop.create_task(body(Counted(alive)));
  const Task<int> outer = v.loop.create_task(relay(v, "outer", task));
  task.add_done_callback([&](const Future<int>& done) { v.note("callback " + outcome_of(done)); });
  EXPECT_TRUE(task.cancel());
  EXPECT_FALSE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(alive, 1);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 outer cancelled", "1 callback cancelled"}));
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(alive, 0);
}

TEST(Step5_Cancellation, ATaskThatYieldsHearsOfItInTheNextPass) {  // AIO-37, AIO-39
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    try {
      co_await sleep(0s);
      v.note("not cancelled");
    } catch (const CancelledError&) {
      v.note("cancelled");
      throw;
    }
  };
  Task<> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_TRUE(task.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 cancelled"});
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, ItReachesTheInnermostFutureAndComesOutOnePassATask) {  // AIO-41
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  Task<int> middle = v.loop.create_task(relay(v, "middle", inner));
  Task<int> outer = v.loop.create_task(relay(v, "outer", middle));
  v.passes(1);
  EXPECT_TRUE(outer.cancel());
  EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(inner.done());
  EXPECT_EQ(outer.cancelling(), 1u);
  EXPECT_EQ(middle.cancelling(), 1u);
  EXPECT_EQ(inner.cancelling(), 1u);
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 inner cancelled", "2 middle cancelled", "3 outer cancelled"}));
  EXPECT_TRUE(inner.cancelled());
  EXPECT_TRUE(middle.cancelled());
  EXPECT_TRUE(outer.cancelled());
}

TEST(Step5_Cancellation, AnInnerTaskMayRefuseAndTheOuterOnesNeverHear) {  // AIO-41, AIO-43
  VirtualLoop v;
  const auto inner = [&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      v.note("refused");
    }
    co_return 7;
  };
  Task<int> outer = v.loop.create_task(relay(v, "outer", v.loop.create_task(inner())));
  v.passes(1);
  EXPECT_TRUE(outer.cancel());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 refused", "2 outer 7"}));
  EXPECT_EQ(outcome_of(outer), "7");
  EXPECT_EQ(outer.cancelling(), 1u);
}

TEST(Step5_Cancellation, AnInnerTaskThatHasNotBegunNeverBegins) {  // AIO-40, AIO-41
  VirtualLoop v;
  const auto inner = [&]() -> Coro<int> {
    v.note("inner begins");
    co_return 1;
  };
  const auto outer = [&]() -> Coro<int> { co_return co_await create_task(inner()); };
  Task<int> task = v.loop.create_task(outer());
  v.passes(1);
  EXPECT_TRUE(task.cancel());
  v.passes(2);
  EXPECT_EQ(v.log, Log());
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, ItWinsOverAResultThatIsThereAlready) {  // AIO-42
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  EXPECT_TRUE(task.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"});
  EXPECT_TRUE(task.cancelled());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.result(), 7);
}

TEST(Step5_Cancellation, ItWinsOverATaskThatHasEndedAndASleepThatIsOver) {  // AIO-42
  VirtualLoop v;
  const auto naps = [&]() -> Coro<int> {
    co_await sleep(1s);
    v.note("slept");
    co_return 1;
  };
  const auto awaits = [&]() -> Coro<int> {
    const int number = co_await create_task(give(7));
    v.note("got " + std::to_string(number));
    co_return number;
  };
  Task<int> sleeps = v.loop.create_task(naps());
  Task<int> outer = v.loop.create_task(awaits());
  v.passes(1);
  v.clock.advance(1s);
  v.passes(1);  // the timer runs, and the inner task ends
  EXPECT_TRUE(sleeps.cancel());
  EXPECT_TRUE(outer.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  EXPECT_TRUE(sleeps.cancelled());
  EXPECT_TRUE(outer.cancelled());
}

TEST(Step5_Cancellation, ACallbackThatRunsJustBeforeTheTaskIsInTime) {  // AIO-42
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::optional<Task<int>> task;
  future.add_done_callback([&](const Future<int>&) { v.note(task->cancel() ? "in time" : "too late"); });
  task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_exception(std::runtime_error("no"));
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 in time", "1 task cancelled"}));
  EXPECT_EQ(what(future.exception()), "no");
}

TEST(Step5_Cancellation, WhoCatchesItMayGoOn) {  // AIO-43
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        v.note("caught");
      }
    }
    co_return co_await future;
  };
  Task<int> task = v.loop.create_task(body());
  v.passes(1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(task.cancel());
    v.passes(1);
  }
  EXPECT_EQ(v.log, (Log{"1 caught", "2 caught"}));
  EXPECT_FALSE(task.done());
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "7");
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(task.cancelling(), 2u);
}

TEST(Step5_Cancellation, WhoCatchesItMayCleanUpAndTakeItsTime) {  // AIO-43
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    std::exception_ptr error;
    try {
      co_await sleep(1h);
    } catch (...) {
      error = std::current_exception();
    }
    v.note("cleans up");
    co_await sleep(0s);
    v.note("is clean");
    if (error) std::rethrow_exception(error);
  };
  Task<> task = v.loop.create_task(body());
  v.passes(1);
  task.cancel();
  v.passes(1);
  EXPECT_FALSE(task.done());
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 cleans up", "2 is clean"}));
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfGetsItAtItsNextAwait) {  // AIO-44
  VirtualLoop v;
  Future<int> done = v.loop.create_future<int>();
  done.set_result(1);
  Future<int> pending = v.loop.create_future<int>();
  std::optional<Task<>> task;
  const auto body = [&]() -> Coro<> {
    EXPECT_TRUE(task->cancel());
    co_await done;
    v.note("needs no wait");
    co_await relay(v, "task", pending);
  };
  task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_FALSE(task->done());
  EXPECT_TRUE(pending.cancelled()) << "the await tells the future";
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 needs no wait", "1 task cancelled"}));
  EXPECT_TRUE(task->cancelled());
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfCannotSleepOrAwaitATask) {  // AIO-44
  VirtualLoop v;
  std::vector<Task<>> tasks;
  Future<int> future = v.loop.create_future<int>();
  Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  const auto sleeps = [&](std::size_t number, Duration delay) -> Coro<> {
    tasks[number].cancel();
    co_await sleep(delay);
    v.note("has slept");
  };
  const auto awaits = [&](std::size_t number) -> Coro<> {
    tasks[number].cancel();
    co_await relay(v, "outer", inner);
  };
  tasks.push_back(v.loop.create_task(sleeps(0, 0s)));
  tasks.push_back(v.loop.create_task(sleeps(1, 1h)));
  tasks.push_back(v.loop.create_task(awaits(2)));
  v.passes(2);
  EXPECT_TRUE(tasks[0].cancelled());
  EXPECT_TRUE(tasks[1].cancelled());
  EXPECT_FALSE(tasks[2].done());
  v.passes(1);
  EXPECT_TRUE(tasks[2].cancelled());
  EXPECT_EQ(v.log, (Log{"1 inner cancelled", "2 outer cancelled"}));
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfAtTheEndIsCancelled) {  // AIO-44
  VirtualLoop v;
  std::atomic<int> alive = 0;
  std::optional<Task<Counted>> returns;
  std::optional<Task<>> nothing;
  std::optional<Task<int>> throws;
  const auto value = [&]() -> Coro<Counted> {
    returns->cancel();
    co_return Counted(alive);
  };
  const auto none = [&]() -> Coro<> {
    nothing->cancel();
    co_return;
  };
  const auto error = [&]() -> Coro<int> {
    throws->cancel();
    co_return co_await fail("no");
  };
  returns = v.loop.create_task(value());
  nothing = v.loop.create_task(none());
  throws = v.loop.create_task(error());
  v.passes(1);
  EXPECT_TRUE(returns->cancelled());
  EXPECT_EQ(alive, 0) << "the value is lost";
  EXPECT_TRUE(nothing->cancelled());
  EXPECT_FALSE(throws->cancelled());
  EXPECT_EQ(outcome_of(*throws), "no") << "and an exception is not";
}

TEST(Step5_Cancellation, WhatCountsIsHowTheTaskEnds) {  // AIO-45
  VirtualLoop v;
  const auto body = [&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error("while it was cancelled");
    }
    co_return 1;
  };
  Task<int> task = v.loop.create_task(body());
  const Task<int> outer = v.loop.create_task(relay(v, "outer", task));
  v.passes(1);
  task.cancel();
  v.passes(2);
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(outcome_of(task), "while it was cancelled");
  EXPECT_EQ(outcome_of(outer), "while it was cancelled");
}

TEST(Step5_Cancellation, WhoAwaitsATaskThatIsCancelledIsCancelledToo) {  // AIO-45
  VirtualLoop v;
  Task<> inner = v.loop.create_task(sleep(1h));
  const auto unmoved = [&]() -> Coro<int> {
    try {
      co_await inner;
    } catch (const CancelledError&) {
      v.note("caught");
    }
    co_return 7;
  };
  const auto moved = [&]() -> Coro<int> {
    co_await inner;
    co_return 7;
  };
  const Task<int> one = v.loop.create_task(unmoved());
  const Task<int> two = v.loop.create_task(moved());
  v.passes(1);
  inner.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, Log{"2 caught"});
  EXPECT_EQ(outcome_of(one), "7");
  EXPECT_TRUE(two.cancelled());
  EXPECT_EQ(two.cancelling(), 0u) << "nobody has asked for that";
}

TEST(Step5_Cancellation, TwoThatAwaitOneFutureAreCancelledTogether) {  // AIO-41
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> one = v.loop.create_task(relay(v, "one", future));
  Task<int> two = v.loop.create_task(relay(v, "two", future));
  v.passes(1);
  two.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 one cancelled", "1 two cancelled"})) << "the future itself is cancelled";
  EXPECT_EQ(one.cancelling(), 0u);
}

TEST(Step5_Cancellation, AskedTwiceItGetsOneError) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await sleep(1s);
        v.note("slept");
      } catch (const CancelledError&) {
        v.note("caught");
      }
    }
    co_return 7;
  };
  Task<int> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_EQ(task.cancelling(), 0u);
  EXPECT_TRUE(task.cancel());
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(task.cancelling(), 2u);
  v.passes(1);
  v.clock.advance(1s);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 caught", "3 slept"}));
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step5_Cancellation, UncancelTakesBackARequest) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  EXPECT_EQ(task.uncancel(), 0u) << "there is none, and never fewer";
  EXPECT_EQ(task.cancelling(), 0u);
  task.cancel();
  task.cancel();
  EXPECT_EQ(task.uncancel(), 1u);
  EXPECT_EQ(task.cancelling(), 1u);
  EXPECT_EQ(task.uncancel(), 0u);
  EXPECT_EQ(task.uncancel(), 0u);
  EXPECT_EQ(task.cancelling(), 0u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task 7"}) << "what has not arrived yet never does";
}

TEST(Step5_Cancellation, AsLongAsOneRequestIsLeftItArrives) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  task.cancel();
  task.cancel();
  EXPECT_EQ(task.uncancel(), 1u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"});
  EXPECT_EQ(task.cancelling(), 1u);
}

TEST(Step5_Cancellation, UncancelMayLetATaskBeginAfterAll) {  // AIO-40, AIO-46
  VirtualLoop v;
  Task<int> task = v.loop.create_task(give(7));
  task.cancel();
  EXPECT_EQ(task.uncancel(), 0u);
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step5_Cancellation, UncancelBringsNoCancelledFutureBack) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  task.cancel();
  EXPECT_EQ(task.uncancel(), 0u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"}) << "it has arrived at the future already";
}

TEST(Step5_Cancellation, ASleepThatIsCancelledLeavesNoTimer) {  // AIO-38
  struct Recording final : Selector {
    VirtualTimeSelector clock;
    std::vector<std::optional<Duration>> timeouts;
    void select(std::optional<Duration> timeout) override {
      timeouts.push_back(timeout);
      clock.select(timeout);
    }
    void wake() override { clock.wake(); }
    TimePoint now() override { return clock.now(); }
  };
  auto owned = std::make_unique<Recording>();
  Recording& selector = *owned;
  EventLoop loop(std::move(owned));
  const auto pass = [&] {
    loop.stop();
    loop.run_forever();
  };
  std::vector<Task<>> tasks;
  for (int i = 1; i <= 3; ++i) tasks.push_back(loop.create_task(sleep(i * 1h)));
  pass();
  for (Task<>& task : tasks) task.cancel();
  pass();
  for (const Task<>& task : tasks) EXPECT_TRUE(task.cancelled());
  selector.timeouts.clear();
  loop.call_later(5h, [&] { loop.stop(); });
  loop.run_forever();
  EXPECT_EQ(selector.timeouts, (std::vector<std::optional<Duration>>{5h})) << "nothing wakes the loop before";
}

TEST(Step5_Cancellation, ASleepThatIsCancelledWhenItIsOverIsCancelled) {  // AIO-38
  VirtualLoop v;
  v.note_reports();
  Task<> task = v.loop.create_task(sleep(1s));
  v.passes(1);
  v.clock.advance(1s);
  v.loop.call_soon([&] { task.cancel(); });  // in the same pass as its timer, and before it
  v.passes(2);
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(v.log, Log()) << "the timer finds its future cancelled, and leaves it so";
}

TEST(Step5_Cancellation, AHundredThousandTasksThatAwaitOneAnotherAreCancelled) {  // AIO-41
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto link = [](Future<int> inner) -> Coro<int> { co_return co_await inner; };
  Task<int> outermost = v.loop.create_task(link(future));
  for (int i = 1; i < 100'000; ++i) outermost = v.loop.create_task(link(outermost));
  v.passes(1);
  EXPECT_TRUE(outermost.cancel());
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(v.passes_until_done(outermost), 100'000);
  EXPECT_TRUE(outermost.cancelled());
}

TEST(Step5_Cancellation, ATaskThatWrapsAFutureHandsItOn) {  // AIO-41, AIO-50
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(future);
  v.passes(1);
  task.cancel();
  EXPECT_TRUE(future.cancelled());
  v.passes(1);
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, TwoTasksMayCancelEachOther) {  // AIO-39
  VirtualLoop v;
  std::optional<Task<>> one, two;
  const auto body = [&](std::optional<Task<>>& other, const char* name) -> Coro<> {
    v.note(std::string(name) + (other->cancel() ? " asks" : " is refused"));
    co_await sleep(1h);
  };
  one = v.loop.create_task(body(two, "one"));
  two = v.loop.create_task(body(one, "two"));
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 one asks"}) << "two never begins";
  EXPECT_TRUE(two->cancelled());
  EXPECT_FALSE(one->done());
  one->cancel();
  v.passes(1);
  EXPECT_TRUE(one->cancelled());
}

TEST(Step5_Cancellation, WhatIsDestroyedWithALoopMayCancel) {  // AIO-49
  VirtualLoop v;
  std::optional<Task<>> first, second;
  const auto body = [&](std::optional<Task<>>& own, std::optional<Task<>>& other) -> Coro<> {
    const AtEnd at_end([&] {
      v.note(std::string(own->cancel() ? "cancels itself" : "is done") + ", " +
             (other->cancel() ? "and the other" : "and so is the other"));
    });
    co_await asyncio::get_running_loop().create_future();
  };
  first = v.loop.create_task(body(first, second));
  second = v.loop.create_task(body(second, first));
  const Task<> outer = v.loop.create_task(*second);
  v.passes(1);
  v.loop.close();
  EXPECT_EQ(v.log, (Log{"1 is done, and the other", "1 is done, and so is the other"}));
  EXPECT_TRUE(first->cancelled());
  EXPECT_TRUE(second->cancelled());
  EXPECT_TRUE(outer.cancelled());
  EXPECT_FALSE(second->cancel());
}

// Step 6: reports, and who is there.

TEST(Step6_Reports, AnExceptionThatNobodyHasLookedAtIsReported) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  {
    Future<int> future = v.loop.create_future<int>();
    future.set_exception(std::runtime_error("no"));
    const Future<int> copy = future;
    v.loop.create_task(fail("not at all"));
    v.passes(1);
    EXPECT_EQ(v.log, Log{"Task exception was never retrieved: not at all"});
  }
  EXPECT_EQ(v.log, (Log{"Task exception was never retrieved: not at all",
                        "Future exception was never retrieved: no"}))
      << "with the last handle, and once";
}

TEST(Step6_Reports, AnyLookAtItWillDo) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  const auto failed = [&] {
    Future<int> future = v.loop.create_future<int>();
    future.set_exception(std::runtime_error("no"));
    return future;
  };
  EXPECT_THROW(failed().result(), std::runtime_error);
  {
    const Future<int> future = failed();
    EXPECT_THROW(future.result(), std::runtime_error);
  }
  EXPECT_EQ(what(failed().exception()), "no");
  EXPECT_FALSE(failed().cancel());
  const auto awaits = [&](Future<int> future) -> Coro<> {
    try {
      co_await future;
    } catch (const std::runtime_error&) {
    }
  };
  v.loop.create_task(awaits(failed()));
  v.loop.create_task(awaits(v.loop.create_task(fail("no"))));
  v.passes(3);
  {
    Task<int> task = v.loop.create_task(fail("no"));
    v.passes(1);
    EXPECT_FALSE(task.cancel());
  }
  EXPECT_EQ(v.log, Log());
  static_cast<void>(failed());
  EXPECT_EQ(v.log, Log{"Future exception was never retrieved: no"});
}

TEST(Step6_Reports, AnythingElseIsNot) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  v.loop.create_future<int>().set_result(1);
  v.loop.create_future<int>().cancel();
  static_cast<void>(v.loop.create_future<int>());
  v.loop.create_task(give(1));
  v.loop.create_task(give(1)).cancel();
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  v.loop.create_task(fail("no"));
  v.passes(1);
  EXPECT_EQ(v.log, Log{"Task exception was never retrieved: no"});
}

TEST(Step6_Reports, ToCancelATaskIsNoLookAtHowItEnds) {  // AIO-29, AIO-45
  VirtualLoop v;
  v.note_reports();
  const auto body = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error("while it was cancelled");
    }
  };
  {
    Task<> task = v.loop.create_task(body());
    v.passes(1);
    EXPECT_TRUE(task.cancel());
    v.passes(1);
    EXPECT_TRUE(task.done());
  }
  EXPECT_EQ(v.log, Log{"Task exception was never retrieved: while it was cancelled"});
}

TEST(Step6_Reports, AnExceptionThatGoesOnIsReportedOfTheLast) {  // AIO-29
  VirtualLoop v;
  v.note_reports();
  Future<int> future = v.loop.create_future<int>();
  v.loop.create_task(relay(v, "outer", v.loop.create_task(relay(v, "inner", future))));
  v.passes(1);
  future.set_exception(std::runtime_error("no"));
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 inner no", "2 outer no", "Task exception was never retrieved: no"}));
}

TEST(Step6_Reports, AnAwaitThatIsCancelledIsALookToo) {  // AIO-29, AIO-42
  VirtualLoop v;
  v.note_reports();
  {
    Future<int> future = v.loop.create_future<int>();
    Task<int> task = v.loop.create_task(relay(v, "task", future));
    v.passes(1);
    future.set_exception(std::runtime_error("no"));
    task.cancel();
  }
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"});
  v.loop.create_task(fail("other"));
  v.passes(1);
  EXPECT_EQ(v.log.back(), "Task exception was never retrieved: other");
}

TEST(Step6_Reports, WithoutALoopALineIsWritten) {  // AIO-29
  const std::string text = stderr_of([] {
    std::optional<VirtualLoop> v(std::in_place);
    Future<int> future = v->loop.create_future<int>();
    future.set_exception(std::runtime_error("too late"));
    v.reset();
  });
  EXPECT_EQ(text, "Future exception was never retrieved: too late\n");
  VirtualLoop v;
  v.note_reports();
  {
    Future<int> future = v.loop.create_future<int>();
    future.set_exception(std::runtime_error("of a closed loop"));
    v.loop.close();
  }
  EXPECT_EQ(v.log, Log{"Future exception was never retrieved: of a closed loop"});
}

TEST(Step6_Reports, APendingTaskThatIsDestroyedIsReported) {  // AIO-49
  std::atomic<int> alive = 0;
  Log log;
  std::optional<VirtualLoop> v(std::in_place);
  v->loop.set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
    log.push_back(context.message + " " + what(context.exception) + " " + std::to_string(alive) + " of " +
                  std::to_string(all_tasks(loop).size()));
    throw std::runtime_error("a handler may throw");
  });
  const auto body = [](Counted counted) -> Coro<> { co_await sleep(1h); };
  v->loop.create_task(body(Counted(alive)));
  v->loop.create_task(give(1));
  v->passes(1);
  v->loop.create_task(body(Counted(alive)));
  EXPECT_EQ(all_tasks(v->loop).size(), 2u);
  EXPECT_EQ(stderr_of([&] { v->loop.close(); }),
            "Unhandled error in exception handler: a handler may throw\n"
            "Unhandled error in exception handler: a handler may throw\n");
  v.reset();
  EXPECT_EQ(log, (Log{"Task was destroyed but it is pending! nothing 2 of 1",
                      "Task was destroyed but it is pending! nothing 1 of 0"}))
      << "each once, and then its coroutine is destroyed";
  EXPECT_EQ(alive, 0);
}

TEST(Step6_CurrentTask, ItIsTheOneThatRuns) {  // AIO-34, AIO-48
  VirtualLoop v;
  std::vector<Task<>> tasks;
  const auto is_current = [&](std::size_t number) {
    const std::optional<AnyTask> current = current_task();
    return current && *current == tasks[number];
  };
  const auto inner = [&](std::size_t number) -> Coro<> {
    v.note(is_current(number) ? "inner" : "wrong");
    co_await sleep(0s);
    v.note(is_current(number) ? "inner" : "wrong");
  };
  const auto body = [&](std::size_t number) -> Coro<> {
    co_await inner(number);
    co_await sleep(1s);
    v.note(is_current(number) ? "outer" : "wrong");
  };
  tasks.push_back(v.loop.create_task(body(0)));
  tasks.push_back(v.loop.create_task(body(1)));
  v.passes(2);
  v.clock.advance(1s);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 inner", "0 inner", "1 inner", "1 inner", "3 outer", "3 outer"}));
}

TEST(Step6_CurrentTask, InACallbackThereIsNone) {  // AIO-48
  VirtualLoop v;
  const auto note = [&](const std::string& where) { v.note(where + (current_task() ? ": one" : ": none")); };
  const auto body = [&]() -> Coro<> {
    note("task");
    v.loop.call_soon([&] { note("callback"); });
    co_await sleep(0s);
    note("task");
    throw CancelledError();
  };
  Task<> task = v.loop.create_task(body());
  task.add_done_callback([&](const Future<>&) { note("done"); });
  v.loop.call_soon([&] { note("callback"); });
  v.passes(3);
  EXPECT_EQ(v.log,
            (Log{"0 task: one", "0 callback: none", "1 callback: none", "1 task: one", "2 done: none"}));
}

TEST(Step6_CurrentTask, WithoutALoopThatRunsItIsRefused) {  // AIO-48
  VirtualLoop v;
  const std::string refusal = "no running event loop";
  EXPECT_EQ(error_of([] { static_cast<void>(current_task()); }), refusal);
  EXPECT_EQ(error_of([] { all_tasks(); }), refusal);
  v.loop.create_task(give(1));
  std::size_t count = 0;
  v.loop.call_soon([&] { count = all_tasks().size(); });
  v.loop.create_task(give(1));
  v.passes(1);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(error_of([] { static_cast<void>(current_task()); }), refusal);
}

TEST(Step6_CurrentTask, AllTasksAreThoseThatAreNotDoneInOrder) {  // AIO-48
  VirtualLoop v, other;
  const auto names = [&] {
    std::string names;
    for (const AnyTask& task : all_tasks(v.loop)) names += task.get_name();
    return names;
  };
  EXPECT_EQ(names(), "");
  Future<int> future = v.loop.create_future<int>();
  std::vector<Task<int>> tasks;
  for (const char* name : {"a", "b", "c", "d"}) {
    Future<int> awaited = tasks.size() % 2 == 0 ? future : v.loop.create_future<int>();
    tasks.push_back(v.loop.create_task(relay(v, name, awaited), {.name = name}));
  }
  other.loop.create_task(give(1));
  EXPECT_EQ(names(), "abcd");
  v.passes(1);
  EXPECT_EQ(names(), "abcd");
  tasks[1].cancel();
  EXPECT_EQ(names(), "abcd") << "a task that is cancelled is not done yet";
  v.passes(1);
  EXPECT_EQ(names(), "acd");
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(names(), "d");
  v.loop.create_task(give(1), {.name = "e"});
  EXPECT_EQ(names(), "de");
  EXPECT_EQ(all_tasks(other.loop).size(), 1u);
  for (AnyTask& task : all_tasks(v.loop)) EXPECT_TRUE(task.cancel());
  v.passes(1);
  EXPECT_EQ(names(), "");
  EXPECT_TRUE(tasks[3].cancelled());
}

TEST(Step6_CurrentTask, TasksHaveNames) {  // AIO-51
  VirtualLoop v, other;
  const auto body = [&]() -> Coro<> {
    v.note(current_task()->get_name());
    current_task()->set_name("renamed");
    co_await sleep(0s);
    v.note(current_task()->get_name());
  };
  std::string name = "fetch";
  Task<> first = v.loop.create_task(body());
  Task<> second = v.loop.create_task(body(), {.name = name});
  Task<> third = v.loop.create_task(body());
  name = "changed";
  EXPECT_EQ(other.loop.create_task(give(1)).get_name(), "Task-1") << "each loop counts its own";
  EXPECT_EQ(third.get_name(), "Task-3");
  third.set_name("by hand");
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 Task-1", "0 fetch", "0 by hand", "1 renamed", "1 renamed", "1 renamed"}));
  EXPECT_EQ(first.get_name(), "renamed");
}

TEST(Step6_CurrentTask, ATaskMayCancelItself) {  // AIO-44, AIO-48
  VirtualLoop v;
  const auto body = []() -> Coro<int> {
    current_task()->cancel();
    EXPECT_EQ(current_task()->cancelling(), 1u);
    co_return 1;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_TRUE(task.cancelled());
}

// Step 7: run.

TEST(Step7_RunUntilComplete, ItGivesTheResultOrThrows) {  // AIO-09, AIO-32
  VirtualLoop v;
  int number = 1;
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto ticket = []() -> Coro<Ticket> { co_return Ticket(5); };
  EXPECT_EQ(v.loop.run_until_complete(give(7)), 7);
  EXPECT_EQ(&v.loop.run_until_complete(reference()), &number);
  EXPECT_EQ(*v.loop.run_until_complete(ticket()).number, 5);
  EXPECT_EQ(error_of([&] { v.loop.run_until_complete(fail("no")); }), "no");
  const auto cancelled = []() -> Coro<> {
    current_task()->cancel();
    co_await sleep(0s);
  };
  EXPECT_EQ(error_of([&] { v.loop.run_until_complete(cancelled()); }), "cancelled");
  EXPECT_FALSE(v.loop.is_running());
  EXPECT_EQ(all_tasks(v.loop).size(), 0u);
}

TEST(Step7_RunUntilComplete, ItTakesWhateverCanBeAwaited) {  // AIO-09
  VirtualLoop v;
  v.loop.run_until_complete(sleep(2s));
  EXPECT_EQ(v.time(), 2s);
  EXPECT_EQ(v.loop.run_until_complete(sleep(1h, 7)), 7);
  EXPECT_EQ(v.time(), 1h + 2s);
  Future<std::string> future = v.loop.create_future<std::string>();
  v.loop.call_later(1s, [&] { future.set_result("a text that is too long to lie in the string"); });
  EXPECT_EQ(v.loop.run_until_complete(future), "a text that is too long to lie in the string");
  EXPECT_EQ(future.result(), v.loop.run_until_complete(future)) << "it may be done, and keeps its result";
  const Task<int> task = v.loop.create_task(give(8));
  EXPECT_EQ(v.loop.run_until_complete(task), 8);
}

TEST(Step7_RunUntilComplete, OthersRunMeanwhileAndStayPending) {  // AIO-09
  VirtualLoop v;
  std::vector<Duration> woken;
  const auto body = [&]() -> Coro<> {
    for (;;) {
      co_await sleep(1s);
      woken.push_back(v.time());
    }
  };
  const Task<> task = v.loop.create_task(body());
  v.loop.run_until_complete(sleep(2500ms));
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s}));
  EXPECT_FALSE(task.done());
  v.loop.run_until_complete(sleep(1s));
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s, 3s}));
}

TEST(Step7_RunUntilComplete, ALoopThatIsStoppedBeforeSaysSo) {  // AIO-09
  VirtualLoop v;
  const Task<int> task = v.loop.create_task(sleep(2s, 7));
  v.loop.call_later(1s, [&] { v.loop.stop(); });
  EXPECT_EQ(error_of([&] { v.loop.run_until_complete(task); }),
            "Event loop stopped before Future completed.");
  EXPECT_EQ(v.time(), 1s);
  EXPECT_FALSE(task.done());
  EXPECT_EQ(v.loop.run_until_complete(task), 7);
  EXPECT_EQ(v.time(), 2s);
}

TEST(Step7_RunUntilComplete, ItsCallbackIsGoneWhenItEnds) {  // AIO-10
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  v.loop.stop();
  EXPECT_THROW(v.loop.run_until_complete(future), std::runtime_error);
  v.loop.call_soon([&] { future.set_result(1); });
  v.loop.call_later(1s, [&] { v.loop.stop(); });
  v.loop.run_forever();
  EXPECT_EQ(v.time(), 1s) << "a callback that was left behind has stopped this run";
}

TEST(Step7_RunUntilComplete, ItsCallbackIsGoneEvenIfItWasReady) {  // AIO-10
  VirtualLoop v;
  const auto body = [&]() -> Coro<int> {
    v.loop.stop();  // and the pass ends with the task
    co_return 7;
  };
  EXPECT_EQ(v.loop.run_until_complete(body()), 7);
  v.loop.call_later(1s, [&] { v.loop.stop(); });
  v.loop.run_forever();
  EXPECT_EQ(v.time(), 1s) << "a callback that was left behind has stopped this run";
}

TEST(Step7_RunUntilComplete, AFutureOfAnotherLoopIsRefused) {  // AIO-10
  VirtualLoop v, other;
  const Future<int> theirs = other.loop.create_future<int>();
  const Task<int> task = other.loop.create_task(give(1));
  EXPECT_THROW(v.loop.run_until_complete(theirs), std::invalid_argument);
  EXPECT_THROW(v.loop.run_until_complete(task), std::invalid_argument);
  EXPECT_EQ(other.loop.run_until_complete(task), 1);
}

TEST(Step7_RunUntilComplete, ALoopThatCannotRunIsNotBegunWith) {  // AIO-09, AIO-11
  VirtualLoop v, other;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted counted) -> Coro<> {
    v.note("begins");
    co_return;
  };
  const auto nested = [&]() -> Coro<> {
    v.note(error_of([&] { v.loop.run_until_complete(body(Counted(alive))); }));
    v.note(error_of([&] { other.loop.run_until_complete(body(Counted(alive))); }));
    co_return;
  };
  v.loop.run_until_complete(nested());
  v.loop.close();
  v.note(error_of([&] { v.loop.run_until_complete(body(Counted(alive))); }));
  EXPECT_EQ(v.log,
            (Log{"0 This event loop is already running",
                 "0 Cannot run the event loop while another loop is running", "0 Event loop is closed"}));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(all_tasks(other.loop).size(), 0u);
}

TEST(Step7_RunUntilComplete, CallbacksThatCameBeforeRunBeforeItEnds) {  // AIO-26
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  future.add_done_callback([&](const Future<int>&) { v.note("callback"); });
  v.loop.call_soon([&] { future.set_result(7); });
  EXPECT_EQ(v.loop.run_until_complete(future), 7);
  EXPECT_EQ(v.log, Log{"0 callback"});
}

TEST(Step7_Runner, RunGivesTheResultOrThrows) {  // AIO-120
  EXPECT_EQ(asyncio::run(give(7)), 7);
  EXPECT_EQ(error_of([] { asyncio::run(fail("no")); }), "no");
  int number = 1;
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto ticket = []() -> Coro<Ticket> { co_return Ticket(5); };
  EXPECT_EQ(&asyncio::run(reference()), &number);
  EXPECT_EQ(*asyncio::run(ticket()).number, 5);
  asyncio::run(sleep(0s));
}

TEST(Step7_Runner, RunMakesAFreshLoopAndClosesIt) {  // AIO-120
  struct Telling final : Selector {
    explicit Telling(Log& log) : log_(log) { log_.push_back("made"); }
    ~Telling() override { log_.push_back("destroyed"); }
    void select(std::optional<Duration> timeout) override { clock_.select(timeout); }
    void wake() override { clock_.wake(); }
    TimePoint now() override { return clock_.now(); }

   private:
    Log& log_;
    VirtualTimeSelector clock_;
  };
  Log log;
  const auto body = [&]() -> Coro<> {
    EventLoop& loop = asyncio::get_running_loop();
    EXPECT_EQ(&asyncio::get_event_loop(), &loop);
    co_await sleep(1h);
    log.push_back(loop.time() == TimePoint(1h) ? "runs" : "wrong clock");
  };
  const auto factory = [&] { return std::make_unique<EventLoop>(std::make_unique<Telling>(log)); };
  for (int i = 0; i < 2; ++i) asyncio::run(body(), {.loop_factory = factory});
  EXPECT_EQ(log, (Log{"made", "runs", "destroyed", "made", "runs", "destroyed"}));
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), "There is no current event loop in this thread");
}

TEST(Step7_Runner, RunSetsDebugModeIfItIsAskedTo) {  // AIO-120
  const auto debug = []() -> Coro<bool> { co_return asyncio::get_running_loop().get_debug(); };
  const auto factory = [] {
    std::unique_ptr<EventLoop> loop = asyncio::new_event_loop();
    loop->set_debug(true);
    return loop;
  };
  EXPECT_FALSE(asyncio::run(debug()));
  EXPECT_TRUE(asyncio::run(debug(), {.debug = true}));
  EXPECT_TRUE(asyncio::run(debug(), {.loop_factory = factory})) << "a loop keeps what it was made with";
}

TEST(Step7_Runner, NeitherRunsInsideALoop) {  // AIO-120, AIO-122
  std::atomic<int> alive = 0;
  Log log;
  const auto body = [&](Counted counted) -> Coro<> {
    log.push_back("begins");
    co_return;
  };
  Runner runner;
  const auto outer = [&]() -> Coro<> {
    log.push_back(error_of([&] { asyncio::run(body(Counted(alive))); }));
    log.push_back(error_of([&] { runner.run(body(Counted(alive))); }));
    co_return;
  };
  asyncio::run(outer());
  EXPECT_EQ(log, (Log{"asyncio.run() cannot be called from a running event loop",
                      "Runner.run() cannot be called from a running event loop"}));
  EXPECT_EQ(alive, 0);
  runner.run(body(Counted(alive)));
  EXPECT_EQ(log.back(), "begins");
}

TEST(Step7_Runner, WhatIsLeftIsCancelledAndMayCleanUp) {  // AIO-121
  Log log;
  const auto left = [&](const char* name) -> Coro<> {
    std::exception_ptr error;
    try {
      co_await sleep(1h);
    } catch (...) {
      error = std::current_exception();
    }
    log.push_back(std::string(name) + " cleans up");
    for (int i = 0; i < 5; ++i) co_await sleep(0s);
    log.push_back(std::string(name) + " is clean");
    if (error) std::rethrow_exception(error);
  };
  const auto never = [&]() -> Coro<> {
    log.push_back("begins");
    co_return;
  };
  const auto body = [&]() -> Coro<int> {
    create_task(left("one"));
    create_task(left("two"));
    co_await sleep(0s);
    create_task(never());
    log.push_back("main ends");
    co_return 7;
  };
  EXPECT_EQ(asyncio::run(body()), 7);
  EXPECT_EQ(log,
            (Log{"main ends", "begins", "one cleans up", "two cleans up", "one is clean", "two is clean"}));
}

TEST(Step7_Runner, WhatIsLeftIsCancelledAlsoIfMainThrows) {  // AIO-121
  Log log;
  const auto left = [&]() -> Coro<> {
    const AtEnd at_end([&] { log.push_back("cancelled"); });
    co_await sleep(1h);
  };
  const auto body = [&]() -> Coro<> {
    create_task(left());
    co_await sleep(0s);
    throw std::runtime_error("no");
  };
  EXPECT_EQ(stderr_of([&] { log.push_back(error_of([&] { asyncio::run(body()); })); }), "");
  EXPECT_EQ(log, (Log{"cancelled", "no"}));
}

TEST(Step7_Runner, WhatFailsWhileItIsCancelledIsReported) {  // AIO-121
  Log log;
  const auto fails = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error("no");
    }
  };
  const auto refuses = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
  };
  const auto body = [&]() -> Coro<> {
    asyncio::get_running_loop().set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
      log.push_back(context.message + ": " + what(context.exception));
      EXPECT_FALSE(loop.is_closed());
    });
    create_task(fails());
    create_task(refuses());
    create_task(sleep(1h));
    co_await sleep(0s);
  };
  EXPECT_EQ(stderr_of([&] { asyncio::run(body()); }), "");
  EXPECT_EQ(log, Log{"unhandled exception during asyncio.run() shutdown: no"}) << "once, and as this";
}

TEST(Step7_Runner, OneLoopForSeveralRuns) {  // AIO-122
  int loops = 0;
  std::atomic<int> alive = 0;
  std::vector<Duration> woken;
  {
    Runner runner({.loop_factory = [&] {
      ++loops;
      return std::make_unique<EventLoop>(std::make_unique<VirtualTimeSelector>());
    }});
    EXPECT_EQ(loops, 0) << "it is made when it is needed";
    const auto ticks = [&](Counted counted) -> Coro<> {
      for (;;) {
        co_await sleep(1s);
        woken.push_back(asyncio::get_running_loop().time().time_since_epoch());
      }
    };
    const auto body = [&]() -> Coro<int> {
      create_task(ticks(Counted(alive)));
      co_return co_await sleep(1500ms, 1);
    };
    EXPECT_EQ(runner.run(body()), 1);
    EXPECT_EQ(alive, 1) << "what is left runs on in the next run";
    EXPECT_EQ(runner.run(sleep(1s, 2)), 2);
    EXPECT_EQ(loops, 1);
    EXPECT_EQ(&asyncio::get_event_loop(), &runner.get_loop());
    EXPECT_FALSE(runner.get_loop().is_running());
  }
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s}));
  EXPECT_EQ(alive, 0) << "and is cancelled at the end";
}

TEST(Step7_Runner, AClosedRunnerRunsNothing) {  // AIO-122
  std::atomic<int> alive = 0;
  const auto body = [](Counted) -> Coro<int> { co_return 1; };
  Runner runner;
  EXPECT_EQ(runner.run(body(Counted(alive))), 1);
  runner.close();
  runner.close();
  EXPECT_EQ(error_of([&] { runner.run(body(Counted(alive))); }), "Runner is closed");
  EXPECT_EQ(error_of([&] { runner.get_loop(); }), "Runner is closed");
  EXPECT_EQ(alive, 0);
  Runner never_used;
  never_used.close();
  EXPECT_EQ(error_of([&] { never_used.get_loop(); }), "Runner is closed");
}

TEST(Step7_Runner, ALoopThatWasClosedMeanwhileIsLeftAlone) {
  Runner runner;
  runner.run(sleep(0s));
  runner.get_loop().close();
  EXPECT_EQ(error_of([&] { runner.run(give(1)); }), "Event loop is closed");
  runner.close();
}

TEST(Step7_Runner, ATaskThatStopsTheLoopWhileItCleansUpIsDestroyed) {  // AIO-121
  std::atomic<int> alive = 0;
  const auto left = [](Counted counted) -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      asyncio::get_running_loop().stop();
    }
    co_await sleep(1h);
  };
  const auto body = [&]() -> Coro<int> {
    create_task(left(Counted(alive)));
    co_return co_await sleep(0s, 7);
  };
  const std::string stopped = "Event loop stopped before Future completed.";
  std::string written = stderr_of([&] { EXPECT_EQ(asyncio::run(body()), 7); });
  EXPECT_TRUE(written.ends_with(stopped + "\n")) << written;
  EXPECT_NE(written.find("Task was destroyed but it is pending!"), std::string::npos) << written;
  EXPECT_EQ(alive, 0);
  Runner runner;
  EXPECT_EQ(runner.run(body()), 7);
  written = stderr_of([&] { EXPECT_EQ(error_of([&] { runner.close(); }), stopped); });
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(error_of([&] { runner.get_loop(); }), "Runner is closed");
}

// Step 8: a future that resumes those who wait inside set_result().

TEST(Step8_HastyFuture, InTheSimpleCaseTheResultIsRight) {
  HastyFuture future;
  Log log;
  const auto body = [&](std::string name) -> Coro<> {
    const int number = co_await future;
    log.push_back(name + " " + std::to_string(number));
  };
  const Coro<> first = body("first");
  const Coro<> second = body("second");
  const Coro<> late = body("late");
  first.handle().resume();
  second.handle().resume();
  EXPECT_FALSE(future.done());
  EXPECT_EQ(log, Log());
  future.set_result(7);
  EXPECT_TRUE(future.done());
  EXPECT_EQ(log, (Log{"first 7", "second 7"}));
  late.handle().resume();
  EXPECT_EQ(log, (Log{"first 7", "second 7", "late 7"}));
}

TEST(Step8_HastyFuture, WhoWaitsSeesWhatTheCallerHasNotFinished) {
  struct Account {
    int withdrawn = 0;
    int balance = 100;
  };
  const auto withdraw = [](Account& account, auto& future) {
    account.withdrawn += 30;
    future.set_result(1);
    account.balance -= 30;
  };
  const auto sum = [](Account& account, auto& future, int& seen) -> Coro<> {
    co_await future;
    seen = account.withdrawn + account.balance;
  };
  int seen = 0;
  Account account;
  HastyFuture hasty;
  const Coro<> waiting = sum(account, hasty, seen);
  waiting.handle().resume();
  withdraw(account, hasty);
  EXPECT_EQ(seen, 130) << "it runs in the middle of set_result()";

  VirtualLoop v;
  Account other;
  Future<int> future = v.loop.create_future<int>();
  v.loop.create_task(sum(other, future, seen));
  v.passes(1);
  withdraw(other, future);
  v.passes(1);
  EXPECT_EQ(seen, 100) << "a Future lets the caller finish";
}

TEST(Step8_HastyFuture, AChainThatSetsOneAfterAnotherUsesUpTheStack) {
  constexpr std::size_t links = 100;
  std::vector<HastyFuture> futures(links + 1);
  std::vector<Coro<>> chain;
  std::vector<std::uintptr_t> stack;
  const auto link = [&](std::size_t number) -> Coro<> {
    const int result = co_await futures[number];
    stack.push_back(course::stack_end());
    futures[number + 1].set_result(result + 1);
  };
  for (std::size_t i = 0; i < links; ++i) {
    chain.push_back(link(i));
    chain.back().handle().resume();
  }
  futures[0].set_result(0);
  EXPECT_EQ(futures.back().await_resume(), 100);
  ASSERT_EQ(stack.size(), links);
  for (std::size_t i = 1; i < links; ++i)
    ASSERT_LT(stack[i], stack[i - 1]) << "each runs inside the one before";
}

TEST(Step8_HastyFuture, ThoseWhoHaveWaitedAreResumedOnce) {
  HastyFuture future;
  int resumed = 0;
  const auto body = [&]() -> Coro<> {
    co_await future;
    ++resumed;
    co_await std::suspend_always();
    ++resumed;
  };
  const Coro<> coro = body();
  coro.handle().resume();
  future.set_result(1);
  EXPECT_EQ(resumed, 1);
  future.set_result(2);
  EXPECT_EQ(resumed, 1) << "the list is empty by then";
  EXPECT_EQ(future.await_resume(), 2);
}
