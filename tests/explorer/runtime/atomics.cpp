#include "atomics.hpp"

#include <algorithm>

#include "arena.hpp"
#include "journal.hpp"
#include "races.hpp"
#include "scheduler.hpp"
#include "strategy.hpp"
#include "world.hpp"

namespace explore::runtime::atomics {

using objects::History;
using objects::Store;
using races::Access;

namespace {

constexpr std::uint32_t loads_until_spinning = 40;

int plain_order(int order) noexcept { return order & 0xff; }

std::size_t index(const Thread& thread) noexcept { return static_cast<std::size_t>(thread.id); }

}  // namespace

bool acquires(int order) noexcept {
  const int o = plain_order(order);
  return o == __ATOMIC_ACQUIRE || o == __ATOMIC_CONSUME || o == __ATOMIC_ACQ_REL || o == __ATOMIC_SEQ_CST;
}
bool releases(int order) noexcept {
  const int o = plain_order(order);
  return o == __ATOMIC_RELEASE || o == __ATOMIC_ACQ_REL || o == __ATOMIC_SEQ_CST;
}
bool is_sequential(int order) noexcept { return plain_order(order) == __ATOMIC_SEQ_CST; }

const char* order_name(int order) noexcept {
  switch (plain_order(order)) {
    case __ATOMIC_RELAXED:
      return "relaxed";
    case __ATOMIC_CONSUME:
      return "consume";
    case __ATOMIC_ACQUIRE:
      return "acquire";
    case __ATOMIC_RELEASE:
      return "release";
    case __ATOMIC_ACQ_REL:
      return "acq_rel";
    default:
      return "seq_cst";
  }
}

Atomic::Atomic(Thread& thread, const void* address, std::size_t size) noexcept
    : thread_(thread), object_(objects::get(address, objects::Kind::atomic)), size_(size) {}

bool Atomic::same_as_before() const noexcept {
  return thread_.last_load == object_.address && thread_.last_version == object_.version;
}

void Atomic::before_load() noexcept {
  if (!same_as_before()) {
    thread_.same_loads = 0;
    scheduler::step(thread_);
  } else if (++thread_.same_loads >= loads_until_spinning) {
    scheduler::spin(thread_);
    scheduler::step(thread_);
  }
}

void Atomic::before_store() noexcept {
  if (same_as_before() && ++thread_.same_loads >= loads_until_spinning) scheduler::spin(thread_);
  scheduler::step(thread_);
}

/// The first store of a schedule finds a value that no store has brought.
void Atomic::remember(unsigned long long before) noexcept {
  if (world->options.stale == 0 || object_.history) return;
  object_.history = arena::make<History>();
  object_.history->store[0] = {.value = before, .thread = 0, .time = 0, .released = object_.released};
  object_.history->size = 1;
}

/// The oldest store in the history that the thread may still read. It must not be older than
/// - a store that it knows of, by happening before or by sequentially consistent fences,
/// - what it has read itself, or another thread before it let this one know,
/// - for a sequentially consistent load: the last sequentially consistent store.
int Atomic::oldest_readable(int order) const noexcept {
  const History& history = *object_.history;
  int oldest = 0;
  for (int i = history.size - 1; i > 0 && oldest == 0; --i) {
    const Store& store = history.store[static_cast<std::size_t>(i)];
    if (store.thread == thread_.id || thread_.seen.covers(store.thread, store.time)) oldest = i;
  }
  const auto at_least = [&](std::uint32_t number) {
    oldest = std::max(oldest, static_cast<int>(number - history.first));
  };
  for (const Thread& other : world->all()) {
    const std::uint32_t time = history.read_time[index(other)];
    if (time != 0 && (other.id == thread_.id || thread_.clock.covers(other.id, time)))
      if (history.read[index(other)] >= history.first) at_least(history.read[index(other)]);
  }
  if (is_sequential(order) && history.last_sequential > history.first) at_least(history.last_sequential - 1);
  return oldest;
}

void Atomic::acquire(const VectorClock& released, int order) noexcept {
  if (acquires(order))
    thread_.acquire(released);
  else
    thread_.acquirable.join(released);
}

unsigned long long Atomic::load(unsigned long long newest, int order) noexcept {
  races::touch(thread_, object_.address, size_, Access::use);
  unsigned long long value = newest;
  const VectorClock* released = &object_.released;
  bool stale = false;
  if (world->options.stale > 0) {
    remember(newest);
    History& history = *object_.history;
    const int last = history.size - 1, oldest = oldest_readable(order);
    int read = last;
    if (world->stale > 0 && oldest < last)
      read -= static_cast<int>(strategy::choose_age(static_cast<std::size_t>(last - oldest + 1)));
    stale = read != last;
    if (stale) {
      --world->stale;
      const Store& store = history.store[static_cast<std::size_t>(read)];
      value = store.value;
      released = &store.released;
    }
    history.read[index(thread_)] = history.first + static_cast<std::uint32_t>(read);
    history.read_time[index(thread_)] = thread_.time();
  }
  if (!same_as_before() || stale)
    journal::add_detail(thread_, "loads %s%lld from atomic %d (%s)", stale ? "an OLD value, " : "",
                        static_cast<long long>(value), object_.number, order_name(order));
  acquire(*released, order);
  thread_.last_load = stale ? nullptr : object_.address;
  thread_.last_version = object_.version;
  return value;
}

/// A store's value, and what whoever acquires it gets to know.
/// @param continues it is part of an exchange, which carries on the release sequence that it stands in
void Atomic::publish(unsigned long long value, int order, bool continues) noexcept {
  VectorClock released;
  if (releases(order))
    released = thread_.clock;
  else if (thread_.has_released)
    released = thread_.released;
  if (continues)
    object_.released.join(released);
  else
    object_.released = released;
  ++object_.version;
  if (world->options.stale > 0) {
    History& history = *object_.history;
    if (history.size == History::most) {
      std::shift_left(history.store.begin(), history.store.end(), 1);
      --history.size;
      ++history.first;
    }
    history.store[static_cast<std::size_t>(history.size++)] = {
        .value = value, .thread = thread_.id, .time = thread_.time(), .released = object_.released};
    const std::uint32_t number = history.first + static_cast<std::uint32_t>(history.size) - 1;
    if (is_sequential(order)) history.last_sequential = number + 1;
    history.read[index(thread_)] = number;
    history.read_time[index(thread_)] = thread_.time();
  }
  if (releases(order)) thread_.tick();
  thread_.last_load = nullptr;
}

void Atomic::stored(unsigned long long before, unsigned long long value, int order) noexcept {
  races::touch(thread_, object_.address, size_, Access::atomic_write);
  remember(before);
  journal::add_detail(thread_, "stores %lld to atomic %d (%s)", static_cast<long long>(value), object_.number,
                      order_name(order));
  publish(value, order, false);
}

void Atomic::exchanged(const char* verb, unsigned long long before, unsigned long long value,
                       int order) noexcept {
  races::touch(thread_, object_.address, size_, Access::atomic_write);
  remember(before);
  journal::add_detail(thread_, "%s atomic %d: %lld to %lld (%s)", verb, object_.number,
                      static_cast<long long>(before), static_cast<long long>(value), order_name(order));
  acquire(object_.released, order);
  publish(value, order, true);
}

void Atomic::failed(unsigned long long value, unsigned long long expected, int order) noexcept {
  races::touch(thread_, object_.address, size_, Access::use);
  remember(value);
  journal::add_detail(thread_, "compares atomic %d: it is %lld, not %lld", object_.number,
                      static_cast<long long>(value), static_cast<long long>(expected));
  acquire(object_.released, order);
  thread_.last_load = object_.address;
  thread_.last_version = object_.version;
}

void fence(Thread& thread, int order) noexcept {
  if (is_sequential(order)) scheduler::step(thread);
  journal::add_detail(thread, "fence (%s)", order_name(order));
  if (acquires(order)) thread.acquire(thread.acquirable);
  if (is_sequential(order)) {
    world->sequential.join(thread.seen);
    thread.seen.join(world->sequential);
  }
  if (releases(order)) {
    thread.released = thread.clock;
    thread.has_released = true;
    thread.tick();
  }
}

void made_anew(const void* address) noexcept {
  objects::Object* const object = objects::find(address, objects::Kind::atomic);
  if (!object) return;
  object->history = nullptr;
  object->released = {};
}

}  // namespace explore::runtime::atomics
