#pragma once

// What the tests of chapter 01 share.

#include "blocking_queue.hpp"
#include "thread_pool.hpp"

#include <sched.h>

#include "gate.hpp"
#include "testing.hpp"

using concurrent::BlockingQueue;
using concurrent::ThreadPool;
using course::Counted;
using course::Gate;
using course::OpenAtTheEnd;

/// From now on, when this thread wakes up, it does not push another one off the processor: the one that wakes
/// it goes on for a while first.
inline void wake_up_politely() {
  const sched_param usual{};
  sched_setscheduler(0, SCHED_BATCH, &usual);
}
