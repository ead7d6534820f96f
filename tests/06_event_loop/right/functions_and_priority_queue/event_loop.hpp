#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <stdexcept>
#include <typeinfo>
#include <utility>
#include <vector>

#include "callback.hpp"
#include "current_loop.hpp"
#include "handle.hpp"
#include "loop_exceptions.hpp"
#include "loop_methods.hpp"
#include "loop_time.hpp"
#include "selector.hpp"

namespace asyncio {

class EventLoop : public detail::LoopMethods<EventLoop>, public LoopReports {
  using Item = std::shared_ptr<Scheduled>;

 public:
  explicit EventLoop(std::unique_ptr<Selector> selector = std::make_unique<SleepSelector>())
      : LoopReports(*this), waiter_(std::move(selector)) {
    if (!waiter_) throw std::invalid_argument("a loop without a selector");
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop() {
    finish();
    if (detail::thread_state().set == this) set_event_loop(nullptr);
  }

  template <class F, class... Args>
  Handle call_soon(F&& fn, Args&&... args) {
    check();
    Item item = pack(std::forward<F>(fn), std::forward<Args>(args)...);
    next_.push_back(item);
    return Handle(item);
  }

  template <class F, class... Args>
  TimerHandle call_later(concurrent::AnyDuration delay, F&& fn, Args&&... args) {
    return call_at(time_after(time(), delay), std::forward<F>(fn), std::forward<Args>(args)...);
  }

  template <class F, class... Args>
  TimerHandle call_at(TimePoint when, F&& fn, Args&&... args) {
    check();
    Item item = pack(std::forward<F>(fn), std::forward<Args>(args)...);
    item->when = when;
    clockwork_.emplace(when, ticket_++, item);
    return TimerHandle(item);
  }

  template <class F, class... Args>
  Handle call_soon_threadsafe(F&& fn, Args&&... args) {
    Item item = pack(std::forward<F>(fn), std::forward<Args>(args)...);
    item->posted = true;
    if (running() == this) {
      next_.push_back(item);
    } else {
      std::scoped_lock lock(door_);
      if (shut_) throw std::runtime_error("Event loop is closed");
      outside_.push_back(item);
      waiter_->wake();
    }
    return Handle(item);
  }

  [[nodiscard]] TimePoint time() const { return waiter_->now(); }

  void run_forever() {
    if (shut_) throw std::runtime_error("Event loop is closed");
    if (is_running()) throw std::runtime_error("This event loop is already running");
    if (running()) throw std::runtime_error("Cannot run the event loop while another loop is running");
    const LoopThread::Running here(thread_, *this);
    try {
      do pass();
      while (!stop_);
    } catch (...) {
      stop_ = false;
      throw;
    }
    stop_ = false;
  }

  void stop() { stop_ = true; }

  void close() {
    if (is_running()) throw std::runtime_error("Cannot close a running event loop");
    finish();
  }

  [[nodiscard]] bool is_running() const noexcept { return thread_.is_running(); }
  [[nodiscard]] bool is_closed() const noexcept { return shut_; }
  [[nodiscard]] static EventLoop* running() noexcept { return detail::thread_state().running; }

 private:
  struct Appointment {
    TimePoint when;
    unsigned long ticket;
    Item item;
    bool operator<(const Appointment& other) const {  // the largest is on top: the one that comes first
      return std::tie(other.when, other.ticket) < std::tie(when, ticket);
    }
  };

  void check() const {
    if (shut_) throw std::runtime_error("Event loop is closed");
    if (get_debug()) thread_.check();
  }

  /// A std::function wants what can be copied: so what it calls is shared.
  template <class F, class... Args>
  static Item pack(F&& fn, Args&&... args) {
    auto bound = std::make_shared<decltype(bind_once(std::forward<F>(fn), std::forward<Args>(args)...))>(
        bind_once(std::forward<F>(fn), std::forward<Args>(args)...));
    Item item = std::make_shared<Scheduled>();
    item->type = &typeid(typename std::decay_t<decltype(*bound)>::Function);
    item->call = [bound = std::move(bound)] { std::move (*bound)(); };
    return item;
  }

  void skip_the_dead() {
    while (!clockwork_.empty() && clockwork_.top().item->dead) clockwork_.pop();
  }

  void pass() {
    skip_the_dead();
    if (next_.empty() && !stop_)
      sleep();
    else if (since_look_ >= 64 || next_.empty())
      look(Duration(0));
    {
      std::scoped_lock lock(door_);
      next_.insert(next_.end(), outside_.begin(), outside_.end());
      outside_.clear();
    }
    for (const TimePoint now = time(); !clockwork_.empty() && clockwork_.top().when <= now; clockwork_.pop())
      next_.push_back(clockwork_.top().item);
    for (std::size_t left = next_.size(); left > 0; --left) {
      const Item item = std::move(next_.front());
      next_.pop_front();
      call(*item, item);
    }
  }

  void look(std::optional<Duration> timeout) {
    since_look_ = 0;
    waiter_->select(timeout);
  }

  void sleep() {
    if (clockwork_.empty()) return look(std::nullopt);
    const TimePoint now = time(), when = clockwork_.top().when;
    look(when <= now ? Duration(0) : std::min<Duration>(when - now, std::chrono::hours(24)));
  }

  void call(Scheduled& it, const Item& item) {
    ++since_look_;
    std::function<void()> function = it.take();
    if (it.dead || !function) return;
    const TimePoint begin = get_debug() ? time() : TimePoint();
    try {
      function();
    } catch (...) {
      tell_of_exception(*it.type, Handle(item));
    }
    if (!get_debug()) return;
    const Duration took = time() - begin;
    if (took >= slow_callback_duration) tell_of_slowness(*it.type, took);
  }

  void finish() {
    {
      std::scoped_lock lock(door_);
      shut_ = true;
    }
    for (Item item; !outside_.empty(); item->take()) item = std::move(outside_.back()), outside_.pop_back();
    for (Item item; !next_.empty(); item->take()) item = std::move(next_.back()), next_.pop_back();
    for (Item item; !clockwork_.empty(); item->take()) item = clockwork_.top().item, clockwork_.pop();
    waiter_->close();
  }

  const std::unique_ptr<Selector> waiter_;
  LoopThread thread_;
  std::deque<Item> next_;
  std::priority_queue<Appointment> clockwork_;
  unsigned long ticket_ = 0;
  std::size_t since_look_ = 0;
  bool stop_ = false;
  std::mutex door_;
  std::vector<Item> outside_;
  bool shut_ = false;
};

inline std::unique_ptr<EventLoop> new_event_loop() { return std::make_unique<EventLoop>(); }

}  // namespace asyncio
