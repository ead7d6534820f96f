// Chapter 13, step 5: jobs that nobody wants any more, or that take too long.

#include "job_queue.hpp"

#include "queued.hpp"

TEST(Step5_Stop, AJobThatWaitsNeverBegins) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    const JobPointer second = q.submit("hold");
    EXPECT_TRUE(q.queue.stop(second, JobState::cancelled));
    EXPECT_EQ(q.queue.waiting(), 0u);
    co_await second->ended.wait();
    EXPECT_EQ(q.state(second), "cancelled it was cancelled");
    EXPECT_EQ(second->started_ms, std::nullopt);
    co_await held(1);
    release(1);
    co_await first->ended.wait();
    EXPECT_EQ(q.queue.unfinished(), 0u);
  });
}

TEST(Step5_Stop, OnlyThatJobLeavesTheQueue) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer runs = q.submit("spin");
    const JobPointer first = q.submit("square", "{\"number\":1}");
    const JobPointer second = q.submit("square", "{\"number\":2}");
    const JobPointer third = q.submit("square", "{\"number\":3}");
    EXPECT_TRUE(q.queue.stop(second, JobState::cancelled));
    EXPECT_EQ(q.queue.waiting(), 2u);
    for (const asyncio::jobs::WorkerPool::Slot& slot : q.pool.slots())
      EXPECT_FALSE(slot.stop.stop_requested()) << "the job of another";
    EXPECT_TRUE(q.queue.stop(runs, JobState::cancelled));
    co_await third->ended.wait();
    EXPECT_EQ(q.state(first), "done 1");
    EXPECT_EQ(q.state(second), "cancelled it was cancelled");
    EXPECT_EQ(q.state(third), "done 9");
  });
}

TEST(Step5_Stop, AJobOnTheLoopTakesNoWorkerWithIt) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer spins = q.submit("spin");
    const JobPointer holds = q.submit("hold");
    const JobPointer now = q.submit("now");
    EXPECT_TRUE(q.queue.stop(now, JobState::cancelled));
    for (const asyncio::jobs::WorkerPool::Slot& slot : q.pool.slots())
      EXPECT_FALSE(slot.stop.stop_requested()) << "the job of another";
    co_await now->ended.wait();
    EXPECT_EQ(q.state(now), "cancelled it was cancelled");
    EXPECT_EQ(q.state(spins), "running");
    q.queue.stop(spins, JobState::cancelled);
    co_await held(1);
    release(1);
    co_await holds->ended.wait();
    co_await spins->ended.wait();
  });
}

TEST(Step5_Stop, AJobThatNeverBeganEndsWhenThatIsWrittenDown) {
  Queued q;
  asyncio::Event written;
  q.queue.before_end([&](JobPointer) -> Coro<> { co_await written.wait(); });
  q.run([&]() -> Coro<> {
    const JobPointer runs = q.submit("hold");
    const JobPointer waits = q.submit("hold");
    EXPECT_TRUE(q.queue.stop(waits, JobState::cancelled));
    co_await passes(3);
    EXPECT_EQ(q.state(waits), "queued") << "a crash now, and it would run after all";
    EXPECT_FALSE(waits->ended.is_set());
    EXPECT_EQ(q.queue.unfinished(), 2u);
    written.set();
    co_await waits->ended.wait();
    EXPECT_EQ(q.state(waits), "cancelled it was cancelled");
    co_await held(1);
    release(1);
    co_await runs->ended.wait();
  });
}

TEST(Step5_Stop, ItsPlaceIsFree) {
  Queued q({}, 1);
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    const JobPointer second = q.submit("hold");
    q.queue.stop(second, JobState::cancelled);
    const JobPointer third = q.submit("hold");
    co_await held(1);
    release(2);
    co_await third->ended.wait();
    EXPECT_EQ(q.state(third), "done {}");
    co_await held(1);
  });
}

TEST(Step5_Stop, AProcessIsKilledAndTheNextJobRuns) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer spins = q.submit("spin");
    const JobPointer next = q.submit("square", "{\"number\":4}");
    co_await passes(5);
    EXPECT_TRUE(q.queue.stop(spins, JobState::cancelled));
    co_await spins->ended.wait();
    EXPECT_EQ(q.state(spins), "cancelled it was cancelled");
    co_await next->ended.wait();
    EXPECT_EQ(q.state(next), "done 16");
    EXPECT_EQ(q.pool.slots()[0].restarts, 1u);
  });
}

TEST(Step5_Stop, AThreadIsAskedToStopAndTheNextJobRuns) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    const JobPointer next = q.submit("hold");
    co_await held(1);
    EXPECT_TRUE(q.queue.stop(first, JobState::cancelled));
    co_await first->ended.wait();
    EXPECT_EQ(q.state(first), "cancelled it was cancelled");
    co_await held(1);
    release(1);
    co_await next->ended.wait();
    EXPECT_EQ(q.state(next), "done {}");
  });
}

TEST(Step5_Stop, NoOtherJobIsStopped) {
  Queued q({.processes = 1, .threads = 2});
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    const JobPointer second = q.submit("hold", "2");
    co_await held(2);
    q.queue.stop(first, JobState::cancelled);
    co_await first->ended.wait();
    EXPECT_EQ(q.state(second), "running");
    release(1);
    co_await second->ended.wait();
    EXPECT_EQ(q.state(second), "done 2");
  });
}

TEST(Step5_Stop, AJobThatHasEndedStaysAsItIs) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("now", "1");
    co_await job->ended.wait();
    EXPECT_FALSE(q.queue.stop(job, JobState::cancelled));
    co_await passes(3);
    EXPECT_EQ(q.state(job), "done 1");
    EXPECT_EQ(q.changes, (Log{"queued", "running", "done"}));
  });
}

TEST(Step5_Stop, OnlyTheFirstStopCounts) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer running = q.submit("hold");
    const JobPointer waiting = q.submit("hold");
    co_await held(1);
    EXPECT_TRUE(q.queue.stop(running, JobState::expired));
    EXPECT_FALSE(q.queue.stop(running, JobState::cancelled));
    EXPECT_FALSE(q.queue.stop(running, JobState::expired)) << "it was another call that decided this";
    EXPECT_TRUE(q.queue.stop(waiting, JobState::cancelled));
    EXPECT_FALSE(q.queue.stop(waiting, JobState::cancelled)) << "it was another call that decided this";
    EXPECT_FALSE(q.queue.stop(waiting, JobState::expired));
    co_await running->ended.wait();
    co_await waiting->ended.wait();
    EXPECT_EQ(q.state(running), "expired its deadline is over");
    EXPECT_EQ(q.state(waiting), "cancelled it was cancelled");
    EXPECT_EQ(q.queue.unfinished(), 0u);
  });
}

TEST(Step5_Stop, WhileItsEndIsWrittenDownItIsTooLate) {
  Queued q;
  asyncio::Event written;
  q.queue.before_end([&](JobPointer) -> Coro<> { co_await written.wait(); });
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("now", "1");
    co_await until([&] { return job->ending; });
    EXPECT_FALSE(job->ended.is_set()) << "nobody knows yet how it has ended";
    EXPECT_EQ(q.state(job), "running");
    EXPECT_FALSE(q.queue.stop(job, JobState::cancelled));
    written.set();
    co_await job->ended.wait();
    EXPECT_EQ(q.state(job), "done 1");
  });
}

TEST(Step5_Deadlines, AJobThatWaitsTooLongNeverBegins) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    const JobPointer second = q.submit("hold", "{}", 1);
    co_await second->ended.wait();
    EXPECT_EQ(q.state(second), "expired its deadline is over");
    EXPECT_EQ(second->started_ms, std::nullopt);
    co_await held(1);
    release(1);
    co_await first->ended.wait();
  });
}

TEST(Step5_Deadlines, AJobThatTakesTooLongIsStopped) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer spins = q.submit("spin", "{}", 10);
    const JobPointer holds = q.submit("hold", "{}", 10);
    co_await spins->ended.wait();
    co_await holds->ended.wait();
    EXPECT_EQ(q.state(spins), "expired its deadline is over");
    EXPECT_EQ(q.state(holds), "expired its deadline is over");
    co_await held(1);
  });
}

TEST(Step5_Deadlines, AJobThatIsInTimeIsDone) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("square", "{\"number\":8}", 60'000);
    co_await job->ended.wait();
    EXPECT_EQ(q.state(job), "done 64");
    EXPECT_FALSE(q.queue.stop(job, JobState::expired));
  });
}

TEST(Step5_Deadlines, TheQueueGoesOn) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("spin", "{}", 5);
    const JobPointer second = q.submit("spin", "{}", 5);
    const JobPointer third = q.submit("square", "{\"number\":9}");
    co_await third->ended.wait();
    EXPECT_EQ(q.state(third), "done 81");
    EXPECT_EQ(q.state(first) + q.state(second), "expired its deadline is overexpired its deadline is over");
  });
}
