#pragma once

// What the tests of chapter 05 share.

#include "work_stealing_deque.hpp"
#include "work_stealing_executor.hpp"

#include <semaphore>

#include "gate.hpp"
#include "testing.hpp"

using concurrent::WorkStealingDeque;
using concurrent::WorkStealingExecutor;
using course::Counted;
using course::Gate;
using course::Log;
using course::OpenAtTheEnd;
using course::what;

/// Runs `fn` on a worker of `executor`, and returns when it has ended.
template <class F>
void on_worker(WorkStealingExecutor& executor, F fn) {
  std::binary_semaphore done(0);
  executor.post([&] {
    fn();
    done.release();
  });
  done.acquire();
}
