#pragma once

#include "objects.hpp"
#include "thread.hpp"

/// Atomics as the C++ memory model has them. The order in which stores happen here is their modification
/// order; what a load with a weak order may read is decided from what its thread must have seen.
namespace explore::runtime::atomics {

/// A memory order, as the compiler passes it.
bool acquires(int order) noexcept;
bool releases(int order) noexcept;
bool is_sequential(int order) noexcept;
const char* order_name(int order) noexcept;

/// An atomic that a schedule works with, seen by one thread. The value itself is in the program's memory.
class Atomic {
 public:
  /// @param value what the atomic holds now
  Atomic(Thread& thread, const void* address, std::size_t size) noexcept;

  /// Before a load: another thread may go first, unless the load can only find what it found before.
  void before_load() noexcept;
  /// Before a store or an exchange: another thread may go first.
  void before_store() noexcept;

  /// @param newest what is in memory @returns what the thread reads: an older value, if its order allows that
  unsigned long long load(unsigned long long newest, int order) noexcept;
  /// The thread has stored `value`. @param before what was there
  void stored(unsigned long long before, unsigned long long value, int order) noexcept;
  /// Likewise, with a load of the newest value in one step. @param verb for the report
  void exchanged(const char* verb, unsigned long long before, unsigned long long value, int order) noexcept;
  /// True if a weak compare-exchange fails here although it finds what it expects.
  [[nodiscard]] bool fails_for_no_reason() noexcept;
  /// A compare-exchange has failed, and read `value`.
  void failed(unsigned long long value, unsigned long long expected, int order) noexcept;

 private:
  void remember(unsigned long long before) noexcept;
  void acquire(const VectorClock& released, int order) noexcept;
  void publish(unsigned long long value, int order, bool continues) noexcept;
  [[nodiscard]] int oldest_readable(int order) const noexcept;
  [[nodiscard]] bool same_as_before() const noexcept;

  Thread& thread_;
  objects::Object& object_;
  std::size_t size_;
};

void fence(Thread& thread, int order) noexcept;

/// An atomic's memory is written as if it were none: it is made anew.
void made_anew(const void* address) noexcept;

}  // namespace explore::runtime::atomics
