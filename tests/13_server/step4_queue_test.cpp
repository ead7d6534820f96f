// Chapter 13, step 4: jobs wait for a worker, in a queue that is never longer than it may be.

#include "job_queue.hpp"

#include "queued.hpp"

TEST(Step4_Queue, AJobRunsToItsEnd) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("square", "{\"number\":5}");
    co_await job->ended.wait();
    EXPECT_EQ(q.state(job), "done 25");
    EXPECT_EQ(q.queue.unfinished(), 0u);
    const JobPointer next = q.submit("square", "{\"number\":6}");
    EXPECT_EQ(q.state(next), "running") << "its worker has had nothing to do since";
    co_await next->ended.wait();
    EXPECT_EQ(q.state(next), "done 36");
  });
}

TEST(Step4_Queue, AFreeWorkerTakesAJobAtOnce) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("hold");
    EXPECT_EQ(q.state(job), "running");
    EXPECT_EQ(job->worker, 1u);
    EXPECT_EQ(q.queue.waiting(), 0u);
    EXPECT_EQ(q.queue.running(), 1u);
    co_await held(1);
    release(1);
    co_await job->ended.wait();
  });
}

TEST(Step4_Queue, OthersWaitAndAreStartedInOrder) {
  Queued q;
  q.run([&]() -> Coro<> {
    std::vector<JobPointer> jobs;
    for (int i = 0; i < 4; ++i) jobs.push_back(q.submit("hold", std::to_string(i)));
    EXPECT_EQ(q.queue.waiting(), 3u);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(q.state(jobs[static_cast<std::size_t>(i)]), "running");
      EXPECT_EQ(q.queue.waiting(), 3u - static_cast<std::size_t>(i));
      co_await held(1);
      release(1);
      co_await jobs[static_cast<std::size_t>(i)]->ended.wait();
    }
    EXPECT_EQ(q.queue.running(), 0u);
  });
}

TEST(Step4_Queue, WhatWaitsForOnePlaceHoldsUpNoOther) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    const JobPointer second = q.submit("hold");
    const JobPointer third = q.submit("square", "{\"number\":2}");
    const JobPointer fourth = q.submit("now", "4");
    EXPECT_EQ(q.state(third), "running");
    co_await third->ended.wait();
    co_await fourth->ended.wait();
    EXPECT_EQ(q.state(second), "queued");
    co_await held(1);
    release(2);
    co_await second->ended.wait();
    co_await held(1);
  });
}

TEST(Step4_Queue, AllWorkersAreUsed) {
  Queued q({.processes = 1, .threads = 3});
  q.run([&]() -> Coro<> {
    std::vector<JobPointer> jobs;
    for (int i = 0; i < 4; ++i) jobs.push_back(q.submit("hold"));
    EXPECT_EQ(q.queue.running(), 3u);
    EXPECT_EQ(q.queue.waiting(), 1u);
    co_await held(3);
    release(4);
    for (const JobPointer& job : jobs) co_await job->ended.wait();
    co_await held(1);
  });
}

TEST(Step4_Queue, AFullQueueRefuses) {
  Queued q({.processes = 1, .threads = 1}, 2);
  q.run([&]() -> Coro<> {
    std::vector<JobPointer> jobs;
    for (int i = 0; i < 3; ++i) jobs.push_back(q.submit("hold"));
    EXPECT_THROW(q.submit("hold"), QueueFull);
    EXPECT_EQ(q.queue.waiting(), 2u);
    co_await held(1);
    release(1);
    co_await jobs[0]->ended.wait();
    jobs.push_back(q.submit("hold"));  // there is a place now
    EXPECT_THROW(q.submit("hold"), QueueFull);
    release(3);
    for (const JobPointer& job : jobs) co_await job->ended.wait();
    co_await held(3);
  });
}

TEST(Step4_Queue, APlaceCanBeKept) {
  Queued q({.processes = 1, .threads = 1}, 1);
  q.run([&]() -> Coro<> {
    const JobPointer first = q.submit("hold");
    {
      const JobQueue::Admission kept = q.queue.admit();
      EXPECT_THROW(q.submit("hold"), QueueFull);
    }
    const JobPointer second = q.submit("hold");
    co_await held(1);
    release(2);
    co_await second->ended.wait();
    co_await held(1);
  });
}

TEST(Step4_Queue, AJobThatFailsSaysWhy) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer failed = q.submit("fail");
    const JobPointer broken = q.submit("broken");
    co_await failed->ended.wait();
    co_await broken->ended.wait();
    EXPECT_EQ(q.state(failed), "failed it fails");
    EXPECT_EQ(q.state(broken), "failed it is broken");
    for (const char* kind : {"throw_one", "throw_one_on_a_thread"}) {
      const JobPointer odd = q.submit(kind);
      co_await odd->ended.wait();
      EXPECT_EQ(q.state(odd), "failed it threw what is no std::exception");
    }
    const JobPointer garbled = q.submit("garbled");
    co_await garbled->ended.wait();
    const auto shown = asyncio::jobs::Json::parse(asyncio::jobs::to_text(*garbled));
    EXPECT_EQ(shown["error"], "no \ufffd text") << "it is shown as JSON";
  });
}

TEST(Step4_Queue, AWorkerThatDiesFailsItsJobAndTheNextOneRuns) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer crashed = q.submit("crash");
    const JobPointer next = q.submit("square", "{\"number\":6}");
    co_await next->ended.wait();
    EXPECT_TRUE(q.state(crashed).starts_with("failed its worker died: "));
    EXPECT_EQ(q.state(next), "done 36");
  });
}

TEST(Step4_Queue, EachChangeIsTold) {
  Queued q;
  q.queue.on_change([&](const asyncio::jobs::Job& job) {
    q.changes.push_back(to_string(job.state));
    if (job.worker) q.changes.back() += " on " + std::to_string(*job.worker);
    if (job.started_ms)
      q.changes.back() += job.started_ms >= job.submitted_ms ? ", begun" : ", begun too early";
  });
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("square", "{\"number\":1}");
    EXPECT_EQ(q.changes, (Log{"queued", "running on 0, begun"}));
    co_await job->ended.wait();
    co_await passes(2);
    EXPECT_EQ(q.changes, (Log{"queued", "running on 0, begun", "done on 0, begun"}));
  });
}

TEST(Step4_Queue, WhatIsToldAgreesWithTheCounts) {
  Queued q;
  q.queue.on_change([&](const asyncio::jobs::Job& job) {
    const std::size_t counts[] = {q.queue.waiting(), q.queue.running(), q.queue.unfinished()};
    q.changes.push_back(to_string(job.state));
    for (const std::size_t count : counts) q.changes.back() += " " + std::to_string(count);
    q.changes.back() += q.queue.job_of(0) ? ", on 0" : "";
  });
  q.run([&]() -> Coro<> {
    const JobPointer job = q.submit("square", "{\"number\":1}");
    co_await job->ended.wait();
    co_await passes(2);
  });
  EXPECT_EQ(q.changes, (Log{"queued 1 0 1", "running 0 1 1, on 0", "done 0 0 0"}))
      << "how many wait, run, and are unfinished, and whether worker 0 has a job";
}

TEST(Step4_Queue, WhatRunsOnTheLoopNeedsNoWorker) {
  Queued q;
  q.run([&]() -> Coro<> {
    const JobPointer held_up = q.submit("hold");
    const JobPointer one = q.submit("now", "1");
    const JobPointer two = q.submit("now", "2");
    co_await one->ended.wait();
    co_await two->ended.wait();
    EXPECT_EQ(q.state(two), "done 2");
    EXPECT_EQ(two->worker, std::nullopt);
    co_await held(1);
    release(1);
    co_await held_up->ended.wait();
  });
}

TEST(Step4_Queue, AHundredJobsAllEnd) {
  Queued q({.processes = 2, .threads = 2});
  q.run([&]() -> Coro<> {
    std::vector<JobPointer> jobs;
    release(100);
    for (int i = 0; i < 100; ++i) {
      jobs.push_back(q.submit("square", "{\"number\":" + std::to_string(i) + "}"));
      jobs.push_back(q.submit("hold"));
    }
    for (const JobPointer& job : jobs) co_await job->ended.wait();
    EXPECT_EQ(q.state(jobs[198]), "done 9801");
    EXPECT_EQ(q.queue.unfinished(), 0u);
    EXPECT_EQ(q.queue.waiting() + q.queue.running() + q.queue.admitted(), 0u);
    co_await held(100);
  });
}
