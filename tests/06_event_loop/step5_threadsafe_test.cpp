// Chapter 06, step 5: from other threads.

#include "support.hpp"

#include <array>
#include <cstddef>
#include <thread>

TEST(Step5_Threadsafe, WhatIsPostedJoinsTheSameQueue) {  // AIO-13
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] { log.push_back("a"); });
  std::jthread([&] {
    v.loop.call_soon_threadsafe([&](std::string text) { log.push_back(text); }, "b");
    v.loop.call_soon_threadsafe([&] { log.push_back("c"); });
  }).join();
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(Step5_Threadsafe, TheLoopsOwnThreadMayPostToo) {  // AIO-13
  VirtualLoop v;
  Log log;
  v.loop.call_soon_threadsafe([&] {
    v.loop.call_soon_threadsafe([&] { log.push_back("b"); });
    log.push_back("a");
  });
  v.run_once();
  EXPECT_EQ(log, Log{"a"}) << "in the next pass, as call_soon()";
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b"}));
}

TEST(Step5_Threadsafe, WhatIsPostedComesBetweenWhatIsReadyAndWhatIsDue) {  // AIO-13
  VirtualLoop v;
  v.loop.call_later(-1s, [&] { v.note("due"); });
  std::jthread([&] { v.loop.call_soon_threadsafe([&] { v.note("posted"); }); }).join();
  v.loop.call_soon([&] { v.note("ready"); });
  v.run_once();
  EXPECT_EQ(v.log, (Log{"0 ready", "0 posted", "0 due"}));
}

TEST(Step5_Threadsafe, WhatIsPostedDuringASleepRunsBeforeWhatIsDueAtItsEnd) {  // AIO-13
  struct Disturbed final : Selector {
    VirtualTimeSelector clock;
    std::function<void()> meanwhile;
    void select(std::optional<Duration> timeout) override {
      if (meanwhile) std::jthread(std::exchange(meanwhile, nullptr)).join();
      if (timeout) clock.advance(*timeout);
    }
    void wake() override {}
    TimePoint now() override { return clock.now(); }
  };
  auto owned = std::make_unique<Disturbed>();
  Disturbed& selector = *owned;
  EventLoop loop(std::move(owned));
  Log log;
  selector.meanwhile = [&] { loop.call_soon_threadsafe([&] { log.push_back("posted"); }); };
  loop.call_later(1s, [&] {
    log.push_back("due");
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(log, (Log{"posted", "due"})) << "a pass sleeps first, and then collects what was posted";
}

TEST(Step5_Threadsafe, WhatIsPostedIsDestroyedBeforeTheNextRunsThoughSomebodyHasItsHandle) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  int seen = -1;
  const Handle handle = v.loop.call_soon_threadsafe([counted = Counted(alive)] {});
  v.loop.call_soon_threadsafe([&] { seen = alive; });
  v.run_once();
  EXPECT_EQ(seen, 0);
}

TEST(Step5_Threadsafe, OthersMayPostWhileACallbackRuns) {  // AIO-13
  VirtualLoop v;
  v.loop.call_soon([&] {
    std::jthread([&] { v.loop.call_soon_threadsafe([&] { v.note("posted"); }); }).join();
    v.note("ready");
  });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 ready", "1 posted"})) << "no callback runs under the lock";
}

TEST(Step5_Threadsafe, WithoutMemoryAPostIsRefusedAndItsCallbackDestroyed) {
  const int refused = course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    std::atomic<int> alive = 0;
    int calls = 0;
    for (int i = 0; i < 4; ++i) v.loop.call_soon_threadsafe([&] { ++calls; });
    const bool posted =
        memory.suffices_for([&] { v.loop.call_soon_threadsafe([&, counted = Counted(alive)] { ++calls; }); });
    EXPECT_EQ(alive, posted ? 1 : 0) << "what is refused is destroyed, and nothing else is";
    v.run_once();
    EXPECT_EQ(calls, posted ? 5 : 4);
  });
  EXPECT_GT(refused, 0);
}

TEST(Step5_Threadsafe, MemoryThatRunsOutInAPassLosesNoPost) {
  course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    std::vector<int> ran;
    ran.reserve(20);
    for (int i = 0; i < 10; ++i) v.loop.call_soon_threadsafe([&, i] { ran.push_back(i); });
    static_cast<void>(memory.suffices_for([&] { v.run_once(); }));
    v.run_once();
    EXPECT_EQ(ran, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
        << "what was posted runs in the next pass, once and in order";
  });
}

TEST(Step5_Threadsafe, WhatTheLoopsOwnThreadHasPostedCanBeCancelled) {  // AIO-13
  VirtualLoop v;
  Handle handle;
  v.loop.call_soon([&] {
    handle = v.loop.call_soon_threadsafe([&] { v.note("cancelled"); });
    v.loop.call_soon_threadsafe([&] { v.note("other"); });
    EXPECT_TRUE(handle);
    handle.cancel();
  });
  v.passes(2);
  EXPECT_TRUE(handle.cancelled());
  EXPECT_EQ(v.log, Log{"1 other"});
}

TEST(Step5_Threadsafe, APostWakesALoopThatSleeps) {  // AIO-13
  for (const bool with_timer : {false, true}) {
    EventLoop loop;
    if (with_timer) loop.call_later(24h, nothing);
    std::thread::id where;
    std::jthread runner([&] { loop.run_forever(); });
    course::wait_until_others_block();
    loop.call_soon_threadsafe([&] {
      where = std::this_thread::get_id();
      loop.stop();
    });
    const std::thread::id runner_id = runner.get_id();
    runner.join();
    EXPECT_EQ(where, runner_id);
  }
}

TEST(Step5_Threadsafe, FourThreadsLoseNothingAndEachKeepsItsOrder) {  // AIO-13
  constexpr int each = 5'000;
  EventLoop loop;
  std::array<int, 4> next{};
  int disorder = 0;
  int ran = 0;
  {
    std::vector<std::jthread> posters;
    for (std::size_t poster = 0; poster < 4; ++poster)
      posters.emplace_back([&, poster] {
        for (int i = 0; i < each; ++i)
          loop.call_soon_threadsafe([&, poster, i] {
            disorder += next[poster]++ != i;
            if (++ran == 4 * each) loop.stop();
          });
      });
    loop.run_forever();
  }
  EXPECT_EQ(ran, 4 * each);
  EXPECT_EQ(disorder, 0);
}

namespace {

/// Notes by which thread it is destroyed.
struct Tell {
  std::thread::id* where;
  explicit Tell(std::thread::id& id) : where(&id) {}
  Tell(Tell&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
  ~Tell() {
    if (where) *where = std::this_thread::get_id();
  }
};

}  // namespace

TEST(Step5_Threadsafe, AnyThreadMayCancelWhatWasPosted) {  // AIO-13
  VirtualLoop v;
  Log log;
  std::thread::id destroyed_by;
  Handle handle = v.loop.call_soon_threadsafe([&, tell = Tell(destroyed_by)] { log.push_back("cancelled"); });
  Handle other = v.loop.call_soon_threadsafe([&] { log.push_back("other"); });
  std::jthread([copy = handle]() mutable { copy.cancel(); }).join();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_FALSE(other.cancelled());
  v.run_once();
  EXPECT_EQ(log, Log{"other"});
  EXPECT_TRUE(destroyed_by == std::this_thread::get_id())
      << (destroyed_by == std::thread::id() ? "nobody has destroyed it, though its turn has come"
                                            : "the loop destroys it, not who cancels it");
}

TEST(Step5_Threadsafe, AnyThreadMayCancelWhatTheLoopsOwnThreadHasPosted) {  // AIO-13
  VirtualLoop v;
  std::thread::id destroyed_by;
  Handle handle;
  v.loop.call_soon([&] {
    handle = v.loop.call_soon_threadsafe([&, tell = Tell(destroyed_by)] { v.note("cancelled"); });
    v.loop.call_soon_threadsafe([&] { v.note("other"); });
  });
  v.run_once();
  std::jthread([copy = handle]() mutable { copy.cancel(); }).join();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(destroyed_by == std::thread::id()) << "the loop destroys it, when its turn comes";
  v.run_once();
  EXPECT_EQ(v.log, Log{"1 other"});
  EXPECT_TRUE(destroyed_by == std::this_thread::get_id())
      << "what came through call_soon_threadsafe() is for any thread, though the loop's own has posted it";
}

TEST(Step5_Threadsafe, FromTheLoopsOwnThreadItKeepsTheOrder) {
  VirtualLoop v;
  v.loop.call_soon_threadsafe([&] {
    v.loop.call_soon([&] { v.note("first"); });
    v.loop.call_soon_threadsafe([&] { v.note("second"); });
    v.loop.call_soon([&] { v.note("third"); });
  });
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 first", "1 second", "1 third"}));
}
