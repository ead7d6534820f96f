#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "loop_task.hpp"

namespace asyncio {

namespace detail {

template <class A>
decltype(auto) loop_run_until_complete(EventLoop& loop, A&& awaitable) {
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  if (loop.is_running()) throw std::runtime_error("This event loop is already running");
  if (EventLoop::running())
    throw std::runtime_error("Cannot run the event loop while another loop is running");
  auto future = ensure_future(std::forward<A>(awaitable), loop);
  using Value = typename decltype(future)::value_type;
  struct Stop {
    Future<Value> future;
    Handle callback;
    ~Stop() {
      future.remove_done_callback(callback);
      callback.cancel();
    }
  };
  {
    const Stop stop{future, future.add_done_callback([&loop](const AnyFuture&) { loop.stop(); })};
    loop.run_forever();
  }
  if (!future.done()) throw std::runtime_error("Event loop stopped before Future completed.");
  return std::move(future).result();
}

}  // namespace detail

struct RunOptions {
  bool debug = false;
  std::function<std::unique_ptr<EventLoop>()> loop_factory{};
};

class Runner {
 public:
  explicit Runner(RunOptions options = {}) : options_(std::move(options)) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    try {
      close();
    } catch (...) {
      write_exception({"Error when a Runner was closed", std::current_exception()});
    }
  }

  template <class A>
  decltype(auto) run(A&& awaitable) {
    if (EventLoop::running())
      throw std::runtime_error("Runner.run() cannot be called from a running event loop");
    return get_loop().run_until_complete(std::forward<A>(awaitable));
  }

  EventLoop& get_loop() {
    if (closed_) throw std::runtime_error("Runner is closed");
    if (loop_) return *loop_;
    loop_ = options_.loop_factory ? options_.loop_factory() : new_event_loop();
    if (!loop_) throw std::invalid_argument("a factory that makes nothing");
    if (options_.debug) loop_->set_debug(true);
    set_event_loop(loop_.get());
    return *loop_;
  }

  void close() {
    if (loop_ && loop_->is_running()) throw std::runtime_error("Cannot close a running event loop");
    closed_ = true;
    const std::unique_ptr<EventLoop> loop = std::exchange(loop_, nullptr);
    if (!loop || loop->is_closed()) return;
    std::vector<AnyTask> left = all_tasks(*loop);
    for (AnyTask& task : left) task.cancel();
    loop->run_until_complete(all_done(left));
    for (const AnyTask& task : left)
      if (!task.cancelled() && task.exception())
        loop->call_exception_handler(
            {.message = "unhandled exception during asyncio.run() shutdown", .exception = task.exception()});
    loop->join_services();
  }

 private:
  template <class Tasks>
  static Coro<> all_done(Tasks& tasks) {
    for (AnyTask& task : tasks) {
      try {
        co_await task;
      } catch (...) {
      }
    }
  }

  RunOptions options_;
  std::unique_ptr<EventLoop> loop_;
  bool closed_ = false;
};

template <class A>
decltype(auto) run(A&& main, RunOptions options = {}) {
  if (EventLoop::running())
    throw std::runtime_error("asyncio.run() cannot be called from a running event loop");
  Runner runner(std::move(options));
  return runner.run(std::forward<A>(main));
}

}  // namespace asyncio
