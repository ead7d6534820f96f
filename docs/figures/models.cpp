// Draws the figures of chapter 00: the same three tasks under three models of execution, each recorded from a
// real run. Usage: models [FOLDER]

#include <chrono>
#include <ctime>
#include <deque>
#include <exception>
#include <filesystem>
#include <iostream>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "thread_name.hpp"
#include "timeline.hpp"
#include "workload.hpp"

namespace {

using namespace concurrent;
using namespace std::chrono_literals;
using Clock = Timeline::Clock;

/// What a task does: it computes, waits for a server's reply, computes, waits, computes.
struct Task {
  std::string name;
  std::vector<std::chrono::milliseconds> steps;
};

const std::vector<Task> tasks{
    {"A", {100ms, 300ms, 120ms, 350ms, 60ms}},
    {"B", {140ms, 400ms, 80ms, 400ms, 100ms}},
    {"C", {120ms, 120ms, 100ms, 200ms, 120ms}},
};

bool waits(std::size_t step) { return step % 2 == 1; }

/// Burns so much processor time, on whatever else the machine is busy with.
void compute(std::chrono::nanoseconds time) {
  const auto used = [] {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  for (const auto end = used() + time; used() < end;) count(1, 10'000);
}

/// Runs a task as most programs do: the thread waits when the task waits.
void run(const Task& task, Timeline& timeline) {
  for (std::size_t i = 0; i < task.steps.size(); ++i) {
    const auto span = timeline.span(task.name, waits(i) ? Activity::waiting : Activity::computing);
    if (waits(i))
      std::this_thread::sleep_for(task.steps[i]);
    else
      compute(task.steps[i]);
  }
}

/// One thread, one task after another.
void sequential(Timeline& timeline) {
  for (const Task& task : tasks) run(task, timeline);
}

/// A thread a task.
void parallel(Timeline& timeline) {
  std::vector<std::jthread> threads;
  for (const Task& task : tasks)
    threads.emplace_back([&] {
      set_thread_name("thread " + std::to_string(&task - tasks.data() + 1));
      run(task, timeline);
    });
}

/// One thread that never waits while a task can go on: a list of tasks that are ready, and a queue of replies
/// to come.
void asynchronous(Timeline& timeline) {
  struct Running {
    const Task* task;
    std::size_t step;
  };
  struct Reply {
    Clock::time_point when;
    Running running;
    bool operator<(const Reply& other) const { return when > other.when; }  // the earliest on top
  };
  std::deque<Running> ready;
  std::priority_queue<Reply> replies;
  for (const Task& task : tasks) ready.push_back({&task, 0});

  while (!ready.empty() || !replies.empty()) {
    if (ready.empty()) std::this_thread::sleep_until(replies.top().when);
    for (; !replies.empty() && replies.top().when <= Clock::now(); replies.pop())
      ready.push_back(replies.top().running);
    if (ready.empty()) continue;

    const auto [task, step] = ready.front();
    ready.pop_front();
    timeline.record(task->name, [&] { compute(task->steps[step]); });
    if (step + 1 == task->steps.size()) continue;
    const auto now = Clock::now();
    const auto reply = now + task->steps[step + 1];
    timeline.add(
        {task->name, task->name + "'s reply", timeline.at(now), timeline.at(reply), Activity::waiting});
    replies.push({reply, {task, step + 2}});
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const std::filesystem::path folder = argc > 1 ? argv[1] : "chapters/00_baseline";
  Timeline one;
  sequential(one);
  Timeline many;
  parallel(many);
  Timeline async;
  asynchronous(async);

  const TimelineSvgOptions scale{.until = one.spans().back().end};  // the slowest: all three can be compared
  one.write_svg(folder / "sequential.svg", "Sequential: one thread, one task after another", scale);
  many.write_svg(folder / "parallel.svg", "Parallel: a thread for each task", scale);
  async.write_svg(folder / "asynchronous.svg",
                  "Asynchronous: one thread, which never waits while a task can go on", scale);
  std::cout << "Sequential\n"
            << one.text() << "\nParallel\n"
            << many.text() << "\nAsynchronous\n"
            << async.text();
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
