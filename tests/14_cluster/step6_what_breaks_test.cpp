// Chapter 14, step 6: what breaks.

#include "support.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace {

/// A function whose name the tests can find in the program, and replace by another.
struct OnlyInTheFirstProgram {
  int operator()(int number) const { return 2 * number; }
};

void fail_to_prepare() { throw std::runtime_error("not today"); }

/// Runs this test with rank 0 as it is, and as rank 1 a copy of the program, of which `edit`, a program for
/// sed, has made another.
Ran beside_another_program(const std::string& edit) {
  const std::string test = this_test();
  const std::string program = test.substr(0, test.find(' ')),
                    other = "/tmp/other_" + std::to_string(::getpid());
  run("sed '" + edit + "' " + program + " >" + other + " && chmod +x " + other);
  const Ran ran = mpirun(1, test + " : -n 1 " + other + test.substr(test.find(' ')));
  run("rm " + other);
  return ran;
}

}  // namespace

TEST(Step6_WhatBreaks, AFunctionThatTheOtherProgramLacksIsNamed) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    EXPECT_THROW(pool.submit(OnlyInTheFirstProgram(), 21).result(), FunctionNotFound);
    const std::string error = outcome(pool.submit(OnlyInTheFirstProgram(), 21));
    EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
    EXPECT_NE(error.find("OnlyInTheFirstProgram"), std::string::npos) << error;
    EXPECT_EQ(pool.submit([](int number) { return 2 * number; }, 21).result(), 42)
        << "what both have can be called, and the worker lives on";
    return;
  }
  const Ran ran = beside_another_program("s/OnlyInTheFirstProgram/OnlyInTheOtherProgram/g");
  report(ran);
}

TEST(Step6_WhatBreaks, AnAddressOfAnotherProgramIsRefused) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    EXPECT_THROW(pool.submit(twice, 21).result(), FunctionNotFound);
    const std::string error = outcome(pool.submit(twice, 21));
    EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
    EXPECT_NE(error.find("another program"), std::string::npos) << error;
    EXPECT_THROW(pool.map(twice, std::vector{21}).next(), FunctionNotFound) << "a chunk has the address, too";
    return;
  }
  const Ran ran = beside_another_program("s/OnlyInTheFirstProgram/OnlyInTheOtherProgram/g");
  report(ran);
}

TEST(Step6_WhatBreaks, AnInitializerThatFailsBreaksThePool) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool({.initializer = fail_to_prepare});
  const auto future = pool.submit(twice, 21);
  EXPECT_THROW(future.result(), BrokenMpiPool);
  const std::string error = outcome(future);
  EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
  EXPECT_NE(error.find("std::runtime_error: not today"), std::string::npos) << error;
  EXPECT_THROW(pool.submit(twice, 21), BrokenMpiPool) << "no more calls are taken";
}

TEST(Step6_WhatBreaks, AfterABrokenPoolAnotherWorks) {
  if (!in_ranks(3)) return;
  {
    MpiPoolExecutor pool({.initializer = fail_to_prepare});
    EXPECT_THROW(pool.submit(twice, 21).result(), BrokenMpiPool);
  }
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
}

TEST(Step6_WhatBreaks, AnInitializerOfAnotherProgramBreaksThePool) {
  if (is_rank()) {
    MpiPoolExecutor pool({.initializer = fail_to_prepare});
    const auto future = pool.submit([](int number) { return number; }, 21);
    EXPECT_THROW(future.result(), BrokenMpiPool);
    EXPECT_NE(outcome(future).find("another program"), std::string::npos) << outcome(future);
    return;
  }
  report(beside_another_program("s/OnlyInTheFirstProgram/OnlyInTheOtherProgram/g"));
}

TEST(Step6_WhatBreaks, WithoutMpirunRankZeroIsItsOwnWorker) {
  if (std::getenv("WITHOUT_MPIRUN") == nullptr) return report(run("WITHOUT_MPIRUN=1 " + this_test()));
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.num_workers(), 1);
  EXPECT_EQ(pool.submit([] { return ::getpid(); }).result(), ::getpid());
  EXPECT_EQ(outcome(pool.submit([](int) -> int { throw std::out_of_range("far"); }, 1)),
            "std::out_of_range: far");
}

TEST(Step6_WhatBreaks, OneRankIsItsOwnWorker) {
  if (!in_ranks(1)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(rank).result(), 0);
  int sum = 0;
  for (const int value : pool.map(twice, std::views::iota(0, 100), {.chunksize = 7})) sum += value;
  EXPECT_EQ(sum, 9'900);
}

TEST(Step6_WhatBreaks, ACallOfOneRankMaySubmit) {
  if (!in_ranks(1)) return;
  static MpiPoolExecutor* the_pool = nullptr;
  MpiPoolExecutor pool;
  the_pool = &pool;
  auto later = pool.submit([] {
    static Future<int> later = the_pool->submit(twice, 21);
    return 1;
  });
  EXPECT_EQ(later.result(), 1);
}
