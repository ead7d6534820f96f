#pragma once

// A right solution: what an unordered range keeps is shared.

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "any_duration.hpp"
#include "archive.hpp"
#include "can_cross.hpp"
#include "chunks.hpp"
#include "cluster.hpp"
#include "deadline.hpp"
#include "function_table.hpp"
#include "future.hpp"
#include "input_range.hpp"
#include "mpi_dispatcher.hpp"
#include "program.hpp"
#include "remote_call.hpp"
#include "worker_count.hpp"

namespace concurrent {

namespace detail {

/// The value that a call with the parts of a tuple gives; an empty one if it returns nothing.
template <class F, class Tuple>
using ResultOfApply =
    std::conditional_t<std::is_void_v<decltype(std::apply(std::declval<F>(), std::declval<Tuple>()))>,
                       std::monostate, decltype(std::apply(std::declval<F>(), std::declval<Tuple>()))>;

/// Calls the function with the parts of each tuple of the chunk, in their order. Given, not an exercise.
/// @returns the value of each call
template <class F, class Tuple>
auto call_chunk_of_tuples(Chunk<Tuple> chunk) -> std::vector<ResultOfApply<F, Tuple>> {
  const F fn = callable_named<F>(chunk.function);
  std::vector<ResultOfApply<F, Tuple>> values;
  values.reserve(chunk.items.size());
  for (Tuple& item : chunk.items)
    if constexpr (std::is_void_v<decltype(std::apply(fn, std::move(item)))>) {
      std::apply(fn, std::move(item));
      values.emplace_back();
    } else {
      values.push_back(std::apply(fn, std::move(item)));
    }
  return values;
}

template <class T>
struct Rest {
  std::vector<Future<T>> futures = {};
  std::optional<Completions<T>> done = {};
  bool given_up = true;  // if it ends now, nobody wants what is left

  ~Rest() {
    if (given_up)
      for (auto& future : futures) future.cancel();
  }
};

}  // namespace detail

/// Options of an MpiPoolExecutor. mpi4py: the arguments of `MPIPoolExecutor`.
struct MpiPoolOptions {
  std::optional<int> max_workers = std::nullopt;  ///< at least 1; none: all ranks but 0
  void (*initializer)() = nullptr;  ///< each worker calls it once, before its first call of this pool
};

/// Options of MpiPoolExecutor::map(). mpi4py: the keyword arguments of `MPIPoolExecutor.map`.
struct MpiMapOptions {
  std::optional<AnyDuration> timeout = std::nullopt;  ///< for the whole iteration, from the call of map()
  std::size_t chunksize = 1;  ///< so many items cross together, as one call; at least 1
  bool unordered = false;     ///< give the results as they come
};

/// Runs functions in other processes, on this machine or on others: in the ranks that `mpirun -n 5 program`
/// starts. Rank 0 runs the program and submits. In any other rank the constructor does not return: the rank
/// works there until rank 0's program ends, and then ends with status 0. So make it first of all: what stands
/// before it in main() runs in each rank. In a program that was started without mpirun, rank 0 is its own
/// worker.
///
/// A function crosses by the name of its type, its arguments and its result by value: see Sendable. One pool
/// at a time has the ranks. Members may be called from any thread. mpi4py: `MPIPoolExecutor`.
class MpiPoolExecutor {
 public:
  /// Takes the ranks.
  /// @throws std::invalid_argument if `max_workers` is below 1, or if the initializer is a library's function
  /// @throws Error if another pool has them
  explicit MpiPoolExecutor(MpiPoolOptions options = {})
      : MpiPoolExecutor{detail::Cluster::get(), at_least_1(options.max_workers, "max_workers"),
                        options.initializer} {}

  /// Shuts down and waits, as shutdown() does.
  ~MpiPoolExecutor() = default;

  /// Returns how many ranks work for this pool. mpi4py: `num_workers`.
  [[nodiscard]] int num_workers() const noexcept { return num_workers_; }

  /// Runs `fn(args...)` in a worker, and gives the future of its result at once. An exception of the call
  /// comes back as RemoteError. Python: `Executor.submit`.
  /// @throws BrokenMpiPool if the initializer has failed in a worker
  /// @throws ExecutorShutdown after shutdown()
  /// @throws std::invalid_argument if `fn` is a function of a library that the program has loaded
  template <class F, class... Args>
  auto submit(F fn, const Args&... args) {
    if constexpr (detail::can_cross<F, Crossing<Args>...>())
      return post<std::invoke_result_t<F, Crossing<Args>...>>(fn, args...);
  }

  /// Runs `fn` on each item, and gives the results as a range, in the order of the items unless it is told
  /// not to.
  template <class F, std::ranges::input_range Items>
  auto map(F fn, Items&& items, MpiMapOptions options = {}) {
    using Item = Crossing<detail::ItemIn<Items>>;
    if constexpr (detail::can_cross<F, Item>())
      return map_chunks<Item>(
          fn, [](detail::Chunk<Item> chunk) { return detail::call_chunk<F, Item>(std::move(chunk)); },
          std::forward<Items>(items), options);
  }

  /// Runs `fn` on each item, a tuple or a pair, as its arguments: `map` for a function of several. Python:
  /// `MPIPoolExecutor.starmap`.
  template <class F, std::ranges::input_range Items>
  auto starmap(F fn, Items&& items, MpiMapOptions options = {}) {
    using Item = Crossing<detail::ItemIn<Items>>;
    if constexpr (detail::can_cross_tuple<F>(std::type_identity<Item>()))
      return map_chunks<Item>(
          fn,
          [](detail::Chunk<Item> chunk) { return detail::call_chunk_of_tuples<F, Item>(std::move(chunk)); },
          std::forward<Items>(items), options);
  }

  /// Takes no more calls; those queued still run, unless they are to be cancelled. It may be called again.
  /// Python: `Executor.shutdown`.
  void shutdown(ShutdownOptions options = {}) { dispatcher_.shutdown(options); }

 private:
  using Initializer = void (*)();

  MpiPoolExecutor(detail::Cluster& cluster, std::optional<int> max_workers, Initializer initializer)
      : num_workers_(std::min(max_workers.value_or(cluster.size()), cluster.size())),
        dispatcher_(cluster, num_workers_, usable(initializer)) {}

  /// Runs `fn` on each item, in chunks, and gives the values.
  /// @param call_chunk makes the calls of a chunk, in a worker, and returns their values
  template <class Item, class F, class CallChunk, class Items>
  auto map_chunks(F fn, CallChunk call_chunk, Items&& items, const MpiMapOptions& options)
      -> InputRange<typename std::invoke_result_t<CallChunk, detail::Chunk<Item>>::value_type> {
    check_function(fn);
    using Values = std::invoke_result_t<CallChunk, detail::Chunk<Item>>;
    const auto deadline = deadline_after(options.timeout);
    auto chunks = detail::in_chunks<Item>(detail::name_of_callable(fn),
                                          std::views::all(std::forward<Items>(items)), options.chunksize);
    if (!options.unordered)
      return detail::one_by_one(map_on(*this, call_chunk, {.timeout = options.timeout}, std::move(chunks)));
    const auto rest = std::make_shared<detail::Rest<Values>>();
    for (auto&& chunk : chunks) rest->futures.push_back(submit(call_chunk, std::move(chunk)));
    rest->done.emplace(rest->futures, deadline);
    rest->given_up = false;
    return detail::one_by_one(InputRange<Values>([rest]() -> std::optional<Values> {
      rest->given_up = true;
      const auto future = rest->done->next();
      if (!future) return std::nullopt;
      return std::move(future->shared_state()->value());
    }));
  }

  static Initializer usable(Initializer initializer) {
    if (initializer) check_function(initializer);
    return initializer;
  }

  /// @throws std::invalid_argument for a function of a library
  template <class F>
  static void check_function([[maybe_unused]] F fn) {
    if constexpr (std::is_pointer_v<F>)
      if (!detail::is_of_this_program(reinterpret_cast<const void*>(fn)))
        throw std::invalid_argument(
            "a function of a library has another address in each process: call it in a lambda");
  }

  /// True for what names a function by its place in this program, which means nothing in another one. (A
  /// `const char*` does not: its text crosses.)
  template <class T>
  static bool names_function(const T&) noexcept {
    return std::is_function_v<std::remove_pointer_t<T>>;
  }
  template <class Item>
  static bool names_function(const detail::Chunk<Item>& chunk) noexcept {
    return chunk.function != 0;
  }

  /// Submits one call. What is thrown while its arguments are written becomes its outcome.
  template <class T, class F, class... Args>
  Future<T> post(F fn, const Args&... args) {
    const auto state = std::make_shared<detail::State<T>>();
    check_function(fn);
    CallHeader header{.id = RemoteFunction<F, Crossing<Args>...>::id};
    if ((names_function(fn) || ... || names_function(args))) header.program = detail::program_identity();
    detail::Call call{state, &detail::finish_with<T>, static_cast<std::int64_t>(header.id), {}};
    try {
      call.arguments =
          to_bytes(header, detail::name_of_callable(fn), static_cast<const Crossing<Args>&>(args)...);
    } catch (...) {
      state->try_fail(std::current_exception());
      return Future<T>(state);
    }
    dispatcher_.post(std::move(call));
    return Future<T>(state);
  }

  const int num_workers_;
  detail::MpiDispatcher dispatcher_;
};

}  // namespace concurrent
