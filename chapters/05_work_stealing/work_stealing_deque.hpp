#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "todo.hpp"

namespace concurrent {

/// A queue with an owner: one thread pushes and pops at the bottom, last in, first out; any thread may steal
/// from the top, where the oldest item is. The owner takes no lock, and pays for the others only when it
/// comes to the last item. Chase and Lev, 2005. Python has no counterpart.
///
/// @tparam T what an atomic can hold without a lock: most often a pointer
template <class T>
class WorkStealingDeque {
  static_assert(std::is_trivially_copyable_v<T> && std::atomic<T>::is_always_lock_free,
                "a WorkStealingDeque holds what an atomic can hold without a lock: use a pointer");

 public:
  /// @param capacity for how many items there is room at first, rounded up to a power of two
  /// @param first the number of the first item: a test begins where numbers are about to become large
  explicit WorkStealingDeque(std::size_t capacity = 64, std::int64_t first = 0)
      : top_(first), bottom_(first) {
    use(std::make_unique<Slots>(capacity));
  }
  WorkStealingDeque(const WorkStealingDeque&) = delete;
  WorkStealingDeque& operator=(const WorkStealingDeque&) = delete;

  /// Adds an item at the bottom. Only the owner may call it.
  /// @throws std::bad_alloc if it must grow and cannot; nothing has changed then
  void push(T item) {
    todo("1.1", "WorkStealingDeque::push");
  }

  /// Takes the item that was pushed last. Only the owner may call it. @returns nothing if there is none
  std::optional<T> pop() {
    todo("1.1", "WorkStealingDeque::pop");
  }

  /// Takes the oldest item. Any thread may call it. @returns nothing if there is none
  std::optional<T> steal() {
    todo("2.1", "WorkStealingDeque::steal");
  }

  /// Returns how many items there are; another thread may have changed that before you look.
  [[nodiscard]] std::size_t size() const noexcept {
    const std::int64_t bottom = bottom_.load();
    const std::int64_t top = top_.load();
    return static_cast<std::size_t>(std::max<std::int64_t>(bottom - top, 0));
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// Returns for how many items there is room now.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return static_cast<std::size_t>(slots_.load()->size());
  }

 private:
  // A suggestion. All of it is yours to change: the tests see only what is public.

  /// Room for items, in a circle: item number i has slot i modulo the size. A thief may read a slot just when
  /// the owner writes it, so slots are atomic.
  class Slots {
   public:
    explicit Slots(std::size_t capacity)
        : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<std::atomic<T>[]>(mask_ + 1)) {}

    [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(mask_ + 1); }
    std::atomic<T>& at(std::int64_t number) const noexcept {
      return slots_[static_cast<std::size_t>(number) & mask_];
    }

   private:
    std::size_t mask_;
    std::unique_ptr<std::atomic<T>[]> slots_;
  };

  /// Doubles the room, for the owner, and takes the items `top` to `bottom` - 1 along.
  /// @returns the new slots. If there is no memory for them, it throws, and nothing has changed
  Slots* grow(std::int64_t top, std::int64_t bottom) {
    auto bigger = std::make_unique<Slots>(2 * capacity());
    // Each item keeps its number, and so it may move to another place in the circle.
    for (std::int64_t number = top; number < bottom; ++number)
      bigger->at(number).store(slots_.load()->at(number).load());
    return use(std::move(bigger));
  }

  /// Lets thieves find `slots` from now on. The old ones are kept, because a thief may still be reading them.
  Slots* use(std::unique_ptr<Slots> slots) {
    all_slots_.push_back(std::move(slots));
    slots_.store(all_slots_.back().get());
    return all_slots_.back().get();
  }

  // Items top_ to bottom_ - 1 are there. The owner writes bottom_ all the time, and thieves write top_: each
  // has a cache line of its own.
  alignas(64) std::atomic<std::int64_t> top_;
  alignas(64) std::atomic<std::int64_t> bottom_;
  std::atomic<Slots*> slots_ = nullptr;
  std::vector<std::unique_ptr<Slots>>
      all_slots_;  // the last is in use; together they are twice as large as it
};

}  // namespace concurrent
