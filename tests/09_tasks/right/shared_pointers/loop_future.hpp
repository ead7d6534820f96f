// Fails: Step8_*
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "cancelled_error.hpp"
#include "coro.hpp"
#include "event_loop.hpp"
#include "handle.hpp"
#include "operation.hpp"
#include "outcome.hpp"
#include "ref.hpp"
#include "service.hpp"

namespace asyncio {

template <class T = void>
class Future;
template <class T = void>
class Task;

namespace detail {

template <class T>
Future<T> loop_create_future(EventLoop& loop);

template <class T>
inline constexpr bool can_be_copied = std::copy_constructible<T>;
template <class T>
requires std::ranges::range<T> && requires { typename T::value_type; }
inline constexpr bool can_be_copied<T> = std::copy_constructible<T> && can_be_copied<typename T::value_type>;

class TaskState;

/// The loop's list of tasks, and the way from a future to its loop.
class Home final : public Service {
 public:
  explicit Home(EventLoop& loop) : Service(loop) {}

  std::list<std::shared_ptr<TaskState>> tasks;  // that are not done
  std::size_t made = 0;

  void report(const std::string& message, std::exception_ptr error) noexcept {
    const ExceptionContext context{.message = message, .exception = std::move(error)};
    if (EventLoop* const at = loop())
      at->call_exception_handler(context);
    else
      write_exception(context);
  }
  void hand_over(Ref<Operation> node) noexcept {
    if (EventLoop* const at = loop())
      at->run_soon(std::move(node));
    else
      node->drop();
  }
  void close() noexcept override;

 private:
  ~Home() override = default;
};

enum class End { none, cancelled, finished };

class FutureState : public std::enable_shared_from_this<FutureState> {
 public:
  /// What a callback keeps from the moment when the future is done until it has run.
  using Slot = std::shared_ptr<std::shared_ptr<FutureState>>;

  explicit FutureState(Home& at) : home(at) {}
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;
  virtual ~FutureState() {
    for (Waiter& waiter : waiters_) waiter.node->drop();
  }

  [[nodiscard]] bool done() const noexcept { return end != End::none; }
  [[nodiscard]] virtual std::exception_ptr error() = 0;
  [[nodiscard]] virtual TaskState* task() noexcept { return nullptr; }

  /// @returns false if it is done
  virtual bool cancel() {
    if (done()) {
      looked_at = true;
      return false;
    }
    finish(End::cancelled);
    return true;
  }

  void check(const char* message) {
    if (end == End::cancelled) throw CancelledError();
    if (end == End::none) throw InvalidStateError(message);
    looked_at = true;
  }
  void check_pending() const {
    if (done()) throw InvalidStateError("there is an outcome already");
  }

  void add(Ref<Operation> node, Slot slot = nullptr) {
    if (!done()) {
      waiters_.push_back({std::move(node), std::move(slot)});
      return;
    }
    if (slot) *slot = shared_from_this();
    home->hand_over(std::move(node));
  }
  Ref<Operation> take_out(const Operation& node) {
    for (auto waiter = waiters_.begin(); waiter != waiters_.end(); ++waiter) {
      if (waiter->node.get() != &node) continue;
      Ref<Operation> found = waiter->node;
      waiters_.erase(waiter);
      return found;
    }
    return nullptr;
  }

  void finish(End how) {
    end = how;
    for (Waiter& waiter : std::exchange(waiters_, {})) {
      if (waiter.slot && !waiter.node->cancelled()) *waiter.slot = shared_from_this();
      home->hand_over(std::move(waiter.node));
    }
  }
  /// There is nobody who would run those who wait.
  void finish_without_a_loop() {
    end = End::cancelled;
    for (Waiter& waiter : std::exchange(waiters_, {})) waiter.node->drop();
  }

  const Ref<Home> home;
  End end = End::none;
  bool looked_at = false;

 private:
  struct Waiter {
    Ref<Operation> node;
    Slot slot;
  };

  std::vector<Waiter> waiters_;
};

/// The state of what has a result: `Base` is that of a future, or that of a task.
template <class T, class Base = FutureState>
class StateOf : public Base {
 public:
  using Base::Base;
  ~StateOf() override {
    if (this->looked_at || this->end != End::finished || !error()) return;
    this->home->report(this->task() || !std::same_as<Base, FutureState>
                           ? "Task exception was never retrieved"
                           : "Future exception was never retrieved",
                       error());
  }
  [[nodiscard]] std::exception_ptr error() final { return outcome.exception(); }

  Outcome<T> outcome;
};

/// A node that continues a task.
class Continue final : public Operation {
 public:
  explicit Continue(std::shared_ptr<TaskState> task) : Operation(RefCount::local), task_(std::move(task)) {}
  void run() override;
  void drop() noexcept override { task_.reset(); }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Continue); }

 private:
  std::shared_ptr<TaskState> task_;
};

class TaskState : public FutureState {
 public:
  using FutureState::FutureState;

  static inline thread_local TaskState* current = nullptr;
  static TaskState& running() {
    if (!current) throw std::runtime_error("this can be awaited only in a task");
    return *current;
  }

  [[nodiscard]] TaskState* task() noexcept final { return this; }
  [[nodiscard]] std::shared_ptr<TaskState> self() {
    return std::static_pointer_cast<TaskState>(shared_from_this());
  }

  void begin(Coro<> coroutine, std::string its_name) {
    name = its_name.empty() ? "Task-" + std::to_string(++home->made) : (++home->made, std::move(its_name));
    coroutine_ = std::move(coroutine);
    go_on_at_ = coroutine_->handle();
    place_ = home->tasks.insert(home->tasks.end(), self());
    yield(go_on_at_);
  }

  void wait(FutureState& future, std::coroutine_handle<> where) {
    if (&future == this) throw std::runtime_error("Task cannot await on itself");
    if (future.home != home) throw std::runtime_error("Task got Future attached to a different loop");
    node_ = NodePool::make_apart<Continue>(self());
    future.add(node_);
    go_on_at_ = where;
    awaited_ = future.shared_from_this();
    // The request may come round a circle, and leave another note.
    if (std::exchange(note_, false) && !future.cancel()) note_ = true;
  }
  void yield(std::coroutine_handle<> where) {
    go_on_at_ = where;
    home->hand_over(NodePool::make_apart<Continue>(self()));
  }
  [[nodiscard]] bool has_note() const noexcept { return note_; }
  void read_note() {
    if (std::exchange(note_, false)) throw CancelledError();
  }

  bool cancel() override {
    if (done()) {
      looked_at = true;
      return false;
    }
    std::set<TaskState*> walked{this};
    TaskState* task = this;
    while (true) {
      ++task->requests;
      FutureState* const next = task->awaited_.get();
      if (!next || next->done()) break;
      if (!next->task()) {
        next->cancel();
        return true;
      }
      if (!walked.insert(next->task()).second) {
        task->break_circle();
        return true;
      }
      task = next->task();
    }
    task->note_ = true;
    return true;
  }
  std::size_t uncancel() noexcept {
    if (requests != 0) --requests;
    if (requests == 0) note_ = false;
    return requests;
  }

  void go_on() {
    if (done()) return;
    if (!begun_ && note_) return leave(End::cancelled);
    begun_ = true;
    awaited_.reset();
    node_ = nullptr;
    {
      TaskState* const before = std::exchange(current, this);
      std::exchange(go_on_at_, nullptr).resume();
      current = before;
    }
    if (coroutine_->handle().done()) {
      const bool cancelled = let_out_a_cancellation || (note_ && !error());
      leave(cancelled ? End::cancelled : End::finished);
    } else if (!go_on_at_) {
      fail(std::make_exception_ptr(std::runtime_error("nobody would ever resume this task")));
      leave(End::finished);
    }
  }

  /// The loop is closed.
  void abandon() {
    looked_at = true;
    home->report("Task was destroyed but it is pending!", nullptr);
    finish_without_a_loop();
    awaited_.reset();
    node_ = nullptr;
    coroutine_.reset();
  }

  std::string name;
  std::size_t requests = 0;
  bool let_out_a_cancellation = false;

 protected:
  virtual void fail(std::exception_ptr error) = 0;

 private:
  void leave(End how) {
    const std::shared_ptr<TaskState> alive = self();
    home->tasks.erase(place_);
    coroutine_.reset();
    finish(how);
  }

  void break_circle() {
    std::string text = name;
    for (TaskState* task = this; text.size() < 1'000;) {
      task = task->awaited_->task();
      text += " waits for " + task->name;
      if (task == this) break;
    }
    note_ = true;
    awaited_->take_out(*node_)->drop();
    awaited_.reset();
    yield(go_on_at_);
    home->report("Tasks wait for one another in a circle", std::make_exception_ptr(std::runtime_error(text)));
  }

  std::optional<Coro<>> coroutine_;
  std::coroutine_handle<> go_on_at_;
  std::shared_ptr<FutureState> awaited_;
  Ref<Operation> node_;  // which waits there
  std::list<std::shared_ptr<TaskState>>::iterator place_;
  bool begun_ = false;
  bool note_ = false;  // a request that nobody has read
};

inline void Continue::run() { std::exchange(task_, nullptr)->go_on(); }

inline void Home::close() noexcept {
  while (!tasks.empty()) {
    const std::shared_ptr<TaskState> task = tasks.front();
    tasks.pop_front();
    task->abandon();
  }
}

class AnyAwaiter;

}  // namespace detail

class AnyFuture {
 public:
  using value_type = void;

  [[nodiscard]] bool done() const noexcept { return state_->done(); }
  [[nodiscard]] bool cancelled() const noexcept { return state_->end == detail::End::cancelled; }
  bool cancel() { return state_->cancel(); }
  [[nodiscard]] std::exception_ptr exception() const {
    state_->check("the exception is not set");
    return state_->error();
  }
  void result() const {
    if (const std::exception_ptr error = exception()) std::rethrow_exception(error);
  }
  detail::AnyAwaiter operator co_await() const noexcept;
  std::size_t remove_done_callback(const Handle& callback) {
    if (!callback.node()) return 0;
    const Ref<Operation> found = state_->take_out(*callback.node());
    if (!found) return 0;
    found->cancel();
    return 1;
  }
  [[nodiscard]] EventLoop& get_loop() const {
    if (!state_->home->loop()) throw std::runtime_error("the future's event loop is gone");
    return *state_->home->loop();
  }
  friend bool operator==(const AnyFuture& one, const AnyFuture& other) noexcept {
    return one.state_ == other.state_;
  }

 protected:
  explicit AnyFuture(std::shared_ptr<detail::FutureState> state) noexcept : state_(std::move(state)) {}

  std::shared_ptr<detail::FutureState> state_;

 private:
  friend class detail::AnyAwaiter;
};

namespace detail {

template <class T, class F>
class DoneCall final : public Operation {
 public:
  DoneCall(F function, FutureState::Slot slot)
      : Operation(RefCount::local), function_(std::move(function)), slot_(std::move(slot)) {}
  void run() override {
    const FutureState::Slot slot = std::exchange(slot_, nullptr);
    Future<T> future(std::exchange(*slot, nullptr));
    F function = std::move(*function_);
    function_.reset();
    std::invoke(function, std::move(future));
  }
  void drop() noexcept override {
    function_.reset();
    const FutureState::Slot slot = std::exchange(slot_, nullptr);
    if (slot) slot->reset();
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(F); }

 private:
  std::optional<F> function_;
  FutureState::Slot slot_;
};

class AnyAwaiter {
 public:
  explicit AnyAwaiter(AnyFuture future) : future_(std::move(future)) {}
  [[nodiscard]] bool await_ready() const noexcept { return future_.done(); }
  void await_suspend(std::coroutine_handle<> where) {
    TaskState& task = TaskState::running();
    task.wait(*future_.state_, where);
    task_ = &task;
  }
  void await_resume() const {
    look();
    future_.result();
  }

 protected:
  void look() const {
    future_.state_->looked_at = true;
    if (task_) task_->read_note();
  }

  AnyFuture future_;

 private:
  TaskState* task_ = nullptr;
};

template <class T, class Result>
class Awaiter : public AnyAwaiter {
 public:
  explicit Awaiter(Future<T> future) : AnyAwaiter(std::move(future)) {}
  Result await_resume() {
    look();
    Future<T> future = Future<T>::same(std::move(future_));
    if constexpr (std::same_as<Result, T> && !std::is_void_v<T>)
      return std::move(future).result();
    else
      return future.result();
  }
};

}  // namespace detail

inline detail::AnyAwaiter AnyFuture::operator co_await() const noexcept { return detail::AnyAwaiter(*this); }

template <class T>
class [[nodiscard]] Future : public AnyFuture {
  using Reference = std::add_lvalue_reference_t<std::add_const_t<T>>;

 public:
  using value_type = T;

  explicit Future(std::shared_ptr<detail::FutureState> state) noexcept : AnyFuture(std::move(state)) {}
  static Future same(AnyFuture&& future) {
    Future other(nullptr);
    static_cast<AnyFuture&>(other) = std::move(future);
    return other;
  }

  Reference result() const& { return outcome().get(); }
  T result() && {
    if constexpr (detail::can_be_copied<T>) {
      if (state_.use_count() > 1) return outcome().get();
    }
    return outcome().take();
  }

  template <class... Value>
  void set_result(Value&&... value) {
    check_no_task("set_result");
    state_->check_pending();
    typed().set_value(std::forward<Value>(value)...);
    state_->finish(detail::End::finished);
  }
  void set_exception(std::exception_ptr error) {
    check_no_task("set_exception");
    if (!error) throw std::invalid_argument("there is no exception");
    state_->check_pending();
    typed().set_exception(std::move(error));
    state_->finish(detail::End::finished);
  }
  template <class E>
  requires(!std::convertible_to<E, std::exception_ptr>) void set_exception(E error) {
    set_exception(std::make_exception_ptr(std::move(error)));
  }

  template <class F>
  Handle add_done_callback(F&& fn) {
    auto slot = std::make_shared<std::shared_ptr<detail::FutureState>>();
    Ref<Operation> node =
        NodePool::make_apart<detail::DoneCall<T, std::decay_t<F>>>(std::forward<F>(fn), slot);
    Handle handle(node);
    state_->add(std::move(node), std::move(slot));
    return handle;
  }

  auto operator co_await() const& noexcept { return detail::Awaiter<T, Reference>(*this); }
  auto operator co_await() && noexcept { return detail::Awaiter<T, T>(std::move(*this)); }

 private:
  void check_no_task(const std::string& what) const {
    if (state_->task()) throw std::runtime_error("Task does not support " + what + " operation");
  }
  [[nodiscard]] Outcome<T>& typed() const {
    if (detail::TaskState* const task = state_->task())
      return static_cast<detail::StateOf<T, detail::TaskState>&>(*task).outcome;
    return static_cast<detail::StateOf<T>&>(*state_).outcome;
  }
  [[nodiscard]] Outcome<T>& outcome() const {
    state_->check("the result is not set");
    return typed();
  }
};

template <class T>
Future<T> detail::loop_create_future(EventLoop& loop) {
  return Future<T>(std::make_shared<detail::StateOf<T>>(loop.use_service<Home>()));
}

}  // namespace asyncio
