// Chapter 09, step 2: callbacks, through the loop.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

using asyncio::Handle;

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

TEST(Step2_Callbacks, OneThatAClosedLoopDestroysMayRemoveOthers) {  // AIO-27
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  Handle other;
  std::size_t removed = 7;
  future.add_done_callback(
      [at_end = AtEnd([&] { removed = future.remove_done_callback(other); })](const Future<int>&) {});
  other = future.add_done_callback([counted = Counted(alive)](const Future<int>&) {});
  v.loop.close();
  future.set_result(1);
  EXPECT_EQ(removed, 0u) << "it is on its way";
  EXPECT_EQ(alive, 0);
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
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}
