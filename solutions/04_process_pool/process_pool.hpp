#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "any_duration.hpp"
#include "archive.hpp"
#include "can_cross.hpp"
#include "chunks.hpp"
#include "dispatcher.hpp"
#include "future.hpp"
#include "input_range.hpp"
#include "remote_call.hpp"
#include "todo.hpp"
#include "worker_count.hpp"

namespace concurrent {

/// Options of a ProcessPoolExecutor. Python: its arguments.
struct ProcessPoolOptions {
  std::optional<int> max_workers = std::nullopt;  ///< at least 1; none: one for each core
  std::function<void()> initializer = {};         ///< each worker calls it once, before its first call
  std::optional<int> max_tasks_per_child =
      std::nullopt;  ///< a worker ends after so many calls, at least 1, and a fresh one takes its place
};

/// Options of ProcessPoolExecutor::map(). Python: the keyword arguments of `ProcessPoolExecutor.map`.
struct ProcessMapOptions {
  std::optional<AnyDuration> timeout = std::nullopt;  ///< for the whole iteration, from the call of map()
  std::size_t chunksize = 1;  ///< so many items cross together, as one call; at least 1
  std::optional<std::size_t> buffersize =
      std::nullopt;  ///< the most chunks that are submitted and not yet read
};

/// Runs functions in other processes. A function crosses by its name, its arguments and its result by value:
/// see Sendable. A worker that dies takes the pool with it, and nothing else.
///
/// Make it before you start threads, or at a moment when none of them holds a lock: its workers see the
/// program's memory as it was then, and a lock that was held stays so. They have the descriptors 0, 1 and 2,
/// and none of the program's others. Unless said otherwise, members may be called from any thread, and not in
/// a worker. Python: `concurrent.futures.ProcessPoolExecutor`.
class ProcessPoolExecutor {
 public:
  /// Starts the fork server, and no worker yet.
  /// @throws std::invalid_argument if a number is below 1
  /// @throws std::system_error if there are no more processes or descriptors to be had
  explicit ProcessPoolExecutor(ProcessPoolOptions options = {})
      : dispatcher_(static_cast<std::size_t>(
                        at_least_1(options.max_workers, "max_workers").value_or(number_of_cores())),
                    options.initializer, at_least_1(options.max_tasks_per_child, "max_tasks_per_child")) {}

  /// Shuts down and waits, as shutdown() does.
  ~ProcessPoolExecutor() = default;

  /// Runs `fn(args...)` in a worker, and gives the future of its result at once. `fn` is a function, or a
  /// lambda that captures nothing; anything that cannot cross is a compile error that says why. An exception
  /// of the call comes back as RemoteError. A call that is with a worker, or next in line for one, counts as
  /// running: cancel() comes too late for it. Python: `Executor.submit`.
  ///
  /// An error while an argument is written, or a result read, is the outcome of that one call.
  /// @throws BrokenProcessPool if a worker has died, or its initializer failed
  /// @throws ExecutorShutdown after shutdown()
  template <class F, class... Args>
  auto submit(F fn, const Args&... args) {
    if constexpr (detail::can_cross<F, Crossing<Args>...>())
      return post<std::remove_cv_t<std::invoke_result_t<F, Crossing<Args>...>>>(fn, args...);
  }

  /// Runs `fn` on each item, and gives the results as a range in the order of the items. All are submitted at
  /// once, `chunksize` at a time. An exception of a call comes in the place of its chunk, and ends the range.
  /// Python: `ProcessPoolExecutor.map`.
  /// @throws std::invalid_argument if `chunksize` or `buffersize` is 0
  template <class F, std::ranges::input_range Items>
  auto map(F fn, Items&& items, ProcessMapOptions options = {}) {
    using Item = Crossing<detail::ItemIn<Items>>;
    if constexpr (detail::can_cross<F, Item>()) {
      auto chunks = detail::in_chunks<Item>(detail::name_of_callable(fn),
                                            std::views::all(std::forward<Items>(items)), options.chunksize);
      return detail::one_by_one(map_on(*this, &detail::call_chunk<F, Item>,
                                       MapOptions{options.timeout, options.buffersize}, std::move(chunks)));
    }
  }

  /// Takes no more calls; those queued still run, unless they are to be cancelled. Then the workers end. It
  /// may be called again. Python: `Executor.shutdown`.
  /// @throws Error if it is to wait, and is called by a callback of a future on the pool's own thread
  void shutdown(ShutdownOptions options = {}) { dispatcher_.shutdown(options); }

  /// Ends the pool at once, and the workers with SIGTERM. Queued calls are cancelled; those in flight get
  /// BrokenProcessPool. Python: `terminate_workers`.
  void terminate_workers() { end_workers(SIGTERM); }

  /// Does the same with SIGKILL, which nothing can ignore. Python: `kill_workers`.
  void kill_workers() { end_workers(SIGKILL); }

 private:
  /// Posts a call. What is thrown while its arguments are written is its outcome.
  template <class T, class F, class... Args>
  Future<T> post(F fn, const Args&... args) {
    const auto state = std::make_shared<detail::State<T>>();
    detail::Call call{
        state, &detail::finish_with<T>, detail::name_of(&detail::run_call<F, Crossing<Args>...>), {}};
    // <exercise 7.1 ProcessPoolExecutor::post>
    try {
      call.arguments = to_bytes(detail::name_of_callable(fn), static_cast<const Crossing<Args>&>(args)...);
    } catch (...) {
      state->try_fail(std::current_exception());
      return Future<T>(state);
    }
    dispatcher_.post(std::move(call));
    return Future<T>(state);
    // </exercise>
  }

  /// Does the work of terminate_workers() and kill_workers().
  void end_workers(int signal) {
    // <exercise 9.1 ProcessPoolExecutor::end_workers>
    dispatcher_.shutdown({.wait = false, .cancel_futures = true});
    dispatcher_.signal_workers(signal);
    // </exercise>
  }

  detail::Dispatcher dispatcher_;
};

}  // namespace concurrent
