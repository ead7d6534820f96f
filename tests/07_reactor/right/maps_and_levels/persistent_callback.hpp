#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

#include "callback.hpp"
#include "operation.hpp"

namespace asyncio {

template <class Call>
class PersistentCallback final : public Operation {
 public:
  explicit PersistentCallback(Call call)
      : Operation(RefCount::local), call_(std::make_shared<Call>(std::move(call))) {}

  void run() override {
    const std::shared_ptr<Call> kept = call_;  // so that drop() does not destroy what runs
    (*kept)();
  }
  void drop() noexcept override { call_.reset(); }
  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(typename Call::Function);
  }

 private:
  std::shared_ptr<Call> call_;
};

}  // namespace asyncio
