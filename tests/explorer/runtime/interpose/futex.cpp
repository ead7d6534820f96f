// The system call on which atomic::wait, std::counting_semaphore, std::latch, std::barrier and std::future
// are built.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>

#include "../failure.hpp"
#include "../journal.hpp"
#include "../races.hpp"
#include "../scheduler.hpp"
#include "../strategy.hpp"
#include "../system.hpp"
#include "../virtual_time.hpp"
#include "../world.hpp"
#include "clock.hpp"

using namespace explore;
using namespace explore::runtime;

namespace {

long wait(Thread& thread, const int* word, int value, std::int64_t deadline) noexcept {
  scheduler::step(thread);
  races::touch(thread, word, sizeof *word, races::Access::use);
  if (*word != value) {
    errno = EAGAIN;
    return -1;
  }
  journal::add(thread, "waits for a change (it is %d)", value);
  scheduler::block_until(thread, State::futex, word, deadline);
  if (thread.timed_out) {
    journal::add(thread, "gives up: time-out");
    errno = ETIMEDOUT;
    return -1;
  }
  journal::add(thread, "wakes up");
  return 0;
}

/// Wakes at most `most`. That nobody is there, or not even the word any more, does no harm: libstdc++ does
/// it.
long wake(Thread& thread, const int* word, int most) noexcept {
  scheduler::step(thread);
  long woken = 0;
  for (; woken < most; ++woken) {
    std::array<Thread*, most_threads> waiting{};
    std::size_t size = 0;
    for (Thread& other : world->all())
      if (other.blocked_in(State::futex, word)) waiting[size++] = &other;
    if (size == 0) break;
    const bool all = static_cast<std::size_t>(most) >= size;
    scheduler::wake(*waiting[all ? 0 : strategy::choose_among(size)]);
  }
  journal::add(thread, "notifies: %ld %s", woken, woken == 1 ? "waits" : "wait");
  return woken;
}

long futex(Thread& thread, const int* word, int operation, int value, const timespec* time) noexcept {
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      return wait(thread, word, value, time ? world->now + virtual_time::nanoseconds(*time) : -1);
    case FUTEX_WAIT_BITSET:
      return wait(thread, word, value, virtual_time::deadline(time));
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
      ++thread.costs.notifications;
      return wake(thread, word, value);
    default:
      fail(Failure::limit, "the explorer does not know futex operation %d", operation);
  }
}

}  // namespace

extern "C" long syscall(long number, ...) noexcept {
  std::va_list list;
  va_start(list, number);
  std::array<long, 6> a{};
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  Thread* const thread = current;
  if (!thread) return system::call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  const Entered entered(*thread);
  if (number == SYS_clock_gettime) {
    *reinterpret_cast<timespec*>(a[1]) = scenario_time(*thread);
    return 0;
  }
  if (number != SYS_futex) return system::call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return futex(*thread, reinterpret_cast<const int*>(a[0]), static_cast<int>(a[1]), static_cast<int>(a[2]),
               reinterpret_cast<const timespec*>(a[3]));
}
