// Chapter 03, step 4: done-callbacks.

#include "callback_errors.hpp"
#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using course::AtEnd;

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
  const course::CallbackErrors errors;
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
  EXPECT_EQ(errors.told(), (std::vector<std::string>{"burnt", "7", "too late"}));
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

TEST(Step4_Callbacks, ACallbackMayDropTheLastHandles) {  // CF-12
  std::optional<Promise<int>> promise(std::in_place);
  std::optional<Future<int>> future = promise->future();
  bool second_saw_the_end = false;
  future->add_done_callback([&](const Future<int>&) {
    promise.reset();
    future.reset();
  });
  future->add_done_callback([&](const Future<int>& done) {
    std::vector<std::string> elsewhere;  // takes the memory of what has just been destroyed
    for (std::size_t size = 32; size <= 1'024; size += 16) elsewhere.emplace_back(size, '\xff');
    second_saw_the_end = done.cancelled();
  });
  future->cancel();
  EXPECT_TRUE(second_saw_the_end) << "the callbacks keep their future alive until all of them have run";
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

TEST(Step4_Callbacks, HoweverTheFutureEndsItsCallbacksAreDestroyed) {
  const std::vector<std::function<void(Promise<int>&)>> ends{
      [](Promise<int>& promise) { promise.future().cancel(); },
      [](Promise<int>& promise) { promise.set_exception(error("burnt")); },
      [](Promise<int>& promise) { const Promise<int> dropped = std::move(promise); },
      [](Promise<int>& promise) {
        promise.set_running_or_notify_cancel();
        const Promise<int> dropped = std::move(promise);
      }};
  for (const auto& end : ends) {
    std::atomic<int> alive = 0;
    Promise<int> promise;
    Future<int> future = promise.future();
    future.add_done_callback([owned = std::make_unique<Counted>(alive), future](auto) {});
    end(promise);
    EXPECT_TRUE(future.done());
    EXPECT_EQ(alive, 0) << "the future still holds a callback that it has no more use for";
    future.add_done_callback([owned = std::make_unique<Counted>(alive), future](auto) {});
    EXPECT_EQ(alive, 0) << "a callback that is called at once is not kept either";
  }
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
