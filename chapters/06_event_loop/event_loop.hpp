#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "prefetch.hpp"
#include "callback.hpp"
#include "handle.hpp"
#include "loop_exceptions.hpp"
#include "service.hpp"
#include "inject_queue.hpp"
#include "node_pool.hpp"
#include "ready_queue.hpp"
#include "operation.hpp"
#include "selector.hpp"
#include "timer_heap.hpp"
#include "todo.hpp"
#include "type_name.hpp"

namespace concurrent {
class Executor;
}

/// What lives on one loop: the course's own `asyncio`.
namespace asyncio {

class EpollSelector;
enum class Ready : std::uint8_t;
template <class T = void>
class Future;
template <class T = void>
class Task;
template <class T>
class Coro;
struct TaskOptions;
namespace detail {
class TaskRegistry;
class ThreadBridge;
}  // namespace detail

/// Runs callbacks, one after another, on the thread that calls run_forever(). All members are for that thread
/// alone, before, while and after it runs, except call_soon_threadsafe(). Python: `asyncio.BaseEventLoop`.
class EventLoop {
 public:
  /// @param selector how the loop waits, and its clock
  explicit EventLoop(std::unique_ptr<Selector> selector = std::make_unique<SleepSelector>())
      : selector_(std::move(selector)) {
    if (!selector_) throw std::invalid_argument("an event loop needs a selector");
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Closes the loop, which must not be running.
  ~EventLoop() {
    drop_all();
    if (thread_state().set == this) thread_state().set = nullptr;
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
  template <class Rep, class Period, class F, class... Args>
  TimerHandle call_later(std::chrono::duration<Rep, Period> delay, F&& fn, Args&&... args) {
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
  /// The loop must not be destroyed before what is posted has run, or the loop is closed.
  /// Python: `loop.call_soon_threadsafe`.
  /// @throws std::runtime_error if the loop is closed
  template <class F, class... Args>
  Handle call_soon_threadsafe(F&& fn, Args&&... args) {
    auto call = bind_once(std::forward<F>(fn), std::forward<Args>(args)...);
    using Node = Callback<Operation, decltype(call)>;
    Ref<Operation> node = NodePool::make_apart<Node>(std::move(call), RefCount::atomic);
    Handle handle(node);
    inject_queue_.post(std::move(node), *selector_);
    return handle;
  }

  /// Calls `fn(args...)` whenever the file `fd` can be read, or its peer has gone, until remove_reader(). If
  /// there was such a callback for it already, that one is removed. Python: `loop.add_reader`.
  /// Include `reactor.hpp` for this and for what follows (chapter 07).
  /// @throws std::logic_error if the loop has no EpollSelector; std::system_error if `fd` cannot be watched;
  /// otherwise as call_soon()
  template <class F, class... Args>
  void add_reader(int fd, F&& fn, Args&&... args);

  /// As add_reader(), whenever it can be written. Python: `loop.add_writer`.
  template <class F, class... Args>
  void add_writer(int fd, F&& fn, Args&&... args);

  /// The callback will not be called, even if it is ready to run in this very pass. Say so *before* you close
  /// the file. Python: `loop.remove_reader`, `loop.remove_writer`.
  /// @returns whether there was one
  bool remove_reader(int fd);
  bool remove_writer(int fd);

  /// Calls `fn(args...)` after the process has got the signal `number`; once, if that came several times
  /// meanwhile. Of all loops of the process, the last that asked is told. Python: `loop.add_signal_handler`.
  /// @throws std::invalid_argument if there is no such signal; std::runtime_error if it cannot be caught;
  /// otherwise as add_reader()
  template <class F, class... Args>
  void add_signal_handler(int number, F&& fn, Args&&... args);

  /// The signal does what it does by default again. Python: `loop.remove_signal_handler`.
  /// @returns whether there was a handler
  bool remove_signal_handler(int number);

  /// A Future of this loop. Include `task.hpp` for this and for what follows (chapter 09).
  /// Python: `loop.create_future`.
  template <class T = void>
  [[nodiscard]] Future<T> create_future();

  /// Runs a Coro, or whatever can be awaited, as a Task: from the next pass on. The loop keeps the task until
  /// it is done. Python: `loop.create_task`.
  /// @throws std::runtime_error if the loop is closed; then the coroutine is destroyed
  template <class A>
  auto create_task(A&& awaitable);
  template <class A>
  auto create_task(A&& awaitable, const TaskOptions& options);

  /// Runs until `awaitable` is done: a Coro, a Future, a Task. Python: `loop.run_until_complete`.
  /// @returns its result
  /// @throws what it throws; std::runtime_error if the loop was stopped before it was done, and as
  /// run_forever(); std::invalid_argument if it is a Future of another loop
  template <class A>
  decltype(auto) run_until_complete(A&& awaitable);

  /// Calls `fn(args...)` on an executor of chapters 02 to 05, or on the loop's own if `executor` is nullptr.
  /// Include `bridge.hpp` for this and for what follows (chapter 10). Python: `loop.run_in_executor`.
  /// @returns a Future of the result. To cancel it keeps the call from starting; one that runs, runs on.
  /// @throws as call_soon(), and what the executor's submit() throws
  template <class E, class F, class... Args>
  auto run_in_executor(E&& executor, F&& fn, Args&&... args);

  /// The executor that nullptr stands for, which is shut down when the loop is closed. Without this, it is a
  /// ThreadPoolExecutor. Python: `loop.set_default_executor`.
  void set_default_executor(std::shared_ptr<concurrent::Executor> executor);

  /// Waits until the loop's own executor has done its work, without blocking the loop; it takes no more.
  /// With a timeout, it is left alone after that. Python: `loop.shutdown_default_executor`.
  Coro<void> shutdown_default_executor(std::optional<Duration> timeout = std::nullopt);

  /// The time on the loop's clock. Python: `loop.time`, in seconds.
  [[nodiscard]] TimePoint time() const { return selector_->now(); }

  /// Runs until stop(). Python: `loop.run_forever`.
  /// @throws std::runtime_error if the loop is closed or running, or another one is running on this thread
  void run_forever() {
    if (closed_ || is_running() || thread_state().running) refuse_to_run();
    const Running running(*this);
    // TODO 2.4: Pass after pass, until the loop is stopping_: at least one.
    todo("2.4", "EventLoop::run_forever");
  }

  /// Ends run_forever() after the pass that runs now. A loop that is not running will run for one pass.
  /// From another thread: `loop.call_soon_threadsafe([&] { loop.stop(); })`. Python: `loop.stop`.
  void stop() {
    // TODO 2.5: Note that the loop is stopping_.
    todo("2.5", "EventLoop::stop");
  }

  /// Drops all that was to be called; the loop cannot be used any more. Closing it again does nothing.
  /// Python: `loop.close`.
  /// @throws std::runtime_error if the loop is running
  void close() {
    // TODO 7.1: Throw a std::runtime_error "Cannot close a running event loop" if it
    // is. Otherwise drop_all(), unless it is closed_ already.
    todo("7.1", "EventLoop::close");
  }

  [[nodiscard]] bool is_running() const noexcept {
    return thread_.load(std::memory_order_relaxed) != std::thread::id();
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

  /// Who is told of exceptions that a callback lets out; an empty handler brings back the default, which
  /// writes a line to stderr. Python: `loop.set_exception_handler`.
  void set_exception_handler(LoopExceptionHandler handler) { exception_handler_ = std::move(handler); }

  /// Tells the exception handler of `context`. What the handler throws goes to stderr, and no further.
  /// Python: `loop.call_exception_handler`.
  void call_exception_handler(const ExceptionContext& context) {
    handle_exception(exception_handler_, *this, context);
  }

  /// In debug mode the loop refuses calls from other threads, and writes a line about slow callbacks.
  /// Python: `loop.set_debug`, `loop.get_debug`.
  void set_debug(bool on) { debug_ = on; }
  [[nodiscard]] bool get_debug() const noexcept { return debug_; }

  // For what is built on the loop.

  /// The time in `delay` from now; at the ends of the clock if it would go past them.
  /// @throws std::invalid_argument if the delay is not a number
  template <class Rep, class Period>
  [[nodiscard]] TimePoint after(std::chrono::duration<Rep, Period> delay) const {
    const std::chrono::duration<double> seconds = delay;
    if (std::isnan(seconds.count())) throw std::invalid_argument("the delay of call_later is not a number");
    const TimePoint now = time();
    const std::chrono::duration<double> due = now.time_since_epoch() + seconds;
    if (due >= TimePoint::max().time_since_epoch()) return TimePoint::max();
    if (due <= TimePoint::min().time_since_epoch()) return TimePoint::min();
    return now + std::chrono::ceil<Duration>(delay);
  }

  /// The loop that is running on this thread; null if none is.
  [[nodiscard]] static EventLoop* running() noexcept { return thread_state().running; }

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

  /// Waits for what works for it elsewhere: its executor. Call it before close(), when it does not run.
  void join_services() {
    if (executor_) executor_->join();
  }

  /// Where its nodes come from.
  [[nodiscard]] NodePool& nodes() noexcept { return *pool_; }

  /// A callback that takes so long is slow. Python: `loop.slow_callback_duration`, in seconds.
  Duration slow_callback_duration = std::chrono::milliseconds(100);

 private:
  friend EventLoop& get_running_loop();
  friend EventLoop& get_event_loop();
  friend void set_event_loop(EventLoop*) noexcept;
  friend class detail::TaskRegistry;
  friend class detail::ThreadBridge;

  /// What a thread knows of its loops; either may be null.
  struct ThreadState {
    EventLoop* running = nullptr;
    EventLoop* set = nullptr;  // by set_event_loop()
  };
  static ThreadState& thread_state() noexcept {
    static thread_local constinit ThreadState state;
    return state;
  }

  /// As long as it lives, the loop is running.
  class Running {
   public:
    explicit Running(EventLoop& loop) : loop_(loop) {
      loop_.thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
      thread_state().running = &loop_;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      thread_state().running = nullptr;
      loop_.thread_.store({}, std::memory_order_relaxed);
      loop_.stopping_ = false;
    }

   private:
    EventLoop& loop_;
  };

  // ---- A pass

  /// One pass: the plan of the chapter. To inline it spares a sixth of what an empty callback takes.
  [[gnu::always_inline]] void run_once() {
    if (!timers_.empty()) timers_.drop_cancelled();
    if (ready_.empty() || called_ >= poll_interval) poll();
    if (inject_queue_.has_posts()) ready_.append(inject_queue_.collect());
    if (!timers_.empty()) timers_.take_due(time(), due_);
    run_ready();
    if (!due_.empty()) run_due();
  }

  /// Sees what the selector has; sleeps if there is nothing else to do.
  void poll() {
    called_ = 0;
    if (ready_.empty() && !stopping_)
      wait();
    else
      selector_->select(Duration::zero());
    ready_.append(selector_->found());
  }

  /// Sleeps until there is something to do.
  void wait() {
    // TODO 4.4: If there are timers, the timeout is the time until the next(): 0 if that
    // is past (compare before you subtract: it may be TimePoint::min()), and longest_wait if it is longer.
    // Without timers, there is none. If the inject queue lets you fall_asleep(), select(), and wake_up().
    todo("4.4", "EventLoop::wait");
  }

  /// Calls what is ready now. What that brings is for the next pass.
  void run_ready() {
    // TODO 2.2: Take the whole queue, so that ready_ is empty. Pop one after
    // another, and dispatch() it.
    todo("2.2", "EventLoop::run_ready");
  }

  /// Calls the timers that are due.
  void run_due() {
    for (std::size_t i = 0; i < due_.size(); ++i) {
      prefetch(due_[std::min(i + prefetch_distance, due_.size() - 1)].get());
      const Ref<Timer> timer = std::move(due_[i]);
      dispatch(*timer);
    }
    due_.clear();
  }

  /// What comes out of a queue ends here.
  void dispatch(Operation& node) {
    // TODO 2.3: call() it or, if it was cancelled, drop() it. Count it in called_.
    todo("2.3", "EventLoop::dispatch");
  }

  /// Calls one. What it throws goes to the exception handler.
  void call(Operation& node) {
    if (debug_) return call_and_time(node);
    try {
      node.run();
    } catch (...) {
      tell_of_exception(node);
    }
  }

  /// As call(), and tells if it was slow.
  void call_and_time(Operation& node) {
    // TODO 6.2: run() it, with what it throws to tell_of_exception(). If the
    // two took slow_callback_duration or more of the loop's time(), tell_of_slowness().
    todo("6.2", "EventLoop::call_and_time");
  }

  /// In the handler of an exception that `node` let out.
  void tell_of_exception(Operation& node) {
    call_exception_handler({.message = "Exception in callback " + concurrent::type_name(node.type()),
                            .exception = std::current_exception(),
                            .handle = Handle(Ref(node))});
  }

  static void tell_of_slowness(const Operation& node, Duration took) {
    std::fprintf(stderr, "Executing %s took %.3f seconds\n", concurrent::type_name(node.type()).c_str(),
                 std::chrono::duration<double>(took).count());
  }

  // ---- What is called

  /// Makes a node of kind `Base`, which is made from `argument`.
  template <class Base, class Argument, class F, class... Args>
  auto make(Argument argument, F&& fn, Args&&... args) {
    auto call = bind_once(std::forward<F>(fn), std::forward<Args>(args)...);
    return pool_->make<Callback<Base, decltype(call)>>(std::move(call), argument);
  }

  // What chapter 07 defines.
  EpollSelector& epoll();
  template <class F, class... Args>
  Ref<Operation> make_persistent(F&& fn, Args&&... args);
  template <class F, class... Args>
  void watch(Ready ready, int fd, F&& fn, Args&&... args);
  bool unwatch(Ready ready, int fd);

  template <class Queue, class Node>
  static auto schedule(Queue& queue, Ref<Node> node) {
    using HandleOfIt = std::conditional_t<std::is_base_of_v<Timer, Node>, TimerHandle, Handle>;
    HandleOfIt handle(node);
    queue.push(std::move(node));
    return handle;
  }

  /// Closes the loop: what waits is destroyed, and can schedule nothing when it is.
  void drop_all() {
    closed_ = true;
    if (tasks_) tasks_->close();
    if (executor_) executor_->close();
    const ReadyQueue posted = inject_queue_.close();
    const ReadyQueue ready = std::move(ready_);
    timers_.clear();
    selector_->close();
  }

  // ---- What is refused

  /// Whether something may be scheduled, from here and now.
  void check() const {
    if (closed_) throw std::runtime_error("Event loop is closed");
    if (debug_) check_thread();
  }

  void check_thread() const {
    // TODO 6.3: If the loop is running, and on another thread than this one,
    // throw a std::runtime_error "Non-thread-safe operation invoked on an event loop other than the current
    // one".
    todo("6.3", "EventLoop::check_thread");
  }

  [[noreturn]] void refuse_to_run() const {
    // TODO 7.2: Throw a std::runtime_error that says why: "Event loop is
    // closed", "This event loop is already running", or else "Cannot run the event loop while another loop is
    // running".
    todo("7.2", "EventLoop::refuse_to_run");
  }

  static constexpr std::size_t poll_interval =
      64;  // callbacks, on a busy loop, before it looks at its selector
  static constexpr Duration longest_wait = std::chrono::hours(24);

  const std::unique_ptr<Selector> selector_;
  const NodePool::Owner pool_ = NodePool::create();
  ReadyQueue ready_;
  TimerHeap timers_;
  std::vector<Ref<Timer>> due_;  // in this pass
  std::size_t called_ = 0;       // callbacks since the loop has looked at its selector
  bool stopping_ = false;
  bool closed_ = false;
  bool debug_ = false;
  std::atomic<std::thread::id> thread_{};  // that it runs on; none if it does not run
  LoopExceptionHandler exception_handler_;
  InjectQueue inject_queue_;
  Service::Owner tasks_;     // of chapter 09
  Service::Owner executor_;  // of chapter 10
};

/// The loop that is running on this thread. Python: `asyncio.get_running_loop`.
/// @throws std::runtime_error if none is
inline EventLoop& get_running_loop() {
  // TODO 7.3: The running one of the thread_state(). If there is none, throw a
  // std::runtime_error "no running event loop".
  todo("7.3", "get_running_loop");
}

/// The loop that is running on this thread, or else the one that was set for it. Python:
/// `asyncio.get_event_loop`.
/// @throws std::runtime_error if there is neither
inline EventLoop& get_event_loop() {
  // TODO 7.4: The running one of the thread_state(), or else the one that is set. If
  // there is neither, throw a std::runtime_error "There is no current event loop in this thread".
  todo("7.4", "get_event_loop");
}

/// Sets the loop of this thread, for get_event_loop(); null for none. The loop must live as long, or be
/// destroyed on this thread. Python: `asyncio.set_event_loop`.
inline void set_event_loop(EventLoop* loop) noexcept { EventLoop::thread_state().set = loop; }

/// A fresh loop, which is set for no thread. Python: `asyncio.new_event_loop`.
inline std::unique_ptr<EventLoop> new_event_loop() { return std::make_unique<EventLoop>(); }

}  // namespace asyncio
