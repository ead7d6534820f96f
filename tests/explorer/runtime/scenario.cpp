#include "scenario.hpp"

#include "failure.hpp"
#include "journal.hpp"
#include "scheduler.hpp"
#include "world.hpp"

namespace explore {

bool active() noexcept { return runtime::current != nullptr; }

Costs costs() noexcept { return runtime::current ? runtime::current->costs : Costs(); }

void at(int place) {
  runtime::Thread* const thread = runtime::current;
  if (!thread) return;
  const runtime::Entered entered(*thread);
  runtime::scheduler::come_to(*thread, place);
  runtime::journal::add(*thread, "is at %d", place);
}

void note(const char* text) {
  runtime::Thread* const thread = runtime::current;
  if (!thread) return;
  const runtime::Entered entered(*thread);
  runtime::journal::add(*thread, "%s", text);
}

void runtime::fail_check(const std::string& where, const std::string& what) noexcept {
  Thread& thread = *current;
  current = nullptr;
  journal::add(thread, "FAILS a check");
  fail(Failure::check_failed, "thread %d, %s: %s", thread.id + 1, where.c_str(), what.c_str());
}

}  // namespace explore

/// A todo() in a scenario: no schedule can succeed. @returns false if it is in none
extern "C" bool explore_not_written(const char* message) {
  using namespace explore::runtime;
  if (!current) return false;
  current = nullptr;
  fail(explore::Failure::not_written, "%s", message);
}
