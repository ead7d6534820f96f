// pthread_rwlock_*, on which std::shared_mutex is built.

#include <pthread.h>

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

enum class Want : char { shared, alone };

bool is_free(const Object& object, Want want) noexcept {
  return object.owner < 0 && (want == Want::shared || object.readers == 0);
}

void take(Thread& thread, Object& object, Want want) noexcept {
  thread.acquire(object.released);
  if (want == Want::alone) {
    object.owner = thread.id;
    thread.acquire(object.readers_released);
  } else {
    ++object.readers;
  }
  journal::add(thread, "locks shared mutex %d%s", object.number, want == Want::alone ? " alone" : "");
}

int lock(Thread& thread, pthread_rwlock_t* mutex, Want want, const timespec* time = nullptr) noexcept {
  scheduler::step(thread);
  races::touch(thread, mutex, 1, races::Access::use);
  Object& object = objects::get(mutex, Kind::shared_mutex);
  if (object.owner == thread.id) {
    journal::add(thread, "locks shared mutex %d, which it has", object.number);
    fail(Failure::deadlock, "thread %d locks a shared mutex that it has locked already", thread.id + 1);
  }
  if (!is_free(object, want)) journal::add(thread, "waits for shared mutex %d", object.number);
  while (!is_free(object, want)) {
    scheduler::block_until(thread, State::shared_mutex, mutex, virtual_time::deadline(time));
    if (thread.timed_out && !is_free(object, want)) return ETIMEDOUT;
  }
  take(thread, object, want);
  return 0;
}

int try_lock(Thread& thread, pthread_rwlock_t* mutex, Want want) noexcept {
  scheduler::step(thread);
  races::touch(thread, mutex, 1, races::Access::use);
  Object& object = objects::get(mutex, Kind::shared_mutex);
  if (!is_free(object, want)) {
    journal::add(thread, "tries shared mutex %d: it is taken", object.number);
    return EBUSY;
  }
  take(thread, object, want);
  return 0;
}

void unlock(Thread& thread, pthread_rwlock_t* mutex) noexcept {
  races::touch(thread, mutex, 1, races::Access::use);
  Object& object = objects::get(mutex, Kind::shared_mutex);
  if (object.owner == thread.id) {
    object.owner = -1;
    object.released = thread.clock;
  } else if (object.readers > 0) {
    --object.readers;
    object.readers_released.join(thread.clock);
  } else {
    fail(Failure::misuse, "thread %d unlocks a shared mutex that nobody has locked", thread.id + 1);
  }
  thread.tick();
  journal::add(thread, "unlocks shared mutex %d", object.number);
  scheduler::wake_all(State::shared_mutex, mutex);
}

}  // namespace

extern "C" int pthread_rwlock_rdlock(pthread_rwlock_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_rdlock>("pthread_rwlock_rdlock")(mutex);
  const Entered entered(*thread);
  return lock(*thread, mutex, Want::shared);
}

extern "C" int pthread_rwlock_wrlock(pthread_rwlock_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_wrlock>("pthread_rwlock_wrlock")(mutex);
  const Entered entered(*thread);
  return lock(*thread, mutex, Want::alone);
}

extern "C" int pthread_rwlock_tryrdlock(pthread_rwlock_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_tryrdlock>("pthread_rwlock_tryrdlock")(mutex);
  const Entered entered(*thread);
  return try_lock(*thread, mutex, Want::shared);
}

extern "C" int pthread_rwlock_trywrlock(pthread_rwlock_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_trywrlock>("pthread_rwlock_trywrlock")(mutex);
  const Entered entered(*thread);
  return try_lock(*thread, mutex, Want::alone);
}

extern "C" int pthread_rwlock_timedrdlock(pthread_rwlock_t* mutex, const timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_timedrdlock>("pthread_rwlock_timedrdlock")(mutex, time);
  const Entered entered(*thread);
  return lock(*thread, mutex, Want::shared, time);
}

extern "C" int pthread_rwlock_timedwrlock(pthread_rwlock_t* mutex, const timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_timedwrlock>("pthread_rwlock_timedwrlock")(mutex, time);
  const Entered entered(*thread);
  return lock(*thread, mutex, Want::alone, time);
}

extern "C" int pthread_rwlock_clockrdlock(pthread_rwlock_t* mutex, clockid_t clock,
                                          const timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_clockrdlock>("pthread_rwlock_clockrdlock")(mutex, clock, time);
  const Entered entered(*thread);
  return lock(*thread, mutex, Want::shared, time);
}

extern "C" int pthread_rwlock_clockwrlock(pthread_rwlock_t* mutex, clockid_t clock,
                                          const timespec* time) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_clockwrlock>("pthread_rwlock_clockwrlock")(mutex, clock, time);
  const Entered entered(*thread);
  return lock(*thread, mutex, Want::alone, time);
}

extern "C" int pthread_rwlock_unlock(pthread_rwlock_t* mutex) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_rwlock_unlock>("pthread_rwlock_unlock")(mutex);
  const Entered entered(*thread);
  unlock(*thread, mutex);
  return 0;
}
