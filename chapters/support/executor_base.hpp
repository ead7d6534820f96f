#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "any_duration.hpp"
#include "exception_handler.hpp"
#include "job.hpp"

namespace concurrent {

/// Options of Executor::shutdown(). Python: the arguments of `Executor.shutdown`.
struct ShutdownOptions {
  bool wait = true;  ///< return only when all work has ended
  bool cancel_futures =
      false;  ///< destroy the jobs that have not started, unrun: their futures are cancelled
};

/// Options of Executor::map(). Python: the keyword arguments of `Executor.map`.
struct MapOptions {
  std::optional<AnyDuration> timeout = std::nullopt;  ///< for the whole iteration, from the call of map()
  std::optional<std::size_t> buffersize =
      std::nullopt;  ///< the most calls that are submitted and not yet read
};

/// The interface of everything that runs jobs. It says *that* a job runs, once, and leaves open where and
/// when. Unless an engine says otherwise, members may be called from any thread. Python:
/// `concurrent.futures.Executor`.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  /// Takes `job` and runs it once, now or later, unless shutdown() cancels it first; destroys it in any case.
  /// An exception that it throws goes to the exception handler.
  /// @throws std::invalid_argument if `job` is null
  /// @throws ExecutorShutdown after shutdown()
  virtual void post(Job job) = 0;

  /// Takes no more jobs; those queued still run, unless they are to be cancelled. It may be called again.
  virtual void shutdown(ShutdownOptions options = {}) = 0;

  /// Runs `fn(args...)` and gives the future of its result at once. `fn` and `args` are copied or moved in
  /// (std::ref passes a reference). Python: `Executor.submit`. The work is done by chapter 03's submit_to().
  template <class F, class... Args>
  requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto submit(F&& fn, Args&&... args) {
    constexpr bool included = requires {
      submit_to(*this, std::forward<F>(fn), std::forward<Args>(args)...);
    };
    static_assert(included, "executor.submit() gives a future: include \"future.hpp\", of chapter 03");
    if constexpr (included) return submit_to(*this, std::forward<F>(fn), std::forward<Args>(args)...);
  }

  /// Runs `fn` on each item, or on the items of two or three ranges side by side until the shortest ends, and
  /// gives the results as a range in the order of the items. Python: `Executor.map`. The work is done by
  /// chapter 03's map_on().
  template <class F, std::ranges::input_range Items>
  auto map(F fn, Items&& items, MapOptions options = {}) {
    return forward_map(std::move(fn), options, std::forward<Items>(items));
  }
  template <class F, std::ranges::input_range Items, std::ranges::input_range Items2>
  auto map(F fn, Items&& items, Items2&& items2, MapOptions options = {}) {
    return forward_map(std::move(fn), options, std::forward<Items>(items), std::forward<Items2>(items2));
  }
  template <class F, std::ranges::input_range Items, std::ranges::input_range Items2,
            std::ranges::input_range Items3>
  auto map(F fn, Items&& items, Items2&& items2, Items3&& items3, MapOptions options = {}) {
    return forward_map(std::move(fn), options, std::forward<Items>(items), std::forward<Items2>(items2),
                       std::forward<Items3>(items3));
  }

  /// Sets the function that is called with each exception that escapes from a posted job. An empty one stands
  /// for the default, which writes a line to stderr.
  void set_exception_handler(ExceptionHandler::Function handler) { on_exception_->set(std::move(handler)); }

 protected:
  /// Runs `job` on this thread and destroys it. An exception that it throws goes to the exception handler.
  void run(Job&& job) const noexcept { run(std::move(job), *on_exception_); }

  static void run(Job&& job, const ExceptionHandler& on_exception) noexcept {
    try {
      job();
    } catch (...) {
      on_exception(std::current_exception());
    }
    job = nullptr;
  }

  /// Shared with everything that may still run a job when this object is gone.
  const std::shared_ptr<ExceptionHandler> on_exception_ = std::make_shared<ExceptionHandler>();

 private:
  template <class F, class... Items>
  auto forward_map(F fn, MapOptions options, Items&&... items) {
    constexpr bool included = requires {
      map_on(*this, std::move(fn), options, std::forward<Items>(items)...);
    };
    static_assert(included, "executor.map() waits for futures: include \"future.hpp\", of chapter 03");
    if constexpr (included) return map_on(*this, std::move(fn), options, std::forward<Items>(items)...);
  }
};

}  // namespace concurrent
