// Chapter 07, step 5: an acceptor that is refused what it needs to go on.

#include "support.hpp"
#include "system_calls.hpp"

#include <new>
#include <stdexcept>

static course::SystemCalls add_calls;  // of epoll_ctl(), to watch a file

extern "C" int epoll_ctl(int epoll, int what, int fd, epoll_event* event) {
  static const auto real = in_the_library<int(int, int, int, epoll_event*)>("epoll_ctl");
  if (what == EPOLL_CTL_ADD && add_calls.fails()) return -1;
  return real(epoll, what, fd, event);
}

using asyncio::Acceptor;

TEST(Step5_Acceptor, IfTheListenerCannotBeWatchedAgainItPausesOnceMore) {
  EpollLoop e;
  int reports = 0, accepted = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) {
    if (++reports == 1) add_calls.fail(ENOSPC);  // when the pause is over
  });
  Acceptor acceptor(e.loop, listen_tcp(0),
                    [&](Fd) {
                      ++accepted;
                      e.loop.stop();
                    },
                    {.pause = 1ms});
  const CallsFail fail(accept_calls, EMFILE);
  const Fd client = client_of(local_port(acceptor.listener()));
  e.loop.call_later(10s, [&] { e.loop.stop(); });  // so that it ends if it never goes on
  e.loop.run_forever();
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(reports, 2);
}

TEST(Step5_Acceptor, WithoutMemoryForThePauseItGoesOn) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    EpollLoop e;
    int accepted = 0;
    e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) {});
    Acceptor acceptor(e.loop, listen_tcp(0),
                      [&](Fd) {
                        ++accepted;
                        e.loop.stop();
                      },
                      {.pause = 1ms});
    const Fd client = client_of(local_port(acceptor.listener()));
    {
      const CallsFail fail(accept_calls, EMFILE);
      static_cast<void>(memory.suffices_for([&] { e.run_once(); }));
    }
    e.loop.call_later(10s, [&] { e.loop.stop(); });  // so that it ends if it never goes on
    if (accepted == 0) e.loop.run_forever();
    EXPECT_EQ(accepted, 1);
  });
  EXPECT_GT(failures, 0);
}

TEST(Step5_Acceptor, AtATimeMeansOneAtLeast) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  for (const int at_a_time : {0, -1})
    EXPECT_THROW(Acceptor(e.loop, listen_tcp(0), [](Fd) {}, {.at_a_time = at_a_time}), std::invalid_argument);
  int accepted = 0;
  const Acceptor acceptor(e.loop, listen_tcp(0), [&](Fd) { ++accepted; }, {.at_a_time = 1});
  const Fd client = client_of(local_port(acceptor.listener()));
  e.run_once();
  EXPECT_EQ(accepted, 1);
}
