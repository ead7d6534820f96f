// Chapter 07, step 4: a handler that is refused.

#include "support.hpp"
#include "system_calls.hpp"

#include <atomic>
#include <csignal>

COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))

TEST(Step4_Signals, AHandlerThatIsRefusedLeavesTheSignalToTheOtherLoop) {
  EpollLoop a;
  EpollLoop b;
  int calls = 0;
  a.loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  {
    const CallsFail fail(epoll_ctl_calls, ENOSPC);
    EXPECT_ANY_THROW(b.loop.add_signal_handler(SIGUSR1, [] {}));
  }
  ::raise(SIGUSR1);
  a.run_once();
  a.run_once();
  EXPECT_EQ(calls, 1) << "nobody has taken it away";
}

TEST(Step4_Signals, WithoutMemoryForAHandlerAllIsAsItWas) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    std::atomic<int> alive = 0;
    EpollLoop a;
    EpollLoop b;
    Log log;
    a.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("a"); });
    Counted counted(alive);
    const bool added = memory.suffices_for([&] {
      b.loop.add_signal_handler(SIGUSR1, [&log, counted = std::move(counted)] { log.push_back("b"); });
    });
    EXPECT_EQ(alive, added ? 1 : 0) << "what is refused is destroyed";
    ::raise(SIGUSR1);
    for (EpollLoop* e : {&a, &b, &a, &b}) e->run_once();
    EXPECT_EQ(log, Log{added ? "b" : "a"});
    b.loop.add_signal_handler(SIGUSR2, [&] { log.push_back("next"); });
    ::raise(SIGUSR2);
    b.run_once();
    b.run_once();
    EXPECT_EQ(log.back(), "next");
  });
  EXPECT_GT(failures, 0);
}
