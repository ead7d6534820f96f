#pragma once

#include <optional>
#include <typeinfo>
#include <utility>

#include "callback.hpp"
#include "operation.hpp"
#include "todo.hpp"

namespace asyncio {

/// A callback that is called each time that something is ready, and that may remove itself meanwhile.
template <class Call>
class PersistentCallback final : public Operation {
 public:
  explicit PersistentCallback(Call call) : Operation(RefCount::local) {
    todo("3.1", "PersistentCallback");
  }

  /// The callback stays, even if it throws.
  void run() override {
    todo("3.1", "PersistentCallback::run");
  }

  /// Destroys the callback, but not while it runs.
  void drop() noexcept override {
    // 3.1, PersistentCallback::drop: empty until step 3.
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(typename Call::Function);
  }

 private:
  // For 3.1: members of your choice.
};

}  // namespace asyncio
