#pragma once

#include <exception>
#include <utility>

namespace asyncio {

/// Holds a Lock or a Semaphore, which must live longer, and gives it back when it goes. It can be moved.
/// Python: what is between the two ends of `async with lock:`.
template <class Owner>
class [[nodiscard]] Held {
 public:
  explicit Held(Owner& owner) noexcept : owner_(&owner) {}
  Held(Held&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
  Held& operator=(Held&& other) noexcept {
    std::swap(owner_, other.owner_);
    return *this;
  }
  /// Gives it back. If somebody else has done so already, that remains unsaid, for a destructor must not
  /// throw.
  ~Held() {
    try {
      release();
    } catch (const std::exception&) {
    }
  }

  /// Gives it back now. Doing so again does nothing. @throws what the owner's release() throws
  void release() {
    if (Owner* const owner = std::exchange(owner_, nullptr)) owner->release();
  }

 private:
  Owner* owner_;
};

namespace detail {

/// The awaitable of scoped(): it waits as `Acquire` does, and gives a guard.
template <class Owner, class Acquire>
class AcquireScoped : public Acquire {
 public:
  explicit AcquireScoped(Owner& owner) noexcept : Acquire(owner), owner_(owner) {}

  Held<Owner> await_resume() {
    Acquire::await_resume();
    return Held<Owner>(owner_);
  }

 private:
  Owner& owner_;
};

}  // namespace detail

}  // namespace asyncio
