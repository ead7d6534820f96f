// Chapter 14, step 4: the life of a pool and of its workers.

#include "support.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(int, pthread_create,
                (pthread_t * thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument),
                (thread, attributes, run, argument))

namespace {

int prepared = 0;
void prepare() { ++prepared; }

struct Deadly {
  void operator()() const { ::raise(SIGKILL); }
};

}  // namespace

TEST(Step4_Life, TheInitializerRunsOnceInEachWorkerOfEachPool) {
  if (!in_ranks(3)) return;
  for (int pools = 1; pools <= 2; ++pools) {
    MpiPoolExecutor pool({.initializer = prepare});
    for (const int times : results_of(
             pool, [] { return prepared; }, 20))
      EXPECT_EQ(times, pools);
  }
}

TEST(Step4_Life, ThePoolHasNoMoreWorkersThanItIsToldTo) {
  if (!in_ranks(4)) return;
  {
    MpiPoolExecutor pool({.max_workers = 1});
    EXPECT_EQ(pool.num_workers(), 1);
    for (const int where : results_of(pool, rank, 200)) EXPECT_EQ(where, 1);
  }
  MpiPoolExecutor pool({.max_workers = 17});
  EXPECT_EQ(pool.num_workers(), 3) << "nor than there are";
  const Fifo fifo;
  std::vector<Future<std::string>> all;
  for (int i = 0; i < 3; ++i) all.push_back(pool.submit(wait_at, fifo.name()));
  for (const auto& call : all)  // the two that the first pool had no use for work in the next
    while (!call.running()) std::this_thread::yield();
  EXPECT_THROW(MpiPoolExecutor({.max_workers = 0}), std::invalid_argument);
}

TEST(Step4_Life, AWorkerThatComesLateTakesWhatIsQueued) {
  if (!in_ranks(2)) return;
  concurrent::MpiWorld::get();
  if (rank() == 1) Sign::wait();
  const Sign sign;
  MpiPoolExecutor pool;
  const auto first = pool.submit(twice, 1), second = pool.submit(twice, 2);
  course::wait_until_others_block();  // the pool's thread has looked for long
  EXPECT_EQ(first.state(), FutureState::pending) << "nobody is there yet";
  sign.give();
  EXPECT_EQ(second.result(), 4);
  EXPECT_EQ(first.result(), 2);
}

TEST(Step4_Life, APoolThatCannotStartItsThreadLeavesTheWorkersAlone) {
  if (!in_ranks(2)) return;
  {
    MpiPoolExecutor pool;
    EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  }
  {
    const course::CallsFail none(pthread_create_calls, EAGAIN);
    EXPECT_THROW(MpiPoolExecutor({.initializer = prepare}), std::system_error);
  }
  MpiPoolExecutor pool({.initializer = prepare});
  EXPECT_EQ(pool.submit([] { return prepared; }).result(), 1) << "the other pool has prepared nobody";
}

TEST(Step4_Life, ACallHasNoPoolOfItsOwn) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const std::string error = outcome(pool.submit([] { MpiPoolExecutor another; }));
  EXPECT_EQ(error.find("concurrent::Error: "), 0u) << error;
  EXPECT_EQ(pool.submit(twice, 21).result(), 42) << "the worker lives on";
}

TEST(Step4_Life, TheWorkersStayFromPoolToPool) {
  if (!in_ranks(3)) return;
  for (int i = 0; i < 5; ++i) {
    MpiPoolExecutor pool;
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i);
  }
}

TEST(Step4_Life, TheProgramEndsWithItsOwnStatus) {
  if (is_rank()) {
    {
      MpiPoolExecutor pool;
      EXPECT_EQ(pool.submit(twice, 21).result(), 42);
    }
    std::exit(7);
  }
  EXPECT_EQ(mpirun(3, this_test()).status, 7);
}

TEST(Step4_Life, OnlyRank0RunsWhatStandsBehindThePool) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    std::puts("said once");
    return;
  }
  const Ran ran = mpirun(3, this_test());
  EXPECT_EQ(ran.status, 0) << without_noise(ran.output);
  const auto first = ran.output.find("said once");
  ASSERT_NE(first, std::string::npos) << without_noise(ran.output);
  EXPECT_EQ(ran.output.find("said once", first + 1), std::string::npos) << without_noise(ran.output);
}

TEST(Step4_Life, ARankThatIsKilledEndsAllAndItsCallIsNamed) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    results_of(pool, rank, 100);  // both ranks have run something
    pool.submit(Deadly()).result();
    return;
  }
  const Ran ran = mpirun(3, this_test());
  EXPECT_NE(ran.status, 0);
  EXPECT_TRUE(ran.says("has died while it ran")) << without_noise(ran.output);
  EXPECT_TRUE(ran.says("Deadly")) << without_noise(ran.output);
  EXPECT_FALSE(ran.says("was running")) << "the other rank had nothing to do\n" << without_noise(ran.output);
}

TEST(Step4_Life, ACallThatWaitedIsNamedToo) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    for (int i = 0; i < 300; ++i) pool.submit(twice, i);
    pool.submit(Deadly()).result();  // the worker gets it when it has answered the one before
    return;
  }
  const Ran ran = mpirun(2, this_test());
  EXPECT_TRUE(ran.says("rank 1 has died while it ran")) << without_noise(ran.output);
  EXPECT_TRUE(ran.says("Deadly")) << without_noise(ran.output);
}

TEST(Step4_Life, ACallThatExitsEndsAll) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    pool.submit([] { std::exit(3); }).result();
    return;
  }
  const Ran ran = mpirun(2, this_test());
  EXPECT_NE(ran.status, 0) << without_noise(ran.output);
}

TEST(Step4_Life, OnePoolAtATimeHasTheRanks) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_THROW(MpiPoolExecutor(), concurrent::Error);
  EXPECT_EQ(pool.submit(twice, 21).result(), 42) << "the first goes on";
}

TEST(Step4_Life, AFunctionThatTheOtherProgramLacksIsNamed) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    EXPECT_THROW(pool.submit(OnlyInTheFirstProgram(), 21).result(), FunctionNotFound);
    const std::string error = outcome(pool.submit(OnlyInTheFirstProgram(), 21));
    EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
    EXPECT_NE(error.find(this_host()), std::string::npos) << error;
    EXPECT_NE(error.find("OnlyInTheFirstProgram"), std::string::npos) << error;
    EXPECT_EQ(error.find("another program"), std::string::npos) << "that is not why: " << error;
    EXPECT_EQ(pool.submit([](int number) { return 2 * number; }, 21).result(), 42)
        << "what both have can be called, and the worker lives on";
    return;
  }
  report(beside_another_program());
}

TEST(Step4_Life, AnAddressOfAnotherProgramIsRefused) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    EXPECT_THROW(pool.submit(twice, 21).result(), FunctionNotFound);
    const std::string error = outcome(pool.submit(twice, 21));
    EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
    EXPECT_NE(error.find(this_host()), std::string::npos) << error;
    EXPECT_NE(error.find("int (*)(int)"), std::string::npos) << error;
    EXPECT_NE(error.find("another program"), std::string::npos) << error;
    using concurrent::detail::Chunk;
    EXPECT_THROW(
        pool.submit([](const Chunk<int>&) {}, Chunk<int>{concurrent::detail::name_of(&twice), {21}}).result(),
        FunctionNotFound)
        << "a chunk has the address, too";
    return;
  }
  report(beside_another_program());
}
