// pthread_cond_*, on which std::condition_variable is built.

#include <pthread.h>

#include <array>
#include <cerrno>

#include "../failure.hpp"
#include "../journal.hpp"
#include "../objects.hpp"
#include "../races.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../strategy.hpp"
#include "../virtual_time.hpp"
#include "../world.hpp"
#include "mutex.hpp"

using namespace explore;
using namespace explore::runtime;
using objects::Kind;
using objects::Object;

namespace {

// On x86-64 glibc has older functions of the same names, for programs of 2002.
#if defined(__x86_64__)
constexpr const char* version = "GLIBC_2.3.2";
#else
constexpr const char* version = nullptr;
#endif

void use(Thread& thread, const pthread_cond_t* condition) noexcept {
  races::touch(thread, condition, 1, races::Access::use);
}

int wait(Thread& thread, pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* time) noexcept {
  scheduler::step(thread);
  use(thread, condition);
  const Object& object = objects::get(condition, Kind::condition);
  Object& lock = objects::get(mutex, Kind::mutex);
  if (lock.owner != thread.id)
    fail(Failure::misuse, "thread %d waits for a condition without the lock that belongs to it",
         thread.id + 1);
  journal::add(thread, "unlocks mutex %d and waits for condition %d", lock.number, object.number);
  const int depth = lock.depth;
  mutexes::give_back(thread, mutex);
  scheduler::block_until(thread, State::condition, condition, virtual_time::deadline(time));
  const bool timed_out = thread.timed_out;
  use(thread, condition);
  journal::add(thread, "wakes up%s", timed_out ? ": time-out" : thread.spurious ? " for NO REASON" : "");
  mutexes::take(thread, mutex, -1);
  lock.depth = depth;
  return timed_out ? ETIMEDOUT : 0;
}

void notify(Thread& thread, pthread_cond_t* condition, bool all) noexcept {
  scheduler::step(thread);
  use(thread, condition);
  const Object& object = objects::get(condition, Kind::condition);
  const char* const verb = all ? "notifies all of" : "notifies one of";
  std::array<Thread*, most_threads> waiting{};
  std::size_t size = 0;
  for (Thread& other : world->all())
    if (other.blocked_in(State::condition, condition)) waiting[size++] = &other;
  if (size == 0) return journal::add(thread, "%s condition %d: NOBODY waits", verb, object.number);
  if (all) {
    scheduler::wake_all(State::condition, condition);
    return journal::add(thread, "%s condition %d: %zu %s", verb, object.number, size,
                        size == 1 ? "waits" : "wait");
  }
  Thread& woken = *waiting[strategy::choose_among(size)];
  scheduler::wake(woken);
  journal::add(thread, "%s condition %d: thread %d", verb, object.number, woken.id + 1);
}

}  // namespace

extern "C" int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_cond_wait>("pthread_cond_wait", version)(condition, mutex);
  const Entered entered(*thread);
  return wait(*thread, condition, mutex, nullptr);
}

extern "C" int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                      const timespec* time) {
  Thread* const thread = current;
  if (!thread)
    return real<&::pthread_cond_timedwait>("pthread_cond_timedwait", version)(condition, mutex, time);
  const Entered entered(*thread);
  return wait(*thread, condition, mutex, time);
}

extern "C" int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                      const timespec* time) {
  Thread* const thread = current;
  if (!thread)
    return real<&::pthread_cond_clockwait>("pthread_cond_clockwait")(condition, mutex, clock, time);
  const Entered entered(*thread);
  return wait(*thread, condition, mutex, time);
}

extern "C" int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_cond_signal>("pthread_cond_signal", version)(condition);
  const Entered entered(*thread);
  ++thread->costs.notifications;
  notify(*thread, condition, false);
  return 0;
}

extern "C" int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_cond_broadcast>("pthread_cond_broadcast", version)(condition);
  const Entered entered(*thread);
  ++thread->costs.notifications;
  notify(*thread, condition, true);
  return 0;
}

extern "C" int pthread_cond_destroy(pthread_cond_t* condition) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_cond_destroy>("pthread_cond_destroy", version)(condition);
  const Entered entered(*thread);
  for (const Thread& other : world->all()) {
    if (!other.blocked_in(State::condition, condition)) continue;
    journal::add(*thread, "destroys condition %d", objects::get(condition, Kind::condition).number);
    fail(Failure::misuse, "thread %d destroys a condition variable that thread %d still waits for",
         thread->id + 1, other.id + 1);
  }
  races::touch(*thread, condition, 1, races::Access::write);
  return 0;
}
