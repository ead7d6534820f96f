// Chapter 05, step 5: sleeping without a lock around what is waited for.

#include "event_count.hpp"
#include "testing.hpp"

#include <atomic>
#include <thread>
#include <vector>

using concurrent::EventCount;

TEST(Step5_EventCount, AWaitSleepsUntilSomebodyNotifies) {
  EventCount events;
  std::atomic<bool> woken = false;
  std::thread sleeper([&] {
    events.wait(events.prepare_wait());
    woken = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(woken);
  events.notify_one();
  sleeper.join();
}

TEST(Step5_EventCount, ANotificationAfterTheAnnouncementEndsTheWaitAtOnce) {
  EventCount events;
  for (int i = 0; i < 2; ++i) {
    const EventCount::Key one = events.prepare_wait();
    events.notify_one();
    events.wait(one);  // hangs if it sleeps
    const EventCount::Key all = events.prepare_wait();
    events.notify_all();
    events.wait(all);
  }
}

TEST(Step5_EventCount, NotifyOneWakesOneAtATime) {
  EventCount events;
  std::atomic<int> woken = 0;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i)
    sleepers.emplace_back([&] {
      events.wait(events.prepare_wait());
      ++woken;
    });
  for (int expected = 1; expected <= 3; ++expected) {
    course::wait_until_others_block();
    events.notify_one();
    course::wait_until_others_block();
    EXPECT_EQ(woken, expected);
  }
  for (auto& sleeper : sleepers) sleeper.join();
}

TEST(Step5_EventCount, NotifyAllWakesAll) {
  EventCount events;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.emplace_back([&] { events.wait(events.prepare_wait()); });
  course::wait_until_others_block();
  events.notify_all();
  for (auto& sleeper : sleepers) sleeper.join();
}

TEST(Step5_EventCount, AnAnnouncementCanBeTakenBack) {
  EventCount events;
  EXPECT_FALSE(events.has_sleepers());
  static_cast<void>(events.prepare_wait());
  EXPECT_TRUE(events.has_sleepers());
  events.cancel_wait();
  EXPECT_FALSE(events.has_sleepers());
}

TEST(Step5_EventCount, WaitingUsesNoProcessorTime) {
  EventCount events;
  std::thread sleeper([&] { events.wait(events.prepare_wait()); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  events.notify_one();
  sleeper.join();
}

TEST(Step5_EventCount, WhoeverHasSleptIsNoSleeperAnyMore) {
  EventCount events;
  std::thread sleeper([&] { events.wait(events.prepare_wait()); });
  course::wait_until_others_block();
  EXPECT_TRUE(events.has_sleepers());
  events.notify_one();
  sleeper.join();
  EXPECT_FALSE(events.has_sleepers());
}
