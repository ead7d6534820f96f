#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace course {

/// Returns how often `operator new` has been called so far, by all threads.
std::size_t allocations() noexcept;

/// Returns how often memory of `operator new` has been given back so far, by all threads.
std::size_t deallocations() noexcept;

/// Returns how often `operator new` is called, by any thread, while `fn()` runs.
template <class F>
std::size_t allocations_in(F&& fn) {
  const std::size_t before = allocations();
  std::forward<F>(fn)();
  return allocations() - before;
}

/// Memory that runs out. The n-th time that a test asks, the n-th allocation fails: see
/// until_memory_suffices().
class Memory {
 public:
  explicit Memory(std::size_t nth) noexcept : nth_(nth) {}

  /// Calls `fn()`. The n-th allocation of this thread in it throws std::bad_alloc, and those after it do not.
  /// Throws what `fn` throws.
  template <class F>
  void runs_out_in(F&& fn) {
    const Failing failing(*this);
    std::forward<F>(fn)();
  }
  /// Calls `fn()` in the same way. @returns false if std::bad_alloc came out of it
  template <class F>
  [[nodiscard]] bool suffices_for(F&& fn) {
    try {
      runs_out_in(std::forward<F>(fn));
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  /// True if an allocation has failed.
  [[nodiscard]] bool ran_out() const noexcept { return ran_out_; }

 private:
  class Failing {
   public:
    explicit Failing(Memory& memory) noexcept;
    Failing(const Failing&) = delete;
    Failing& operator=(const Failing&) = delete;
    ~Failing();

   private:
    Memory& memory_;
  };

  const std::size_t nth_;
  bool ran_out_ = false;
};

/// As long as it lives, no allocation of this thread succeeds.
class NoMemory {
 public:
  NoMemory() noexcept;
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory();
};

/// As long as it lives, memory that this thread gives back is spoilt: who still reads there finds no pointer.
class SpoilsFreed {
 public:
  SpoilsFreed() noexcept;
  SpoilsFreed(const SpoilsFreed&) = delete;
  SpoilsFreed& operator=(const SpoilsFreed&) = delete;
  ~SpoilsFreed();
};

/// True if an allocation has failed because a test wanted it to.
bool memory_has_run_out() noexcept;

/// Calls `attempt(memory)` again and again: first its first allocation fails, then its second, and so on,
/// until it has enough. An attempt makes what it needs anew, lets the memory run out in the one step that is
/// tested, and looks at what is left. @returns how many attempts ran out of memory
template <class F>
int until_memory_suffices(F attempt) {
  for (int n = 1;; ++n) {
    Memory memory(static_cast<std::size_t>(n));
    attempt(memory);
    if (!memory.ran_out()) return n - 1;
  }
}

}  // namespace course
