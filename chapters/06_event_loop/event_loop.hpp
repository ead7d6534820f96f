#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "callback.hpp"
#include "current_loop.hpp"
#include "handle.hpp"
#include "loop_exceptions.hpp"
#include "loop_methods.hpp"
#include "loop_time.hpp"
#include "selector.hpp"
#include "service.hpp"
#include "todo.hpp"

/// The course's own `asyncio`: everything that lives on one loop.
namespace asyncio {

/// Runs callbacks, one after another, on the thread that calls run_forever(). All members are for that thread
/// alone, before, while and after it runs, except call_soon_threadsafe(). Python: `asyncio.BaseEventLoop`.
class EventLoop : public detail::LoopMethods<EventLoop>, public LoopReports {
 public:
  /// @param selector how the loop waits, and its clock
  explicit EventLoop(std::unique_ptr<Selector> selector = std::make_unique<SleepSelector>())
      : LoopReports(*this), selector_(std::move(selector)) {
    if (!selector_) throw std::invalid_argument("an event loop needs a selector");
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Closes the loop, which must not be running.
  ~EventLoop() {
    drop_all();
    if (detail::thread_state().set == this) set_event_loop(nullptr);
  }

  /// Calls `fn(args...)` in the next pass, after all that is ready by then. Function and arguments are copied
  /// or moved in, and handed on as rvalues; say std::ref for a reference. Python: `loop.call_soon`.
  /// @throws std::runtime_error if the loop is closed; in debug mode also if it runs on another thread
  template <class F, class... Args>
  Handle call_soon(F&& fn, Args&&... args) {
    check();
    ready_.push_back(make_call(false, TimePoint(), std::forward<F>(fn), std::forward<Args>(args)...));
    return Handle(ready_.back());
  }

  /// Calls `fn(args...)` when `delay` is over, and not earlier. Without a delay, or with a negative one, that
  /// is in the next pass. Python: `loop.call_later`, in seconds.
  /// @throws std::invalid_argument if the delay is not a number; otherwise as call_soon()
  template <class F, class... Args>
  TimerHandle call_later(concurrent::AnyDuration delay, F&& fn, Args&&... args) {
    check();
    return call_at(after(delay), std::forward<F>(fn), std::forward<Args>(args)...);
  }

  /// Calls `fn(args...)` at the time `when` of the loop's clock. What is due at the same time is called in
  /// the order in which it came. Python: `loop.call_at`, which promises no such order.
  /// @throws as call_soon()
  template <class F, class... Args>
  TimerHandle call_at(TimePoint when, F&& fn, Args&&... args) {
    check();
    SharedCall call = make_call(false, when, std::forward<F>(fn), std::forward<Args>(args)...);
    todo("3.1", "EventLoop::call_at");
  }

  /// As call_soon(), from any thread, and it wakes the loop if it sleeps. Any thread may use the handle.
  /// Destroy the loop only after what is posted has run, or after close().
  /// Python: `loop.call_soon_threadsafe`.
  /// @throws std::runtime_error if the loop is closed
  template <class F, class... Args>
  Handle call_soon_threadsafe(F&& fn, Args&&... args) {
    SharedCall call = make_call(true, TimePoint(), std::forward<F>(fn), std::forward<Args>(args)...);
    todo("5.1", "EventLoop::call_soon_threadsafe");
  }

  /// Returns the time on the loop's clock. Python: `loop.time`, in seconds.
  [[nodiscard]] TimePoint time() const { return selector_->now(); }

  /// Runs until stop(). Python: `loop.run_forever`.
  /// @throws std::runtime_error if the loop is closed or running, or another one is running on this thread
  void run_forever() {
    check_can_run();
    const LoopThread::Running running(thread_, *this);
    const ResetAtEnd stop_is_over{stopping_};
    run();
  }

  /// Ends run_forever() after the pass that runs now. A loop that is not running will run for one pass.
  /// From another thread: `loop.call_soon_threadsafe([&] { loop.stop(); })`. Python: `loop.stop`.
  void stop() { stopping_ = true; }

  /// Drops all that was to be called; the loop cannot be used any more. Closing it again does nothing.
  /// Python: `loop.close`.
  /// @throws std::runtime_error if the loop is running
  void close() {
    if (is_running()) throw std::runtime_error("Cannot close a running event loop");
    todo("7.1", "EventLoop::close");
  }

  [[nodiscard]] bool is_running() const noexcept { return thread_.is_running(); }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

  // For what is built on the loop.

  /// Returns the time `delay` from now, as time_after() does.
  [[nodiscard]] TimePoint after(concurrent::AnyDuration delay) const { return time_after(time(), delay); }

  /// Returns the loop that is running on this thread; null if none is.
  [[nodiscard]] static EventLoop* running() noexcept { return detail::thread_state().running; }

  /// Returns the service of type S, which is made when it is first asked for.
  template <class S>
  S& use_service() {
    return services_.use<S>(*this);
  }

  /// Blocks until what works for the loop elsewhere has finished: the default executor's threads. Call it
  /// before close(), when the loop does not run.
  void join_services() { services_.join(); }

  /// Returns what the loop waits with.
  [[nodiscard]] Selector& selector() noexcept { return *selector_; }

  /// Throws unless something may be scheduled, from here and now, as call_soon() says.
  void check() const {
    if (closed_) throw std::runtime_error("Event loop is closed");
    check_caller();
  }
  /// As check(), but the loop may be closed.
  void check_caller() const {
    if (get_debug()) thread_.check();
  }
  /// Throws unless the loop may run, as run_forever() says.
  void check_can_run() const {
    if (closed_) throw std::runtime_error("Event loop is closed");
    if (is_running()) throw std::runtime_error("This event loop is already running");
    if (running()) throw std::runtime_error("Cannot run the event loop while another loop is running");
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  using SharedCall = std::shared_ptr<detail::Call>;

  // For 3.1: members of your choice.

  /// Sets a flag to false when it goes, even if an exception ends the run.
  struct ResetAtEnd {
    bool& flag;
    ~ResetAtEnd() { flag = false; }
  };

  /// Packs a function, and copies of its arguments, into something that can be called once.
  template <class F, class... Args>
  static SharedCall make_call(bool from_any_thread, TimePoint when, F&& fn, Args&&... args) {
    auto call = bind_once(std::forward<F>(fn), std::forward<Args>(args)...);
    const std::type_info& type = typeid(typename decltype(call)::Function);
    return SharedCall(new detail::Call{[call = std::move(call)]() mutable { std::move(call)(); }, type,
                                       from_any_thread, when});
  }

  /// Makes the passes of a run.
  void run() {
    todo("1.1", "EventLoop::run");
  }

  // For 5.1: members of your choice.

  // For 1.1: members of your choice.

  /// Sleeps until there is something to do.
  void wait() {
    todo("4.2", "EventLoop::wait");
  }

  /// Calls a function in debug mode.
  void call_and_time(const SharedCall& call, std::move_only_function<void()>& fn) {
    todo("6.1", "EventLoop::call_and_time");
  }

  /// Closes the loop: destroys each callback that waits, even if somebody has its handle. Their destructors
  /// can schedule nothing.
  void drop_all() {
    // 7.1, EventLoop::drop_all: empty until step 7.
    services_.close();
    selector_->close();
  }

  // For 4.2: members of your choice.

  const std::unique_ptr<Selector> selector_;
  std::vector<SharedCall> ready_;
  bool stopping_ = false;
  bool closed_ = false;
  LoopThread thread_;
  ServiceTable services_;
};

/// A fresh loop, which is set for no thread. Python: `asyncio.new_event_loop`.
inline std::unique_ptr<EventLoop> new_event_loop() { return std::make_unique<EventLoop>(); }

}  // namespace asyncio
