// Chapter 07, step 5: an acceptor that is refused what it needs to go on.

#include "moved_clock.hpp"
#include "support.hpp"
#include "system_calls.hpp"

#include <exception>
#include <new>
#include <stdexcept>
#include <vector>

static course::SystemCalls add_calls;  // of epoll_ctl(), to watch a file

extern "C" int epoll_ctl(int epoll, int what, int fd, epoll_event* event) {
  static const auto real = in_the_library<int(int, int, int, epoll_event*)>("epoll_ctl");
  if (what == EPOLL_CTL_ADD && add_calls.fails()) return -1;
  return real(epoll, what, fd, event);
}

using asyncio::Acceptor;

namespace {

/// A loop keeps the memory of its timers for others. These handles take all that it has.
std::vector<asyncio::TimerHandle> all_timers_there_is_memory_for(EpollLoop& e) {
  std::vector<asyncio::TimerHandle> timers;
  timers.reserve(1'000'000);
  const auto add = [&] { timers.push_back(e.loop.call_later(0ns, [&e] { static_cast<void>(e); })); };
  for (int i = 0; i < 60; ++i) add();  // so that the loop's queue has room for them
  e.run_once();
  for (course::Memory none(1); !none.ran_out(); e.run_once())
    for (int i = 0; i < 50 && none.suffices_for(add);) ++i;
  return timers;
}

}  // namespace

TEST(Step5_Acceptor, IfTheListenerCannotBeWatchedAgainItPausesOnceMore) {
  EpollLoop e;
  int reports = 0, accepted = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    if (++reports == 1) return add_calls.fail(ENOSPC);  // when the pause is over
    EXPECT_EQ(context.message, "accept() is out of resources");
    ASSERT_TRUE(context.exception) << "the second report says why, as the first does";
    EXPECT_EQ(code_of([&] { std::rethrow_exception(context.exception); }).value(), ENOSPC);
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

TEST(Step5_Acceptor, IfTheListenerCannotBeWatchedAgainAndThereIsNoMemoryForAPauseItGoesOn) {
  EpollLoop e;
  int accepted = 0;
  e.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  const Acceptor acceptor(e.loop, listen_tcp(0), [&](Fd) { ++accepted; }, {.pause = 1h});
  const Fd client = client_of(local_port(acceptor.listener()));
  {
    const CallsFail fail(accept_calls, EMFILE);
    e.run_once();  // and so it pauses
  }
  const auto timers = all_timers_there_is_memory_for(e);
  course::let_time_pass(1h);
  {
    const CallsFail fail(add_calls, ENOSPC, course::every_time);
    const course::NoMemory none;
    e.run_once();  // the end of the pause
  }
  for (int i = 0; i < 5; ++i) {
    course::let_time_pass(1h);
    e.run_once();
  }
  EXPECT_EQ(accepted, 1);
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
