#pragma once

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "explore.hpp"

namespace course {

/// One thing that a thread may do with a `Fixture`, which has what it needs.
template <class Fixture>
struct Operation {
  const char* name;
  void (*run)(Fixture&);
};

/// Lets two operations meet, as one scenario after the other: a scenario captures nothing.
template <class Fixture>
struct Meeting {
  static inline void (*first)(Fixture&) = nullptr;
  static inline void (*second)(Fixture&) = nullptr;

  static void scenario() {
    Fixture fixture;
    std::jthread other([&] { first(fixture); });
    second(fixture);
    other.join();
    fixture.check();
  }
};

/// Explores each of the operations beside each of them, itself included, on a Fixture that is made anew. What
/// must hold in the end, `fixture.check()` expects. A race or a deadlock is found anyway: so each member
/// function of a class is to be among the operations, those that only look as well.
template <class Fixture>
void any_two_meet(const std::vector<Operation<Fixture>>& operations, const explore::Options& options = {}) {
  for (auto a = operations.begin(); a != operations.end(); ++a)
    for (auto b = a; b != operations.end(); ++b) {
      Meeting<Fixture>::first = a->run;
      Meeting<Fixture>::second = b->run;
      ASSERT_TRUE(explore::survives(&Meeting<Fixture>::scenario, options))
          << a->name << " and " << b->name << ", on two threads";
    }
}

}  // namespace course
