// Chapter 14, step 4: calls to ranks.

#include "support.hpp"

#include <unistd.h>

#include <atomic>
#include <cctype>
#include <future>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sent.hpp"

using concurrent::detail::Chunk;

namespace {

/// A type that cannot be written.
struct Shy {
  template <class Archive>
  void save(Archive&) const {
    throw std::runtime_error("too shy");
  }
  template <class Archive>
  void load(Archive&) {}
};

/// A type that cannot be read.
struct Illegible {
  template <class Archive>
  void save(Archive& archive) const {
    archive(1);
  }
  template <class Archive>
  void load(Archive&) {
    throw std::runtime_error("illegible");
  }
};

}  // namespace

TEST(Step4_Submit, ACallRunsInAnotherRank) {
  if (!in_ranks(3)) return;
  MpiPoolExecutor pool;
  EXPECT_GE(pool.num_workers(), 2);
  const int where = pool.submit(rank).result();
  EXPECT_TRUE(where >= 1 && where <= pool.num_workers()) << where;
  for (const std::string& host : results_of(
           pool, [] { return concurrent::MpiWorld::get().host(); }, 9))
    std::puts(host.c_str());  // for those who try it on several
}

TEST(Step4_Submit, FunctionsLambdasAndTextsCross) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  EXPECT_EQ(
      pool.submit([](const std::string& a, int b) { return a + std::to_string(b); }, "text", 2).result(),
      "text2");
  EXPECT_EQ(outcome(pool.submit([](int) {}, 1)), "void");
  EXPECT_EQ(
      *pool.submit([](std::unique_ptr<int> number) { return number; }, std::make_unique<int>(7)).result(), 7);
}

TEST(Step4_Submit, ACallThatCarriesAPlaceIsForThisProgramAlone) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  EXPECT_EQ(Sent::to_whom(), "to this program") << "a function crosses by its place in this program";
  EXPECT_EQ(pool.submit([](int number) { return number; }, 21).result(), 21);
  EXPECT_EQ(Sent::to_whom(), "to any program") << "a lambda has no place, and any program may have it";
  const auto size_of = [](const Chunk<int>& chunk) { return chunk.items.size(); };
  EXPECT_EQ(pool.submit(size_of, Chunk<int>{concurrent::detail::name_of(&twice), {1, 2}}).result(), 2u);
  EXPECT_EQ(Sent::to_whom(), "to this program")
      << "the chunk carries the place of the function that is called with its items";
  EXPECT_EQ(pool.submit(size_of, Chunk<int>{0, {1, 2}}).result(), 2u);
  EXPECT_EQ(Sent::to_whom(), "to any program") << "the function of this chunk is a lambda";
}

TEST(Step4_Submit, ATextIsNoPlace) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const char* const text = "text";
  EXPECT_EQ(pool.submit([](const std::string& text) { return text; }, text).result(), "text");
  EXPECT_EQ(Sent::to_whom(), "to any program") << "a const char* crosses as a text, not as a pointer";
}

TEST(Step4_Submit, WhatACallThrowsIsARemoteError) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(outcome(pool.submit([](int) -> int { throw std::out_of_range("far"); }, 1)),
            "std::out_of_range: far");
  EXPECT_EQ(outcome(pool.submit([] { throw 7; })), "int: an exception of type int");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42") << "the worker lives on";
}

TEST(Step4_Submit, AllWorkersWorkAtTheSameTime) {
  if (!in_ranks(4)) return;
  MpiPoolExecutor pool;
  // Each call ends only when it has heard of the two others, by a file that each of them writes.
  const std::string folder = "/tmp/cluster_test_" + std::to_string(::getpid());
  ASSERT_EQ(run("mkdir " + folder).status, 0);
  const auto meet = [](const std::string& folder, int who) {
    run("touch " + folder + "/" + std::to_string(who));
    while (!run("ls " + folder + " | wc -l").says("3")) continue;
    return rank();
  };
  std::vector<Future<int>> futures;
  for (int who = 0; who < 3; ++who) futures.push_back(pool.submit(meet, folder, who));
  std::set<int> ranks;
  for (const auto& future : futures) ranks.insert(future.result());
  EXPECT_EQ(ranks, (std::set<int>{1, 2, 3}));
  run("rm -r " + folder);
}

TEST(Step4_Submit, AMegabyteCrossesBothWays) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  std::vector<int> numbers(1'000'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto back = pool.submit([](std::vector<int> numbers) { return numbers; }, numbers).result();
  EXPECT_EQ(back, numbers);
}

TEST(Step4_Submit, ManyCallsFromManyThreads) {
  if (!in_ranks(3)) return;
  MpiPoolExecutor pool;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        if (pool.submit(twice, 1'000 * t + i).result() != 2 * (1'000 * t + i)) ++wrong;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Step4_Submit, AWaitingCallCanBeCancelled) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool({.max_workers = 1});
  ASSERT_EQ(pool.submit(twice, 1).result(), 2);  // the worker is there
  const Fifo fifo;
  const auto first = pool.submit(wait_at, fifo.name());
  auto second = pool.submit(twice, 1);
  const auto third = pool.submit(twice, 2);
  EXPECT_EQ(second.state(), FutureState::pending) << "the one worker has one call at a time";
  EXPECT_TRUE(second.cancel());
  EXPECT_TRUE(second.cancelled());
  fifo.let_go();
  EXPECT_EQ(first.result(), "go");
  EXPECT_EQ(third.result(), 4);
}

TEST(Step4_Submit, ACallThatIsWithAWorkerIsRunning) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  ASSERT_EQ(pool.submit(twice, 1).result(), 2);  // the worker is there
  const Fifo fifo;
  auto future = pool.submit(wait_at, fifo.name());
  EXPECT_EQ(future.state(), FutureState::running) << "an idle worker gets its call at once";
  EXPECT_FALSE(future.cancel());
  fifo.let_go();
  EXPECT_EQ(future.result(), "go");
}

TEST(Step4_Submit, ArgumentsThatCannotBeWrittenAreTheOutcome) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(outcome(pool.submit([](Shy) {}, Shy())), "too shy");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step4_Submit, WhatIsTooLargeToBeSentIsTheOutcome) {
  if (!in_ranks(2)) return;
  concurrent::MpiWorld::most_bytes = 1'000;  // or else it takes gigabytes
  MpiPoolExecutor pool;
  const std::string large(1'000, 'a'), little(900, 'a');
  const std::string why = "a message of MPI has at most 1000 bytes";
  EXPECT_EQ(outcome(pool.submit([](const std::string&) { return 7; }, large)).find(why), 0u);
  const auto twice_as_large = [](const std::string& text) {
    concurrent::MpiWorld::most_bytes = 1'000;  // in this rank, too
    return text + text;
  };
  EXPECT_EQ(outcome(pool.submit(twice_as_large, little)).find("std::length_error: " + why), 0u);
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42") << "pool and worker live on";
}

TEST(Step4_Submit, ArgumentsThatCannotBeReadAreARemoteError) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(outcome(pool.submit([](Illegible) {}, Illegible())), "std::runtime_error: illegible");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step4_Submit, AResultThatCannotBeReadIsTheOutcome) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(outcome(pool.submit([] { return Illegible(); })), "illegible");
  EXPECT_EQ(outcome(pool.submit([] { return Shy(); })), "std::runtime_error: too shy");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step4_Submit, CallbacksMaySubmit) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  std::promise<int> last;
  pool.submit(twice, 1).add_done_callback([&](const Future<int>& first) {
    pool.submit(twice, first.result()).add_done_callback([&](const Future<int>& second) {
      last.set_value(second.result());
    });
  });
  EXPECT_EQ(last.get_future().get(), 4);
}

TEST(Step4_Submit, ALibrarysFunctionIsRefused) {
  if (!in_ranks(2)) return;
  const auto of_a_library = function_of_a_library();
  ASSERT_NE(of_a_library, nullptr);
  EXPECT_THROW(MpiPoolExecutor({.initializer = reinterpret_cast<void (*)()>(of_a_library)}),
               std::invalid_argument)
      << "it has another address there, too";
  MpiPoolExecutor pool;
  EXPECT_THROW(pool.submit(of_a_library, 1), std::invalid_argument);
  EXPECT_EQ(pool.submit([](int letter) { return std::toupper(letter); }, 'a').result(), 'A');
}

TEST(Step4_Submit, TheWorkerGetsItsNextCallBeforeTheCallbacksRun) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool({.max_workers = 1});
  const Fifo fifo;
  auto first = pool.submit(wait_at, fifo.name());
  std::promise<std::string> said;
  first.add_done_callback([&](const auto&) { said.set_value(wait_at(fifo.name())); });
  const auto second = pool.submit(
      [](const std::string& name) { return run("echo -n second > " + name).status; }, fifo.name());
  fifo.let_go();
  EXPECT_EQ(said.get_future().get(), "second") << "the callback waits for what the second call says";
  EXPECT_EQ(second.result(), 0);
}

TEST(Step4_Submit, ACallAfterAPauseIsAnswered) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i);
    course::wait_until_others_block();
  }
}
