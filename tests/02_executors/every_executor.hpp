#pragma once

// The sentences that are true of every executor: steps 1 to 4 check them of theirs.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// An executor with what it stands on, for the sentences that are true of every executor.
struct Engine {
  virtual ~Engine() = default;
  virtual Executor& executor() = 0;
  virtual void hold() {}     ///< keeps the executor from starting another job…
  virtual void release() {}  ///< …until then
  virtual void finish() {}   ///< returns when all that was posted has ended
};

/// Makes one: after the objects that the jobs use, so that these are destroyed later.
using Make = std::unique_ptr<Engine> (*)();
template <class E>
std::unique_ptr<Engine> on() {
  return std::make_unique<E>();
}

inline void each_job_runs_once(Make make) {
  std::vector<std::atomic<int>> ran(2'000);
  const auto engine = make();
  Executor& executor = engine->executor();
  {
    std::vector<std::jthread> posters;
    for (std::size_t first : {0, 1'000})
      posters.emplace_back([&, first] {
        for (std::size_t i = first; i < first + 1'000; ++i) executor.post([&ran, i] { ++ran[i]; });
      });
  }
  engine->finish();
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
}

inline void a_job_may_own_what_only_moves(Make make) {
  std::atomic<int> seen = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&seen, owned = std::make_unique<int>(7)] { seen = *owned; });
  engine->finish();
  EXPECT_EQ(seen, 7);
}

inline void a_null_job_is_refused(Make make) {
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&] { ++ran; });
  EXPECT_THROW(executor.post(nullptr), std::invalid_argument);
  EXPECT_THROW(executor.post(Job()), std::invalid_argument);
  executor.post([&] { ++ran; });
  engine->finish();
  EXPECT_EQ(ran, 2) << "a job that is refused leaves the executor as it was";
}

inline void a_job_may_post_jobs(Make make) {
  std::atomic<int> ran = 0;
  std::function<void(int)> next;
  const auto engine = make();
  Executor& executor = engine->executor();
  next = [&](int left) {
    ++ran;
    if (left > 0) executor.post([&, left] { next(left - 1); });
  };
  executor.post([&] { next(99); });
  engine->finish();
  EXPECT_EQ(ran, 100);
}

inline void a_jobs_exception_goes_to_the_handler(Make make) {
  Log errors;
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.set_exception_handler([&](std::exception_ptr error) { errors.push_back(what(error)); });
  executor.post([] { throw std::runtime_error("burnt"); });
  engine->finish();
  executor.post([] { throw 7; });
  engine->finish();
  executor.set_exception_handler(
      [](std::exception_ptr) { throw std::runtime_error("the handler fails too"); });
  executor.post([] { throw std::runtime_error("burnt again"); });
  executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_EQ(errors, (Log{"burnt", "7"}));
  EXPECT_EQ(ran, 1) << "the executor lives on";
}

inline void a_job_is_destroyed_once_it_has_run(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  for (int i = 0; i < 3; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  engine->finish();
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(alive, 0) << "an executor without work still holds a job, and all that the job owns";
}

inline void post_after_shutdown_throws(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_THROW(executor.post([&, owned = std::make_unique<Counted>(alive)] { ran += 10; }),
               concurrent::ExecutorShutdown);
  engine->finish();
  EXPECT_EQ(ran, 1) << "a job that is refused does not run";
  EXPECT_EQ(alive, 0) << "a job that is refused is destroyed";
}

inline void shutting_down_again_does_nothing(Make make) {
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  executor.shutdown();
  executor.shutdown({.cancel_futures = true});
  executor.shutdown();
  EXPECT_EQ(ran, 1);
  EXPECT_THROW(executor.post([] {}), concurrent::ExecutorShutdown);
}

inline void shutdown_runs_what_is_queued(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  for (int i = 0; i < 500; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  executor.shutdown();
  EXPECT_EQ(ran, 500) << "shutdown() waits until all that was posted has run";
  EXPECT_EQ(alive, 0) << "and has been destroyed";
}

inline void shutdown_without_wait_returns_at_once_and_the_work_is_still_done(Make make) {
  std::atomic<int> ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  engine->hold();
  for (int i = 0; i < 3; ++i) executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  EXPECT_EQ(ran, 0) << "shutdown({.wait = false}) neither waits nor runs anything";
  engine->release();
  executor.shutdown();
  EXPECT_EQ(ran, 3);
}

inline void cancelled_jobs_are_destroyed_unrun(Make make) {
  std::atomic<int> alive = 0, ran = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  engine->hold();
  for (int i = 0; i < 10; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  EXPECT_EQ(alive, 10);
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(alive, 0) << "shutdown({.cancel_futures = true}) has destroyed what was queued when it returns";
  engine->release();
  executor.shutdown();
  EXPECT_EQ(ran, 0) << "a job that was cancelled never starts";
}

inline void a_cancelled_jobs_destructor_may_use_the_executor(Make make) {
  int refused = 0;
  const auto engine = make();
  Executor& executor = engine->executor();
  engine->hold();
  executor.post([end = AtEnd([&] {
                   try {
                     executor.post([] {});
                   } catch (const concurrent::ExecutorShutdown&) {
                     ++refused;
                   }
                 })] {});
  // Hangs if the job is destroyed under a lock of the executor.
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(refused, 1) << "what the destructor of a cancelled job posts is refused already";
  engine->release();
}

inline void posts_racing_with_shutdown_either_run_or_throw(Make make) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> accepted = 0, ran = 0;
    const auto engine = make();
    Executor& executor = engine->executor();
    std::barrier start(3);
    std::vector<std::jthread> posters;
    for (int i = 0; i < 2; ++i)
      posters.emplace_back([&] {
        start.arrive_and_wait();
        try {
          for (int job = 0; job < 50; ++job) {
            executor.post([&] { ++ran; });
            ++accepted;
          }
        } catch (const concurrent::ExecutorShutdown&) {
        }
      });
    start.arrive_and_wait();
    executor.shutdown();
    posters.clear();
    executor.shutdown();  // also for what a racing post has just started
    ASSERT_EQ(ran, accepted) << "a job that was accepted must run";
  }
}

/// Checks that a job for which there is no memory is destroyed, and that the executor goes on after it. Posts
/// so many that any queue has to grow.
inline void a_job_without_memory_is_destroyed(Executor& executor, const std::function<void()>& finish,
                                              course::Memory& memory) {
  std::atomic<int> ran = 0, alive = 0;
  int posted = 0;
  const bool sufficed = memory.suffices_for([&] {
    for (; posted < 200; ++posted) executor.post([&ran, counted = Counted(alive)] { ++ran; });
  });
  EXPECT_EQ(posted == 200, sufficed);
  executor.post([&] { ran += 1'000; });
  finish();
  EXPECT_EQ(ran, posted + 1'000) << "memory ran out for a job, not for those before it, nor for the next";
  EXPECT_EQ(alive, 0);
}
