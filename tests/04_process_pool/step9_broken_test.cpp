// Chapter 04, step 9: what breaks.

#include "support.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// Kills its process while it is being written, after 1 MiB.
struct DiesWhileSent {
  template <class Archive>
  void save(Archive& archive) const {
    archive(std::string(1 << 20, 'x'));
    ::kill(::getpid(), SIGKILL);
  }
  template <class Archive>
  void load(Archive&) {}
};

bool is_broken(const std::string& outcome, const std::string& why) {
  return outcome.contains("broken: worker ") && outcome.contains(why) &&
         outcome.contains(": the pool is broken");
}

}  // namespace

TEST(Step9_Broken, AWorkerThatIsKilledBreaksEveryCall) {  // CF-50
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto worker = pool.submit(process).result();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(Gate::pass, i));
  gate.wait_until_entered();
  ::kill(worker, SIGKILL);
  for (const auto& future : futures)
    EXPECT_TRUE(is_broken(outcome(future), "was killed by signal 9 (Killed)"));
}

TEST(Step9_Broken, TheOtherWorkersAreKilledToo) {  // CF-50
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 3});
  const auto a = pool.submit(Gate::pass, 1), b = pool.submit(Gate::pass, 2);
  gate.wait_until_entered(2);
  EXPECT_TRUE(is_broken(outcome(pool.submit([] { ::_exit(3); })), "exited with status 3"));
  EXPECT_TRUE(is_broken(outcome(a), "exited with status 3"));
  EXPECT_TRUE(is_broken(outcome(b), "exited with status 3"));
  pool.shutdown();
  EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
}

TEST(Step9_Broken, AnIdleWorkerThatIsKilledBreaksThePool) {  // CF-50
  ProcessPoolExecutor pool({.max_workers = 1});
  ::kill(pool.submit(process).result(), SIGKILL);
  std::string what;
  try {
    what = outcome(pool.submit(twice, 1));
  } catch (const BrokenProcessPool& error) {
    what = std::string("broken: ") + error.what();
  }
  EXPECT_TRUE(is_broken(what, "was killed by signal 9"));
}

TEST(Step9_Broken, AnExitIsNoAnswer) {  // CF-50
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_TRUE(is_broken(outcome(pool.submit([] { ::_exit(0); })), "exited with status 0"));
}

TEST(Step9_Broken, AWorkerThatDiesWithAHalfWrittenResultBreaksThePool) {  // CF-51
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  const auto dies = pool.submit([] { return DiesWhileSent(); });
  std::vector<Future<std::string>> large;
  try {
    for (int i = 0; i < 20; ++i)
      large.push_back(pool.submit([](std::string text) { return text; }, std::string(1 << 20, 'x')));
  } catch (const BrokenProcessPool&) {  // so soon
  }
  EXPECT_THROW(dies.result(), BrokenProcessPool);
  for (const auto& future : large)
    EXPECT_TRUE(outcome(future) == "value" || is_broken(outcome(future), "signal 9"));
}

TEST(Step9_Broken, WhatAWorkerSentBeforeItDiedCounts) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto first = pool.submit(Gate::pass, 1);
  const auto second = pool.submit(twice, 21);
  const auto third = pool.submit([] { ::_exit(3); });
  gate.open(1);
  EXPECT_THROW(third.result(), BrokenProcessPool);
  EXPECT_EQ(outcome(first), "1");
  EXPECT_EQ(outcome(second), "42");
}

TEST(Step9_Broken, ABrokenPoolTakesNoCalls) {  // CF-50
  ProcessPoolExecutor pool({.max_workers = 1});
  const std::string why = outcome(pool.submit([] { ::_exit(3); }));
  try {
    pool.submit(twice, 1);
    ADD_FAILURE() << "the call was taken";
  } catch (const BrokenProcessPool& error) {
    EXPECT_EQ(std::string("broken: ") + error.what(), why);
  }
  pool.shutdown();
  EXPECT_THROW(pool.submit(twice, 1), BrokenProcessPool) << "also after shutdown";
}

TEST(Step9_Broken, AnInitializerThatFailsBreaksThePool) {  // CF-38
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2, .initializer = [] { throw std::out_of_range("far"); }});
  const auto future = pool.submit(twice, 1);
  EXPECT_EQ(outcome(future), "broken: the initializer of a worker failed: std::out_of_range: far");
  EXPECT_THROW(pool.submit(twice, 1), BrokenProcessPool);
}

TEST(Step9_Broken, AWorkerMayDieAfterShutdown) {  // CF-50
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto worker = pool.submit(process).result();
  const auto running = pool.submit(Gate::pass, 1), queued = pool.submit(twice, 1);
  gate.wait_until_entered();
  pool.shutdown({.wait = false});
  ::kill(worker, SIGKILL);
  EXPECT_TRUE(is_broken(outcome(running), "signal 9"));
  EXPECT_TRUE(is_broken(outcome(queued), "signal 9"));
}

TEST(Step9_Broken, IfTheServerDiesThePoolIsBroken) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(outcome(pool.submit([] {
              ::kill(::getppid(), SIGKILL);
              while (true) ::pause();
            })),
            "broken: the process that starts the workers is gone: the pool is broken");
}

TEST(Step9_Broken, CallsThatNobodyIsLeftToReadAreBrokenToo) {
  for (int round = 0; round < 20; ++round) {
    ProcessPoolExecutor pool({.max_workers = 2});
    const pid_t server = pool.submit([] { return static_cast<int>(::getppid()); }).result();
    std::vector<Future<int>> futures;
    try {
      for (int i = 0; i < 1'000; ++i) {
        if (i == 10 * round) ::kill(server, SIGKILL);
        futures.push_back(pool.submit(twice, i));
      }
    } catch (const BrokenProcessPool&) {  // so soon
    }
    for (std::size_t i = 0; i < futures.size(); ++i) {
      const std::string came = outcome(futures[i]);
      ASSERT_TRUE(came == std::to_string(2 * i) || came.starts_with("broken: ")) << came;
    }
  }
}

TEST(Step9_Broken, ThePoolMayBreakWhileACallCannotBeSent) {
  static pid_t worker;
  static std::atomic<bool> broken;
  broken = false;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  worker = pool.submit(process).result();
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  first.add_done_callback([](auto) { broken = true; });
  std::signal(SIGXFSZ, [](int) {  // in submit(), when the file of the call has grown to its limit
    ::kill(worker, SIGKILL);
    while (!broken) ::sched_yield();
  });
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  const auto large = pool.submit([](std::string) {}, std::string(1 << 20, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(is_broken(outcome(first), "signal 9"));
  EXPECT_TRUE(large.exception());
}

TEST(Step9_Broken, ACallbackSeesABrokenPool) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto refused = std::make_shared<concurrent::Promise<bool>>();
  const Future<bool> answer = refused->future();
  auto future = pool.submit([] { ::_exit(3); });
  future.add_done_callback([&pool, refused](auto) {
    try {
      pool.submit(twice, 1);
      refused->set_result(false);
    } catch (const BrokenProcessPool&) {
      refused->set_result(true);
    }
  });
  EXPECT_TRUE(answer.result());
}

TEST(Step9_Broken, TerminatedAndKilledPoolsAreBroken) {  // CF-57
  for (const auto& [end, why] : {std::pair(&ProcessPoolExecutor::terminate_workers, "signal 15"),
                                 std::pair(&ProcessPoolExecutor::kill_workers, "signal 9")}) {
    const NothingIsLeft nothing_is_left;
    Gate gate;
    ProcessPoolExecutor pool({.max_workers = 2});
    std::vector<Future<int>> futures;
    for (int i = 0; i < 40; ++i) futures.push_back(pool.submit(Gate::pass, i));
    gate.wait_until_entered(2);
    (pool.*end)();
    EXPECT_TRUE(is_broken(outcome(futures.front()), why));
    EXPECT_TRUE(futures.back().cancelled()) << "it was not in flight";
    EXPECT_THROW(pool.submit(twice, 1), concurrent::Error);
    pool.shutdown();
    (pool.*end)();
  }
}

TEST(Step9_Broken, WhoTakesThePlaceOfAWorkerThatHasLeftIsKilledToo) {  // CF-57
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
  const auto first = pool.submit(Gate::pass, 1);
  auto only = pool.submit(process);
  gate.wait_until_entered();
  const auto second = pool.submit(Gate::pass, 2);
  only.add_done_callback([&](const Future<pid_t>& only) {
    while (::kill(only.result(), 0) == 0) std::this_thread::yield();  // it has left
    pool.kill_workers();
  });
  gate.open(1);
  EXPECT_TRUE(is_broken(outcome(second), "signal 9"));
}

TEST(Step9_Broken, APoolWithoutWorkersCanBeKilled) {  // CF-57
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  pool.kill_workers();
  EXPECT_THROW(pool.submit(twice, 1), ExecutorShutdown);
}
