// Chapter 07, step 3: readers and writers.

#include "support.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>

TEST(Step3_Watch, AReaderIsCalledWheneverThereIsSomethingToRead) {  // AIO-99
  EpollLoop e;
  const auto [here, there] = socket_pair();
  Log log;
  e.loop.add_reader(
      here.get(), [&](const Fd& fd, const std::string& name) { log.push_back(name + " " + get(fd)); },
      std::cref(here), std::string("a reader of many words"));
  for (const char* text : {"a", "b"}) {
    put(there, text);
    e.run_once();
    e.run_once();
  }
  EXPECT_EQ(log, (Log{"a reader of many words a", "a reader of many words b"}));
}

TEST(Step3_Watch, AWriterIsCalledWheneverThereIsRoom) {  // AIO-99
  EpollLoop e;
  const auto [here, there] = socket_pair();
  int calls = 0;
  e.loop.add_writer(here.get(), [&] { ++calls; });
  e.run_once();
  e.run_once();
  EXPECT_EQ(calls, 2);
  fill(here);
  e.run_once();
  EXPECT_EQ(calls, 2);
}

TEST(Step3_Watch, ALoopThatSleepsIsWokenByAFile) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  e.loop.add_reader(here.get(), [&] { e.loop.stop(); });
  std::jthread other([&] {
    course::wait_until_others_block();
    put(there, "hello");
  });
  e.loop.run_forever();
}

TEST(Step3_Watch, AReaderMayRemoveItself) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  std::atomic<int> alive = 0;
  int alive_after_it = 0;
  e.loop.add_reader(here.get(), [&, counted = Counted(alive)] {
    EXPECT_TRUE(e.loop.remove_reader(here.get()));
    alive_after_it = alive;
  });
  e.run_once();
  EXPECT_EQ(alive_after_it, 1) << "what runs is not destroyed";
  EXPECT_EQ(alive, 0);
  e.run_once();
}

TEST(Step3_Watch, AReaderMayReplaceItself) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  Log log;
  e.loop.add_reader(here.get(), [&, name = std::string("first, which is a long name")] {
    e.loop.add_reader(here.get(), [&] { log.push_back("second"); });
    log.push_back(name);
  });
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, (Log{"first, which is a long name", "second"}));
}

TEST(Step3_Watch, OneMayRemoveAnotherThatIsReadyInTheSamePass) {  // AIO-99
  EpollLoop e;
  const auto [a, a_peer] = socket_pair();
  const auto [b, b_peer] = socket_pair();
  put(a_peer, "hello");
  put(b_peer, "hello");
  int calls = 0;
  e.loop.add_reader(a.get(), [&] { ++calls, e.loop.remove_reader(b.get()); });
  e.loop.add_reader(b.get(), [&] { ++calls, e.loop.remove_reader(a.get()); });
  e.run_once();
  EXPECT_EQ(calls, 1) << "whichever comes first, the other is not called any more";
}

TEST(Step3_Watch, AFileMayBeClosedAndItsNumberUsedAgainInTheSamePass) {
  EpollLoop e;
  auto [a, a_peer] = socket_pair();
  auto [b, b_peer] = socket_pair();
  const std::array<int, 2> numbers{a.get(), b.get()};
  put(a_peer, "hello");
  put(b_peer, "hello");
  Log log;
  std::optional<std::pair<Fd, Fd>> fresh;
  const auto first = [&](Fd& other) {
    log.push_back("first");
    const int number = other.get();
    e.loop.remove_reader(number);
    other.close();
    fresh = socket_pair();  // takes the lowest number that is free
    ASSERT_EQ(fresh->first.get(), number);
    e.loop.add_reader(number, [&] { log.push_back("fresh " + get(fresh->first)); });
  };
  e.loop.add_reader(a.get(), [&] { e.loop.remove_reader(numbers[0]), first(b); });
  e.loop.add_reader(b.get(), [&] { e.loop.remove_reader(numbers[1]), first(a); });
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, Log{"first"}) << "what was ready was the old file";
  put(fresh->second, "news");
  e.run_once();
  EXPECT_EQ(log, (Log{"first", "fresh news"}));
}

TEST(Step3_Watch, WhatAReaderThrowsGoesToTheHandlerAndItStays) {  // AIO-16
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  int told = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++told; });
  e.loop.add_reader(here.get(), [] { throw std::runtime_error("no"); });
  e.run_once();
  e.run_once();
  EXPECT_EQ(told, 2);
}

TEST(Step3_Watch, ABusyLoopStillSeesFiles) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  int passes = 0;
  std::function<void()> again = [&] {
    if (++passes < 100'000) e.loop.call_soon(std::ref(again));
  };
  e.loop.call_soon(std::ref(again));
  e.loop.add_reader(here.get(), [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_LE(passes, 100) << "a file waits for 64 callbacks, not for ever";
}

TEST(Step3_Watch, OfManyFilesNoneIsForgotten) {
  EpollLoop e;
  std::vector<std::pair<Fd, Fd>> pairs;
  int calls = 0;
  for (int i = 0; i < 400; ++i) {
    const auto& [here, there] = pairs.emplace_back(socket_pair());
    put(there, "hello");
    e.loop.add_reader(here.get(), [&calls, fd = here.get()] {
      std::array<char, 8> room{};
      calls += ::read(fd, room.data(), room.size()) == 5;
    });
  }
  for (int pass = 0; pass < 400 && calls < 400; ++pass) e.run_once();
  EXPECT_EQ(calls, 400);
}

TEST(Step3_Watch, WhatIsReadyWhenTheLoopStopsIsCalledOnce) {  // AIO-08
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  int calls = 0;
  e.loop.add_reader(here.get(), [&] { ++calls, get(here); });
  e.run_once();
  e.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step3_Watch, CloseDropsReadersAndTakesNoMore) {  // AIO-12, AIO-99
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  std::atomic<int> alive = 0;
  int calls = 0;
  e.loop.add_reader(here.get(), [&, counted = Counted(alive)] { ++calls; });
  e.loop.add_writer(here.get(), [counted = Counted(alive)] {});
  e.run_once();
  EXPECT_EQ(calls, 1);
  e.loop.close();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(error_of([&] { e.loop.add_reader(here.get(), [] {}); }), "Event loop is closed");
  EXPECT_FALSE(e.loop.remove_reader(here.get()));
  EXPECT_FALSE(e.loop.remove_writer(here.get()));
}

TEST(Step3_Watch, CloseDropsReadersThatHaveThrown) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  std::atomic<int> alive = 0;
  e.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  e.loop.add_reader(here.get(), [counted = Counted(alive)] { throw std::runtime_error("no"); });
  e.run_once();
  e.loop.close();
  EXPECT_EQ(alive, 0) << "what has thrown is not running any more";
}

TEST(Step3_Watch, TheEndOfALoopDropsReaders) {
  std::atomic<int> alive = 0;
  const auto [here, there] = socket_pair();
  {
    EpollLoop e;
    e.loop.add_reader(here.get(), [counted = Counted(alive)] {});
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Watch, AReaderThatIsDestroyedMayRemoveOthers) {
  EpollLoop e;
  const auto [a, a_peer] = socket_pair();
  const auto [b, b_peer] = socket_pair();
  struct Remover {
    EventLoop* loop;
    int fd;
    Remover(EventLoop& loop, int fd) : loop(&loop), fd(fd) {}
    Remover(Remover&& other) noexcept : loop(std::exchange(other.loop, nullptr)), fd(other.fd) {}
    ~Remover() {
      if (loop) loop->remove_reader(fd);
    }
  };
  e.loop.add_reader(a.get(), [remover = Remover(e.loop, b.get())] {});
  e.loop.add_reader(b.get(), [remover = Remover(e.loop, a.get())] {});
  EXPECT_TRUE(e.loop.remove_reader(a.get()));
  EXPECT_FALSE(e.loop.remove_reader(b.get()));
}

TEST(Step3_Watch, AReaderThatIsDestroyedMayWatchItsFileAnew) {
  EpollLoop e;
  int calls = 0;
  const auto [here, there] = socket_pair();
  struct Watcher {
    EventLoop* loop;
    int fd;
    int& calls;
    Watcher(EventLoop& loop, int fd, int& calls) : loop(&loop), fd(fd), calls(calls) {}
    Watcher(Watcher&& other) noexcept
        : loop(std::exchange(other.loop, nullptr)), fd(other.fd), calls(other.calls) {}
    ~Watcher() {
      if (loop) loop->add_reader(fd, [&calls = calls] { ++calls; });
    }
  };
  e.loop.add_reader(here.get(), [watcher = Watcher(e.loop, here.get(), calls)] {});
  EXPECT_TRUE(e.loop.remove_reader(here.get()));
  put(there, "hello");
  e.run_once();
  e.run_once();
  EXPECT_GE(calls, 1) << "the one that was added meanwhile is watched";
}

TEST(Step3_Watch, OnlyALoopWithAnEpollSelectorHasReaders) {
  const auto [here, there] = socket_pair();
  EpollLoop e;
  e.loop.add_reader(here.get(), [] {});
  EventLoop loop;
  EXPECT_THROW(loop.add_reader(here.get(), [] {}), std::logic_error);
  EXPECT_THROW(loop.remove_reader(here.get()), std::logic_error);
}

TEST(Step3_Watch, InDebugModeOtherThreadsAreRefused) {  // AIO-14
  EpollLoop e;
  e.loop.set_debug(true);
  const auto [here, there] = socket_pair();
  e.loop.add_reader(here.get(), [] {});  // which this thread may
  std::string refused_add;
  std::string refused_remove;
  e.loop.call_soon([&] {
    std::jthread([&] {
      refused_add = error_of([&] { e.loop.add_reader(here.get(), [] {}); });
      refused_remove = error_of([&] { e.loop.remove_reader(here.get()); });
    }).join();
    e.loop.stop();
  });
  e.loop.run_forever();
  EXPECT_TRUE(refused_add.starts_with("Non-thread-safe operation")) << refused_add;
  EXPECT_TRUE(refused_remove.starts_with("Non-thread-safe operation")) << refused_remove;
}
