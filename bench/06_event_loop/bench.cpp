#include "event_loop.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "empty_job.hpp"
#include "floors.hpp"
#include "loop_rows.hpp"
#include "row.hpp"

using asyncio::EventLoop;
using asyncio::TimePoint;
using asyncio::TimerHandle;
using bench::empty_job;

namespace {

/// A callback that schedules itself until it has run often enough.
struct Link {
  EventLoop* loop;
  int* left;

  void operator()() const {
    empty_job();
    if (--*left > 0)
      loop->call_soon(*this);
    else
      loop->stop();
  }
};

/// A loop that runs on a thread of its own.
class Runner {
 public:
  ~Runner() {
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
  }
  EventLoop& loop() { return loop_; }

 private:
  EventLoop loop_;
  std::jthread thread_{[this] { loop_.run_forever(); }};
};

}  // namespace

void bench::rows() {
  row(chained + "/sequential", many_callbacks, [] {
    for (int i = 0; i < many_callbacks; ++i) empty_job();
  });
  row(chained + "/EventLoop", many_callbacks, [] {
    return warmed_up([loop = std::make_shared<EventLoop>()] {
      int left = many_callbacks;
      loop->call_soon(Link{loop.get(), &left});
      loop->run_forever();
    });
  });

  row(in_a_batch + "/sequential", many_callbacks, [] {
    for (int i = 0; i < many_callbacks; ++i) empty_job();
  });
  row(in_a_batch + "/EventLoop", many_callbacks, [] {
    return warmed_up([loop = std::make_shared<EventLoop>()] {
      for (int i = 0; i < many_callbacks; ++i) loop->call_soon(empty_job);
      loop->stop();
      loop->run_forever();
    });
  });

  callbacks_by_hand();

  // Without a loop: sort what is left, and call it, without waiting for its time.
  row(timers + "/sequential", many_timers, [] {
    std::vector<std::pair<int, void (*)()>> set;
    for (std::size_t i = 0; i < delays().size(); i += 2) set.emplace_back(delays()[i], empty_job);
    std::ranges::stable_sort(set, {}, &std::pair<int, void (*)()>::first);
    for (const auto& [when, call] : set) call();
  });
  row(timers + "/EventLoop", many_timers, [] {
    const auto loop = std::make_shared<EventLoop>();
    return warmed_up([loop, handles = std::vector<TimerHandle>(many_timers)]() mutable {
      int left = many_timers / 2;
      const TimePoint now = loop->time();
      for (std::size_t i = 0; i < handles.size(); ++i)
        handles[i] = loop->call_at(now + std::chrono::milliseconds(delays()[i]), [&left, loop = loop.get()] {
          empty_job();
          if (--left == 0) loop->stop();
        });
      for (std::size_t i = 1; i < handles.size(); i += 2) handles[i].cancel();
      loop->run_forever();
    });
  });

  timers_by_hand();

  row(wake_ups + "/sequential", many_wake_ups, [] {
    for (int i = 0; i < many_wake_ups; ++i) empty_job();
  });
  row(wake_ups + "/EventLoop", many_wake_ups, [] {
    return warmed_up([runner = std::make_shared<Runner>()] {
      std::binary_semaphore woken(0);
      for (int i = 0; i < many_wake_ups; ++i) {
        runner->loop().call_soon_threadsafe([&] { woken.release(); });
        woken.acquire();
      }
    });
  });
  wake_ups_by_hand();
}
