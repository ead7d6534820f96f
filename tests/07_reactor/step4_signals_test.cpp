// Chapter 07, step 4: signals.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <thread>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(ssize_t, write, (int fd, const void* bytes, std::size_t size), (fd, bytes, size))

namespace {

bool is_default(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

}  // namespace

TEST(Step4_Signals, ASignalIsACallbackOfTheLoop) {  // AIO-119
  EpollLoop e;
  Log log;
  e.loop.add_signal_handler(
      SIGUSR1, [&](const std::string& name) { log.push_back(name); }, "user 1");
  e.loop.call_soon([&] {
    ::raise(SIGUSR1);
    log.push_back("raised");
  });
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, (Log{"raised", "user 1"}));
  ::raise(SIGUSR1);
  e.run_once();
  EXPECT_EQ(log.size(), 3u) << "the handler stays";
}

TEST(Step4_Signals, ItWakesALoopThatSleepsWhicheverThreadGetsIt) {  // AIO-119
  EpollLoop e;
  e.loop.add_signal_handler(SIGUSR1, [&] { e.loop.stop(); });
  std::jthread other([&] {
    course::wait_until_others_block();
    ::raise(SIGUSR1);  // this thread
  });
  e.loop.run_forever();
}

TEST(Step4_Signals, SignalsThatComeTogetherAreOne) {
  EpollLoop e;
  int first = 0;
  int second = 0;
  e.loop.add_signal_handler(SIGUSR1, [&] { ++first; });
  e.loop.add_signal_handler(SIGUSR2, [&] { ++second; });
  for (int i = 0; i < 3; ++i) ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  e.run_once();
  e.run_once();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  ::raise(SIGUSR2);
  e.run_once();
  EXPECT_EQ(first, 1) << "it has not come again";
  EXPECT_EQ(second, 2);
}

TEST(Step4_Signals, ASecondHandlerReplacesTheFirst) {  // AIO-119
  EpollLoop e;
  std::atomic<int> alive = 0;
  Log log;
  e.loop.add_signal_handler(SIGUSR1, [&, counted = Counted(alive)] { log.push_back("first"); });
  e.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("second"); });
  EXPECT_EQ(alive, 0);
  ::raise(SIGUSR1);
  e.run_once();
  EXPECT_EQ(log, Log{"second"});
}

TEST(Step4_Signals, RemovingItRestoresTheDefault) {  // AIO-119
  EpollLoop e;
  std::atomic<int> alive = 0;
  EXPECT_FALSE(e.loop.remove_signal_handler(SIGUSR1));
  e.loop.add_signal_handler(SIGUSR1, [counted = Counted(alive)] {});
  EXPECT_FALSE(is_default(SIGUSR1));
  EXPECT_TRUE(e.loop.remove_signal_handler(SIGUSR1));
  EXPECT_TRUE(is_default(SIGUSR1));
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(e.loop.remove_signal_handler(SIGUSR1));
}

TEST(Step4_Signals, AfterARemovalOthersAreStillHandled) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGUSR1, [] {});
  e.loop.remove_signal_handler(SIGUSR1);
  e.loop.add_signal_handler(SIGUSR2, [&] { ++calls; });
  e.loop.add_signal_handler(SIGUSR1, [] {});
  e.loop.remove_signal_handler(SIGUSR1);
  ::raise(SIGUSR2);
  e.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step4_Signals, WhatHasComeBeforeARemovalIsForgotten) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  ::raise(SIGUSR1);
  e.loop.remove_signal_handler(SIGUSR1);
  e.loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  e.run_once();
  EXPECT_EQ(calls, 0);
}

TEST(Step4_Signals, OneMayReplaceOrRemoveAnotherThatHasComeInTheSamePass) {
  EpollLoop e;
  Log log;
  e.loop.add_signal_handler(SIGUSR1,
                            [&] { e.loop.add_signal_handler(SIGUSR2, [&] { log.push_back("removed"); }); });
  e.loop.add_signal_handler(SIGUSR2, [&] { log.push_back("replaced"); });
  const auto both_come = [&] {
    ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    e.run_once();
    e.run_once();
  };
  both_come();
  EXPECT_EQ(log, Log{});
  e.loop.add_signal_handler(SIGUSR1, [&] { e.loop.remove_signal_handler(SIGUSR2); });
  both_come();
  EXPECT_EQ(log, Log{});
}

TEST(Step4_Signals, AWakeUpHidesNoSignal) {
  for (const bool wakes_first : {true, false}) {
    EpollLoop e;
    int calls = 0;
    e.loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
    if (wakes_first) e.loop.selector().wake();
    ::raise(SIGUSR1);
    if (!wakes_first) e.loop.selector().wake();
    e.run_once();
    e.run_once();
    EXPECT_EQ(calls, 1) << "its counter, watched by edge, is told of once";
  }
}

TEST(Step4_Signals, TheEndOfAHandlerMayAddAndRemoveHandlers) {
  struct End {
    std::function<void()> call;
    explicit End(std::function<void()> call) : call(std::move(call)) {}
    End(End&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
    ~End() {
      if (call) call();
    }
  };
  std::atomic<int> alive = 0;
  EpollLoop e;
  Log log;
  const auto add_next = [&] {
    e.loop.add_signal_handler(SIGUSR1, [&log, counted = Counted(alive)] { log.push_back("next"); });
  };
  e.loop.add_signal_handler(SIGUSR1, [end = End(add_next)] {});
  EXPECT_TRUE(e.loop.remove_signal_handler(SIGUSR1));
  EXPECT_EQ(alive, 1);
  ::raise(SIGUSR1);
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, Log{"next"}) << "it was added at the end of the one that was removed";
  e.loop.add_signal_handler(SIGUSR1, [end = End(add_next)] {});
  e.loop.add_signal_handler(SIGUSR1, [] {});
  EXPECT_TRUE(e.loop.remove_signal_handler(SIGUSR1));
  EXPECT_EQ(alive, 0) << "nobody is forgotten";
  e.loop.add_signal_handler(SIGUSR1, [end = End([&] { e.loop.remove_signal_handler(SIGUSR2); })] {});
  e.loop.add_signal_handler(SIGUSR2, [] {});
  EXPECT_TRUE(e.loop.remove_signal_handler(SIGUSR1));
  EXPECT_TRUE(is_default(SIGUSR2));
  add_next();
  ::raise(SIGUSR1);
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, (Log{"next", "next"}));
}

TEST(Step4_Signals, AHandlerMayRemoveItself) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGUSR1, [&] { ++calls, e.loop.remove_signal_handler(SIGUSR1); });
  ::raise(SIGUSR1);
  e.run_once();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(is_default(SIGUSR1));
}

TEST(Step4_Signals, CloseRemovesAll) {  // AIO-12, AIO-119
  EpollLoop e;
  e.loop.add_signal_handler(SIGUSR1, [] {});
  e.loop.add_signal_handler(SIGUSR2, [] {});
  e.loop.close();
  EXPECT_TRUE(is_default(SIGUSR1));
  EXPECT_TRUE(is_default(SIGUSR2));
  EXPECT_EQ(error_of([&] { e.loop.add_signal_handler(SIGUSR1, [] {}); }), "Event loop is closed");
}

TEST(Step4_Signals, NotEverySignalCanBeCaught) {  // AIO-119
  EpollLoop e;
  EXPECT_THROW(e.loop.add_signal_handler(0, [] {}), std::invalid_argument);
  EXPECT_THROW(e.loop.add_signal_handler(SIGRTMAX + 1, [] {}), std::invalid_argument);
  EXPECT_THROW(e.loop.add_signal_handler(100'000, [] {}), std::invalid_argument);
  EXPECT_EQ(error_of([&] { e.loop.add_signal_handler(SIGKILL, [] {}); }), "sig 9 cannot be caught");
  for (const int number : {SIGKILL, -1, 0, 1'000'000'000}) EXPECT_FALSE(e.loop.remove_signal_handler(number));
}

TEST(Step4_Signals, OfTwoLoopsTheLastThatAskedIsTold) {
  EpollLoop a;
  EpollLoop b;
  Log log;
  a.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("a"); });
  b.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("b"); });
  ::raise(SIGUSR1);
  a.run_once();
  b.run_once();
  EXPECT_EQ(log, Log{"b"});
  EXPECT_TRUE(a.loop.remove_signal_handler(SIGUSR1));
  EXPECT_FALSE(is_default(SIGUSR1)) << "it is not a's any more";
  ::raise(SIGUSR1);
  b.run_once();
  EXPECT_EQ(log, (Log{"b", "b"}));
}

TEST(Step4_Signals, WhoTakesASignalOverIsToldOfWhatHasCome) {
  EpollLoop a;
  EpollLoop b;
  Log log;
  a.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("a"); });
  b.loop.add_signal_handler(SIGUSR2, [&] { log.push_back("2"); });
  ::raise(SIGUSR1);
  b.run_once();  // it is not b's yet; a does not look
  b.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("b"); });
  for (EpollLoop* e : {&a, &b, &a, &b}) e->run_once();
  EXPECT_EQ(log, Log{"b"}) << "no signal is lost, whoever has looked before";
}

TEST(Step4_Signals, AnotherLoopsSignalHidesNoneOfOnesOwn) {
  EpollLoop a;
  EpollLoop b;
  Log log;
  for (const int number : {SIGUSR1, SIGUSR2, SIGHUP})
    a.loop.add_signal_handler(number, [&log, number] { log.push_back(std::to_string(number)); });
  b.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("b"); });
  for (const int number : {SIGUSR1, SIGUSR2, SIGHUP}) ::raise(number);
  a.run_once();
  a.run_once();
  std::ranges::sort(log);  // nobody says which of them is first
  EXPECT_EQ(log, (Log{std::to_string(SIGHUP), std::to_string(SIGUSR2)}));
  b.run_once();
  b.run_once();
  EXPECT_EQ(log.back(), "b");
}

TEST(Step4_Signals, ASignalLeavesErrnoAlone) {
  EpollLoop e;
  e.loop.add_signal_handler(SIGUSR1, [] {});
  const course::CallsFail fail(write_calls, EAGAIN,
                               course::every_time);  // so that waking the loop is an error
  errno = EDOM;
  ::raise(SIGUSR1);
  const int error = errno;
  EXPECT_EQ(error, EDOM) << "errno is to be what it was before";
}

TEST(Step4_Signals, TheLastOfAllSignalsCanBeHandledToo) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGRTMAX, [&] { ++calls; });
  ::raise(SIGRTMAX);
  e.run_once();
  e.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step4_Signals, InDebugModeOtherThreadsAreRefused) {  // AIO-14
  EpollLoop e;
  e.loop.set_debug(true);
  e.loop.add_signal_handler(SIGUSR2, [] {});
  std::string refused_add;
  std::string refused_remove;
  e.loop.call_soon([&] {
    std::jthread([&] {
      refused_add = error_of([&] { e.loop.add_signal_handler(SIGUSR1, [] {}); });
      refused_remove = error_of([&] { e.loop.remove_signal_handler(SIGUSR2); });
    }).join();
    e.loop.stop();
  });
  e.loop.run_forever();
  EXPECT_TRUE(refused_add.starts_with("Non-thread-safe operation")) << refused_add;
  EXPECT_TRUE(refused_remove.starts_with("Non-thread-safe operation")) << refused_remove;
  EXPECT_TRUE(is_default(SIGUSR1));
  EXPECT_FALSE(is_default(SIGUSR2));
}
