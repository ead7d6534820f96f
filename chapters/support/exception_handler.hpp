#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace concurrent {

/// Takes the exceptions that nobody can catch: those of a job on a worker thread, or of a callback. All
/// members may be called from any thread. Python sends such exceptions to `logging`.
class ExceptionHandler {
 public:
  using Function = std::function<void(std::exception_ptr)>;

  /// Replaces the handler; an empty one brings back the default, which writes a line to stderr.
  void set(Function handler) {
    auto fresh = handler ? std::make_shared<const Function>(std::move(handler)) : nullptr;
    std::lock_guard lock(mutex_);
    handler_.swap(fresh);
  }

  /// Hands `error` to the handler, which runs on the calling thread and under no lock. An exception of the
  /// handler itself goes to the default handler.
  void operator()(std::exception_ptr error) const noexcept {
    std::shared_ptr<const Function> handler;
    {
      std::lock_guard lock(mutex_);
      handler = handler_;
    }
    if (!handler) return write(error);
    try {
      (*handler)(error);
    } catch (...) {
      write(std::current_exception());
    }
  }

 private:
  static void write(std::exception_ptr error) noexcept {
    try {
      std::rethrow_exception(std::move(error));
    } catch (const std::exception& e) {
      std::fprintf(stderr, "unhandled exception in a job or callback: %s\n", e.what());
    } catch (...) {
      std::fprintf(stderr, "unhandled exception in a job or callback, of an unknown type\n");
    }
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Function> handler_;
};

}  // namespace concurrent
