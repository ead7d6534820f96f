// What runs once: std::call_once, and static variables in functions.

#include <cxxabi.h>
#include <pthread.h>

#include "../failure.hpp"
#include "../journal.hpp"
#include "../objects.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../world.hpp"

using namespace explore;
using namespace explore::runtime;
using objects::Kind;
using objects::Object;

namespace {

constexpr pthread_once_t not_begun = PTHREAD_ONCE_INIT, done = 2;

/// Waits until nobody initialises it.
void wait_for_others(Thread& thread, Object& object, const void* what) noexcept {
  scheduler::step(thread);
  while (object.owner >= 0) {
    if (object.owner == thread.id) {
      journal::add(thread, "needs what it is about to initialise");
      fail(Failure::misuse, "thread %d initialises something once, and needs it for that", thread.id + 1);
    }
    scheduler::block(thread, State::once, what);
  }
  thread.acquire(object.released);
}

void leave(Thread& thread, Object& object, const void* what) noexcept {
  object.owner = -1;
  object.released = thread.clock;
  thread.tick();
  scheduler::wake_all(State::once, what);
}

bool& is_initialised(__cxxabiv1::__guard* guard) noexcept { return *reinterpret_cast<bool*>(guard); }

void leave_guard(Thread& thread, __cxxabiv1::__guard* guard, bool initialised) noexcept {
  if (initialised) {  // the compiler's code loads it as an atomic, before it asks us
    is_initialised(guard) = true;
    Object& atomic = objects::get(guard, Kind::atomic);
    atomic.released = thread.clock;
    atomic.history = nullptr;
    ++atomic.version;
  }
  leave(thread, objects::get(guard, Kind::once), guard);
}

}  // namespace

extern "C" int pthread_once(pthread_once_t* flag, void (*function)()) {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_once>("pthread_once")(flag, function);
  {
    const Entered entered(*thread);
    Object& object = objects::get(flag, Kind::once);
    wait_for_others(*thread, object, flag);
    if (*flag == done) return 0;
    object.owner = thread->id;
  }
  const auto end = [&](int state) {
    const Entered entered(*thread);
    *flag = state;
    leave(*thread, objects::get(flag, Kind::once), flag);
  };
  try {
    function();
  } catch (...) {
    end(not_begun);
    throw;
  }
  end(done);
  return 0;
}

extern "C" int __cxa_guard_acquire(__cxxabiv1::__guard* guard) {
  Thread* const thread = current;
  if (!thread) return real<&__cxxabiv1::__cxa_guard_acquire>("__cxa_guard_acquire")(guard);
  const Entered entered(*thread);
  Object& object = objects::get(guard, Kind::once);
  wait_for_others(*thread, object, guard);
  if (is_initialised(guard)) return 0;
  object.owner = thread->id;
  return 1;
}

extern "C" void __cxa_guard_release(__cxxabiv1::__guard* guard) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&__cxxabiv1::__cxa_guard_release>("__cxa_guard_release")(guard);
  const Entered entered(*thread);
  leave_guard(*thread, guard, true);
}

extern "C" void __cxa_guard_abort(__cxxabiv1::__guard* guard) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&__cxxabiv1::__cxa_guard_abort>("__cxa_guard_abort")(guard);
  const Entered entered(*thread);
  leave_guard(*thread, guard, false);
}
