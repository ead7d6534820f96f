// Runs each of the typical bugs many times as it is, or as ThreadSanitizer makes it: one line for each, with
// what came of it and after how many seconds.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <new>
#include <span>
#include <string_view>
#include <thread>

#include "table_programs.hpp"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int most_runs = 10'000, check_has_failed = 42, reported = 66;
constexpr auto too_long = 3s;

/// How many runs the child process has got through.
std::atomic<int>& runs() {
  static auto* const shared =
      new (mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
          std::atomic<int>;
  return *shared;
}

std::string_view meaning(int status) {
  if (WIFSIGNALED(status)) return "crash";
  switch (WEXITSTATUS(status)) {
    case 0:
      return "-";
    case check_has_failed:
      return "check";
    case reported:
      return "report";
    default:
      return "crash";
  }
}

/// @returns "-", or what has gone wrong
std::string_view run_often(void (*program)()) {
  runs() = 0;
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    for (; runs() < most_runs; ++runs()) program();
    _exit(0);
  }
  int before = 0, status = 0;
  for (auto time = Clock::now(); waitpid(child, &status, WNOHANG) != child;) {
    std::this_thread::sleep_for(1ms);
    if (const int now = runs(); now != before) {
      before = now;
      time = Clock::now();
    } else if (Clock::now() - time > too_long) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return "hang";
    }
  }
  return meaning(status);
}

}  // namespace

void self_test::check(bool holds) {
  if (!holds) _exit(check_has_failed);
}

int main() {
  for (const self_test::Program& program : self_test::typical_bugs()) {
    const auto begin = Clock::now();
    const std::string_view found = run_often(program.run);
    std::printf("%s %.2f\n", found.data(), std::chrono::duration<double>(Clock::now() - begin).count());
    std::fflush(stdout);
  }
}
