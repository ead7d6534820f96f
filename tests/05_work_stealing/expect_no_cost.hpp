#pragma once

#include "explore.hpp"

/// Checks that `operation` costs nothing that other cores could see, but for plain stores.
template <class F>
void expect_no_cost(F operation) {
  const explore::Costs before = explore::costs();
  operation();
  const explore::Costs after = explore::costs();
  EXPECT_EQ(after.locks - before.locks, 0u) << "no lock";
  EXPECT_EQ(after.read_modify_writes - before.read_modify_writes, 0u) << "no read-modify-write";
}
