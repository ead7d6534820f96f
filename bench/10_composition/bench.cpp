#include "composition.hpp"

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bridge.hpp"
#include "composition_rows.hpp"
#include "empty_job.hpp"
#include "floors.hpp"
#include "one_core.hpp"
#include "row.hpp"

using asyncio::Coro;
using asyncio::EventLoop;
using bench::empty_job;
using namespace std::chrono_literals;

namespace {

Coro<> job() {
  empty_job();
  co_return;
}

/// Takes a pass of the loop.
Coro<> pass() {
  empty_job();
  co_await asyncio::sleep(0s);
}

Coro<> gather_all(int count) {
  for (int i = 0; i < count; i += bench::children) {
    std::vector<Coro<>> all;
    all.reserve(bench::children);
    for (int child = 0; child < bench::children; ++child) all.push_back(job());
    co_await asyncio::gather(std::move(all));
  }
}

Coro<> group_all(int count) {
  for (int i = 0; i < count; i += bench::children)
    co_await asyncio::TaskGroup::run([](asyncio::TaskGroup& group) -> Coro<> {
      for (int child = 0; child < bench::children; ++child) group.create_task(job());
      co_return;
    });
}

Coro<> gather_pairs(int count) {
  for (int i = 0; i < count; ++i) co_await asyncio::gather(job(), job());
}

/// The child of a gather written by hand: the last of two to end goes on with whoever awaits them.
struct Child {
  struct promise_type : asyncio::PooledFrame {
    int* left = nullptr;
    std::coroutine_handle<> parent;

    struct FinalAwaiter {
      static bool await_ready() noexcept { return false; }
      static std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
        if (--*ended.promise().left == 0) return ended.promise().parent;
        return std::noop_coroutine();
      }
      static void await_resume() noexcept {}
    };

    Child get_return_object() noexcept {
      return Child(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static FinalAwaiter final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }
  };

  explicit Child(std::coroutine_handle<promise_type> handle) noexcept : frame(handle) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { frame.destroy(); }

  const std::coroutine_handle<promise_type> frame;
};

/// The least that a gather of two can be: two frames and a counter. No tasks, no loop, no results.
class TwoByHand {
 public:
  TwoByHand() = default;
  static bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) {
    for (Child* child : {&one_, &other_}) {
      child->frame.promise().left = &left_;
      child->frame.promise().parent = parent;
    }
    one_.frame.resume();
    return other_.frame;
  }
  static void await_resume() noexcept {}

 private:
  static Child child() {
    empty_job();
    co_return;
  }

  int left_ = 2;
  Child one_ = child();
  Child other_ = child();
};

Coro<> gather_by_hand(int count) {
  for (int i = 0; i < count; ++i) {
    TwoByHand both;
    co_await both;
  }
}

Coro<> wait_without_limit(int count) {
  for (int i = 0; i < count; ++i) co_await pass();
}

Coro<> wait_for_each(int count) {
  for (int i = 0; i < count; ++i) co_await asyncio::wait_for(pass(), 1h);
}

Coro<> limit_each(int count) {
  for (int i = 0; i < count; ++i) co_await asyncio::timeout(1h, [] { return pass(); });
}

Coro<> call_each(int count) {
  EventLoop& loop = asyncio::get_running_loop();
  for (int i = 0; i < count; ++i) co_await loop.run_in_executor(nullptr, empty_job);
}

std::shared_ptr<concurrent::Executor> one_worker() {
  return std::make_shared<concurrent::ThreadPoolExecutor>(concurrent::ThreadPoolOptions{.max_workers = 1});
}

/// Registers the baseline of a group: as many calls.
void calls(const std::string& group, int items) {
  bench::row(group + "/sequential", items, [=] {
    for (int i = 0; i < items; ++i) empty_job();
  });
}

/// A loop where what a callback throws ends the program, with a message: nobody would end the loop any more.
std::shared_ptr<EventLoop> make_loop() {
  auto loop = std::make_shared<EventLoop>();
  loop->set_exception_handler([](EventLoop&, const asyncio::ExceptionContext& context) noexcept {
    if (context.exception) std::rethrow_exception(context.exception);
  });
  return loop;
}

/// Registers a row of a coroutine that runs on a loop.
void loop_row(const std::string& group, const std::string& variant, int items, Coro<> (*coroutine)(int)) {
  bench::row(group + "/" + variant, items, [=] {
    return bench::warmed_up([=, loop = make_loop()] { loop->run_until_complete(coroutine(items)); });
  });
}

/// A loop that runs on a thread of its own.
class LoopThread {
 public:
  ~LoopThread() {
    loop_->call_soon_threadsafe([this] { loop_->stop(); });
  }
  EventLoop& loop() { return *loop_; }

 private:
  const std::shared_ptr<EventLoop> loop_ = make_loop();
  std::jthread thread_{[this] { loop_->run_forever(); }};
};

}  // namespace

void bench::rows() {
  calls(gathered, many_children);
  loop_row(gathered, "gather", many_children, gather_all);
  children_by_hand(gathered);
  calls(grouped, many_children);
  loop_row(grouped, "TaskGroup", many_children, group_all);
  children_by_hand(grouped);
  calls(two_gathered, many_pairs);
  loop_row(two_gathered, "gather", many_pairs, gather_pairs);
  loop_row(two_gathered, "by hand", many_pairs, gather_by_hand);

  calls(waited_for, many_waits);
  loop_row(waited_for, "no limit", many_waits, wait_without_limit);
  loop_row(waited_for, "wait_for", many_waits, wait_for_each);
  limits_by_hand(waited_for);
  calls(in_time, many_waits);
  loop_row(in_time, "timeout", many_waits, limit_each);
  limits_by_hand(in_time);

  calls(in_executor, many_round_trips);
  row(in_executor + "/submit, then result", many_round_trips, [] {
    const auto core = std::make_shared<OneCore>();
    return warmed_up([core, pool = one_worker()] {
      for (int i = 0; i < many_round_trips; ++i) pool->submit(empty_job).result();
    });
  });
  row(in_executor + "/EventLoop", many_round_trips, [] {
    const auto core = std::make_shared<OneCore>();
    const auto loop = make_loop();
    loop->set_default_executor(one_worker());
    return warmed_up([=] {
      static_cast<void>(core);
      loop->run_until_complete(call_each(many_round_trips));
    });
  });
  sleepers_by_hand(in_executor);

  calls(threadsafe, many_round_trips);
  row(threadsafe + "/EventLoop", many_round_trips, [] {
    const auto core = std::make_shared<OneCore>();
    return warmed_up([core, thread = std::make_shared<LoopThread>()] {
      for (int i = 0; i < many_round_trips; ++i)
        asyncio::run_coroutine_threadsafe(job(), thread->loop()).result();
    });
  });
  sleepers_by_hand(threadsafe);
}
