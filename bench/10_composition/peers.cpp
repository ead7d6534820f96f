// The rows of chapter 10 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "composition_rows.hpp"
#include "empty_job.hpp"
#include "one_core.hpp"
#include "python_peer.hpp"
#include "row.hpp"

namespace {

// ---- Asio

using asio::awaitable;
using asio::use_awaitable;
using namespace asio::experimental::awaitable_operators;

awaitable<void> job() {
  bench::empty_job();
  co_return;
}

/// Takes a turn of the context.
awaitable<void> pass() {
  bench::empty_job();
  co_await asio::post(use_awaitable);
}

/// Asio 1.22 has no gather of a range. This counts who has ended, and then wakes the one that waits.
awaitable<void> spawn_all(int count) {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < count; i += bench::children) {
    asio::steady_timer all_done(executor, asio::steady_timer::time_point::max());
    int left = bench::children;
    for (int child = 0; child < bench::children; ++child)
      asio::co_spawn(executor, job(), [&](std::exception_ptr) {
        if (--left == 0) all_done.cancel();
      });
    co_await all_done.async_wait(asio::experimental::as_tuple(use_awaitable));
  }
}

awaitable<void> pairs(int count) {
  for (int i = 0; i < count; ++i) co_await (job() && job());
}

awaitable<void> without_limit(int count) {
  for (int i = 0; i < count; ++i) co_await pass();
}

awaitable<void> limit_each(int count) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (int i = 0; i < count; ++i) {
    timer.expires_after(std::chrono::hours(1));
    co_await (pass() || timer.async_wait(use_awaitable));
  }
}

awaitable<void> call_each(asio::thread_pool& pool, int count) {
  for (int i = 0; i < count; ++i) co_await asio::co_spawn(pool, job(), use_awaitable);
}

/// Registers a row of a coroutine that runs on a context. The hint says that one thread runs it, which spares
/// it some locks.
/// @param make gives the coroutine
template <class F>
void asio_row(const std::string& name, int items, F make) {
  bench::row(name, items, [=] {
    return bench::warmed_up([=, context = std::make_shared<asio::io_context>(1)] {
      context->restart();
      asio::co_spawn(*context, make(items), asio::detached);
      context->run();
    });
  });
}

/// A context that runs on a thread of its own.
class ContextThread {
 public:
  ~ContextThread() { context_.stop(); }
  asio::io_context& context() { return context_; }

 private:
  asio::io_context context_;
  const asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context_);
  const std::jthread thread_{[this] { context_.run(); }};
};

void asio_rows() {
  using namespace bench;
  asio_row(gathered + "/asio, counted", many_children, spawn_all);
  asio_row(two_gathered + "/asio's &&", many_pairs, pairs);
  asio_row(waited_for + "/asio, no limit", many_waits, without_limit);
  asio_row(waited_for + "/asio's || a timer", many_waits, limit_each);
  asio_row(in_time + "/asio's || a timer", many_waits, limit_each);
  row(in_executor + "/asio::thread_pool", many_round_trips, [] {
    const auto core = std::make_shared<OneCore>();
    return warmed_up([core, pool = std::make_shared<asio::thread_pool>(1),
                      context = std::make_shared<asio::io_context>()] {
      context->restart();
      asio::co_spawn(*context, call_each(*pool, many_round_trips), asio::detached);
      context->run();
    });
  });
  row(threadsafe + "/asio::use_future", many_round_trips, [] {
    const auto core = std::make_shared<OneCore>();
    return warmed_up([core, thread = std::make_shared<ContextThread>()] {
      for (int i = 0; i < many_round_trips; ++i)
        asio::co_spawn(thread->context(), job(), asio::use_future).get();
    });
  });
}

// ---- Python

void python_rows() {
  using namespace bench;
  const auto python_row = [](const std::string& name, int items, const std::string& what) {
    row(name, items, [=] {
      const auto core = std::make_shared<OneCore>();
      return [core, batch = python_batch({"bench/10_composition/peers.py"}, what, items)] { batch(); };
    });
  };
  python_row(gathered + "/Python's asyncio", many_children / for_python, "gathered");
  python_row(grouped + "/Python's asyncio", many_children / for_python, "grouped");
  python_row(two_gathered + "/Python's asyncio", many_pairs / for_python, "pairs");
  python_row(waited_for + "/Python's asyncio", many_waits / for_python, "waited_for");
  python_row(in_time + "/Python's asyncio", many_waits / for_python, "in_time");
  python_row(in_executor + "/Python's submit", many_round_trips, "submit");
  python_row(in_executor + "/Python's asyncio", many_round_trips, "in_executor");
  python_row(threadsafe + "/Python's asyncio", many_round_trips, "threadsafe");
}

}  // namespace

void bench::rows() {
  asio_rows();
  python_rows();
}
