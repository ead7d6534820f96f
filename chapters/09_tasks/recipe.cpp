// The cookbook's fourth recipe: three tasks that take turns on one loop. And what a task that sleeps takes.

#include <task.hpp>  // yours or the reference's: "task.hpp" would always be the one in this folder

#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "recipe.hpp"

using namespace concurrent;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::sleep;
using asyncio::Task;

namespace {

using Unit = std::chrono::nanoseconds;

void tell(std::string line) {
  print_line(std::move(line));
  std::fflush(stdout);
}

// That two of them have a blank before the bracket is the cookbook's.

Coro<> factorial(int number, Unit unit) {
  std::int64_t result = 1;
  for (int i = 2; i <= number; ++i) {
    tell("Asyncio.Task: Compute factorial(" + std::to_string(i) + ")");
    co_await sleep(unit);
    result *= i;
  }
  tell("Asyncio.Task - factorial(" + std::to_string(number) + ") = " + std::to_string(result));
}

Coro<> fibonacci(int number, Unit unit) {
  std::int64_t result = 0;
  std::int64_t next = 1;
  for (int i = 0; i < number; ++i) {
    tell("Asyncio.Task: Compute fibonacci (" + std::to_string(i) + ")");
    co_await sleep(unit);
    result = std::exchange(next, result + next);
  }
  tell("Asyncio.Task - fibonacci(" + std::to_string(number) + ") = " + std::to_string(result));
}

Coro<> binomial_coefficient(int n, int k, Unit unit) {
  double result = 1;  // the cookbook's division makes it one
  for (int i = 1; i <= k; ++i) {
    result = result * (n - i + 1) / i;
    tell("Asyncio.Task: Compute binomialCoeff (" + std::to_string(i) + ")");
    co_await sleep(unit);
  }
  tell("Asyncio.Task - binomialCoeff(" + std::to_string(n) + " , " + std::to_string(k) +
       ") = " + column(result, 0, 1));
}

Coro<> in_turns(Unit unit) {
  const Task<> first = create_task(factorial(10, unit));
  const Task<> second = create_task(fibonacci(10, unit));
  const Task<> third = create_task(binomial_coefficient(20, 10, unit));
  co_await first;
  co_await second;
  co_await third;
}

// ---- Memory

/// What the program has from the heap, in bytes.
std::size_t allocated() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

Coro<> nap(Unit unit) { co_await sleep(unit); }

Coro<> sleep_all(std::int64_t count, Unit unit) {
  const std::size_t before = allocated();
  for (std::int64_t i = 0; i < count; ++i) create_task(nap(unit));
  co_await sleep(Unit(0));  // they begin meanwhile
  const auto sleeping = asyncio::all_tasks().size() - 1;
  tell(std::to_string(sleeping) + " tasks sleep, and take " +
       column(static_cast<double>(allocated() - before) / static_cast<double>(sleeping), 0, 0) +
       " bytes each");
}

}  // namespace

int main(int argc, char** argv) {
  Unit unit = std::chrono::seconds(1);
  std::int64_t sleepers = 0;
  const RecipeOptions options(
      "Three tasks on one loop, each of which computes a number, a step a second.",
      {{"--unit", "stands for a second, as in --unit 10ms (default 1s)", unit},
       {"--sleepers", "so many tasks that sleep instead, and what they take", sleepers, 1, 10'000'000}});
  return recipe(argc, argv, options,
                [&] { asyncio::run(sleepers > 0 ? sleep_all(sleepers, unit) : in_turns(unit)); });
}
