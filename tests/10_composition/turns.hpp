#pragma once

// What happens in which pass of a loop: the same programs, in Python, wrote the same lines.

#include "support.hpp"

#include <string>
#include <utility>

/// Notes what happens, and the number of each pass.
struct Turns {
  std::string seen;

  void note(const std::string& what) { seen += (seen.empty() ? "" : " ") + what; }

  Coro<> count(int passes) {
    for (int pass = 0; pass < passes; ++pass) {
      note(std::to_string(pass));
      co_await sleep(0s);
    }
  }

  /// Ends in the pass with this number, if it begins with the count.
  Coro<> end(int pass) {
    for (int i = 0; i < pass; ++i) co_await sleep(0s);
    note("end" + std::to_string(pass));
  }
  Coro<> fail(int pass) {
    for (int i = 0; i < pass; ++i) co_await sleep(0s);
    note("fail" + std::to_string(pass));
    throw std::runtime_error("it failed");
  }
};

/// Runs `main(turns)` while the passes are counted. @returns what was noted
template <class F>
std::string turns_of(F main) {
  Turns turns;
  in_loop([&]() -> Coro<> {
    Task<> count = create_task(turns.count(6));
    co_await main(turns);
    turns.note("on");
    co_await count;
  });
  return turns.seen;
}
