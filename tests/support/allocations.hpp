#pragma once

#include <cstddef>
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

}  // namespace course
