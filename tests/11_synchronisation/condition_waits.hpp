#pragma once

// What the tests of step 4 share.

#include "condition.hpp"

#include <cstddef>
#include <string>

#include "support.hpp"

using asyncio::Condition;
using asyncio::Lock;

/// Takes the lock, waits, notes it, and gives the lock back.
inline Coro<> wait_once(VirtualLoop& v, Condition& condition, std::string who) {
  const auto held = co_await condition.scoped();
  try {
    co_await condition.wait();
    EXPECT_TRUE(condition.locked());
    v.note(who);
  } catch (const CancelledError&) {
    EXPECT_TRUE(condition.locked());
    v.note(who + " cancelled");
    throw;
  }
}

/// Takes the lock, notifies, and gives the lock back.
inline Coro<> notify(Condition& condition, std::size_t n = 1) {
  const auto held = co_await condition.scoped();
  condition.notify(n);
}
