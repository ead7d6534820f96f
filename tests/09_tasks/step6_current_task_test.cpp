// Chapter 09, step 6: which task is running, and which there are.

#include "support.hpp"

#include <cstddef>
#include <optional>
#include <vector>

using asyncio::AnyTask;

TEST(Step6_CurrentTask, ItIsTheOneThatRuns) {  // AIO-34, AIO-48
  VirtualLoop v;
  std::vector<Task<>> tasks;
  const auto is_current = [&](std::size_t number) {
    const std::optional<AnyTask> current = current_task();
    return current && *current == tasks[number];
  };
  const auto inner = [&](std::size_t number) -> Coro<> {
    v.note(is_current(number) ? "inner" : "wrong");
    co_await sleep(0s);
    v.note(is_current(number) ? "inner" : "wrong");
  };
  const auto body = [&](std::size_t number) -> Coro<> {
    co_await inner(number);
    co_await sleep(1s);
    v.note(is_current(number) ? "outer" : "wrong");
  };
  tasks.push_back(v.loop.create_task(body(0)));
  tasks.push_back(v.loop.create_task(body(1)));
  v.passes(2);
  v.clock.advance(1s);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 inner", "0 inner", "1 inner", "1 inner", "3 outer", "3 outer"}));
}

TEST(Step6_CurrentTask, InACallbackThereIsNone) {  // AIO-48
  VirtualLoop v;
  const auto note = [&](const std::string& where) { v.note(where + (current_task() ? ": one" : ": none")); };
  const auto body = [&]() -> Coro<> {
    note("task");
    v.loop.call_soon([&] { note("callback"); });
    co_await sleep(0s);
    note("task");
    throw CancelledError();
  };
  Task<> task = v.loop.create_task(body());
  task.add_done_callback([&](const Future<>&) { note("done"); });
  v.loop.call_soon([&] { note("callback"); });
  v.passes(3);
  EXPECT_EQ(v.log,
            (Log{"0 task: one", "0 callback: none", "1 callback: none", "1 task: one", "2 done: none"}));
}

TEST(Step6_CurrentTask, WithoutALoopThatRunsItIsRefused) {  // AIO-48
  VirtualLoop v;
  const std::string refusal = "no running event loop";
  EXPECT_EQ(error_of([] { static_cast<void>(current_task()); }), refusal);
  EXPECT_EQ(error_of([] { all_tasks(); }), refusal);
  v.loop.create_task(give(1));
  std::size_t count = 0;
  v.loop.call_soon([&] { count = all_tasks().size(); });
  v.loop.create_task(give(1));
  v.passes(1);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(error_of([] { static_cast<void>(current_task()); }), refusal);
}

TEST(Step6_CurrentTask, AllTasksAreThoseThatAreNotDoneInOrder) {  // AIO-48
  VirtualLoop v, other;
  const auto names = [&] {
    std::string names;
    for (const AnyTask& task : all_tasks(v.loop)) names += task.get_name();
    return names;
  };
  EXPECT_EQ(names(), "");
  Future<int> future = v.loop.create_future<int>();
  std::vector<Task<int>> tasks;
  for (const char* name : {"a", "b", "c", "d"}) {
    Future<int> awaited = tasks.size() % 2 == 0 ? future : v.loop.create_future<int>();
    tasks.push_back(v.loop.create_task(relay(v, name, awaited), {.name = name}));
  }
  other.loop.create_task(give(1));
  EXPECT_EQ(names(), "abcd");
  v.passes(1);
  EXPECT_EQ(names(), "abcd");
  tasks[1].cancel();
  EXPECT_EQ(names(), "abcd") << "a task that is cancelled is not done yet";
  v.passes(1);
  EXPECT_EQ(names(), "acd");
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(names(), "d");
  v.loop.create_task(give(1), {.name = "e"});
  EXPECT_EQ(names(), "de");
  EXPECT_EQ(all_tasks(other.loop).size(), 1u);
  for (AnyTask& task : all_tasks(v.loop)) EXPECT_TRUE(task.cancel());
  v.passes(1);
  EXPECT_EQ(names(), "");
  EXPECT_TRUE(tasks[3].cancelled());
}

TEST(Step6_CurrentTask, TasksHaveNames) {  // AIO-51
  VirtualLoop v, other;
  const auto body = [&]() -> Coro<> {
    v.note(current_task()->get_name());
    current_task()->set_name("renamed");
    co_await sleep(0s);
    v.note(current_task()->get_name());
  };
  std::string name = "fetch";
  Task<> first = v.loop.create_task(body());
  Task<> second = v.loop.create_task(body(), {.name = name});
  Task<> third = v.loop.create_task(body());
  name = "changed";
  EXPECT_EQ(other.loop.create_task(give(1)).get_name(), "Task-1") << "each loop counts its own";
  EXPECT_EQ(third.get_name(), "Task-3");
  third.set_name("by hand");
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 Task-1", "0 fetch", "0 by hand", "1 renamed", "1 renamed", "1 renamed"}));
  EXPECT_EQ(first.get_name(), "renamed");
}

TEST(Step6_CurrentTask, ATaskMayCancelItself) {  // AIO-44, AIO-48
  VirtualLoop v;
  const auto body = []() -> Coro<int> {
    current_task()->cancel();
    EXPECT_EQ(current_task()->cancelling(), 1u);
    co_return 1;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_TRUE(task.cancelled());
}

TEST(Step6_CurrentTask, AllTasksHaveTheOneThatAsksToo) {  // AIO-48
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    std::string names;
    for (const AnyTask& task : all_tasks()) names += task.get_name();
    v.note(names);
    co_return;
  };
  v.loop.create_task(sleep(1h), {.name = "a"});
  v.loop.create_task(body(), {.name = "b"});
  v.loop.create_task(sleep(1h), {.name = "c"});
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 abc"}) << "the task that runs is not done";
}
