#pragma once

// Results that cannot be copied, or are references.

#include "support.hpp"

#include <stdexcept>

/// A result that throws when it is copied.
struct NoCopies {
  NoCopies() = default;
  NoCopies(NoCopies&&) = default;
  NoCopies(const NoCopies& other) : copied(true) { throw std::runtime_error("no copies"); }
  NoCopies& operator=(NoCopies&&) = default;

  bool copied = false;
};

/// Gives such a result, after a second.
inline Coro<NoCopies> no_copies() {
  co_await sleep(1s);
  co_return NoCopies();
}

inline int shared_number = 7;

/// Gives a reference to `shared_number`.
inline Coro<int&> reference_after(Duration delay) {
  co_await sleep(delay);
  co_return shared_number;
}
