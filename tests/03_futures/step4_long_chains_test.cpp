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
