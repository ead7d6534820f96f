#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "callback.hpp"
#include "current_loop.hpp"
#include "handle.hpp"
#include "inject_queue.hpp"
#include "loop_exceptions.hpp"
#include "loop_methods.hpp"
#include "loop_time.hpp"
#include "node_pool.hpp"
#include "operation.hpp"
#include "ready_queue.hpp"
#include "ref.hpp"
#include "selector.hpp"
#include "service.hpp"
#include "timer_heap.hpp"
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
    return schedule(ready_,
                    make<Operation>(RefCount::local, std::forward<F>(fn), std::forward<Args>(args)...));
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
    return schedule(timers_, make<Timer>(when, std::forward<F>(fn), std::forward<Args>(args)...));
  }

  /// As call_soon(), from any thread, and it wakes the loop if it sleeps. Any thread may use the handle.
  /// Destroy the loop only after what is posted has run, or after close().
  /// Python: `loop.call_soon_threadsafe`.
  /// @throws std::runtime_error if the loop is closed
  template <class F, class... Args>
  Handle call_soon_threadsafe(F&& fn, Args&&... args) {
    auto call = bind_once(std::forward<F>(fn), std::forward<Args>(args)...);
    using Node = Callback<Operation, decltype(call)>;
    Ref<Operation> node = NodePool::make_apart<Node>(std::move(call), RefCount::atomic);
    Handle handle(node);
    if (running() == this)
      ready_.push(std::move(node));  // behind what call_soon() has put there, and before what it will
    else
      inject_queue_.post(std::move(node), *selector_);
    return handle;
  }

  /// Returns the time on the loop's clock. Python: `loop.time`, in seconds.
  [[nodiscard]] TimePoint time() const { return selector_->now(); }

  /// Runs until stop(). Python: `loop.run_forever`.
  /// @throws std::runtime_error if the loop is closed or running, or another one is running on this thread
  void run_forever() {
    check_can_run();
    const LoopThread::Running running(thread_, *this);
    const ResetAtEnd stop_is_over{stopping_};
    do run_once();
    while (!stopping_);
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

  /// Adds a node itself to what runs in the next pass. A closed loop drops it.
  void run_soon(Ref<Operation> node) noexcept {
    if (!closed_) return ready_.push(std::move(node));
    node->drop();
  }
  /// As run_soon(), all of them.
  void run_soon(ReadyQueue&& nodes) noexcept {
    ReadyQueue all = std::move(nodes);
    if (!closed_) ready_.append(std::move(all));
  }

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
    if (closed_ || is_running() || running()) refuse_to_run();
  }

  /// Returns where its nodes come from.
  [[nodiscard]] NodePool& nodes() noexcept { return *pool_; }

 private:
  /// Sets a flag to false when it goes, even if an exception ends the run.
  struct ResetAtEnd {
    bool& flag;
    ~ResetAtEnd() { flag = false; }
  };

  // ---- A pass

  /// Makes one pass: the plan of the chapter. To inline it spares a sixth of what an empty callback takes.
  [[gnu::always_inline]] void run_once() {
    if (!timers_.empty()) timers_.drop_cancelled();
    if (ready_.empty() || called_ >= poll_interval) poll();
    if (inject_queue_.has_posts()) ready_.append(inject_queue_.collect());
    if (!timers_.empty()) timers_.take_due(time(), due_);
    run_ready();
    if (!due_.empty()) run_due();
  }

  /// Takes what the selector has found; sleeps if there is nothing else to do.
  void poll() {
    called_ = 0;
    if (ready_.empty() && !stopping_)
      wait();
    else
      selector_->select(Duration::zero());
    ready_.append(selector_->found());
  }

  /// Notes that the loop is awake when it goes, even if an exception ends the sleep.
  struct WakeUpAtEnd {
    InjectQueue& queue;
    ~WakeUpAtEnd() { queue.wake_up(); }
  };

  /// Sleeps until there is something to do.
  void wait() {
    // <exercise 4.2 EventLoop::wait>
    std::optional<Duration> timeout;
    if (!timers_.empty()) {
      const TimePoint now = time();
      timeout = std::min(std::max(timers_.next(), now) - now, longest_wait);
    }
    if (!inject_queue_.fall_asleep()) return;
    const WakeUpAtEnd awake{inject_queue_};
    selector_->select(timeout);
    // </exercise>
  }

  /// Calls what is ready now. What that brings is for the next pass.
  void run_ready() {
    ReadyQueue batch = std::move(ready_);
    while (const Ref<Operation> node = batch.pop()) dispatch(*node);
  }

  /// Calls the timers that are due.
  void run_due() {
    for (Ref<Timer>& due : due_) {
      const Ref<Timer> timer = std::move(due);
      dispatch(*timer);
    }
    due_.clear();
  }

  /// Runs or drops what came out of a queue.
  void dispatch(Operation& node) {
    if (node.cancelled())
      node.drop();
    else
      call(node);
    ++called_;
  }

  /// Calls one node. What it throws goes to the exception handler.
  void call(Operation& node) {
    if (get_debug()) return call_and_time(node);
    try {
      node.run();
    } catch (...) {
      tell_of_exception(node.type(), Handle(Ref(node)));
    }
  }

  /// As call(), and tells if it was slow.
  void call_and_time(Operation& node) {
    // <exercise 6.1 EventLoop::call_and_time>
    const TimePoint start = time();
    try {
      node.run();
    } catch (...) {
      tell_of_exception(node.type(), Handle(Ref(node)));
    }
    const Duration took = time() - start;
    if (took >= slow_callback_duration) tell_of_slowness(node.type(), took);
    // </exercise>
  }

  // ---- What is called

  /// Makes a node of kind `Base`, which is made from `argument`.
  template <class Base, class Argument, class F, class... Args>
  auto make(Argument argument, F&& fn, Args&&... args) {
    auto call = bind_once(std::forward<F>(fn), std::forward<Args>(args)...);
    return pool_->make<Callback<Base, decltype(call)>>(std::move(call), argument);
  }

  template <class Queue, class Node>
  static auto schedule(Queue& queue, Ref<Node> node) {
    using HandleOfIt = std::conditional_t<std::is_base_of_v<Timer, Node>, TimerHandle, Handle>;
    HandleOfIt handle(node);
    queue.push(std::move(node));
    return handle;
  }

  /// Closes the loop. What waits is destroyed, and its destructor can schedule nothing.
  void drop_all() {
    closed_ = true;
    services_.close();
    const ReadyQueue posted = inject_queue_.close();
    const ReadyQueue ready = std::move(ready_);
    timers_.clear();
    selector_->close();
  }

  // ---- What is refused

  [[noreturn]] void refuse_to_run() const {
    if (closed_) throw std::runtime_error("Event loop is closed");
    if (is_running()) throw std::runtime_error("This event loop is already running");
    throw std::runtime_error("Cannot run the event loop while another loop is running");
  }

  // On a busy loop, callbacks between two looks at the selector.
  static constexpr std::size_t poll_interval = 64;
  static constexpr Duration longest_wait = std::chrono::hours(24);

  const std::unique_ptr<Selector> selector_;
  const NodePool::Owner pool_ = NodePool::create();
  ReadyQueue ready_;
  TimerHeap timers_;
  std::vector<Ref<Timer>> due_;  // in this pass
  std::size_t called_ = 0;       // callbacks since the loop has looked at its selector
  bool stopping_ = false;
  bool closed_ = false;
  LoopThread thread_;
  InjectQueue inject_queue_;
  ServiceTable services_;
};

/// A fresh loop, which is set for no thread. Python: `asyncio.new_event_loop`.
inline std::unique_ptr<EventLoop> new_event_loop() { return std::make_unique<EventLoop>(); }

}  // namespace asyncio
