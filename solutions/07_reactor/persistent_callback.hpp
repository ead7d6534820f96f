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
    // <exercise 3.1 PersistentCallback>
    call_.emplace(std::move(call));
    // </exercise>
  }

  /// The callback stays, even if it throws.
  void run() override {
    // <exercise 3.1 PersistentCallback::run>
    struct Running {
      PersistentCallback& callback;
      ~Running() {
        callback.running_ = false;
        if (callback.cancelled()) callback.drop();
      }
    };
    running_ = true;
    const Running running{*this};
    (*call_)();
    // </exercise>
  }

  /// Destroys the callback, but not while it runs.
  void drop() noexcept override {
    // <exercise 3.1 quiet PersistentCallback::drop>
    if (!running_) call_.reset();
    // </exercise>
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(typename Call::Function);
  }

 private:
  // <exercise 3.1 members your choice>
  std::optional<Call> call_;
  bool running_ = false;
  // </exercise>
};

}  // namespace asyncio
