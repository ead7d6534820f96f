#include "races.hpp"

#include <array>
#include <cstring>

#include "arena.hpp"
#include "failure.hpp"
#include "heap.hpp"
#include "journal.hpp"
#include "system.hpp"
#include "threads.hpp"
#include "world.hpp"

namespace explore::runtime::races {
namespace {

constexpr int write_bit = 1, sync_bit = 2, delete_bit = 4;

bool is(Access access, int bit) noexcept { return (static_cast<int>(access) & bit) != 0; }

/// An access that later ones must be ordered after.
struct Past {
  std::uint32_t time = 0;  // of the thread that made it
  StackId stack = 0;
  std::uint8_t thread = 0;
  std::uint8_t bytes = 0;  // which of the eight, a bit each
  Access access{};
};

/// Eight bytes of memory and the accesses to them: the last write, and the reads since then. Usually one or
/// two.
struct Word {
  std::uint32_t generation = 0;
  std::uint16_t size = 0, capacity = 0;
  Past* past = nullptr;

  void add(const Past& access) noexcept {
    if (size == capacity) {
      const std::uint16_t more = capacity == 0 ? 4 : 2 * capacity;
      auto* const grown = static_cast<Past*>(arena::allocate(more * sizeof(Past)));
      if (size > 0) std::memcpy(static_cast<void*>(grown), past, size * sizeof(Past));
      past = grown;
      capacity = more;
    }
    past[size++] = access;
  }
};

struct Page {
  static constexpr std::size_t words = 512;
  std::uintptr_t number = 0;
  Page* next = nullptr;
  std::array<Word, words> word{};
};

struct Table {
  static constexpr std::size_t size = 1 << 14;
  std::array<Page*, size> buckets{};
  Page* last = nullptr;
};
Table* table = nullptr;

Page& page_of(std::uintptr_t address) noexcept {
  const std::uintptr_t number = address >> 12;
  if (table->last && table->last->number == number) return *table->last;
  Page*& bucket = table->buckets[(number * 0x9E3779B97F4A7C15U) >> 50];
  for (Page* page = bucket; page; page = page->next)
    if (page->number == number) return *(table->last = page);
  Page* const page = static_cast<Page*>(system::memory(sizeof(Page)));
  page->number = number;
  page->next = bucket;
  return *(table->last = bucket = page);
}

Word& word_at(std::uintptr_t address) noexcept { return page_of(address).word[(address >> 3) % Page::words]; }

const char* verb(Access access) noexcept {
  if (is(access, delete_bit)) return "deletes";
  if (is(access, sync_bit)) return "uses";
  return is(access, write_bit) ? "writes" : "reads";
}

const char* manner(Access access) noexcept {
  return is(access, sync_bit) && !is(access, delete_bit) ? " as an atomic, a mutex or the like" : "";
}

const char* unit(std::size_t size) noexcept { return size == 1 ? "byte" : "bytes"; }

/// Adds to the report where the memory came from.
void add_memory_site(const void* memory) noexcept {
  if (!world->drawing()) return;
  if (const heap::Block* const block = heap::block_of(memory))
    add_site(block->stack, "the memory: %zu %s, allocated by thread %d", block->size, unit(block->size),
             block->thread + 1);
  else if (const int owner = threads::stack_owner(memory); owner >= 0)
    add_site(0, "the memory: a local variable of thread %d", owner + 1);
}

[[noreturn]] void report(Thread& thread, const void* memory, std::size_t size, Access access,
                         const Past& past) noexcept {
  const int me = thread.id + 1, other = past.thread + 1;
  add_site(journal::stack(), "thread %d %s %zu %s%s", me, verb(access), size, unit(size), manner(access));
  add_site(past.stack, "thread %d %s them%s", other, verb(past.access), manner(past.access));
  add_memory_site(memory);
  journal::add(thread, "%s %zu %s", verb(access), size, unit(size));
  if (is(past.access, delete_bit))
    fail(Failure::use_after_free, "thread %d %s memory that thread %d has deleted", me, verb(access), other);
  if (is(access, delete_bit))
    fail(Failure::use_after_free,
         "thread %d deletes memory that thread %d uses, and nothing says that it is done with it", me, other);
  fail(Failure::data_race, "thread %d %s what thread %d %s, and nothing orders the two", me, verb(access),
       other, verb(past.access));
}

void touch_word(Thread& thread, Word& word, const void* memory, std::size_t size, Past now) noexcept {
  if (word.generation != world->generation) word = {.generation = world->generation};
  if (word.size > 0) {  // the same again, as in a loop
    const Past& last = word.past[word.size - 1];
    if (last.time == now.time && last.thread == now.thread && last.bytes == now.bytes &&
        last.access == now.access)
      return;
  }
  const bool writes = is(now.access, write_bit), syncs = is(now.access, sync_bit);
  for (std::uint16_t i = 0; i < word.size;) {
    const Past& past = word.past[i];
    if ((past.bytes & now.bytes) == 0) {
      ++i;
      continue;
    }
    if (is(past.access, delete_bit)) report(thread, memory, size, now.access, past);
    const bool ordered = past.thread == thread.id || thread.clock.covers(past.thread, past.time);
    const bool wrote = is(past.access, write_bit), synced = is(past.access, sync_bit);
    if (!ordered && (writes || wrote) && !(syncs && synced)) report(thread, memory, size, now.access, past);
    // What is ordered after the new access is ordered after the old one, too: that need not be kept.
    const bool covered =
        ordered && (past.bytes & ~now.bytes) == 0 && (writes || !wrote) && (!syncs || synced);
    if (covered)
      word.past[i] = word.past[--word.size];
    else
      ++i;
  }
  word.add(now);
}

/// A local variable is the affair of its own thread, below whose stack's top nothing is alive.
void check_stack(Thread& thread, const void* memory, std::size_t size) noexcept {
  const int owner = threads::stack_owner(memory);
  if (owner < 0 || owner == thread.id) return;
  const Thread& other = world->threads[static_cast<std::size_t>(owner)];
  if (other.state != State::ended && reinterpret_cast<std::uintptr_t>(memory) >= other.stack_top) return;
  add_site(journal::stack(), "thread %d touches %zu %s", thread.id + 1, size, unit(size));
  journal::add(thread, "uses a dead local variable");
  fail(Failure::use_after_scope, "thread %d uses a local variable of thread %d whose function has returned",
       thread.id + 1, owner + 1);
}

}  // namespace

void open() noexcept { table = new (system::memory(sizeof(Table))) Table; }

void touch(Thread& thread, const void* memory, std::size_t size, Access access) noexcept {
  check_stack(thread, memory, size);
  const auto begin = reinterpret_cast<std::uintptr_t>(memory), end = begin + size;
  Past now{.time = thread.time(),
           .stack = world->drawing() ? journal::stack() : 0,
           .thread = static_cast<std::uint8_t>(thread.id),
           .access = access};
  for (std::uintptr_t at = begin & ~std::uintptr_t{7}; at < end; at += 8) {
    const unsigned first = at < begin ? static_cast<unsigned>(begin - at) : 0;
    const unsigned last = end - at < 8 ? static_cast<unsigned>(end - at) : 8;
    now.bytes = static_cast<std::uint8_t>(((1U << last) - 1) & ~((1U << first) - 1));
    touch_word(thread, word_at(at), memory, size, now);
  }
}

void forget(const void* memory, std::size_t size) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  for (std::uintptr_t at = begin; at < begin + size; at += 8) word_at(at).size = 0;
}

}  // namespace explore::runtime::races
