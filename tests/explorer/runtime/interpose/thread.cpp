// pthread_create, pthread_join, …, on which std::thread is built.

#include <pthread.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "../failure.hpp"
#include "../journal.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../strategy.hpp"
#include "../system.hpp"
#include "../threads.hpp"
#include "../world.hpp"

using namespace explore;
using namespace explore::runtime;

namespace {

constexpr std::uintptr_t stacks = 0x20'0000'0000;
constexpr std::size_t stack_size = 1 << 19;

struct Ends {
  pthread_key_t at_exit{};  // its destructor runs when a thread's own variables have been destroyed
  int all_ended = 0;
};
Ends* ends = nullptr;

void end(Thread& thread) noexcept {
  current = nullptr;
  journal::add(thread, "ends");
  if (!scheduler::leave(thread)) system::say(ends->all_ended);
}

/// Called when the thread's variables are destroyed: among the first, or the last, nobody knows. So it comes
/// again.
void on_exit(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  if (std::exchange(thread.ending, true)) return end(thread);
  pthread_setspecific(ends->at_exit, &thread);
}

void* live(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  system::wait_for(thread.go);
  pthread_setspecific(ends->at_exit, &thread);
  current = &thread;
  return thread.result = thread.function(thread.argument);
}

Thread& start(Thread* parent, void* (*function)(void*), void* argument) noexcept {
  if (world->started == most_threads)
    fail(Failure::limit, "the scenario starts more than %d threads", most_threads);
  Thread& thread = world->threads[static_cast<std::size_t>(world->started)];
  thread = {};
  thread.id = world->started++;
  ++world->alive;
  thread.function = function;
  thread.argument = argument;
  if (parent) {
    thread.clock = parent->clock;
    parent->tick();
  }
  thread.tick();
  thread.priority = strategy::new_priority();
  const std::uintptr_t stack = stacks + static_cast<std::size_t>(thread.id) * stack_size;
  thread.stack_top = stack;  // all of it is alive as long as the thread has not been switched off
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, reinterpret_cast<void*>(stack), stack_size);
  if (const int error = real<&::pthread_create>("pthread_create")(&thread.handle, &attributes, live, &thread))
    fail(Failure::limit, "the system starts no more threads: %s", std::strerror(error));
  pthread_attr_destroy(&attributes);
  return thread;
}

Thread* find(pthread_t handle) noexcept {
  for (Thread& thread : world->all())
    if (pthread_equal(thread.handle, handle) != 0) return &thread;
  return nullptr;
}

}  // namespace

void threads::open() noexcept {
  ends = new (system::memory(sizeof(Ends))) Ends;
  system::memory(most_threads * stack_size, stacks);
  pthread_key_create(&ends->at_exit, on_exit);
}

void threads::run_all(void* (*function)(void*), void* argument) noexcept {
  world->running = &start(nullptr, function, argument);
  system::say(world->running->go);
  system::wait_for(ends->all_ended);
  for (const Thread& thread : world->all()) real<&::pthread_join>("pthread_join")(thread.handle, nullptr);
}

int threads::stack_owner(const void* memory) noexcept {
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(memory) - stacks;
  return offset < static_cast<std::size_t>(world->started) * stack_size
             ? static_cast<int>(offset / stack_size)
             : -1;
}

extern "C" int pthread_create(pthread_t* handle, const pthread_attr_t* attributes, void* (*function)(void*),
                              void* argument) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_create>("pthread_create")(handle, attributes, function, argument);
  const Entered entered(*thread);
  scheduler::step(*thread);
  const Thread& fresh = start(thread, function, argument);
  *handle = fresh.handle;
  journal::add(*thread, "starts thread %d", fresh.id + 1);
  return 0;
}

extern "C" int pthread_join(pthread_t handle, void** result) {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_join>("pthread_join")(handle, result);
  const Entered entered(*thread);
  Thread* const other = find(handle);
  if (!other) return ESRCH;
  if (other == thread) fail(Failure::misuse, "thread %d waits for its own end", thread->id + 1);
  scheduler::step(*thread);
  if (other->state != State::ended) {
    journal::add(*thread, "waits for the end of thread %d", other->id + 1);
    thread->joins = other;
    scheduler::block(*thread, State::join, other);
  }
  thread->acquire(other->clock);
  if (result) *result = other->result;
  journal::add(*thread, "has joined thread %d", other->id + 1);
  return 0;
}

extern "C" int pthread_detach(pthread_t handle) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_detach>("pthread_detach")(handle);
  const Entered entered(*thread);
  if (const Thread* const other = find(handle)) journal::add(*thread, "detaches thread %d", other->id + 1);
  return 0;  // it is joined when the schedule ends
}

extern "C" int pthread_setname_np(pthread_t handle, const char* name) noexcept {
  Thread* const thread = current;
  if (!thread) return real<&::pthread_setname_np>("pthread_setname_np")(handle, name);
  const Entered entered(*thread);
  if (Thread* const other = find(handle)) std::snprintf(other->name.data(), other->name.size(), "%s", name);
  return 0;
}

/// std::thread::hardware_concurrency(): the same on every machine.
extern "C" int get_nprocs() noexcept { return 3; }
