// Chapter 13, step 6: jobs are written down on a thread, as many at once as have come.

#include "journal.hpp"

#include "allocations.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <thread>

using asyncio::jobs::JobRecord;
using asyncio::jobs::JobState;
using asyncio::jobs::JobTable;
using asyncio::jobs::Journal;
using course::Gate;

namespace {

using Batch = std::vector<std::int64_t>;

Batch ids(std::span<const JobRecord> jobs) {
  Batch all;
  for (const JobRecord& job : jobs) all.push_back(job.id);
  return all;
}
JobRecord numbered(std::int64_t id, JobState state = JobState::queued) {
  return {.id = id, .kind = "now", .state = state};
}

}  // namespace

TEST(Step6_Journal, AJobIsSavedAndThenItIsSaid) {
  bool saved = false;
  Journal journal([&](std::span<const JobRecord>) { saved = true; });
  journal.write(numbered(1)).result();
  EXPECT_TRUE(saved);
  EXPECT_EQ(journal.commits(), 1u);
  EXPECT_EQ(journal.entries(), 1u);
}

TEST(Step6_Journal, WhoIsToldFindsItCountedAndMayWriteMore) {
  Gate disk;
  int calls = 0;
  auto journal = std::make_unique<Journal>([&](std::span<const JobRecord>) {
    disk.pass();
    if (++calls == 2) throw 1;  // whatever it is
  });
  Log counted;
  std::optional<concurrent::Future<void>> more;
  const auto count = [&, &journal = *journal](const concurrent::Future<void>&) {
    counted.push_back(std::to_string(journal.commits()) + " of " + std::to_string(journal.entries()) + ", " +
                      std::to_string(journal.failures()) + " failed");
  };
  auto first = journal->write(numbered(1));
  disk.wait_until_entered();
  first.add_done_callback([&, &journal = *journal](const concurrent::Future<void>& done) {
    count(done);
    more = journal.write(numbered(3));
  });
  auto second = journal->write(numbered(2));
  second.add_done_callback(count);
  disk.open();
  EXPECT_THROW(second.result(), int);
  journal.reset();
  EXPECT_EQ(counted, (Log{"1 of 1, 0 failed", "1 of 1, 1 failed"}));
  EXPECT_TRUE(more->done());
}

TEST(Step6_Journal, WhatFindsNoMemoryIsNotHandedOver) {
  course::until_memory_suffices([](course::Memory& memory) {
    Batch saved;
    Batch handed_over = {2};
    {
      Journal journal([&](std::span<const JobRecord> jobs) {
        for (const std::int64_t id : ids(jobs)) saved.push_back(id);
      });
      JobRecord job = numbered(1);
      if (memory.suffices_for([&] { journal.write(std::move(job)); })) handed_over = {1, 2};
      journal.write(numbered(2)).result();
    }
    EXPECT_EQ(saved, handed_over);
  });
}

TEST(Step6_Journal, NothingIsSaidBeforeItIsSaved) {
  Gate disk;
  Journal journal([&](std::span<const JobRecord>) { disk.pass(); });
  concurrent::Future<void> written = journal.write(numbered(1));
  disk.wait_until_entered();
  EXPECT_FALSE(written.done());
  disk.open();
  written.result();
}

TEST(Step6_Journal, ItIsSavedOnAnotherThread) {
  std::thread::id where;
  Journal journal([&](std::span<const JobRecord>) { where = std::this_thread::get_id(); });
  journal.write(numbered(1)).result();
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(Step6_Journal, WhatHasComeMeanwhileIsOneTransaction) {
  Gate disk;
  std::vector<Batch> batches;
  Journal journal([&](std::span<const JobRecord> jobs) {
    batches.push_back(ids(jobs));
    disk.pass();
  });
  std::vector<concurrent::Future<void>> written;
  written.push_back(journal.write(numbered(0)));
  disk.wait_until_entered();
  Batch rest;
  for (int id = 1; id <= 100; ++id) {
    rest.push_back(id);
    written.push_back(journal.write(numbered(id)));
  }
  disk.open();
  for (auto& one : written) one.result();
  EXPECT_EQ(batches, (std::vector<Batch>{{0}, rest}));
  EXPECT_EQ(journal.commits(), 2u);
  EXPECT_EQ(journal.entries(), 101u);
}

TEST(Step6_Journal, WritingNeverWaitsForTheDisk) {
  Gate disk;
  Journal journal([&](std::span<const JobRecord>) { disk.pass(); });
  auto first = journal.write(numbered(1));
  disk.wait_until_entered();
  auto second = journal.write(numbered(2));  // returns, though the disk is busy
  EXPECT_FALSE(second.done());
  disk.open();
  second.result();
}

TEST(Step6_Journal, WhatFailsIsToldToAllOfItsTransaction) {
  Gate disk;
  int calls = 0;
  Journal journal([&](std::span<const JobRecord>) {
    disk.pass();
    if (++calls == 2) throw std::runtime_error("the disk is full");
  });
  auto first = journal.write(numbered(1));
  disk.wait_until_entered();
  auto second = journal.write(numbered(2));
  auto third = journal.write(numbered(3));
  disk.open();
  first.result();
  EXPECT_THROW(second.result(), std::runtime_error);
  EXPECT_THROW(third.result(), std::runtime_error);
  EXPECT_EQ(journal.failures(), 1u);
  EXPECT_EQ(journal.commits(), 1u);
  journal.write(numbered(4)).result();
  EXPECT_EQ(journal.commits(), 2u);
}

TEST(Step6_Journal, AtItsEndTheRestIsWritten) {
  Batch saved;
  Gate disk;
  std::thread opens;
  concurrent::Future<void> last = [&] {
    Journal journal([&](std::span<const JobRecord> jobs) {
      disk.pass();
      for (const std::int64_t id : ids(jobs)) saved.push_back(id);
    });
    journal.write(numbered(1));
    disk.wait_until_entered();
    auto last = journal.write(numbered(2));
    opens = std::thread([&] { disk.open(); });
    return last;
  }();
  opens.join();
  EXPECT_TRUE(last.done());
  EXPECT_EQ(saved, (Batch{1, 2}));
}

TEST(Step6_Journal, WhoeverNoLongerWaitsIsNoProblem) {
  Gate disk;
  std::vector<Batch> batches;
  Journal journal([&](std::span<const JobRecord> jobs) {
    batches.push_back(ids(jobs));
    disk.pass();
  });
  auto first = journal.write(numbered(1));
  disk.wait_until_entered();
  auto second = journal.write(numbered(2));
  auto third = journal.write(numbered(3));
  auto fourth = journal.write(numbered(4));
  EXPECT_TRUE(third.cancel());
  disk.open();
  first.result();
  second.result();
  EXPECT_NO_THROW(fourth.result()) << "another of its group was cancelled, and this one is on disk";
  journal.write(numbered(5)).result();
  EXPECT_EQ(batches, (std::vector<Batch>{{1}, {2, 3, 4}, {5}})) << "what was handed over is saved";
}

TEST(Step6_Journal, NothingWaitsForMoreToCome) {
  Journal journal([](std::span<const JobRecord>) {});
  for (int id = 1; id <= 10; ++id) {
    auto written = journal.write(numbered(id));
    course::wait_until_others_block();
    EXPECT_TRUE(written.done()) << "the journal's thread waits, and there is something to save";
  }
}

TEST(Step6_Journal, ManyThreadsMayWrite) {
  std::vector<std::int64_t> saved;
  Journal journal([&](std::span<const JobRecord> jobs) {
    for (const std::int64_t id : ids(jobs)) saved.push_back(id);
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) journal.write(numbered(t * 100 + i)).result();
    });
  for (std::thread& thread : threads) thread.join();
  std::ranges::sort(saved);
  Batch all;
  for (int id = 0; id < 400; ++id) all.push_back(id);
  EXPECT_EQ(saved, all);
}

TEST(Step6_Journal, ATableKeepsWhatAnotherHasWritten) {
  const TemporaryFolder folder;
  {
    JobTable table(folder / "jobs.db");
    Journal journal([&](std::span<const JobRecord> jobs) { table.save(jobs); });
    journal.write(numbered(1)).result();
    journal.write(numbered(2)).result();
    journal.write(numbered(1, JobState::done)).result();
  }
  JobTable table(folder / "jobs.db");
  const std::vector<JobRecord> jobs = table.load(100);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].state, JobState::done);
  EXPECT_EQ(jobs[1].state, JobState::queued);
}
