// POSIX semaphores.

#include <semaphore.h>

#include <cerrno>

#include "../journal.hpp"
#include "../objects.hpp"
#include "../races.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../virtual_time.hpp"
#include "../world.hpp"

using namespace explore::runtime;
using objects::Kind;
using objects::Object;

namespace {

Object& begin(Thread& thread, sem_t* semaphore) noexcept {
  scheduler::step(thread);
  races::touch(thread, semaphore, 1, races::Access::use);
  return objects::get(semaphore, Kind::semaphore);
}

void take(Thread& thread, Object& object) noexcept {
  --object.depth;
  thread.acquire(object.released);
  journal::add(thread, "takes semaphore %d", object.number);
}

int wait(Thread& thread, sem_t* semaphore, const timespec* time) noexcept {
  Object& object = begin(thread, semaphore);
  if (object.depth == 0) journal::add(thread, "waits for semaphore %d", object.number);
  while (object.depth == 0) {
    scheduler::block_until(thread, State::semaphore, semaphore, virtual_time::deadline(time));
    if (!thread.timed_out || object.depth > 0) continue;
    errno = ETIMEDOUT;
    return -1;
  }
  take(thread, object);
  return 0;
}

}  // namespace

extern "C" int sem_init(sem_t* semaphore, int shared, unsigned value) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::sem_init>("sem_init")(semaphore, shared, value);
  const Entered entered(*thread);
  objects::get(semaphore, Kind::semaphore).depth = static_cast<int>(value);
  return 0;
}

extern "C" int sem_destroy(sem_t* semaphore) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::sem_destroy>("sem_destroy")(semaphore);
  const Entered entered(*thread);
  races::touch(*thread, semaphore, 1, races::Access::write);
  return 0;
}

extern "C" int sem_wait(sem_t* semaphore) {
  Thread* const thread = current;
  if (!thread) return real<&::sem_wait>("sem_wait")(semaphore);
  const Entered entered(*thread);
  return wait(*thread, semaphore, nullptr);
}

extern "C" int sem_timedwait(sem_t* semaphore, const timespec* time) {
  Thread* const thread = current;
  if (!thread) return real<&::sem_timedwait>("sem_timedwait")(semaphore, time);
  const Entered entered(*thread);
  return wait(*thread, semaphore, time);
}

extern "C" int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* time) {
  Thread* const thread = current;
  if (!thread) return real<&::sem_clockwait>("sem_clockwait")(semaphore, clock, time);
  const Entered entered(*thread);
  return wait(*thread, semaphore, time);
}

extern "C" int sem_trywait(sem_t* semaphore) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::sem_trywait>("sem_trywait")(semaphore);
  const Entered entered(*thread);
  Object& object = begin(*thread, semaphore);
  if (object.depth == 0) {
    errno = EAGAIN;
    return -1;
  }
  take(*thread, object);
  return 0;
}

extern "C" int sem_post(sem_t* semaphore) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::sem_post>("sem_post")(semaphore);
  const Entered entered(*thread);
  Object& object = begin(*thread, semaphore);
  ++object.depth;
  object.released.join(thread->clock);
  thread->tick();
  journal::add(*thread, "posts semaphore %d", object.number);
  scheduler::wake_all(State::semaphore, semaphore);
  return 0;
}
