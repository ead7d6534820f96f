#pragma once

#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "operation.hpp"

namespace asyncio {

/// A function and the arguments that it will be called with.
template <class F, class... Args>
struct Bound {
  using Function = F;
  F fn;
  [[no_unique_address]] std::tuple<Args...> args;

  /// Calls it once, and moves all of it into the call.
  void operator()() && {
    std::apply([this](Args&... values) { std::invoke(std::move(fn), std::move(values)...); }, args);
  }
  /// Leaves all as it is, to be called again.
  void operator()() & { std::apply(fn, args); }
};

/// Copies or moves a function and its arguments into a Bound that is called once.
template <class F, class... Args>
auto bind_once(F&& fn, Args&&... args) {
  using Call = Bound<std::decay_t<F>, std::decay_t<Args>...>;
  static_assert(
      std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>,
      "the function cannot be called with copies of these arguments, as rvalues: for a reference, say "
      "std::ref");
  static_assert(
      alignof(Call) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
      "the function or an argument needs more alignment than `new` gives: put it in a std::unique_ptr");
  return Call{std::forward<F>(fn), {std::forward<Args>(args)...}};
}

/// An operation that calls `Call`, a Bound, once. `Base` is Operation or Timer.
template <class Base, class Call>
class Callback final : public Base {
 public:
  template <class... BaseArgs>
  explicit Callback(Call call, BaseArgs... arguments) : Base(arguments...), call_(std::move(call)) {}

  /// Moves the callback out first, so that cancel() during the call destroys nothing that runs.
  void run() override {
    Call call = std::move(*call_);
    call_.reset();
    std::move(call)();
  }
  void drop() noexcept override { call_.reset(); }
  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(typename Call::Function);
  }

 private:
  std::optional<Call> call_;
};

}  // namespace asyncio
