// The rows of chapter 08 on the libraries that people use at work.

#define ASIO_STANDALONE
#define ASIO_HAS_CO_AWAIT 1       // Asio 1.22 does not know that clang++ has it
#define ASIO_HAS_STD_COROUTINE 1  // … and where
#include <asio.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coroutine_rows.hpp"
#include "python_peer.hpp"
#include "row.hpp"

namespace {

// ---- Asio. Its coroutines run on a context only.

asio::awaitable<int> leaf(int n) {
  benchmark::ClobberMemory();
  co_return n;
}

asio::awaitable<void> await_leaves(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await leaf(i);
  benchmark::DoNotOptimize(sum);
}

asio::awaitable<int> descend(int levels) {
  if (levels == 0) co_return 0;
  co_return 1 + co_await descend(levels - 1);
}

asio::awaitable<void> descend_and_drop(int levels) { benchmark::DoNotOptimize(co_await descend(levels)); }

void asio_row(const std::string& group, int items, asio::awaitable<void> (*coroutine)(int)) {
  bench::row(group + "/asio::awaitable", items, [=] {
    return bench::warmed_up([=, context = std::make_shared<asio::io_context>(1)] {
      context->restart();
      asio::co_spawn(*context, coroutine(items), asio::detached);
      context->run();
    });
  });
}

// ---- Python

void python_row(const std::string& group, const std::string& variant, int items, const std::string& what) {
  bench::row(group + "/" + variant, items,
             [=] { return bench::python_batch({"bench/08_coroutines/peers.py"}, what, items); });
}

}  // namespace

void bench::rows() {
  asio_row(an_await, many_awaits, await_leaves);
  asio_row(a_level, many_levels, descend_and_drop);
  python_row(an_await, "Python's async def", many_awaits / for_python, "awaits");
  python_row(a_value, "Python's generator", many_values / for_python, "values");
}
