// Chapter 04, step 7: calls.

#include "support.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

using concurrent::FutureState;

namespace {

/// Returns the process ids of three calls, one after another.
std::set<int> processes_of_three_calls(ProcessPoolExecutor& pool) {
  std::set<int> processes;
  for (int i = 0; i < 3; ++i) processes.insert(pool.submit(process).result());
  return processes;
}

[[maybe_unused]] int number_of_this_program = 1;

}  // namespace

TEST(Step7_Submit, ACallRunsInAnotherProcess) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_NE(pool.submit(process).result(), process());
  EXPECT_EQ(pool.submit([] { return ++number_of_this_program; }).result(), 2);
  EXPECT_EQ(number_of_this_program, 1) << "what it changes is its own";
}

TEST(Step7_Submit, FunctionsLambdasAndTextsCross) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  EXPECT_EQ(
      pool.submit([](const std::string& a, Point b) { return a + std::to_string(b.y); }, "text", Point{1, 2})
          .result(),
      "text2");
  EXPECT_EQ(outcome(pool.submit([](int) {}, 1)), "void");
  EXPECT_EQ(
      *pool.submit([](std::unique_ptr<int> number) { return number; }, std::make_unique<int>(7)).result(), 7);
}

TEST(Step7_Submit, AResultMayBeConstant) {
  ProcessPoolExecutor pool({.max_workers = 1});
  const Future<std::string> future = pool.submit(
      [](int times) -> const std::string { return std::string(static_cast<std::size_t>(times), 'x'); }, 3);
  EXPECT_EQ(future.result(), "xxx");
}

TEST(Step7_Submit, WhatACallThrowsIsARemoteError) {  // CF-25, CF-49
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(outcome(pool.submit([](int) -> int { throw std::out_of_range("far"); }, 1)),
            "std::out_of_range: far");
  EXPECT_EQ(outcome(pool.submit([] { throw 7; })), "int: an exception of type int");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42") << "the worker lives on";
}

TEST(Step7_Submit, ManyCallsFromManyThreads) {
  ProcessPoolExecutor pool({.max_workers = 3});
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 250; ++i) futures.push_back(pool.submit(twice, i));
      for (int i = 0; i < 250; ++i)
        if (futures[static_cast<std::size_t>(i)].result() != 2 * i) ++wrong;
    });
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(Step7_Submit, IdleWorkersAreReused) {  // CF-48
  const Gate gate;
  {
    ProcessPoolExecutor pool({.max_workers = 3, .initializer = [] { ++shared.process; }});
    shared.process = 0;
    EXPECT_EQ(processes_of_three_calls(pool).size(), 1u);
  }
  EXPECT_EQ(shared.process, 1) << "worker for calls that came one after the other";
}

TEST(Step7_Submit, ThereAreNeverMoreWorkersThanTheMost) {  // CF-48
  const Gate gate;
  ProcessPoolExecutor pool({.max_workers = 2, .initializer = [] { ++shared.process; }});
  shared.process = 0;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(Gate::pass, i));
  sem_wait(&shared.entered);
  sem_wait(&shared.entered);
  for (int i = 0; i < 20; ++i) sem_post(&shared.gate);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i);
  EXPECT_EQ(shared.process, 2);
}

TEST(Step7_Submit, AFreeWorkerTakesTheNextCall) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 2});
  const auto slow = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i) << "none lies behind the slow one";
  EXPECT_FALSE(slow.done());
  gate.open(1);
}

TEST(Step7_Submit, ACallThatIsNotOutYetCanBeCancelled) {  // CF-45, CF-56
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 40; ++i) futures.push_back(pool.submit(count_call, i));
  EXPECT_FALSE(first.cancel());
  EXPECT_TRUE(futures.back().cancel());
  EXPECT_LE(std::ranges::count(futures, FutureState::running, &Future<int>::state), 17)
      << "no more are in flight than workers, and 16";
  gate.open(1);
  EXPECT_EQ(first.result(), 1);
  for (std::size_t i = 0; i + 1 < futures.size(); ++i) EXPECT_EQ(futures[i].result(), static_cast<int>(i));
  pool.shutdown();
  EXPECT_EQ(shared.calls, 40) << "the cancelled call did not run";
}

TEST(Step7_Submit, ACallIsSentBeforeTheCallbacksOfTheLastOneRun) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 16; ++i) futures.push_back(pool.submit(twice, i));
  const auto last = pool.submit(Gate::pass, 16);
  ASSERT_EQ(last.state(), FutureState::pending) << "no more are in flight than workers, and 16";
  first.add_done_callback([&](auto) {
    gate.wait_until_entered();  // by the last call, in its worker
    gate.open(1);
  });
  gate.open(1);
  EXPECT_EQ(last.result(), 16);
}

TEST(Step7_Submit, LargeValuesCrossBothWays) {  // CF-51
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  std::vector<Future<std::string>> futures;
  for (std::size_t i = 0; i < 20; ++i)
    futures.push_back(pool.submit([](std::string text) { return text + text; },
                                  std::string(1 << 19, static_cast<char>('a' + i))));
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_TRUE(futures[i].result() == std::string(1 << 20, static_cast<char>('a' + i)));
}

TEST(Step7_Submit, AnArgumentThatCannotBeWrittenFailsThatCallAlone) {  // CF-52
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto shy = pool.submit([](Shy) {}, Shy());
  EXPECT_EQ(outcome(shy), "too shy");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step7_Submit, ValuesThatCannotBeReadFailTheirCallAlone) {  // CF-53
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(outcome(pool.submit([](Illegible) {}, Illegible())), "std::runtime_error: illegible");
  EXPECT_EQ(outcome(pool.submit([] { return Illegible(); })), "illegible");
  EXPECT_EQ(outcome(pool.submit([] { return Shy(); })), "std::runtime_error: too shy");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step7_Submit, AResultTooLargeForMemoryFailsItsCallAlone) {
  ProcessPoolExecutor pool({.max_workers = 1});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they have memory without end, or none
  EXPECT_EQ(outcome(pool.submit([](std::size_t size) { return std::string(size, 'x').size(); },
                                std::size_t{1} << 60)),
            "std::bad_alloc: std::bad_alloc");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  const rlimit little{100 << 20, before.rlim_max};  // for this process alone, and less than it has already
  setrlimit(RLIMIT_AS, &little);
  const auto large =
      pool.submit([](int size) { return std::string(static_cast<std::size_t>(size), 'x'); }, 150 << 20);
  const bool fits = !large.exception();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_FALSE(fits);
  EXPECT_THROW(large.result(), std::bad_alloc);
#endif
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step7_Submit, CallbacksRunHereAndMaySubmit) {
  ProcessPoolExecutor pool({.max_workers = 1});
  std::atomic<int> seen = 0;
  const auto promise = std::make_shared<concurrent::Promise<int>>();
  const Future<int> answer = promise->future();
  auto future = pool.submit(twice, 1);
  future.add_done_callback([&, promise](const Future<int>& done) {
    seen = process();
    auto next = pool.submit(twice, done.result());
    next.add_done_callback([promise](const Future<int>& last) { promise->set_result(last.result()); });
  });
  EXPECT_EQ(answer.result(), 4);
  EXPECT_EQ(seen, process());
}

TEST(Step7_Submit, EachWorkerIsInitialisedOnce) {  // CF-37
  const Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1, .initializer = [] { shared.calls += 10; }});
  EXPECT_EQ(pool.submit(count_call, 7).result(), 7);
  EXPECT_EQ(pool.submit(count_call, 8).result(), 8);
  EXPECT_EQ(shared.calls, 12);
}

TEST(Step7_Submit, AfterShutdownQueuedCallsStillRun) {  // CF-40, CF-41
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 2});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(Gate::pass, i));
  pool.shutdown({.wait = false});
  gate.open(50);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i);
}

TEST(Step7_Submit, AfterShutdownNoMoreAreTaken) {  // CF-39
  ProcessPoolExecutor pool({.max_workers = 1});
  pool.submit(twice, 1).result();
  pool.shutdown();
  EXPECT_THROW(pool.submit(twice, 1), ExecutorShutdown);
}

TEST(Step7_Submit, ShutdownCanCancelWhatIsNotOut) {  // CF-42
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(Gate::pass, i));
  gate.wait_until_entered();
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_GE(std::ranges::count(futures, FutureState::cancelled, &Future<int>::state), 33);
  gate.open(50);
  pool.shutdown();
  for (const auto& future : futures) EXPECT_TRUE(future.done());
  EXPECT_EQ(futures.front().result(), 0);
  EXPECT_EQ(std::ranges::count(futures, FutureState::finished, &Future<int>::state), shared.calls);
}

TEST(Step7_Submit, TheDestructorWaitsForAllCalls) {  // CF-43, CF-44
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  std::vector<Future<int>> futures;
  {
    ProcessPoolExecutor pool({.max_workers = 2});
    for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(count_call, i));
  }
  EXPECT_EQ(shared.calls, 100);
  for (const auto& future : futures) EXPECT_TRUE(future.done());
}

TEST(Step7_Submit, ACallbackCannotWaitForItsOwnPool) {
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto promise = std::make_shared<concurrent::Promise<std::string>>();
  const Future<std::string> answer = promise->future();
  pool.submit(twice, 1).add_done_callback([&pool, promise](auto) {
    try {
      pool.shutdown();
    } catch (const concurrent::Error& error) {
      promise->set_result(error.what());
    }
  });
  EXPECT_EQ(answer.result(), "a callback on the pool's own thread cannot wait for the pool to end");
}

TEST(Step7_Submit, AWorkerMayHaveAPoolOfItsOwn) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(
      pool.submit([] { return ProcessPoolExecutor({.max_workers = 1}).submit(twice, 21).result(); }).result(),
      42);
}

TEST(Step7_Submit, AWorkerIsReplacedAfterSoManyCalls) {  // CF-55
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 3});
  EXPECT_EQ(processes_of_three_calls(pool).size(), 1u);
  EXPECT_EQ(processes_of_three_calls(pool).size(), 1u);
  std::set<int> processes;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 30; ++i) futures.push_back(pool.submit(process));
  for (const auto& future : futures) processes.insert(future.result());
  EXPECT_EQ(processes.size(), 10u);
}

TEST(Step7_Submit, WorkersThatAreReplacedFinishAllBeforeTheEnd) {  // CF-55
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  {
    ProcessPoolExecutor pool({.max_workers = 2, .max_tasks_per_child = 1});
    for (int i = 0; i < 20; ++i) pool.submit(count_call, i);
  }
  EXPECT_EQ(shared.calls, 20);
}

TEST(Step7_Submit, WhenTheProgramDiesNoWorkerGoesOn) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Gate gate;
  const pid_t program = ::fork();
  if (program == 0) {
    ProcessPoolExecutor pool({.max_workers = 2});
    const auto a = pool.submit(Gate::pass, 1), b = pool.submit(Gate::pass, 2);
    while (true) ::pause();
  }
  sem_wait(&shared.entered);
  sem_wait(&shared.entered);
  ::kill(program, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) continue;  // ends when nobody is left
  EXPECT_EQ(errno, ECHILD);
}
