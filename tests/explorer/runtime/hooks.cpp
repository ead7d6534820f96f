// What the compiler calls, given -fsanitize=thread: before every access to memory, and in place of every
// atomic operation. The names are ThreadSanitizer's; only they need macros.

#include <cstdint>
#include <cstring>

#include "atomics.hpp"
#include "failure.hpp"
#include "races.hpp"
#include "world.hpp"

using namespace explore;
using namespace explore::runtime;
using atomics::Atomic;
using races::Access;

namespace {

constexpr std::uint32_t most_accesses = 20'000'000;  // without any synchronisation

[[gnu::always_inline]] inline void plain(const void* memory, std::size_t size, Access access) noexcept {
  Thread* const thread = current;
  if (!thread || size == 0) return;
  current = nullptr;
  if (++thread->accesses > most_accesses)
    fail(Failure::livelock, "thread %d runs on and on and meets no other", thread->id + 1);
  if (access == Access::write) atomics::made_anew(memory);
  races::touch(*thread, memory, size, access);
  current = thread;
}

// Only one thread runs, so an atomic operation is an ordinary one; outside of schedules it is the real thing.

template <class T>
[[gnu::always_inline]] inline T load(const volatile T* address, int order) noexcept {
  Thread* const thread = current;
  if (!thread) return __atomic_load_n(address, __ATOMIC_SEQ_CST);
  const Entered entered(*thread);
  Atomic atomic(*thread, const_cast<const T*>(address), sizeof(T));
  atomic.before_load();
  return static_cast<T>(atomic.load(*address, order));
}

template <class T>
[[gnu::always_inline]] inline void store(volatile T* address, T value, int order) noexcept {
  Thread* const thread = current;
  if (!thread) return __atomic_store_n(address, value, __ATOMIC_SEQ_CST);
  const Entered entered(*thread);
  Atomic atomic(*thread, const_cast<const T*>(address), sizeof(T));
  atomic.before_store();
  const T before = *address;
  *address = value;
  thread->costs.barriers += order == __ATOMIC_SEQ_CST;
  atomic.stored(before, value, order);
}

template <class T, class F>
[[gnu::always_inline]] inline T exchange(volatile T* address, int order, const char* verb, F make) noexcept {
  Thread* const thread = current;
  if (!thread) {
    T before = __atomic_load_n(address, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(address, &before, make(before), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
    }
    return before;
  }
  const Entered entered(*thread);
  ++thread->costs.read_modify_writes;
  Atomic atomic(*thread, const_cast<const T*>(address), sizeof(T));
  atomic.before_store();
  const T before = *address;
  *address = make(before);
  atomic.exchanged(verb, before, *address, order);
  return before;
}

template <class T>
[[gnu::always_inline]] inline bool compare_exchange(volatile T* address, T& expected, T value, int order,
                                                    int failure_order, bool weak = false) noexcept {
  Thread* const thread = current;
  if (!thread)
    return __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  const Entered entered(*thread);
  ++thread->costs.read_modify_writes;
  Atomic atomic(*thread, const_cast<const T*>(address), sizeof(T));
  atomic.before_store();
  const T before = *address;
  if (before == expected && !(weak && atomic.fails_for_no_reason())) {
    *address = value;
    atomic.exchanged("compares and sets", before, value, order);
    return true;
  }
  atomic.failed(before, expected, failure_order);
  expected = before;
  return false;
}

}  // namespace

#define HOOK extern "C" __attribute__((visibility("default")))

HOOK void __tsan_init() {}
HOOK void __tsan_func_entry(void*) {}
HOOK void __tsan_func_exit() {}
HOOK void __tsan_ignore_thread_begin() {}
HOOK void __tsan_ignore_thread_end() {}

#define ACCESSES(n)                                                                   \
  HOOK void __tsan_read##n(void* p) { plain(p, n, Access::read); }                    \
  HOOK void __tsan_write##n(void* p) { plain(p, n, Access::write); }                  \
  HOOK void __tsan_read_write##n(void* p) { plain(p, n, Access::write); }             \
  HOOK void __tsan_unaligned_read##n(void* p) { plain(p, n, Access::read); }          \
  HOOK void __tsan_unaligned_write##n(void* p) { plain(p, n, Access::write); }        \
  HOOK void __tsan_unaligned_read_write##n(void* p) { plain(p, n, Access::write); }   \
  HOOK void __tsan_volatile_read##n(void* p) { plain(p, n, Access::read); }           \
  HOOK void __tsan_volatile_write##n(void* p) { plain(p, n, Access::write); }         \
  HOOK void __tsan_unaligned_volatile_read##n(void* p) { plain(p, n, Access::read); } \
  HOOK void __tsan_unaligned_volatile_write##n(void* p) { plain(p, n, Access::write); }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

HOOK void __tsan_read_range(void* p, std::size_t size) { plain(p, size, Access::read); }
HOOK void __tsan_write_range(void* p, std::size_t size) { plain(p, size, Access::write); }
HOOK void __tsan_vptr_read(void** p) { plain(p, sizeof *p, Access::read); }
HOOK void __tsan_vptr_update(void** p, void* value) {  // a destructor writes what is there already
  if (*p != value) plain(p, sizeof *p, Access::write);
}

HOOK void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
  plain(from, size, Access::read);
  plain(to, size, Access::write);
  return std::memcpy(to, from, size);
}
HOOK void* __tsan_memmove(void* to, const void* from, std::size_t size) {
  plain(from, size, Access::read);
  plain(to, size, Access::write);
  return std::memmove(to, from, size);
}
HOOK void* __tsan_memset(void* to, int byte, std::size_t size) {
  plain(to, size, Access::write);
  return std::memset(to, byte, size);
}

// g++ leaves these three alone, so the linker puts ours in their place: -Wl,--wrap=memcpy and so on.
HOOK void* __real_memcpy(void*, const void*, std::size_t);
HOOK void* __real_memmove(void*, const void*, std::size_t);
HOOK void* __real_memset(void*, int, std::size_t);
HOOK void* __wrap_memcpy(void* to, const void* from, std::size_t size) {
  plain(from, size, Access::read);
  plain(to, size, Access::write);
  return __real_memcpy(to, from, size);
}
HOOK void* __wrap_memmove(void* to, const void* from, std::size_t size) {
  plain(from, size, Access::read);
  plain(to, size, Access::write);
  return __real_memmove(to, from, size);
}
HOOK void* __wrap_memset(void* to, int byte, std::size_t size) {
  plain(to, size, Access::write);
  return __real_memset(to, byte, size);
}

#define ATOMICS(bits)                                                                                       \
  using U##bits = std::uint##bits##_t;                                                                      \
  HOOK U##bits __tsan_atomic##bits##_load(const volatile U##bits* p, int order) { return load(p, order); }  \
  HOOK void __tsan_atomic##bits##_store(volatile U##bits* p, U##bits v, int order) { store(p, v, order); }  \
  HOOK U##bits __tsan_atomic##bits##_exchange(volatile U##bits* p, U##bits v, int order) {                  \
    return exchange(p, order, "exchanges", [=](U##bits) { return v; });                                     \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_fetch_add(volatile U##bits* p, U##bits v, int order) {                 \
    return exchange(p, order, "adds to", [=](U##bits x) { return static_cast<U##bits>(x + v); });           \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_fetch_sub(volatile U##bits* p, U##bits v, int order) {                 \
    return exchange(p, order, "subtracts from", [=](U##bits x) { return static_cast<U##bits>(x - v); });    \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_fetch_and(volatile U##bits* p, U##bits v, int order) {                 \
    return exchange(p, order, "ands", [=](U##bits x) { return static_cast<U##bits>(x & v); });              \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_fetch_or(volatile U##bits* p, U##bits v, int order) {                  \
    return exchange(p, order, "ors", [=](U##bits x) { return static_cast<U##bits>(x | v); });               \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_fetch_xor(volatile U##bits* p, U##bits v, int order) {                 \
    return exchange(p, order, "xors", [=](U##bits x) { return static_cast<U##bits>(x ^ v); });              \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_fetch_nand(volatile U##bits* p, U##bits v, int order) {                \
    return exchange(p, order, "nands", [=](U##bits x) { return static_cast<U##bits>(~(x & v)); });          \
  }                                                                                                         \
  HOOK int __tsan_atomic##bits##_compare_exchange_strong(volatile U##bits* p, U##bits* e, U##bits v, int o, \
                                                         int f) {                                           \
    return compare_exchange(p, *e, v, o, f);                                                                \
  }                                                                                                         \
  HOOK int __tsan_atomic##bits##_compare_exchange_weak(volatile U##bits* p, U##bits* e, U##bits v, int o,   \
                                                       int f) {                                             \
    return compare_exchange(p, *e, v, o, f, true);                                                          \
  }                                                                                                         \
  HOOK U##bits __tsan_atomic##bits##_compare_exchange_val(volatile U##bits* p, U##bits e, U##bits v, int o, \
                                                          int f) {                                          \
    compare_exchange(p, e, v, o, f);                                                                        \
    return e;                                                                                               \
  }
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

HOOK void __tsan_atomic_thread_fence(int order) {
  Thread* const thread = current;
  if (!thread) return __atomic_thread_fence(__ATOMIC_SEQ_CST);
  const Entered entered(*thread);
  thread->costs.barriers += order == __ATOMIC_SEQ_CST;
  atomics::fence(*thread, order);
}
HOOK void __tsan_atomic_signal_fence(int) {}

// How libstdc++ tells ThreadSanitizer that bits of its own are locks. Here their atomics say it all.
HOOK void __tsan_mutex_create(void*, unsigned) {}
HOOK void __tsan_mutex_destroy(void*, unsigned) {}
HOOK void __tsan_mutex_pre_lock(void*, unsigned) {}
HOOK void __tsan_mutex_post_lock(void*, unsigned, int) {}
HOOK int __tsan_mutex_pre_unlock(void*, unsigned) { return 0; }
HOOK void __tsan_mutex_post_unlock(void*, unsigned) {}
HOOK void __tsan_mutex_pre_signal(void*, unsigned) {}
HOOK void __tsan_mutex_post_signal(void*, unsigned) {}
