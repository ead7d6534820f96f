#pragma once

#include <concepts>
#include <cstddef>
#include <utility>

namespace asyncio {

/// A pointer that owns one reference to a T. The T counts its references itself, with ref() and unref(), and
/// ends when the last one goes: an intrusive pointer. It is as large as a plain pointer, and to make one
/// allocates nothing. Python: any reference to an object.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) noexcept {}
  /// Adds a reference to `object`.
  explicit Ref(T& object) noexcept : object_(&object) { object.ref(); }
  Ref(const Ref& other) noexcept : object_(other.object_) {
    if (object_) object_->ref();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <std::derived_from<T> U>
  Ref(Ref<U> other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->unref();
  }

  /// Takes over a reference that is there already; null for none.
  [[nodiscard]] static Ref adopt(T* object) noexcept {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  /// Hands the reference over: the caller owns it now, and this is null.
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_; }

  /// True if both point to the same object.
  friend bool operator==(const Ref& one, const Ref& other) noexcept { return one.object_ == other.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace asyncio
