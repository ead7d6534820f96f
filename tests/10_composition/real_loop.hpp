#pragma once

// Loops that sleep until they are woken, and calls that other threads make or finish.

#include "bridge.hpp"
#include "callback_errors.hpp"
#include "gate.hpp"
#include "support.hpp"

#include <stdexcept>
#include <string>
#include <utility>

using asyncio::wrap_future;
using course::Gate;

/// Runs `main()` on a loop that sleeps until it is woken, as loops do where there are threads.
template <class F>
void in_real_loop(Log& reports, F main) {
  const auto factory = [&] {
    auto loop = asyncio::new_event_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(main(), {.loop_factory = factory});
}
template <class F>
void in_real_loop(F main) {
  Log reports;
  in_real_loop(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

/// Checks at its end that no callback of a concurrent future has thrown.
class NoCallbackErrors {
 public:
  ~NoCallbackErrors() { EXPECT_EQ(errors_.told(), Log()); }

 private:
  const course::CallbackErrors errors_;
};

inline int twice(int number) { return 2 * number; }
inline int complain(int number) { throw std::invalid_argument("not " + std::to_string(number)); }

template <class T, class... Value>
concurrent::Future<T> already(Value&&... value) {
  concurrent::Promise<T> promise;
  promise.set_result(std::forward<Value>(value)...);
  return promise.future();
}
