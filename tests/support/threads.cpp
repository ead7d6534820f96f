#include "threads.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <thread>

namespace {

/// A thread's state as the kernel shows it, and how often it has been switched off so far.
struct Activity {
  bool blocked = true;
  long switches = 0;
  bool operator==(const Activity&) const = default;
};

std::set<std::string> thread_ids() {
  std::set<std::string> ids;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone))
    ids.insert(task.path().filename());
  return ids;
}

/// Threads that are not the test's: with the first thread, ThreadSanitizer starts one of its own.
const std::set<std::string> not_ours = [] {
  std::thread([] {}).join();
  std::set<std::string> ids = thread_ids();
  ids.erase(std::to_string(gettid()));
  return ids;
}();

std::map<std::string, Activity> other_threads() {
  std::map<std::string, Activity> threads;
  for (const std::string& id : thread_ids()) {
    if (id == std::to_string(gettid()) || not_ours.contains(id)) continue;
    std::ifstream status("/proc/self/task/" + id + "/status");
    Activity activity;
    for (std::string word; status >> word;) {
      if (word == "State:") {
        status >> word;
        activity.blocked = word == "S";
      } else if (word.ends_with("voluntary_ctxt_switches:")) {
        long count = 0;
        status >> count;
        activity.switches += count;
      }
    }
    threads[id] = activity;
  }
  return threads;
}

/// True if the thread is blocked in a call that has a limit of time, as /proc/…/syscall shows it: the number
/// of the call, and its arguments. It shows nothing where the kernel was built without it.
bool waits_with_a_limit(const std::string& id) {
  std::ifstream file("/proc/self/task/" + id + "/syscall");
  long call = -1;
  if (!(file >> call)) return false;  // it runs
  std::uint64_t arguments[6] = {};
  for (std::uint64_t& argument : arguments) file >> std::hex >> argument;
  switch (call) {
    case SYS_futex: {
      const auto what = arguments[1] & FUTEX_CMD_MASK;
      return (what == FUTEX_WAIT || what == FUTEX_WAIT_BITSET) && arguments[3] != 0;
    }
    case SYS_clock_nanosleep:
#ifdef SYS_nanosleep
    case SYS_nanosleep:
#endif
      return true;
#ifdef SYS_poll
    case SYS_poll:
      return static_cast<int>(arguments[2]) >= 0;
#endif
    case SYS_ppoll:
      return arguments[2] != 0;
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
      return arguments[4] != 0;
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
      return static_cast<int>(arguments[3]) >= 0;
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
      return arguments[3] != 0;
#endif
    default:
      return false;
  }
}

}  // namespace

namespace course {

void wait_until_others_block() {
  // A thread that is blocked now may be about to go on. One that is still blocked after we have given the
  // processor away a few times, and that has not run in between, waits for something.
  for (int calm = 0; calm < 4;) {
    const auto before = other_threads();
    for (int i = 0; i < 50; ++i) sched_yield();
    const auto after = other_threads();
    bool all_blocked = before == after;
    for (const auto& [id, activity] : after) all_blocked = all_blocked && activity.blocked;
    calm = all_blocked ? calm + 1 : 0;
  }
}

std::size_t live_threads() { return other_threads().size() + 1; }

std::chrono::nanoseconds cpu_time_of_others_while_this_thread_computes() {
  const auto read = [](clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  // The process's clock runs a little ahead of the sum of its threads' while they run; so both are read
  // around the work.
  const auto threads_before = other_threads();
  const auto process = read(CLOCK_PROCESS_CPUTIME_ID);
  const auto mine = read(CLOCK_THREAD_CPUTIME_ID);
  while (read(CLOCK_THREAD_CPUTIME_ID) - mine < std::chrono::milliseconds(30)) {
  }
  const auto others = (read(CLOCK_PROCESS_CPUTIME_ID) - process) - (read(CLOCK_THREAD_CPUTIME_ID) - mine);
  // A thread that was never switched on has used nothing, whatever the two clocks' readings differ by.
  return other_threads() == threads_before ? std::chrono::nanoseconds(0)
                                           : std::max(others, std::chrono::nanoseconds(1));
}

std::string what_waiting_threads_do() {
  for (const auto& [id, activity] : other_threads())
    if (waits_with_a_limit(id)) return "wake up now and then, to look: the wait has a limit of time";
  const auto used = cpu_time_of_others_while_this_thread_computes();
  if (used.count() > 0) return "use the processor: " + std::to_string(used.count()) + " ns of it";
  return "nothing";
}

}  // namespace course
