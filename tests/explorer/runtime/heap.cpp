#include "heap.hpp"

#include <malloc.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "failure.hpp"
#include "journal.hpp"
#include "races.hpp"
#include "system.hpp"
#include "world.hpp"

namespace explore::runtime::heap {
namespace {

constexpr std::uintptr_t begin = 0x21'0000'0000;
constexpr std::size_t room = std::size_t{1} << 29;
constexpr std::size_t most_late = 4096;
constexpr std::size_t most_blocks = 1 << 16;
constexpr unsigned char fresh_byte = 0xab;  // what new memory holds: the same in each schedule

struct Heap {
  std::uintptr_t first = begin;  // where a schedule begins
  std::uintptr_t next = begin;
  long alive = 0;
  std::size_t late = 0;  // memory from before the schedule that it has deleted: freed at the end
  std::array<void*, most_late> to_free{};
  std::size_t known = 0;
  std::array<Block, most_blocks> blocks{};
};
Heap* heap = nullptr;

bool is_ours(const void* memory) noexcept { return reinterpret_cast<std::uintptr_t>(memory) - begin < room; }

std::size_t& size_of(void* memory) noexcept { return static_cast<std::size_t*>(memory)[-1]; }

void* allocate_in(Thread& thread, std::size_t size, std::size_t alignment) noexcept {
  const std::size_t align = std::max<std::size_t>(alignment, 16);
  const std::uintptr_t address = (heap->next + 16 + align - 1) & ~(align - 1);
  heap->next = address + (std::max<std::size_t>(size, 1) + 15) / 16 * 16;
  if (heap->next > begin + room) fail(Failure::limit, "the scenario allocates more than %zu MiB", room >> 20);
  void* const memory = reinterpret_cast<void*>(address);
  size_of(memory) = size;
  ++heap->alive;
  std::memset(memory, fresh_byte, size);
  if (world->drawing() && heap->known < most_blocks)
    heap->blocks[heap->known++] = {memory, size, journal::stack(), thread.id};
  return memory;
}

/// Whoever waits for a mutex or a condition variable must not find it gone.
void check_nobody_waits_in(Thread& thread, const void* memory, std::size_t size) noexcept {
  const auto first = static_cast<const char*>(memory);
  for (const Thread& other : world->all()) {
    const bool there = other.state == State::condition || other.state == State::mutex ||
                       other.state == State::futex || other.state == State::shared_mutex;
    const auto* const waits_for = static_cast<const char*>(other.waits_for);
    if (!there || waits_for < first || waits_for >= first + size) continue;
    journal::add(thread, "deletes it");
    fail(Failure::misuse, "thread %d deletes an object that thread %d waits for", thread.id + 1,
         other.id + 1);
  }
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (Thread* const thread = current) {
    const Entered entered(*thread);
    return allocate_in(*thread, size, alignment);
  }
  void* const memory = alignment <= 16
                           ? std::malloc(std::max<std::size_t>(size, 1))
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void release(void* memory) noexcept {
  if (!memory) return;
  Thread* const thread = current;
  if (!thread) {
    if (!is_ours(memory)) std::free(memory);
    return;
  }
  const Entered entered(*thread);
  const std::size_t size =
      std::max<std::size_t>(is_ours(memory) ? size_of(memory) : malloc_usable_size(memory), 1);
  races::touch(*thread, memory, size, races::Access::release);
  check_nobody_waits_in(*thread, memory, size);
  if (is_ours(memory))
    --heap->alive;
  else if (heap->late < most_late)
    heap->to_free[heap->late++] = memory;
}

}  // namespace

void open() noexcept {
  heap = new (system::memory(sizeof(Heap))) Heap;
  system::memory(room, begin);
}

void reset() noexcept {
  for (std::size_t i = 0; i < heap->late; ++i) std::free(heap->to_free[i]);
  heap->late = heap->known = 0;
  if (heap->alive > 0) heap->first = heap->next;
  heap->alive = 0;
  heap->next = heap->first;
}

const Block* block_of(const void* memory) noexcept {
  for (std::size_t i = heap->known; i-- > 0;) {
    const Block& block = heap->blocks[i];
    const auto offset = static_cast<const char*>(memory) - static_cast<const char*>(block.begin);
    if (offset >= 0 && static_cast<std::size_t>(offset) < block.size) return &block;
  }
  return nullptr;
}

}  // namespace explore::runtime::heap

using explore::runtime::heap::allocate;
using explore::runtime::heap::release;

void* operator new(std::size_t size) { return allocate(size, 16); }
void* operator new[](std::size_t size) { return allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t align) {
  return allocate(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return allocate(size, static_cast<std::size_t>(align));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 16); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 16); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
