#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vector_clock.hpp"

/// The knowledge of each mutex, atomic, … that the schedule has touched so far, by its address.
namespace explore::runtime::objects {

enum class Kind : std::uint8_t { mutex, condition, shared_mutex, atomic, once, semaphore };
inline constexpr std::size_t kinds = 6;

/// A store to an atomic, as later loads may still read it.
struct Store {
  unsigned long long value = 0;
  int thread = 0;
  std::uint32_t time = 0;  ///< the thread's, when it stored
  std::uint32_t sequential =
      0;                   ///< the first sequentially consistent operation that stored or read it; 0: none
  VectorClock released{};  ///< what a load that acquires gets to know
  VectorClock read{};      ///< when each thread has read it first, by its clock; 0: never
};

/// The last stores to an atomic, oldest first: kept if loads may be stale.
struct History {
  static constexpr int most = 6;
  std::array<Store, most> store{};
  int size = 0;

  [[nodiscard]] Store& newest() noexcept { return store[static_cast<std::size_t>(size - 1)]; }
};

struct Object {
  const void* address = nullptr;
  Object* next = nullptr;  ///< in the same bucket
  Kind kind{};
  int number = 0;                ///< its name in the report: mutex 1, mutex 2, …
  int owner = -1;                ///< the thread that has the mutex, that initialises, …
  int depth = 0;                 ///< how often the owner has locked it; a semaphore's count
  int readers = 0;               ///< of a shared mutex
  std::uint32_t version = 0;     ///< of an atomic: how often it was stored to
  VectorClock released;          ///< what the next to take it gets to know
  VectorClock readers_released;  ///< … to take it alone
  History* history = nullptr;
};

/// Makes the table. Call it once in a process.
void open() noexcept;

/// The object at `address`; a new one if the schedule has not met it yet.
Object& get(const void* address, Kind kind) noexcept;

/// Null if the schedule has not met it yet.
Object* find(const void* address, Kind kind) noexcept;

/// Forgets all: the next schedule begins.
void reset() noexcept;

}  // namespace explore::runtime::objects
