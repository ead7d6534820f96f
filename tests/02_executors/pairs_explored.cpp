// Chapter 02: any two members of an executor may be called at the same time.

#include "executor.hpp"

#include <atomic>
#include <exception>

#include "meet.hpp"

using concurrent::ExecutorShutdown;
using concurrent::ManualExecutor;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using course::any_two_meet;

namespace {

/// Counts jobs: each that was posted is destroyed, once.
struct Jobs {
  std::atomic<int> alive = 0;

  struct Job {
    explicit Job(Jobs& jobs) : jobs(&jobs) { ++jobs.alive; }
    Job(Job&& other) noexcept : jobs(std::exchange(other.jobs, nullptr)) {}
    ~Job() {
      if (jobs) --jobs->alive;
    }
    void operator()() {}
    Jobs* jobs;
  };

  void post_to(concurrent::Executor& executor) {
    try {
      executor.post(Job(*this));
    } catch (const ExecutorShutdown&) {
    }
  }
};

struct OnManual {
  Jobs jobs;
  ManualExecutor executor;
  OnManual() { jobs.post_to(executor); }
  void check() {
    executor.shutdown();
    EXPECT_EQ(jobs.alive, 0);
  }
};

struct OnPool {
  Jobs jobs;
  ThreadPoolExecutor executor{{.max_workers = 1}};
  OnPool() { jobs.post_to(executor); }
  void check() {
    executor.shutdown();
    EXPECT_EQ(jobs.alive, 0);
  }
};

struct OnStrand {
  Jobs jobs;
  ManualExecutor executor;
  SerialExecutor strand{executor};
  OnStrand() { jobs.post_to(strand); }
  void check() {
    executor.shutdown();
    strand.shutdown();  // hangs if the strand still counts as active
    EXPECT_EQ(jobs.alive, 0);
  }
};

}  // namespace

TEST(Step2_ManualExecutor, AnyTwoMembersMayBeCalledAtTheSameTime) {
  any_two_meet<OnManual>({
      {"post()", [](OnManual& it) { it.jobs.post_to(it.executor); }},
      {"run_one()", [](OnManual& it) { it.executor.run_one(); }},
      {"pending()", [](OnManual& it) { EXPECT_LE(it.executor.pending(), 2u); }},
      {"shutdown()", [](OnManual& it) { it.executor.shutdown(); }},
      {"shutdown() that cancels",
       [](OnManual& it) { it.executor.shutdown({.wait = false, .cancel_futures = true}); }},
      {"set_exception_handler()",
       [](OnManual& it) { it.executor.set_exception_handler([](std::exception_ptr) {}); }},
  });
}

TEST(Step3_ThreadPoolExecutor, AnyTwoMembersMayBeCalledAtTheSameTime) {
  any_two_meet<OnPool>(
      {
          {"post()", [](OnPool& it) { it.jobs.post_to(it.executor); }},
          {"threads_started()", [](OnPool& it) { EXPECT_EQ(it.executor.threads_started(), 1u); }},
          {"shutdown()", [](OnPool& it) { it.executor.shutdown(); }},
          {"shutdown() that cancels",
           [](OnPool& it) { it.executor.shutdown({.wait = false, .cancel_futures = true}); }},
          {"set_exception_handler()",
           [](OnPool& it) { it.executor.set_exception_handler([](std::exception_ptr) {}); }},
      },
      {.schedules = 500});
}

TEST(Step4_SerialExecutor, AnyTwoMembersMayBeCalledAtTheSameTime) {
  any_two_meet<OnStrand>({
      {"post()", [](OnStrand& it) { it.jobs.post_to(it.strand); }},
      {"a turn", [](OnStrand& it) { it.executor.run_one(); }},
      {"shutdown()", [](OnStrand& it) { it.strand.shutdown({.wait = false}); }},
      {"shutdown() that cancels",
       [](OnStrand& it) { it.strand.shutdown({.wait = false, .cancel_futures = true}); }},
      {"the end of the executor's work",
       [](OnStrand& it) { it.executor.shutdown({.wait = false, .cancel_futures = true}); }},
      {"set_exception_handler()",
       [](OnStrand& it) { it.strand.set_exception_handler([](std::exception_ptr) {}); }},
  });
}
