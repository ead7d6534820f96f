// Chapter 04, step 7: what else the program forks, and a program that is killed.

#include "pitfall_careless_fork.hpp"
#include "sanitizers.hpp"
#include "support.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

using concurrent::checked;
using concurrent::Fd;
using concurrent::ProcessPoolOptions;

namespace {

std::pair<Fd, Fd> make_pipe() {
  std::array<int, 2> ends{};
  checked(::pipe(ends.data()), "pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Forks a process for something else: it touches nothing of the pool, of whose descriptors it has copies,
/// and ends when there is nobody any more who could write what `stop` reads.
pid_t fork_helper(const Fd& stop) {
  const pid_t helper = checked(::fork(), "fork");
  if (helper != 0) return helper;
  char ignored = 0;
  while (::read(stop.get(), &ignored, 1) > 0) continue;
  ::_exit(0);
}

std::mutex log_mutex;

}  // namespace

TEST(Step7_Submit, AWorkerOfAPoolThatWasMadeBeforeIsNotHarmed) {
  ProcessPoolExecutor pool({.max_workers = 1});
  const pid_t child = concurrent::fork_while_locked(log_mutex, [] { return log_mutex.try_lock() ? 0 : 1; });
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1) << "a child that is forked carelessly finds the mutex locked";
  std::lock_guard lock(log_mutex);  // after the fork server was forked, before the worker is
  EXPECT_TRUE(pool.submit([] { return log_mutex.try_lock(); }).result());
}

TEST(Step7_Submit, AnotherProcessOfTheProgramDoesNotKeepItOpen) {
  auto [stop, stops] = make_pipe();
  std::optional<ProcessPoolExecutor> pool(std::in_place, ProcessPoolOptions{.max_workers = 1});
  EXPECT_EQ(pool->submit([] { return 1; }).result(), 1);
  const pid_t helper = fork_helper(stop);
  pool.reset();  // hangs if the end of the pool is the end of a file that the helper has, too
  ::kill(helper, SIGKILL);
  ::waitpid(helper, nullptr, 0);
}

TEST(Step7_Submit, WhenTheProgramIsKilledItsWorkersEndWhoeverElseHasItsFiles) {
  auto [stop, stops] = make_pipe();
  auto [told, tells] = make_pipe();
  const pid_t program = checked(::fork(), "fork");
  if (program == 0) {
    stops.close();
    ProcessPoolExecutor pool({.max_workers = 1});
    const pid_t worker = pool.submit([] { return ::getpid(); }).result();
    fork_helper(stop);
    static_cast<void>(::write(tells.get(), &worker, sizeof worker));
    for (;;) ::pause();
  }
  pid_t worker = 0;
  ASSERT_EQ(::read(told.get(), &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  const Fd its_end(static_cast<int>(checked(::syscall(SYS_pidfd_open, worker, 0), "pidfd_open")));
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  pollfd wanted{its_end.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wanted, 1, -1), 1);  // hangs if the worker runs on
}

TEST(Step7_Submit, ALargeResultForWhichNoDescriptorIsLeftSaysSo) {
  const bool limited = !asyncio::address_sanitizer;  // which needs descriptors of its own
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit([](int number) { return 2 * number; }, 1).result(), 2);
  const int lowest = ::dup(0);
  ::close(lowest);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit limit = before;
  limit.rlim_cur = static_cast<rlim_t>(lowest);
  if (limited) ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto large = pool.submit([] { return std::string(100'000, 'x'); });
  const std::string error = course::error_of([&] { large.result(); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  const std::string wanted = limited ? std::generic_category().message(EMFILE) : "nothing";
  EXPECT_NE(error.find(wanted), std::string::npos) << error;
}
