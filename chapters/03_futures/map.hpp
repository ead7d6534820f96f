#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "deadline.hpp"
#include "executor_base.hpp"
#include "input_range.hpp"
#include "promise.hpp"
#include "ring.hpp"
#include "submit.hpp"
#include "todo.hpp"

namespace concurrent {

namespace detail {

/// The calls of one map(): those that are submitted and not yet read, and the items of those to come.
/// @tparam Pool the engine that runs them: any Executor, or a pool of processes
template <class Pool, class F, class... Views>
class Mapping {
 public:
  using T = CallResult<F, std::ranges::range_reference_t<Views>...>;
  /// The type of the results in the range: a value, also where `fn` returns a reference; an empty one where
  /// it returns nothing.
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, std::decay_t<T>>;

  Mapping(Pool& executor, F fn, MapOptions options, Views... views)
      : executor_(executor),
        fn_(std::move(fn)),
        deadline_(deadline_after(options.timeout)),
        buffersize_(options.buffersize.value_or(std::numeric_limits<std::size_t>::max())),
        views_(std::move(views)...),
        items_(std::apply([](auto&... view) { return std::tuple(std::ranges::begin(view)...); }, views_)) {
    if (buffersize_ == 0) throw std::invalid_argument("map: buffersize must be at least 1, not 0");
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  /// Ends the iteration, at its end or before it.
  ~Mapping() {
    // 8.1, Mapping::~Mapping: empty until step 8.
  }

  /// Submits the calls that map() submits before it returns. If it throws, nobody ever gets the range.
  void start() {
    todo("8.1", "Mapping::start");
  }

  /// Returns the next result, in the order of the items; nothing at the end.
  /// @throws what the call threw, or TimeoutError if the time is up
  std::optional<Value> next() {
    todo("8.1", "Mapping::next");
  }

 private:
  /// True if a range has ended. Only now does it step past the items that were used, because the next ones
  /// may take their time to come. What an item throws, comes through.
  [[nodiscard]] bool at_end() {
    if (std::exchange(consumed_, false)) std::apply([](auto&... item) { (++item, ...); }, items_);
    return [this]<std::size_t... I>(std::index_sequence<I...>) {
      return ((std::get<I>(items_) == std::ranges::end(std::get<I>(views_))) || ...);
    }
    (std::index_sequence_for<Views...>());
  }

  /// Submits the call of the items that at_end() has found. @throws what the executor throws
  Future<T> submit_next() {
    auto future = std::apply([this](auto&... item) { return executor_.submit(fn_, *item...); }, items_);
    consumed_ = true;
    return future;
  }

  Pool& executor_;
  const F fn_;
  const Deadline deadline_;
  const std::size_t buffersize_;
  std::tuple<Views...> views_;
  std::tuple<std::ranges::iterator_t<Views>...> items_;
  bool consumed_ = false;  // items_ have been submitted: step past them before the next use
  // For 8.1: members of Mapping.
};

}  // namespace detail

/// Does the work of Executor::map(): submits the calls of `fn` to `executor` and gives their results as a
/// range.
/// @tparam Pool any Executor, or a pool of processes
/// @throws std::invalid_argument if the buffersize is 0
template <class Pool, class F, class... Items>
auto map_on(Pool& executor, F fn, MapOptions options, Items&&... items) {
  using Calls = detail::Mapping<Pool, F, std::views::all_t<Items>...>;
  auto calls = std::make_unique<Calls>(executor, std::move(fn), options,
                                       std::views::all(std::forward<Items>(items))...);
  calls->start();
  return InputRange<typename Calls::Value>([calls = std::move(calls)] { return calls->next(); });
}

}  // namespace concurrent
