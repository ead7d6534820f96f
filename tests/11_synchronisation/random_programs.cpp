// Runs programs of random_programs.py, which explains them, a line each, and prints the log of each.

#include "synchronisation.hpp"
#include "virtual_time_selector.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

constexpr int passes = 60;

enum class Code : std::uint8_t {
  yield,
  lock,
  lock_forever,
  unlock,
  semaphore,
  semaphore_forever,
  release,
  event_set,
  event_clear,
  event_wait,
  condition_wait,
  condition_notify,
  put,
  get,
  put_nowait,
  get_nowait,
  task_done,
  join,
  shutdown,
  barrier,
  reset,
  abort,
  cancel
};

struct Step {
  Code code{};
  int arg = 0;
  bool catches = false;
};

class Interpreter {
 public:
  explicit Interpreter(std::istream& line) : semaphore_(number(line)), queue_(number(line)) {
    programs_.resize(static_cast<std::size_t>(number(line)));
    for (std::vector<Step>& program : programs_) {
      program.resize(static_cast<std::size_t>(number(line)));
      for (Step& step : program) {
        step.code = static_cast<Code>(number(line));
        step.arg = number(line);
        step.catches = number(line) != 0;
      }
    }
  }

  Coro<> main() {
    for (int i = 0; i < static_cast<int>(programs_.size()); ++i) tasks_.push_back(create_task(task(i)));
    for (int i = 0; i < passes; ++i) {
      log_ += "| ";
      co_await sleep(0s);
    }
    log_ += state();
  }

  [[nodiscard]] const std::string& log() const { return log_; }

 private:
  static int number(std::istream& line) {
    int number = 0;
    line >> number;
    return number;
  }

  static Coro<> yield(int times) {
    for (int i = 0; i < times; ++i) co_await sleep(0s);
  }

  Coro<int> operation(Step step, int item) {
    switch (step.code) {
      case Code::yield:
        co_await sleep(0s);
        break;
      case Code::lock: {
        Lock& lock = locks_[step.arg % 2];
        co_await lock.acquire();
        std::exception_ptr error;
        try {
          co_await yield(step.arg / 2);
        } catch (...) {
          error = std::current_exception();
        }
        lock.release();  // its error comes first, as that of __aexit__ does
        if (error) std::rethrow_exception(error);
        break;
      }
      case Code::lock_forever:
        co_await locks_[step.arg % 2].acquire();
        break;
      case Code::unlock:
        locks_[step.arg % 2].release();
        break;
      case Code::semaphore: {
        const auto held = co_await semaphore_.scoped();
        co_await yield(step.arg / 2);
        break;
      }
      case Code::semaphore_forever:
        co_await semaphore_.acquire();
        break;
      case Code::release:
        semaphore_.release();
        break;
      case Code::event_set:
        event_.set();
        break;
      case Code::event_clear:
        event_.clear();
        break;
      case Code::event_wait:
        co_await event_.wait();
        break;
      case Code::condition_wait: {
        const auto held = co_await condition_.scoped();
        co_await condition_.wait();
        break;
      }
      case Code::condition_notify: {
        const auto held = co_await condition_.scoped();
        condition_.notify(step.arg % 3);
        if (step.arg > 3) co_await sleep(0s);
        break;
      }
      case Code::put:
        co_await queue_.put(item);
        break;
      case Code::get:
        co_return co_await queue_.get();
      case Code::put_nowait:
        queue_.put_nowait(item);
        break;
      case Code::get_nowait:
        co_return queue_.get_nowait();
      case Code::task_done:
        queue_.task_done();
        break;
      case Code::join:
        co_await queue_.join();
        break;
      case Code::shutdown:
        queue_.shutdown({.immediate = step.arg % 2 == 1});
        break;
      case Code::barrier:
        co_return static_cast<int>(co_await barrier_.wait());
      case Code::reset:
        co_await barrier_.reset();
        break;
      case Code::abort:
        co_await barrier_.abort();
        break;
      case Code::cancel:
        co_return tasks_[static_cast<std::size_t>(step.arg) % tasks_.size()].cancel();
    }
    co_return 0;
  }

  Coro<> task(int number) {
    const std::vector<Step>& program = programs_[static_cast<std::size_t>(number)];
    for (int i = 0; i < static_cast<int>(program.size()); ++i) {
      const Step step = program[static_cast<std::size_t>(i)];
      const std::string who = std::to_string(number) + "." + std::to_string(i) + "=";
      try {
        const int result = co_await operation(step, number * 100 + i);
        log_ += who + std::to_string(result) + " ";
      } catch (const CancelledError&) {
        log_ += who + "cancelled ";
        if (!step.catches) throw;
      } catch (const std::exception&) {
        log_ += who + "error ";
      }
    }
  }

  std::string state() {
    std::ostringstream text;
    text << locks_[0].locked() << ' ' << locks_[1].locked() << ' ' << semaphore_.locked() << ' '
         << condition_.locked() << ' ' << queue_.qsize() << ' ' << barrier_.n_waiting() << ' '
         << barrier_.broken();
    for (const Task<>& task : tasks_) text << ' ' << task.done();
    return text.str();
  }

  std::array<Lock, 2> locks_;
  Semaphore semaphore_;
  Event event_;
  Condition condition_;
  Queue<int> queue_;
  Barrier barrier_{2};
  std::vector<std::vector<Step>> programs_;
  std::vector<Task<>> tasks_;
  std::string log_;
};

}  // namespace

int main() {
  for (std::string text; std::getline(std::cin, text);) {
    std::istringstream line(text);
    Interpreter interpreter(line);
    EventLoop loop(std::make_unique<VirtualTimeSelector>());
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    loop.run_until_complete(interpreter.main());
    std::cout << interpreter.log() << '\n';
  }
}
