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
    // <exercise 3.1 EventLoop::call_at>
    TimerHandle handle(call);
    timers_.push_back({when, timers_made_++, std::move(call)});
    std::ranges::push_heap(timers_, std::greater());
    return handle;
    // </exercise>
  }

  /// As call_soon(), from any thread, and it wakes the loop if it sleeps. Any thread may use the handle.
  /// Destroy the loop only after what is posted has run, or after close().
  /// Python: `loop.call_soon_threadsafe`.
  /// @throws std::runtime_error if the loop is closed
  template <class F, class... Args>
  Handle call_soon_threadsafe(F&& fn, Args&&... args) {
    SharedCall call = make_call(true, TimePoint(), std::forward<F>(fn), std::forward<Args>(args)...);
    // <exercise 5.1 EventLoop::call_soon_threadsafe>
    Handle handle(call);
    if (running() == this) {  // behind what call_soon() has put there, and before what it will
      ready_.push_back(std::move(call));
      return handle;
    }
    std::lock_guard lock(mutex_);
    if (closed_) throw std::runtime_error("Event loop is closed");
    posts_.push_back(std::move(call));
    selector_->wake();  // under the lock: without it the post could run already, and end the loop
    return handle;
    // </exercise>
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
    // <exercise 7.1 EventLoop::close>
    if (!closed_) drop_all();
    // </exercise>
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

  // <exercise 3.1 members your choice>
  /// A timer. Of two, the greater one comes later.
  struct TimerEntry {
    TimePoint when;
    std::uint64_t number;  // equal times are first come, first served
    SharedCall call;

    bool operator>(const TimerEntry& other) const noexcept {
      return when != other.when ? when > other.when : number > other.number;
    }
  };
  // </exercise>

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
    // <exercise 1.1 EventLoop::run>
    do run_once();
    while (!stopping_);
    // </exercise>
  }

  // <exercise 5.1 members your choice>
  /// Moves what was posted to the end of what is ready.
  void take_posts() {
    std::lock_guard lock(mutex_);
    // Room for all of them first: if memory runs out, they stay where they are.
    ready_.insert(ready_.end(), std::make_move_iterator(posts_.begin()),
                  std::make_move_iterator(posts_.end()));
    posts_.clear();
  }
  // </exercise>

  // <exercise 1.1 members your choice>
  /// Makes one pass.
  void run_once() {
    if (ready_.empty() || called_ >= poll_interval) poll();
    // </exercise>
    // <exercise 5.1 members your choice>
    take_posts();
    // </exercise>
    // <exercise 3.1 members your choice>
    if (!timers_.empty()) take_due();
    // </exercise>
    // <exercise 1.1 members your choice>
    // All that is ready now, and nothing that these calls bring.
    std::vector<SharedCall> batch = std::exchange(ready_, {});
    for (SharedCall& next : batch) {
      const SharedCall call = std::move(next);
      dispatch(call);
    }
  }

  /// Takes a look at the selector; sleeps if there is nothing else to do.
  void poll() {
    called_ = 0;
    if (ready_.empty() && !stopping_)
      wait();
    else
      selector_->select(Duration::zero());
  }

  /// Calls what was in a queue, or drops it. What it throws goes to the exception handler.
  void dispatch(const SharedCall& call) {
    ++called_;
    // Out of the Call first: it may cancel itself, and it is gone before the next one runs.
    std::move_only_function<void()> fn = std::exchange(call->fn, nullptr);
    if (call->cancelled) return;
    if (get_debug()) return call_and_time(call, fn);
    try {
      fn();
    } catch (...) {
      tell_of_exception(call->type, Handle(call));
    }
  }
  // </exercise>

  // <exercise 3.1 members your choice>
  /// Returns when the next timer is due that was not cancelled; nothing if there is none.
  std::optional<TimePoint> next_due() {
    while (!timers_.empty() && timers_.front().call->cancelled) pop_timer();
    if (timers_.empty()) return std::nullopt;
    return timers_.front().when;
  }

  /// Moves what is due to the end of what is ready, in the order of the times.
  void take_due() {
    const TimePoint now = time();
    for (auto next = next_due(); next && *next <= now; next = next_due()) {
      ready_.push_back(timers_.front().call);  // first: if memory runs out, it is a timer still
      pop_timer();
    }
  }

  /// Takes out the earliest timer.
  void pop_timer() {
    std::ranges::pop_heap(timers_, std::greater());
    timers_.pop_back();
  }
  // </exercise>

  /// Sleeps until there is something to do.
  void wait() {
    // <exercise 4.2 EventLoop::wait>
    std::optional<Duration> timeout;
    if (const std::optional<TimePoint> due = next_due()) {
      const TimePoint now = time();
      timeout = std::min(std::max(*due, now) - now, longest_wait);
    }
    selector_->select(timeout);
    // </exercise>
  }

  /// Calls a function in debug mode.
  void call_and_time(const SharedCall& call, std::move_only_function<void()>& fn) {
    // <exercise 6.1 EventLoop::call_and_time>
    const TimePoint start = time();
    try {
      fn();
    } catch (...) {
      tell_of_exception(call->type, Handle(call));
    }
    const Duration took = time() - start;
    if (took >= slow_callback_duration) tell_of_slowness(call->type, took);
    // </exercise>
  }

  /// Closes the loop: destroys each callback that waits, even if somebody has its handle. Their destructors
  /// can schedule nothing.
  void drop_all() {
    // <exercise 7.1 quiet EventLoop::drop_all>
    std::vector<SharedCall> posted;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      posted.swap(posts_);
    }
    // As they are, and not into one list, for which there may be no memory.
    const std::vector<SharedCall> ready = std::exchange(ready_, {});
    const std::vector<TimerEntry> timers = std::exchange(timers_, {});
    const auto drop = [](const SharedCall& call) { const auto fn = std::exchange(call->fn, nullptr); };
    std::ranges::for_each(posted, drop);
    std::ranges::for_each(ready, drop);
    std::ranges::for_each(timers, drop, &TimerEntry::call);
    // </exercise>
    services_.close();
    selector_->close();
  }

  // <exercise 4.2 members your choice>
  static constexpr Duration longest_wait = std::chrono::hours(24);
  // </exercise>
  // <exercise 1.1 members your choice>
  // On a busy loop, callbacks between two looks at the selector.
  static constexpr std::size_t poll_interval = 64;
  std::size_t called_ = 0;  // callbacks since the loop has looked at its selector
  // </exercise>
  // <exercise 3.1 members your choice>
  std::vector<TimerEntry> timers_;  // a heap: the earliest is in front
  std::uint64_t timers_made_ = 0;
  // </exercise>
  // <exercise 5.1 members your choice>
  std::mutex mutex_;               // guards posts_; other threads read closed_ under it, too
  std::vector<SharedCall> posts_;  // from other threads
  // </exercise>

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
