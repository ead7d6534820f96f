// The rows of chapter 09 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "empty_job.hpp"
#include "python_peer.hpp"
#include "row.hpp"
#include "task_rows.hpp"

namespace {

// ---- Asio, as it is fastest: it knows the type of the executor, and finds the one to post to itself. With
// `asio::awaitable<void>` and `asio::post(context, …)` a switch takes twice as long.

using Executor = asio::io_context::executor_type;
using Awaitable = asio::awaitable<void, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
constexpr asio::use_awaitable_t<Executor> use_awaitable;

Awaitable job() {
  bench::empty_job();
  co_return;
}

Awaitable yield(int times) {
  for (int i = 0; i < times; ++i) co_await asio::post(use_awaitable);
}

Awaitable nap(asio::io_context& context) {
  Timer timer(context, bench::nap);
  co_await timer.async_wait(use_awaitable);
}

/// Registers a row of coroutines that run on a context. The hint says that one thread runs it, which spares
/// it some locks.
/// @param make gets the context, and makes one of `count`
template <class F>
void asio_row(const std::string& group, int items, int count, F make) {
  bench::row(group + "/asio::awaitable", items, [=] {
    return bench::warmed_up([=, context = std::make_shared<asio::io_context>(1)] {
      context->restart();
      for (int i = 0; i < count; ++i) asio::co_spawn(*context, make(*context), asio::detached);
      context->run();
    });
  });
}

void asio_rows() {
  using namespace bench;
  asio_row(spawned, many_tasks, many_tasks, [](asio::io_context&) { return job(); });
  asio_row(switches, many_switches, 2, [](asio::io_context&) { return yield(many_switches / 2); });
  asio_row(sleepers, many_sleepers, many_sleepers, ::nap);
}

// ---- Python, on two loops

struct Python {
  std::string variant;
  std::string interpreter;
  std::vector<std::string> arguments;
};

void python_rows(const Python& python) {
  using namespace bench;
  const auto python_row = [&](const std::string& group, int items, const std::string& what) {
    row(group + "/" + python.variant, items,
        [=] { return python_batch(python.arguments, what, items, python.interpreter); });
  };
  python_row(spawned, many_tasks / for_python, "spawned");
  python_row(switches, many_switches / for_python, "switches");
  python_row(sleepers, many_sleepers, "sleepers");
}

/// uvloop is for one Python only, and not everywhere. @returns where it is; empty if it is not
std::string python_with_uvloop() {
  for (const std::string interpreter : {"python3", "/usr/bin/python3"})
    if (std::system((interpreter + " -c 'import uvloop' 2>/dev/null").c_str()) == 0) return interpreter;
  return "";
}

}  // namespace

void bench::rows() {
  asio_rows();
  const std::string script = "bench/09_tasks/peers.py";
  python_rows({"Python's asyncio", "python3", {script}});
  if (const std::string interpreter = python_with_uvloop(); !interpreter.empty())
    python_rows({"Python's uvloop", interpreter, {script, "uvloop"}});
}
