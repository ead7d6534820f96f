// Chapter 07, step 3: processes that share an epoll.

#include "support.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>

TEST(Step3_Watch, AChildThatEndsItsCopyOfTheLoopTakesNothingFromItsParent) {
  std::array<int, 2> ends{};
  checked(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
  const Fd read_end(ends[0]), write_end(ends[1]);
  int calls = 0;
  EventLoop loop(std::make_unique<asyncio::EpollSelector>());
  loop.add_reader(read_end.get(), [&] {
    ++calls;
    loop.stop();
  });
  const pid_t child = checked(::fork(), "fork");
  if (child == 0) {
    loop.close();
    ::_exit(0);
  }
  checked(::waitpid(child, nullptr, 0), "waitpid");
  checked(::write(write_end.get(), "x", 1), "write");
  loop.call_later(10s, [&] { loop.stop(); });  // so that it ends if it is told of nothing
  loop.run_forever();
  EXPECT_EQ(calls, 1);
}
