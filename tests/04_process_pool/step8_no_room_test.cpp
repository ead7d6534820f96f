// Chapter 04, step 8: no room.

#include "support.hpp"

#include <sys/resource.h>

#include <system_error>
#include <vector>

TEST(Step8_NoRoom, MoreThanTheSocketHoldsWaitsItsTurn) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 60; ++i)
    futures.push_back(pool.submit([](std::string text, int i) { return static_cast<int>(text.size()) + i; },
                                  std::string(30'000, 'x'), i));
  gate.open(1);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), 30'000 + i);
}

TEST(Step8_NoRoom, ProgramAndWorkerDoNotWaitForEachOther) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 60; ++i)  // neither the calls nor their results fit into a socket all at once
    futures.push_back(pool.submit([](std::string text) { return text; }, std::string(30'000, 'x')));
  gate.open(1);
  for (const auto& future : futures) EXPECT_EQ(future.result().size(), 30'000u);
}

TEST(Step8_NoRoom, WaitingForRoomTakesNoProcessorTime) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 17; ++i) pool.submit([](std::string) {}, std::string(30'000, 'x'));
  course::wait_until_others_block();  // what there is room for has been sent
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms);
  gate.open(1);
}

TEST(Step8_NoRoom, ACallThatCannotBeSentFailsAlone) {
  ProcessPoolExecutor pool({.max_workers = 1});
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  const auto large = pool.submit([](std::string) {}, std::string(1 << 20, 'x'));
  EXPECT_THROW(large.result(), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step8_NoRoom, WhoHearsOfACallThatCannotBeSentMayWaitForTheOthers) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 10; ++i) pool.submit([](std::string) {}, std::string(30'000, 'x'));
  auto large = pool.submit([](std::string) {}, std::string(1 << 20, 'x'));
  course::wait_until_others_block();  // there is no room for it
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  large.add_done_callback([&](const Future<void>&) {
    setrlimit(RLIMIT_FSIZE, &before);
    gate.open(1);
    pool.shutdown();
  });
  const auto behind = pool.submit(twice, 21);  // may try both: the first cannot be sent
  if (large.done()) {
    EXPECT_THROW(large.result(), std::system_error);
  } else {  // it keeps the file that it made at its first try, or waits for room before the next
    setrlimit(RLIMIT_FSIZE, &before);
    gate.open(1);
  }
  EXPECT_EQ(outcome(behind), "42");
}

TEST(Step8_NoRoom, CallsThatCannotBeSentMakeRoomForOthers) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 16; ++i) pool.submit(twice, i);
  std::vector<Future<void>> large;
  for (int i = 0; i < 400; ++i) large.push_back(pool.submit([](std::string) {}, std::string(40'000, 'x')));
  const auto last = pool.submit(twice, 21);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  gate.open(1);
  for (const auto& future : large) EXPECT_THROW(future.result(), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(outcome(last), "42");
}
