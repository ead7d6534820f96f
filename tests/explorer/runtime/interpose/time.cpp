// Clocks and sleeps, by the scenario's own time.

#include <sched.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../journal.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../virtual_time.hpp"
#include "../world.hpp"
#include "clock.hpp"

using namespace explore::runtime;

namespace {

constexpr std::int64_t glance = 1'000;           // nanoseconds that it takes to look at a clock
constexpr std::uint32_t glances_in_a_row = 400;  // after that others go first

void sleep_until(Thread& thread, std::int64_t time) noexcept {
  journal::add(thread, "sleeps until %.1f ms", static_cast<double>(time - virtual_time::start) * 1e-6);
  scheduler::block_until(thread, State::sleep, nullptr, time);
}

void look(Thread& thread) noexcept {
  world->now += glance;
  if (++thread.in_a_row <= glances_in_a_row) return;
  scheduler::yield(thread);
  scheduler::step(thread);
}

}  // namespace

timespec explore::runtime::scenario_time(Thread& thread) noexcept {
  look(thread);
  return {.tv_sec = world->now / 1'000'000'000, .tv_nsec = world->now % 1'000'000'000};
}

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
    return real<&::clock_gettime>("clock_gettime")(clock, time);
  const Entered entered(*thread);
  *time = scenario_time(*thread);
  return 0;
}

extern "C" int gettimeofday(timeval* time, void* zone) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::gettimeofday>("gettimeofday")(time, zone);
  const Entered entered(*thread);
  const timespec now = scenario_time(*thread);
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1'000};
  return 0;
}

extern "C" int nanosleep(const timespec* duration, timespec* left) {
  Thread* const thread = current;
  if (!thread) return real<&::nanosleep>("nanosleep")(duration, left);
  const Entered entered(*thread);
  sleep_until(*thread, world->now + virtual_time::nanoseconds(*duration));
  return 0;
}

extern "C" int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
  Thread* const thread = current;
  if (!thread) return real<&::clock_nanosleep>("clock_nanosleep")(clock, flags, time, left);
  const Entered entered(*thread);
  const std::int64_t from = (flags & TIMER_ABSTIME) != 0 ? 0 : world->now;
  sleep_until(*thread, from + virtual_time::nanoseconds(*time));
  return 0;
}

extern "C" int usleep(useconds_t duration) {
  Thread* const thread = current;
  if (!thread) return real<&::usleep>("usleep")(duration);
  const Entered entered(*thread);
  sleep_until(*thread, world->now + std::int64_t{duration} * 1'000);
  return 0;
}

extern "C" int sched_yield() noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::sched_yield>("sched_yield")();
  const Entered entered(*thread);
  journal::add_detail(*thread, "yields");
  scheduler::yield(*thread);
  scheduler::step(*thread);
  return 0;
}
