// pthread_mutex_*, on which std::mutex and its kin are built.

#include "mutex.hpp"

#include <cerrno>

#include "../failure.hpp"
#include "../journal.hpp"
#include "../objects.hpp"
#include "../races.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../virtual_time.hpp"
#include "../world.hpp"

using namespace explore;
using namespace explore::runtime;
using objects::Kind;
using objects::Object;

namespace {

constexpr std::uint32_t patience =
    4;  // times that others get a mutex first; then a waiting thread's turn has come

bool is_recursive(const pthread_mutex_t* mutex) noexcept {
  return (mutex->__data.__kind & 127) == PTHREAD_MUTEX_RECURSIVE_NP;
}

void use(Thread& thread, const pthread_mutex_t* mutex) noexcept {
  races::touch(thread, mutex, 1, races::Access::use);
}

void own(Thread& thread, Object& object, const char* verb) noexcept {
  object.owner = thread.id;
  object.depth = 1;
  thread.starved = 0;
  thread.acquire(object.released);
  journal::add(thread, "%s mutex %d", verb, object.number);
}

int lock(Thread& thread, pthread_mutex_t* mutex, const timespec* time) noexcept {
  ++thread.costs.locks;
  scheduler::step(thread);
  return mutexes::take(thread, mutex, virtual_time::deadline(time));
}

}  // namespace

int mutexes::take(Thread& thread, pthread_mutex_t* mutex, std::int64_t deadline) noexcept {
  Object& object = objects::get(mutex, Kind::mutex);
  use(thread, mutex);
  if (object.owner == thread.id && is_recursive(mutex)) {
    ++object.depth;
    return 0;
  }
  if (object.owner == thread.id && deadline < 0) {
    journal::add(thread, "locks mutex %d, which it has", object.number);
    fail(Failure::deadlock, "thread %d locks a mutex that it has locked already", thread.id + 1);
  }
  if (object.owner >= 0) journal::add(thread, "waits for mutex %d", object.number);
  while (object.owner >= 0) {
    scheduler::block_until(thread, State::mutex, mutex, deadline);
    ++thread.starved;
    if (thread.timed_out && object.owner >= 0) {
      journal::add(thread, "gives up: time-out");
      return ETIMEDOUT;
    }
  }
  use(thread, mutex);
  own(thread, object, "locks");
  return 0;
}

void mutexes::give_back(Thread& thread, pthread_mutex_t* mutex) noexcept {
  Object& object = objects::get(mutex, Kind::mutex);
  object.owner = -1;
  object.released = thread.clock;
  thread.tick();
  for (const Thread& other : world->all())
    if (other.blocked_in(State::mutex, mutex) && other.starved >= patience) thread.yielded = true;
  scheduler::wake_all(State::mutex, mutex);
}

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_mutex_lock>("pthread_mutex_lock")(mutex);
  const Entered entered(*thread);
  return lock(*thread, mutex, nullptr);
}

extern "C" int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_mutex_timedlock>("pthread_mutex_timedlock")(mutex, time);
  const Entered entered(*thread);
  return lock(*thread, mutex, time);
}

extern "C" int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                                       const timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_mutex_clocklock>("pthread_mutex_clocklock")(mutex, clock, time);
  const Entered entered(*thread);
  return lock(*thread, mutex, time);
}

extern "C" int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_mutex_trylock>("pthread_mutex_trylock")(mutex);
  const Entered entered(*thread);
  ++thread->costs.locks;
  scheduler::step(*thread);
  Object& object = objects::get(mutex, Kind::mutex);
  use(*thread, mutex);
  if (object.owner == thread->id && is_recursive(mutex)) {
    ++object.depth;
    return 0;
  }
  if (object.owner >= 0) {
    journal::add(*thread, "tries mutex %d: it is taken", object.number);
    return EBUSY;
  }
  own(*thread, object, "tries and locks");
  return 0;
}

extern "C" int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_mutex_unlock>("pthread_mutex_unlock")(mutex);
  const Entered entered(*thread);
  Object& object = objects::get(mutex, Kind::mutex);
  use(*thread, mutex);
  if (object.owner != thread->id) {
    journal::add(*thread, "unlocks mutex %d, which it has not", object.number);
    fail(Failure::misuse, "thread %d unlocks a mutex that it has not locked", thread->id + 1);
  }
  if (--object.depth > 0) return 0;
  journal::add(*thread, "unlocks mutex %d", object.number);
  mutexes::give_back(*thread, mutex);
  return 0;
}
