#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "composition_rows.hpp"
#include "empty_job.hpp"
#include "frames_by_hand.hpp"
#include "hand_over.hpp"
#include "one_core.hpp"
#include "row.hpp"

namespace bench {

/// The state that the children of a gather or a group share: how many have not ended, who waits for them, and
/// what the first to fail has thrown.
struct Siblings {
  std::size_t left;
  std::coroutine_handle<> parent = nullptr;
  std::exception_ptr error = nullptr;
};

/// A child by hand: the last of them to end goes on with the parent.
struct ChildByHand {
  struct promise_type : FrameByHand {
    Siblings* siblings = nullptr;

    struct FinalAwaiter {
      static bool await_ready() noexcept { return false; }
      static std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
        Siblings& siblings = *ended.promise().siblings;
        if (--siblings.left == 0) return siblings.parent;
        return std::noop_coroutine();
      }
      static void await_resume() noexcept {}
    };

    ChildByHand get_return_object() noexcept {
      return ChildByHand(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static FinalAwaiter final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    void unhandled_exception() noexcept {
      if (!siblings->error) siblings->error = std::current_exception();
    }
  };

  explicit ChildByHand(std::coroutine_handle<promise_type> handle) noexcept : frame(handle) {}
  ChildByHand(ChildByHand&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
  ChildByHand& operator=(ChildByHand&&) = delete;
  ~ChildByHand() {
    if (frame) frame.destroy();
  }

  std::coroutine_handle<promise_type> frame;
};

inline ChildByHand child_by_hand() {
  empty_job();
  co_return;
}

/// The floor of many children that are awaited together: a frame each, for each may have to wait, a counter
/// of those that have not ended, and a list, so that all of them could be cancelled. No tasks, no loop, no
/// results.
class GatherByHand {
 public:
  explicit GatherByHand(std::vector<ChildByHand> children) noexcept : children_(std::move(children)) {}

  static bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
    siblings_.parent = parent;
    for (ChildByHand& child : children_) child.frame.promise().siblings = &siblings_;
    for (std::size_t i = 0; i + 1 < children_.size(); ++i) children_[i].frame.resume();
    return children_.back().frame;
  }
  void await_resume() const {
    if (siblings_.error) std::rethrow_exception(siblings_.error);
  }

 private:
  std::vector<ChildByHand> children_;
  Siblings siblings_{children_.size()};
};

inline CoroByHand gather_all_by_hand(int count) {
  for (int i = 0; i < count; i += children) {
    std::vector<ChildByHand> all;
    all.reserve(children);
    for (int child = 0; child < children; ++child) all.push_back(child_by_hand());
    co_await GatherByHand(std::move(all));
  }
  co_return 0;
}

/// For gather() and for a TaskGroup.
inline void children_by_hand(const std::string& group) {
  row(group + "/floor: frames and a counter", many_children,
      [] { return warmed_up([] { gather_all_by_hand(many_children).run(); }); });
}

/// The least that a loop keeps: those that go on in the next pass, and times, the earliest first.
struct ReadyAndTimers {
  using Clock = std::chrono::steady_clock;

  std::vector<std::coroutine_handle<>> ready, running;
  std::atomic<void*> others = nullptr;
  Clock::time_point looked;  // at the clock, as all that set a timer must
  std::vector<std::pair<Clock::time_point, std::coroutine_handle<>>> timers;

  auto yield() {
    struct Yield : std::suspend_always {
      ReadyAndTimers* loop;
      void await_suspend(std::coroutine_handle<> waiting) const { loop->ready.push_back(waiting); }
    };
    return Yield{{}, this};
  }
  void run() {
    while (!ready.empty()) {
      if (others.load(std::memory_order_acquire)) std::terminate();  // what other threads send: nothing, here
      if (!timers.empty() && timers.front().first <= looked) std::terminate();  // not within an hour
      running.swap(ready);
      for (const std::coroutine_handle<> next : running) next.resume();
      running.clear();
    }
  }
};

/// A limit: a look at the clock, and a place among the timers, which is given back.
class LimitByHand {
 public:
  LimitByHand(ReadyAndTimers& loop, std::coroutine_handle<> waiting)
      : loop_(&loop), when_((loop.looked = ReadyAndTimers::Clock::now()) + std::chrono::hours(1)) {
    auto place = loop.timers.end();
    while (place != loop.timers.begin() && place[-1].first > when_) --place;
    loop.timers.insert(place, {when_, waiting});
  }
  LimitByHand(const LimitByHand&) = delete;
  LimitByHand& operator=(const LimitByHand&) = delete;
  ~LimitByHand() {
    auto place = loop_->timers.end() - 1;
    while (place->first != when_) --place;
    loop_->timers.erase(place);
  }

 private:
  ReadyAndTimers* loop_;
  ReadyAndTimers::Clock::time_point when_;
};

inline CoroByHand pass_by_hand(ReadyAndTimers& loop) {
  empty_job();
  co_await loop.yield();
  co_return 0;
}

inline CoroByHand limit_all_by_hand(ReadyAndTimers& loop, int count) {
  for (int i = 0; i < count; ++i) {
    const LimitByHand limit(loop, std::noop_coroutine());  // it does not come to that
    co_await pass_by_hand(loop);
  }
  co_return 0;
}

/// The floor of a wait with a limit, for wait_for() and timeout(): what is awaited has a frame, and takes a
/// pass of the loop, as it must; and nobody keeps a limit without a clock and a timer.
inline void limits_by_hand(const std::string& group) {
  row(group + "/floor: a frame and a timer", many_waits, [] {
    return warmed_up([loop = std::make_shared<ReadyAndTimers>()] {
      CoroByHand all = limit_all_by_hand(*loop, many_waits);
      all.run();
      loop->run();
    });
  });
}

/// The floor of a way to another thread and back for a loop or a pool that sleeps: it must be woken, and so
/// must the one that waits. On one core, as the rows that it is compared with.
inline void sleepers_by_hand(const std::string& group) {
  row(group + "/floor: two semaphores", many_round_trips, [] {
    const OneCore core;
    by_semaphores(many_round_trips);
  });
}

}  // namespace bench
