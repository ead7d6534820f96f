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

/// The store itself, or that somebody has read it.
bool is_known(const VectorClock& clock, const Store& store) noexcept {
  if (clock.covers(store.thread, store.time)) return true;
  for (const Thread& other : world->all())
    if (const std::uint32_t time = store.read.at[index(other)]; time != 0 && clock.covers(other.id, time))
      return true;
  return false;
}

void mark_read(const Thread& thread, Store& store, int order) noexcept {
  std::uint32_t& time = store.read.at[index(thread)];
  if (time == 0) time = thread.time();
  if (!is_sequential(order)) return;
  ++world->sequential;
  if (store.sequential == 0) store.sequential = world->sequential;
}

/// The latest of the sequentially consistent fences so far, or null.
const Fence* last_fence() noexcept {
  const Fences& fences = world->fences;
  return fences.next == 0 ? nullptr : &fences.at[(fences.next - 1) % Fences::most];
}

/// The last of them that has happened before the thread's present moment, or null.
const Fence* last_fence_before(const Thread& thread) noexcept {
  const Fences& fences = world->fences;
  for (std::uint32_t i = fences.next; i > 0 && fences.next - i < Fences::most; --i)
    if (const Fence& fence = fences.at[(i - 1) % Fences::most]; thread.clock.covers(fence.thread, fence.time))
      return &fence;
  return nullptr;
}

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

/// The first store of a schedule finds a value that no store has brought; so does one to memory that has been
/// made anew.
void Atomic::remember(unsigned long long before) noexcept {
  if (world->options.stale == 0) return;
  if (object_.history && object_.history->newest().value != before) made_anew(object_.address);
  if (object_.history) return;
  object_.history = arena::make<History>();
  object_.history->store[0] = {.value = before, .released = object_.released};
  object_.history->size = 1;
}

/// The oldest store in the history that the thread may still read. With "known" for a store that has been
/// made or read before, it must not be older than one
/// - that was known when this load happens,
/// - that was known at a sequentially consistent fence, if that comes before one that happened before this
///   load, or if the load itself is sequentially consistent,
/// - that a sequentially consistent operation has made or read, likewise.
/// These are the rules for coherence, and [atomics.order] 4.1 to 4.4.
int Atomic::oldest_readable(int order) const noexcept {
  const History& history = *object_.history;
  const Fence* const before = last_fence_before(thread_);
  const Fence* const any = is_sequential(order) ? last_fence() : before;
  const std::uint32_t sequential = is_sequential(order) ? world->sequential : before ? before->number : 0;
  for (int i = history.size - 1; i > 0; --i) {
    const Store& store = history.store[static_cast<std::size_t>(i)];
    if (is_known(thread_.clock, store) || (any && is_known(any->known, store)) ||
        (store.sequential != 0 && store.sequential <= sequential))
      return i;
  }
  return 0;
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
    Store& store = history.store[static_cast<std::size_t>(read)];
    stale = read != last;
    if (stale) {
      --world->stale;
      value = store.value;
      released = &store.released;
    }
    mark_read(thread_, store, order);
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
    }
    ++history.size;
    history.newest() = {.value = value,
                        .thread = thread_.id,
                        .time = thread_.time(),
                        .sequential = is_sequential(order) ? ++world->sequential : 0,
                        .released = object_.released};
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

bool Atomic::fails_for_no_reason() noexcept {
  if (world->weak == 0 || !strategy::choose_to_fail()) return false;
  --world->weak;
  return true;
}

void Atomic::failed(unsigned long long value, unsigned long long expected, int order) noexcept {
  races::touch(thread_, object_.address, size_, Access::use);
  remember(value);
  if (value == expected)
    journal::add_detail(thread_, "compares atomic %d: it is %lld, and FAILS, for it is weak", object_.number,
                        static_cast<long long>(value));
  else
    journal::add_detail(thread_, "compares atomic %d: it is %lld, not %lld", object_.number,
                        static_cast<long long>(value), static_cast<long long>(expected));
  if (world->options.stale > 0) mark_read(thread_, object_.history->newest(), order);
  acquire(object_.released, order);
  thread_.last_load = object_.address;
  thread_.last_version = object_.version;
}

void fence(Thread& thread, int order) noexcept {
  if (is_sequential(order)) scheduler::step(thread);
  journal::add_detail(thread, "fence (%s)", order_name(order));
  if (acquires(order)) thread.acquire(thread.acquirable);
  if (is_sequential(order)) {
    Fence fence{
        .thread = thread.id, .time = thread.time(), .number = ++world->sequential, .known = thread.clock};
    if (const Fence* const last = last_fence()) fence.known.join(last->known);
    world->fences.at[world->fences.next++ % Fences::most] = fence;
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
