// Chapter 07, step 2: kernels that know less.

#include "support.hpp"
#include "system_calls.hpp"

#include <chrono>

TEST(Step2_Epoll, WithoutEpollPwait2ItWaitsWithTheOlderCall) {
  for (const int error : {ENOSYS, EPERM}) {
    no_epoll_pwait2 = error;
    EventLoop loop(std::make_unique<asyncio::EpollSelector>());
    const auto begin = std::chrono::steady_clock::now();
    loop.call_later(5ms, [&] { loop.stop(); });
    EXPECT_NO_THROW(loop.run_forever());
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms);
    no_epoll_pwait2 = 0;
  }
}
