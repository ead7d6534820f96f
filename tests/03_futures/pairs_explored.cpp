// Chapter 03: any two operations that meet do as if one had come before the other.

#include "future.hpp"

#include <array>
#include <chrono>
#include <initializer_list>
#include <string>
#include <thread>

#include "explore.hpp"

using concurrent::CancelledError;
using concurrent::Future;
using concurrent::InvalidStateError;
using concurrent::Promise;
using namespace std::chrono_literals;

namespace {

enum class Operation { start, set_result, set_exception, cancel, look, wait, add_callback };

const char* name(Operation operation) {
  constexpr std::array names{"set_running_or_notify_cancel()",
                             "set_result()",
                             "set_exception()",
                             "cancel()",
                             "result(0s)",
                             "exception(1ms)",
                             "add_done_callback()"};
  return names[static_cast<std::size_t>(operation)];
}

std::string outcome(const Future<int>& future, std::chrono::milliseconds timeout) {
  try {
    return future.exception(timeout) ? "failed" : "succeeded";
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const concurrent::TimeoutError&) {
    return "not done";
  }
}

/// A promise, and what two operations have done to it.
struct Meeting {
  Promise<int> promise;
  Future<int> future = promise.future();
  std::array<std::string, 2> said;
  std::array<std::string, 2> called;

  void run(Operation operation, std::size_t which) {
    try {
      said[which] = call(operation, which);
    } catch (const InvalidStateError&) {
      said[which] = "refused";
    }
  }
  std::string call(Operation operation, std::size_t which) {
    switch (operation) {
      case Operation::start:
        return promise.set_running_or_notify_cancel() ? "begin" : "do not begin";
      case Operation::set_result:
        return promise.set_result(7), "set";
      case Operation::set_exception:
        return promise.set_exception(std::make_exception_ptr(1)), "set";
      case Operation::cancel:
        return future.cancel() ? "cancelled" : "too late";
      case Operation::look:
        return outcome(future, 0ms);
      case Operation::wait:
        return outcome(future, 1ms);
      case Operation::add_callback:
        future.add_done_callback(
            [this, which](const Future<int>& done) { called[which] += outcome(done, 0ms) + " "; });
        return "added";
    }
    return "";
  }
  /// Says what has come of it. The promise is dropped, so that its future tells whether its work had begun.
  std::string story() {
    const bool done = future.done();
    { const Promise<int> dropped = std::move(promise); }
    return said[0] + ", " + said[1] + ", then " + (done ? "" : "still ") + outcome(future, 0ms) +
           (called[0] + called[1] == "" ? "" : ", callbacks: " + called[0] + "and " + called[1]);
  }
};

Operation first, second;  // of the scenario

void meet() {
  Meeting in_order, in_reverse, met;
  in_order.run(first, 0);
  in_order.run(second, 1);
  in_reverse.run(second, 1);
  in_reverse.run(first, 0);
  std::thread other([&] { met.run(first, 0); });
  met.run(second, 1);
  other.join();
  const std::string story = met.story(), one = in_order.story(), other_one = in_reverse.story();
  EXPECT_TRUE(story == one || story == other_one)
      << name(first) << " met " << name(second) << ": " << story << ".\nOne after the other: " << one
      << ".\nIn the other order: " << other_one << ".";
}

void meet_each_other(std::initializer_list<Operation> some, std::initializer_list<Operation> others) {
  for (const Operation a : some)
    for (const Operation b : others) {
      first = a;
      second = b;
      ASSERT_TRUE(explore::survives(meet, {.schedules = 250})) << name(a) << " and " << name(b);
    }
}

}  // namespace

TEST(Step3_Cancelling, AnyTwoOperationsThatMeetDoAsIfOneCameFirst) {
  using enum Operation;
  meet_each_other({start, set_result, set_exception, cancel, look, wait}, {start, cancel});
  meet_each_other({set_result, set_exception}, {set_result, set_exception, look, wait});
}

TEST(Step4_Callbacks, ACallbackThatMeetsAnyOperationIsCalledOnce) {
  using enum Operation;
  meet_each_other({start, set_result, set_exception, cancel, look, wait, add_callback}, {add_callback});
}
