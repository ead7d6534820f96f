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

TEST(Step5_Threadsafe, AnyThreadMayCancelWhatWasPosted) {  // AIO-13
  VirtualLoop v;
  Log log;
  std::thread::id destroyed_by;
  struct Tell {
    std::thread::id* where;
    explicit Tell(std::thread::id& id) : where(&id) {}
    Tell(Tell&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
    ~Tell() {
      if (where) *where = std::this_thread::get_id();
    }
  };
  Handle handle = v.loop.call_soon_threadsafe([&, tell = Tell(destroyed_by)] { log.push_back("cancelled"); });
  Handle other = v.loop.call_soon_threadsafe([&] { log.push_back("other"); });
  std::jthread([copy = handle]() mutable { copy.cancel(); }).join();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_FALSE(other.cancelled());
  v.run_once();
  EXPECT_EQ(log, Log{"other"});
  EXPECT_TRUE(destroyed_by == std::this_thread::get_id())
      << (destroyed_by == std::thread::id() ? "nobody has destroyed it: dispatch() of step 2 drops it"
                                            : "the loop destroys it, not who cancels it");
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
