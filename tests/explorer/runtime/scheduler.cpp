#include "scheduler.hpp"

#include <array>
#include <cstddef>
#include <limits>

#include "descriptors.hpp"
#include "failure.hpp"
#include "strategy.hpp"
#include "system.hpp"
#include "world.hpp"

namespace explore::runtime::scheduler {
namespace {

using strategy::Way;

constexpr std::uint32_t most_in_a_row = 200;  // steps; after that others go first
constexpr std::int64_t spin_time = 50'000;    // nanoseconds that pass when all threads spin

class Ways {
 public:
  void add(Thread& thread, Way::Event event = Way::Event::none) noexcept {
    ways_[size_++] = {&thread, event};
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const Way> all() const noexcept { return {ways_.data(), size_}; }

 private:
  std::array<Way, 3 * most_threads> ways_;
  std::size_t size_ = 0;
};

/// All threads, those that started after `thread` first, so that to go round them is fair.
template <class F>
void each_after(const Thread& thread, F f) noexcept {
  for (int i = 1; i <= world->started; ++i)
    f(world->threads[static_cast<std::size_t>((thread.id + i) % world->started)]);
}

bool can_run(Thread& thread) noexcept {
  return thread.state == State::runnable || (thread.state == State::descriptor && descriptors::ready(thread));
}

void time_out(Thread& thread) noexcept {
  wake(thread);
  thread.timed_out = true;
}

void pass_time_until(std::int64_t time) noexcept {
  world->now = std::max(world->now, time);
  for (Thread& thread : world->all())
    if (thread.blocked() && thread.has_deadline && thread.deadline <= world->now) time_out(thread);
}

/// Nobody else goes on: who waits for the turn of the first of the places goes on all the same.
/// @returns false if there is none
bool give_up_a_place() noexcept {
  Thread* first = nullptr;
  for (Thread& thread : world->all())
    if (thread.state == State::place && (!first || thread.place < first->place)) first = &thread;
  if (first) wake(*first);
  return first != nullptr;
}

/// Nobody can run: it is the next deadline's time, or there is none.
void pass_time() noexcept {
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  for (const Thread& thread : world->all())
    if (thread.blocked() && thread.has_deadline) next = std::min(next, thread.deadline);
  if (next != std::numeric_limits<std::int64_t>::max()) return pass_time_until(next);
  if (world->threads[0].state == State::ended)
    fail(Failure::stuck_thread, "the scenario has returned, but a thread is left that waits for ever");
  fail(Failure::deadlock, "no thread can go on: each that is left waits, and nobody will wake it");
}

void add_events(Ways& ways) noexcept {
  for (Thread& thread : world->all()) {
    if (world->spurious > 0 && thread.state == State::condition) ways.add(thread, Way::Event::spurious);
  }
  for (Thread& thread : world->all())
    if (world->timeouts > 0 && thread.blocked() && thread.has_deadline) ways.add(thread, Way::Event::timeout);
}

void happen(const Way& way) noexcept {
  Thread& thread = *way.thread;
  if (way.event == Way::Event::spurious) {
    --world->spurious;
    wake(thread);
    thread.spurious = true;
  } else if (way.event == Way::Event::timeout) {
    --world->timeouts;
    pass_time_until(thread.deadline);
  }
  if (thread.state == State::descriptor) wake(thread);
}

/// The thread to run next, after `thread`.
Thread& next_after(Thread& thread) noexcept {
  for (;;) {
    Ways ways;
    const bool preempts = thread.state == State::runnable && !thread.yielded;
    if (preempts) ways.add(thread);
    each_after(thread, [&](Thread& other) {
      if (!other.yielded && !(preempts && &other == &thread) && can_run(other)) ways.add(other);
    });
    if (ways.size() == 0 && give_up_a_place()) continue;
    if (ways.size() == 0) {  // whoever can run has yielded: some time passes, and they go on
      each_after(thread, [&](Thread& other) {
        if (other.state == State::runnable) ways.add(other);
      });
      if (ways.size() > 0) pass_time_until(world->now + spin_time);
    }
    const std::size_t going_on = ways.size();
    if (going_on == 0) {
      pass_time();
      continue;
    }
    add_events(ways);
    const Way way = ways.all()[strategy::choose(ways.all(), going_on, preempts)];
    happen(way);
    for (Thread& other : world->all())
      if (&other != way.thread || &thread == way.thread) other.yielded = false;
    if (way.thread != &thread) way.thread->in_a_row = 0;
    return *way.thread;
  }
}

void count_step(Thread& thread) noexcept {
  thread.accesses = 0;
  ++world->shared->steps;
  if (++world->steps > world->options.max_steps)
    fail(Failure::livelock, "%u steps, and no end: the threads keep each other busy and get nowhere",
         world->options.max_steps);
}

void switch_to(Thread& thread, Thread& next) noexcept {
  if (&next == &thread) return;
  world->running = &next;
  system::say(next.go);
  system::wait_for(thread.go);
}

}  // namespace

void step(Thread& thread) noexcept {
  count_step(thread);
  if (world->alive == 1 && !thread.yielded) return;
  if (++thread.in_a_row > most_in_a_row) {
    thread.in_a_row = 0;
    yield(thread);
  }
  switch_to(thread, next_after(thread));
}

void block(Thread& thread, State state, const void* what) noexcept {
  thread.state = state;
  thread.waits_for = what;
  thread.timed_out = thread.spurious = false;
  count_step(thread);
  switch_to(thread, next_after(thread));
}

void block_until(Thread& thread, State state, const void* what, std::int64_t deadline) noexcept {
  thread.has_deadline = deadline >= 0;
  thread.deadline = deadline;
  block(thread, state, what);
  thread.has_deadline = false;
}

bool leave(Thread& thread) noexcept {
  thread.state = State::ended;
  wake_all(State::join, &thread);
  if (--world->alive == 0) return false;
  count_step(thread);
  Thread& next = next_after(thread);
  world->running = &next;
  system::say(next.go);
  return true;
}

void wake(Thread& thread) noexcept {
  thread.state = State::runnable;
  thread.has_deadline = false;
}

void wake_all(State state, const void* what) noexcept {
  for (Thread& thread : world->all())
    if (thread.blocked_in(state, what)) wake(thread);
}

void come_to(Thread& thread, int place) noexcept {
  thread.place = place;
  if (place > world->place + 1) block(thread, State::place, nullptr);
  world->place = std::max(world->place, place);
  for (Thread& other : world->all())
    if (other.state == State::place && other.place <= world->place + 1) wake(other);
}

void yield(Thread& thread) noexcept {
  thread.yielded = true;
  thread.priority = --world->lowest_priority;
}

void spin(Thread& thread) noexcept {
  thread.same_loads = 0;
  yield(thread);
}

}  // namespace explore::runtime::scheduler
