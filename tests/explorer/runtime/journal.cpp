#include "journal.hpp"

#include <unwind.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "objects.hpp"
#include "world.hpp"

extern "C" const char __executable_start, etext;  // the linker's

namespace explore::runtime::journal {
namespace {

void write(Thread& thread, bool detail, const char* format, std::va_list arguments) noexcept {
  Journal& journal = world->shared->journal;
  if (journal.events_size == Journal::most_events) return;
  Event& event = journal.events[journal.events_size++];
  event.thread = static_cast<std::uint8_t>(thread.id);
  event.detail = detail;
  event.stack = stack();
  std::vsnprintf(event.text.data(), event.text.size(), format, arguments);
  thread.last_event = journal.events_size;
}

void describe(const Thread& thread, ThreadState& state) noexcept {
  const auto say = [&](const char* what, int number = 0, int other = -1) {
    char* const out = state.doing.data();
    const std::size_t room = state.doing.size();
    if (number == 0)
      std::snprintf(out, room, "%s", what);
    else if (other < 0)
      std::snprintf(out, room, "%s %d", what, number);
    else
      std::snprintf(out, room, "%s %d, which thread %d has", what, number, other + 1);
  };
  const auto number = [&](objects::Kind kind) { return objects::get(thread.waits_for, kind).number; };
  switch (thread.state) {
    case State::runnable:
      return say(&thread == world->running ? "runs" : "can run");
    case State::mutex:
      return say("waits for mutex", number(objects::Kind::mutex),
                 objects::get(thread.waits_for, objects::Kind::mutex).owner);
    case State::shared_mutex:
      return say("waits for shared mutex", number(objects::Kind::shared_mutex));
    case State::condition:
      return say("waits to be notified by condition", number(objects::Kind::condition));
    case State::join:
      return say("waits for the end of thread", thread.joins->id + 1);
    case State::futex:
      return say("waits for an atomic, a future, a latch or the like to change");
    case State::sleep:
      return say("sleeps");
    case State::once:
      return say("waits until another thread has initialised something once");
    case State::semaphore:
      return say("waits for semaphore", number(objects::Kind::semaphore));
    case State::descriptor:
      return say("waits for a file descriptor");
    case State::place:
      return say("waits until it is the turn of place", thread.place);
    case State::ended:
      return say("has ended");
  }
}

}  // namespace

StackId stack() noexcept {
  if (!world->drawing()) return 0;
  Journal& journal = world->shared->journal;
  if (journal.stacks_size == Journal::most_stacks) return 0;
  Stack& fresh = journal.stacks[journal.stacks_size];
  fresh.size = 0;
  const auto add = [](_Unwind_Context* context, void* to) {
    Stack& stack = *static_cast<Stack*>(to);
    int exact = 0;
    const auto address = _Unwind_GetIPInfo(context, &exact);
    if (address < reinterpret_cast<std::uintptr_t>(&__executable_start) ||
        address >= reinterpret_cast<std::uintptr_t>(&etext))
      return _URC_NO_REASON;
    // A return address belongs to the line after the call: one byte back is still inside the call.
    stack.address[stack.size++] = address - (exact ? 0 : 1);
    return stack.size == Stack::most ? _URC_END_OF_STACK : _URC_NO_REASON;
  };
  _Unwind_Backtrace(add, &fresh);
  const Stack& before = journal.stacks[journal.stacks_size - 1];
  const bool same = before.size == fresh.size &&
                    std::memcmp(&before.address, &fresh.address, fresh.size * sizeof(std::uintptr_t)) == 0;
  return same ? journal.stacks_size - 1 : journal.stacks_size++;
}

void add(Thread& thread, const char* format, ...) noexcept {
  if (!world->drawing()) return;
  std::va_list arguments;
  va_start(arguments, format);
  write(thread, false, format, arguments);
  va_end(arguments);
}

void add_detail(Thread& thread, const char* format, ...) noexcept {
  if (!world->drawing()) return;
  std::va_list arguments;
  va_start(arguments, format);
  write(thread, true, format, arguments);
  va_end(arguments);
}

void close() noexcept {
  if (!world->drawing()) return;
  Journal& journal = world->shared->journal;
  journal.threads_size = static_cast<std::uint32_t>(world->started);
  for (const Thread& thread : world->all()) {
    ThreadState& state = journal.threads[static_cast<std::size_t>(thread.id)];
    state.name = thread.name;
    state.ended = thread.state == State::ended;
    if (thread.last_event != 0) state.stack = journal.events[thread.last_event - 1].stack;
    describe(thread, state);
  }
}

}  // namespace explore::runtime::journal
