#pragma once

// What is abandoned or cancelled, at whatever moment, leaves nothing behind.

#include "support.hpp"
#include "virtual_loop.hpp"

#include <atomic>
#include <string>

using course::run_passes;

/// Begins `main(alive)`, which waits and counts something as alive in its frames. Then the loop is closed, or
/// destroyed: nothing is left.
template <class F>
void abandon(F main) {
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    Log reports;
    auto loop = virtual_loop();
    listen(*loop, reports);
    Task<> task = loop->create_task(main(alive));
    run_passes(*loop, 6);
    EXPECT_FALSE(task.done());
    EXPECT_GT(alive, 0);
    if (close) {
      loop->close();
      EXPECT_EQ(alive, 0) << "closed";
    } else {
      loop.reset();
      EXPECT_EQ(alive, 0) << "destroyed";
    }
    EXPECT_TRUE(task.cancelled());
  }
}

/// Runs `main(alive)` as a task, and cancels that after no pass, after one, after two, … until it ends
/// before. However late that is, it is cancelled, and nothing is left.
/// @returns how often it was cancelled
template <class F>
Coro<int> cancel_at_every_pass(F main) {
  for (int pass = 0;; ++pass) {
    std::atomic<int> alive = 0;
    Task<> task = create_task(main(alive));
    co_await passes(pass);
    if (task.done()) {
      EXPECT_EQ(task.exception(), nullptr);
      EXPECT_EQ(alive, 0);
      co_return pass;
    }
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled") << "after " << pass << " passes";
    EXPECT_EQ(task.cancelling(), 1u);
    EXPECT_EQ(alive, 0) << "after " << pass << " passes";
    EXPECT_EQ(all_tasks().size(), 1u);
  }
}
