#include "support.hpp"

#include "virtual_time_selector.hpp"
#include "work_stealing_executor.hpp"

std::unique_ptr<concurrent::Executor> work_stealing_executor(int max_workers) {
  return std::make_unique<concurrent::WorkStealingExecutor>(
      concurrent::WorkStealingOptions{.max_workers = max_workers});
}

void listen(EventLoop& loop, Log& reports) {
  loop.set_exception_handler([&reports](EventLoop& loop, const ExceptionContext& context) {
    reports.push_back(context.message + " " + what(context.exception));
    try {
      if (context.exception) std::rethrow_exception(context.exception);
    } catch (const concurrent::NotWritten&) {
      loop.stop();
    } catch (...) {
    }
  });
}

std::unique_ptr<EventLoop> virtual_loop() {
  return std::make_unique<EventLoop>(std::make_unique<asyncio::VirtualTimeSelector>());
}

void run_in_virtual_time(Log& reports, Coro<> main) {
  const auto factory = [&] {
    auto loop = virtual_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(std::move(main), {.loop_factory = factory});
}
void run_in_virtual_time(Coro<> main) {
  Log reports;
  run_in_virtual_time(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

Duration now() { return get_running_loop().time().time_since_epoch(); }

Coro<> fail_after(Duration delay, std::string text) {
  co_await sleep(delay);
  throw std::runtime_error(text);
}

Coro<> logs(Log& log, std::string name, Duration work) {
  log.push_back(name + " begins");
  try {
    co_await sleep(work);
  } catch (const CancelledError&) {
    log.push_back(name + " is cancelled");
    throw;
  }
  log.push_back(name + " ends");
}

Coro<> alive_for(std::atomic<int>& alive, Duration work) {
  const Counted counted(alive);
  co_await sleep(work);
}

Coro<> slow_to_go(Log& log, Duration cleanup, std::string name) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  log.push_back(name + " is cancelled");
  co_await sleep(cleanup);
  log.push_back(name + " is gone");
  throw CancelledError();
}

Coro<int> refuses(int value, Duration cleanup) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  if (cleanup > 0s) co_await sleep(cleanup);
  co_return value;
}

Coro<> fails_to_go(std::string text) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  throw std::runtime_error(text);
}

Coro<> passes(int number) {
  while (number-- > 0) co_await sleep(0s);
}

Coro<> count_passes(Log& log, int last) {
  for (int i = 1; i <= last; ++i) {
    co_await sleep(0s);
    log.push_back(std::to_string(i));
  }
}

Coro<> alive_passes(std::atomic<int>& alive, int number) {
  const Counted counted(alive);
  co_await passes(number);
}
