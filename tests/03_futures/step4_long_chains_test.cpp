// Chapter 03, step 4: callbacks that set off callbacks.

#include "support.hpp"

#include <utility>
#include <vector>

#include "stack.hpp"

TEST(Step4_Callbacks, AHundredThousandThatEachFinishTheNextFutureTakeNoStack) {
  Promise<int> first;
  Future<int> last = first.future();
  for (int i = 0; i < 100'000; ++i) {
    Promise<int> next;
    Future<int> future = next.future();
    last.add_done_callback(
        [next = std::move(next)](const Future<int>& done) mutable { next.set_result(done.result() + 1); });
    last = future;
  }
  course::on_a_small_stack([&] { first.set_result(0); });
  EXPECT_EQ(last.result(), 100'000);
}

TEST(Step4_Callbacks, ACallbackThatFinishesAFutureGoesOnWhenItsCallbacksHaveRun) {
  std::vector<int> order;
  Promise<int> outer, inner, innermost;
  innermost.future().add_done_callback([&](const Future<int>&) { order.push_back(3); });
  inner.future().add_done_callback([&](const Future<int>&) {
    order.push_back(2);
    innermost.set_result(0);
    order.push_back(4);
  });
  outer.future().add_done_callback([&](const Future<int>&) {
    order.push_back(1);
    inner.set_result(0);
    order.push_back(5);
  });
  outer.set_result(0);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}))
      << "three callbacks inside one another are no long chain";
}

namespace {

/// A result that tells, for a while, when it has been destroyed.
struct Alive {
  Alive() = default;
  Alive(const Alive&) noexcept {}
  Alive& operator=(const Alive&) = delete;
  ~Alive() { number = 0; }

  volatile int number = 1;
};

/// Finishes a future, whose callback does the same with another one, and so on. Nobody keeps a handle.
void finish_one_after_the_other(int left, int& alive) {
  Promise<Alive> promise;
  promise.future().add_done_callback([left, &alive](const Future<Alive>& done) {
    alive += done.result().number;
    if (left > 1) finish_one_after_the_other(left - 1, alive);
  });
  promise.set_result(Alive());
}

}  // namespace

TEST(Step4_Callbacks, WhatIsPutOffKeepsItsFuture) {
  int alive = 0;
  course::on_a_small_stack([&] { finish_one_after_the_other(10'000, alive); });
  EXPECT_EQ(alive, 10'000) << "a callback that is called later finds the result as it was";
}
