// Chapter 04, step 9: a pool that breaks while it is being killed.

#include "support.hpp"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <vector>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(ssize_t, send, (int fd, const void* bytes, size_t size, int flags), (fd, bytes, size, flags))

namespace {

thread_local bool kills = false;   // this thread
std::atomic<bool> broken = false;  // the pool

}  // namespace

// If the thread that kills the pool takes a lock after it has sent the signal, the pool breaks first.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = course::in_the_library<int(pthread_mutex_t*)>("pthread_mutex_lock");
  while (kills && send_calls.count() > 0 && !broken) ::sched_yield();
  return real(mutex);
}

TEST(Step9_Broken, HoweverSoonTheWorkersOfAKilledPoolDieItsQueueIsCancelled) {  // CF-57
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 40; ++i) futures.push_back(pool.submit(Gate::pass, i));
  gate.wait_until_entered();
  futures.front().add_done_callback([](auto) { broken = true; });
  send_calls.reset();
  broken = false;
  kills = true;
  pool.kill_workers();
  kills = false;
  EXPECT_TRUE(outcome(futures.front()).starts_with("broken: "));
  EXPECT_TRUE(futures.back().cancelled()) << "it was told that the pool is broken: it was killed too soon";
}
