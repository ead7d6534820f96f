#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <utility>

#include "executor.hpp"
#include "service.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio::detail {

/// The way from other threads into a loop, for those who do not know whether it is still there. Any thread
/// may post; the rest is for the loop's thread.
class WeakLoop {
 public:
  explicit WeakLoop(EventLoop& loop) noexcept : loop_(&loop) {}

  /// Calls `fn()` in the loop. If that is closed, nothing happens.
  template <class F>
  void post(F&& fn) {
    todo("6.1", "WeakLoop::post");
  }

  /// The loop is closed.
  void close() noexcept {
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;  // guards loop_
  EventLoop* loop_;
};

/// Until `future` is done, work for it runs on another thread: a clock that jumps must not jump meanwhile.
inline void await_work_elsewhere(EventLoop& loop, AnyFuture future) {
  int* const work = loop.selector().work_elsewhere();
  if (!work || future.done()) return;
  ++*work;
  future.add_any_callback([work](const AnyFuture&) { --*work; });
}

/// The part of a loop that deals with threads: its executor, and the futures that other threads will have a
/// result for. For the loop's thread.
class ThreadBridge final : public Service {
 public:
  /// For use_service(). It stands on the tasks: they are closed before it.
  explicit ThreadBridge(EventLoop& loop) : Service(loop), weak_loop_(std::make_shared<WeakLoop>(loop)) {
    loop.use_service<TaskRegistry>();
    if (loop.is_closed()) weak_loop_->close();
  }

  [[nodiscard]] const std::shared_ptr<WeakLoop>& weak_loop() const noexcept { return weak_loop_; }

  /// Keeps `future` for a thread that will ask for it; not if the loop is closed, for then nobody gets
  /// through to ask. @returns its number
  std::uint64_t keep(AnyFuture future) {
    ++last_;
    if (!loop()->is_closed()) kept_.emplace(last_, std::move(future));
    return last_;
  }
  /// The future of that number; nothing if it was taken.
  [[nodiscard]] std::optional<AnyFuture> find(std::uint64_t number) const {
    const auto found = kept_.find(number);
    return found == kept_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Returns the future of that number, and keeps it no longer.
  std::optional<AnyFuture> take(std::uint64_t number) {
    std::optional<AnyFuture> future = find(number);
    kept_.erase(number);
    return future;
  }

  /// The executor, which is made when it is first needed.
  /// @throws std::runtime_error after shut_down()
  concurrent::Executor& executor() {
    if (is_shut_down_) throw std::runtime_error("Executor shutdown has been called");
    if (!executor_)
      executor_ = std::make_shared<concurrent::ThreadPoolExecutor>(
          concurrent::ThreadPoolOptions{.thread_name_prefix = "asyncio"});
    return *executor_;
  }
  void set(std::shared_ptr<concurrent::Executor> executor) noexcept { executor_ = std::move(executor); }

  /// Lets another thread wait until the executor has done its work. @returns a future of that
  Future<> shut_down() {
    is_shut_down_ = true;
    if (joined_) return *joined_;
    Future<> done = joined_.emplace(loop()->create_future());
    if (!executor_) {
      done.set_result();
    } else {
      await_work_elsewhere(*loop(), done);
      joiner_ =
          std::jthread([executor = executor_, weak_loop = weak_loop_, &loop = *loop(), number = keep(done)] {
            executor->shutdown({.wait = true});
            weak_loop->post([&loop, number] {
              if (auto done = loop.use_service<ThreadBridge>().take(number)) done->state().set_result<void>();
            });
          });
    }
    return done;
  }

  inline void join() override;  // in bridge.hpp

  void close() noexcept override {
    weak_loop_->close();
    kept_.clear();
    joined_.reset();
    is_shut_down_ = true;
    if (executor_) executor_->shutdown({.wait = false});
  }

 private:
  ~ThreadBridge() override = default;

  static constexpr Duration join_timeout = std::chrono::minutes(5);

  const std::shared_ptr<WeakLoop> weak_loop_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, AnyFuture> kept_;
  bool is_shut_down_ = false;
  std::shared_ptr<concurrent::Executor> executor_;  // its destructor waits for its threads
  std::optional<Future<>> joined_;
  std::jthread joiner_;
};

}  // namespace asyncio::detail
