// How many workers a pool has if nobody says so.

#include <gtest/gtest.h>

#include <sched.h>

#include "worker_count.hpp"

namespace concurrent {
namespace {

TEST(WorkerCount, ItIsThatOfTheProcessorsThatThisProcessMayUse) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(number_of_cores(), CPU_COUNT(&all));
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(number_of_cores(), 1);
  ::sched_setaffinity(0, sizeof all, &all);
}

}  // namespace
}  // namespace concurrent
