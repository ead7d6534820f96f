// Chapter 09, step 5: tasks that wait for one another, and are cancelled.

#include "support.hpp"

#include <optional>
#include <string>
#include <vector>

namespace {

/// Waits for a task that may be made later.
Coro<> waits_for(std::optional<Task<>>& other) {
  co_await sleep(1s);
  co_await *other;
}

}  // namespace

TEST(Step5_Cancellation, ACircleOfTasksEndsAndTheErrorNamesIt) {
  for (const std::size_t size : {2u, 3u, 7u}) {
    VirtualLoop v;
    v.note_reports();
    std::vector<std::optional<Task<>>> tasks(size);
    for (std::size_t i = 0; i < size; ++i) {
      tasks[i] = v.loop.create_task(waits_for(tasks[(i + 1) % size]));
      tasks[i]->set_name(std::string(1, static_cast<char>('a' + i)));
    }
    v.run_to(2s);
    EXPECT_TRUE(tasks[0]->cancel());
    for (const auto& task : tasks) EXPECT_GE(task->cancelling(), 1u) << "the request has come to each";
    v.passes(static_cast<int>(2 * size));
    for (const auto& task : tasks) EXPECT_TRUE(task->cancelled());
    ASSERT_EQ(v.log.size(), 1u) << "the exception handler is told, once";
    EXPECT_NE(v.log[0].find("Tasks wait for one another in a circle"), std::string::npos) << v.log[0];
    EXPECT_NE(v.log[0].find("a waits for b"), std::string::npos) << v.log[0];
  }
}

TEST(Step5_Cancellation, WhoWaitsForACircleFromOutsideIsCancelledThroughIt) {
  VirtualLoop v;
  v.note_reports();
  std::optional<Task<>> one, other;
  one = v.loop.create_task(waits_for(other));
  other = v.loop.create_task(waits_for(one));
  Task<> outside = v.loop.create_task(waits_for(one));
  v.run_to(2s);
  EXPECT_TRUE(outside.cancel());
  EXPECT_EQ(outside.cancelling(), 1u);
  EXPECT_GE(one->cancelling(), 1u);
  EXPECT_GE(other->cancelling(), 1u);
  EXPECT_TRUE(outside.cancel()) << "and once more before anything has happened";
  v.passes(6);
  EXPECT_TRUE(one->cancelled());
  EXPECT_TRUE(other->cancelled());
  EXPECT_TRUE(outside.cancelled());
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfMayCloseACircle) {  // AIO-44
  for (const std::size_t size : {2u, 3u, 4u, 7u}) {
    VirtualLoop v;
    v.note_reports();
    std::vector<std::optional<Task<>>> tasks(size);
    const auto closes = [&]() -> Coro<> {
      co_await sleep(2s);
      tasks[0]->cancel();
      co_await *tasks[1];
    };
    tasks[0] = v.loop.create_task(closes());
    for (std::size_t i = 1; i < size; ++i) tasks[i] = v.loop.create_task(waits_for(tasks[(i + 1) % size]));
    v.run_to(2s);
    v.passes(static_cast<int>(2 * size));
    for (const auto& task : tasks)
      EXPECT_TRUE(task->cancelled()) << "in a circle of " << size << ", the request is not lost";
    EXPECT_EQ(v.log.size(), 1u) << "the exception handler is told, once";
  }
}
