// Chapter 05 under every schedule that matters, the event count (steps 5 and 10): see
// docs/schedule-explorer.md.

#include "event_count.hpp"
#include "expect_no_cost.hpp"

#include <atomic>
#include <thread>

#include "explore.hpp"

using concurrent::EventCount;

// Step 5: sleeping, and being woken.

namespace {

/// Holds work that is to be done, and lets threads sleep that have none.
struct Desk {
  EventCount events;
  std::atomic<int> open = 0;

  void bring() {
    open.fetch_add(1, std::memory_order_relaxed);
    events.notify_one();
  }
  bool take() {
    int left = open.load(std::memory_order_relaxed);
    while (left > 0)
      if (open.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) return true;
    return false;
  }
  bool has_work() const { return open.load(std::memory_order_relaxed) > 0; }

  /// Takes one piece of work; sleeps until there is one.
  void take_or_sleep() {
    while (!take()) {
      const EventCount::Key key = events.prepare_wait();
      if (has_work())
        events.cancel_wait();
      else
        events.wait(key);
    }
    if (has_work()) events.notify_one();
  }
};

}  // namespace

TEST(Step5_EventCount, NoNotificationIsLostBetweenTheLookAndTheSleep) {
  const auto scenario = [] {
    Desk desk;
    std::jthread sleeper([&] { desk.take_or_sleep(); });
    desk.bring();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step5_EventCount, TwoSleepersGetTheTwoThingsThatCome) {
  const auto scenario = [] {
    Desk desk;
    std::jthread a([&] { desk.take_or_sleep(); });
    std::jthread b([&] { desk.take_or_sleep(); });
    desk.bring();
    desk.bring();
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 12'000, .preemptions = 3, .spurious = 0, .weak = 0}));
}

TEST(Step5_EventCount, WorkThatIsTakenAwayLosesNoLaterWakeUp) {
  const auto scenario = [] {
    Desk desk;
    std::jthread sleeper([&] { desk.take_or_sleep(); });
    desk.bring();
    if (desk.take()) desk.bring();
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 6'000, .preemptions = 3, .spurious = 0, .weak = 0}));
}

TEST(Step5_EventCount, NotifyAllWakesBothOfThem) {
  const auto scenario = [] {
    EventCount events;
    std::atomic<bool> open = false;
    const auto wait = [&] {
      while (!open.load(std::memory_order_relaxed)) {
        const EventCount::Key key = events.prepare_wait();
        if (open.load(std::memory_order_relaxed))
          events.cancel_wait();
        else
          events.wait(key);
      }
    };
    std::jthread a(wait), b(wait);
    open.store(true, std::memory_order_relaxed);
    events.notify_all();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

// Step 10: what it costs.

TEST(Step10_FairAndFast, WhileNobodySleepsANotificationIsFree) {
  const auto scenario = [] {
    EventCount events;
    const auto notify = [&] {
      events.notify_one();
      events.notify_all();
    };
    const explore::Costs before = explore::costs();
    expect_no_cost(notify);
    static_cast<void>(events.prepare_wait());
    events.cancel_wait();
    expect_no_cost(notify);
    EXPECT_EQ(explore::costs().notifications, before.notifications) << "and it wakes nobody";
  };
  EXPECT_TRUE(explore::survives(scenario));
}
