#include "sandbox.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "processes.hpp"
#include "protocol.hpp"
#include "seclusion.hpp"

namespace grader {
namespace {

constexpr long landlock_create = 444, landlock_restrict = 446;  // system calls, the same on every machine

/// Switches to a user of which there is no other process, not even another test's: the kernel counts threads
/// per user.
bool become_somebody_else() {
  if (setgroups(0, nullptr) != 0) return false;
  uid_t chance = 0;
  if (getrandom(&chance, sizeof chance, 0) < 0) chance = static_cast<uid_t>(getpid());
  // If there are only 65,536 users, take one from the range that systemd leaves unused.
  for (const uid_t user : {1'000'000'000 + chance % 1'000'000'000, 60'800 + chance % 200})
    if (setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0) return true;
  return false;
}

bool put(const char* path, const std::string& text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Mounts the current folder over itself, read-only, so that a submission cannot change sources, binaries or
/// results.
void protect_folder() {
  const std::string folder = std::filesystem::current_path();
  struct statvfs status {};
  if (mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) != 0 || chdir(folder.c_str()) != 0)
    return;
  if (statvfs(".", &status) != 0) return;
  // A user namespace must keep the flags that the mount already has.
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;
  for (const auto& [has, keep] : {std::pair<unsigned long, unsigned long>{ST_NOSUID, MS_NOSUID},
                                  {ST_NODEV, MS_NODEV},
                                  {ST_NOEXEC, MS_NOEXEC},
                                  {ST_NOATIME, MS_NOATIME},
                                  {ST_RELATIME, MS_RELATIME}})
    if ((status.f_flag & has) != 0) flags |= keep;
  mount(nullptr, folder.c_str(), nullptr, flags, nullptr);
}

/// Keeps the test from sending signals to other processes, by Landlock. For systems without namespaces; it
/// needs Linux 6.12.
bool keep_signals_inside() {
  struct {
    std::uint64_t files = 0, network = 0, scoped = 2;
  } rules;
  const Fd ruleset(static_cast<int>(syscall(landlock_create, &rules, sizeof rules, 0)));
  return ruleset && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(landlock_restrict, ruleset.get(), 0) == 0;
}

void set_limit(decltype(RLIMIT_CPU) resource, rlim_t soft, rlim_t hard) {
  rlimit now{};
  getrlimit(resource, &now);
  hard = std::min(hard, now.rlim_max);
  const rlimit fresh{.rlim_cur = std::min(soft, hard), .rlim_max = hard};
  setrlimit(resource, &fresh);
}

/// Removes from the environment what could choose other tests than the grader did, or write files in its
/// name.
void clean_environment() {
  std::vector<std::string> unwanted{"TESTBRIDGE_TEST_ONLY", "TEST_PREMATURE_EXIT_FILE", "XML_OUTPUT_FILE"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name(*entry, std::strcspn(*entry, "="));
    if (name.starts_with("GTEST_") || name.starts_with("GRADER_") || name == "LD_PRELOAD")
      unwanted.push_back(name);
  }
  for (const std::string& name : unwanted) unsetenv(name.c_str());
  setenv("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1", 0);
}

}  // namespace

Sandbox::Sandbox(const std::string& wanted, Limits limits)
    : limits_(std::move(limits)), root_(geteuid() == 0), user_(geteuid()), group_(getegid()) {
  for (const auto& [name, isolation] : {std::pair{"namespaces", Isolation::namespaces},
                                        {"user", Isolation::user},
                                        {"none", Isolation::none}}) {
    if (!wanted.empty() && wanted != name) continue;
    isolation_ = isolation;
    if (const auto has = what_works(isolation)) {
      seclusion_ = *has;
      return;
    }
  }
  throw UsageError("--isolation " + wanted + " does not work on this system" +
                   (isolation_ == Isolation::user && !root_ ? " unless you are root" : ""));
}

std::string Sandbox::weakness() const {
  std::string text = weakness_of_processes();
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : "; ") + what; };
  if (isolation_ != Isolation::namespaces) {
    add("they share /tmp and the network with you");
    return text;
  }
  if ((seclusion_ & own_files) == 0) add("tests see your home, your /tmp and the solutions");
  if ((seclusion_ & read_only) == 0) add("tests can write where every user may");
  if ((seclusion_ & own_network) == 0) add("no network namespaces here: tests can use your network");
  if ((seclusion_ & own_memory) == 0) add("no IPC namespaces here: tests can use your shared memory");
  return text;
}

std::string Sandbox::weakness_of_processes() const {
  if (isolation_ == Isolation::namespaces) return "";
  const std::string what = "no process namespaces here: ";
  if (isolation_ == Isolation::user) return what + "tests run as other users, and can see your processes";
  if (root_) return what + "tests run as root, and can kill your processes and write your files";
  const bool signals_stay = syscall(landlock_create, nullptr, 0, 1) >= 6;  // the version of Landlock
  return what + "tests run as you, and can " + (signals_stay ? "" : "kill your processes and ") +
         "write your files";
}

/// Tries this kind of isolation in a child process.
/// @returns nothing if it does not work here, or else the bits of what tests have for themselves
std::optional<int> Sandbox::what_works(Isolation isolation) const {
  if (isolation == Isolation::none) return 0;
  if (isolation == Isolation::user && !root_) return std::nullopt;
  constexpr int fails = 127;
  const pid_t child = fork_into(isolation);
  if (child == 0) {
    const bool inside = isolation == Isolation::namespaces;
    const bool entered = !inside || enter();
    const int has = inside && entered ? seclude("") : 0;
    const bool dropped = !root_ || become_somebody_else();
    _exit(entered && dropped ? has : fails);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return std::nullopt;
  return WEXITSTATUS(status) == fails ? std::nullopt : std::optional(WEXITSTATUS(status));
}

pid_t Sandbox::fork_into(Isolation isolation) const {
  if (isolation != Isolation::namespaces) return fork();
  const long flags = CLONE_NEWPID | CLONE_NEWNS | (root_ ? 0 : CLONE_NEWUSER) | SIGCHLD;
  return static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
}

pid_t Sandbox::fork_supervisor() const { return fork_into(isolation_); }

/// Sets up the new namespaces: the same user, no mount that is seen outside, and a /proc that shows only the
/// processes inside.
bool Sandbox::enter() const {
  if (!root_) {
    const std::string user = std::to_string(user_), group = std::to_string(group_);
    if (!put("/proc/self/setgroups", "deny") || !put("/proc/self/uid_map", user + " " + user + " 1") ||
        !put("/proc/self/gid_map", group + " " + group + " 1"))
      return false;
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return false;
  protect_folder();
  return true;
}

void Sandbox::guard() const {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  signal(SIGPIPE, SIG_IGN);
  if (isolation_ == Isolation::namespaces && !enter()) _exit(1);
  prctl(PR_SET_DUMPABLE, 0);  // no ptrace, no /proc/…/fd
}

void Sandbox::limit() const {
  const auto seconds = static_cast<rlim_t>(limits_.time.count() / 1000 + 1);
  set_limit(RLIMIT_CPU, 2 * seconds,
            2 * seconds + 1);  // a second line of defence: the supervisor checks earlier
  if (limits_.memory) set_limit(RLIMIT_AS, *limits_.memory, *limits_.memory);
  set_limit(RLIMIT_STACK, 8U << 20, RLIM_INFINITY);
  set_limit(RLIMIT_FSIZE, 256U << 20, 256U << 20);
  set_limit(RLIMIT_CORE, 0, 0);
  set_limit(RLIMIT_NOFILE, 4096, 4096);
  // The kernel counts per user and per user namespace. With neither, the user's other processes count too.
  const bool shared = isolation_ == Isolation::none;
  const rlim_t threads = limits_.threads + (shared ? threads_of_user(user_) : 0);
  set_limit(RLIMIT_NPROC, threads, threads);
  prctl(PR_SET_DUMPABLE, 1);  // undoes guard(), after which the next file would be root's
  put("/proc/self/oom_score_adj", "1000");
}

void Sandbox::drop_privileges() const {
  if (root_ && isolation_ != Isolation::none && !become_somebody_else()) _exit(126);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (isolation_ == Isolation::none) keep_signals_inside();
}

void Sandbox::become(const Fd& binary, const std::string& path, const std::string& test, const Fd& output,
                     const Fd& channel) const {
  setsid();
  const Fd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  dup2(nothing.get(), STDIN_FILENO);
  dup2(output.get(), STDOUT_FILENO);
  dup2(output.get(), STDERR_FILENO);
  clean_environment();
  setenv(channel_variable, std::to_string(channel.get()).c_str(), 1);
  limit();
  if (isolation_ == Isolation::namespaces) seclude(path);
  drop_privileges();
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
  signal(SIGPIPE, SIG_DFL);
  // A command that a shell runs in the background ignores these, and so would all that it starts.
  signal(SIGINT, SIG_DFL);
  signal(SIGQUIT, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);

  syscall(SYS_close_range, 3U, UINT_MAX, CLOSE_RANGE_CLOEXEC);  // also those that make has left open
  fcntl(channel.get(), F_SETFD, 0);
  std::string name = path, filter = "--gtest_filter=" + test;
  char* arguments[] = {name.data(), filter.data(), nullptr};
  fexecve(binary.get(), arguments, environ);
  std::fprintf(stderr, "cannot run %s: %s\n", path.c_str(), std::strerror(errno));
  _exit(126);
}

void Sandbox::kill_all() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < deadline) {
    if (isolation_ == Isolation::namespaces) {
      kill(-1, SIGKILL);  // all processes in the namespace but this one
    } else {
      const auto all = descendants_of(getpid());
      for (const Task& task : all) kill(task.id, SIGSTOP);  // a stopped process cannot fork meanwhile
      for (const Task& task : all) kill(task.id, SIGKILL);
    }
    pid_t reaped = 0;
    while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 && errno == ECHILD) return;
    usleep(1000);
  }
}

Fd open_executable(const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return {};
  const bool for_all = (status.st_mode & (S_IROTH | S_IXOTH)) == (S_IROTH | S_IXOTH);
  if (for_all || geteuid() != 0) return file;
  Fd copy(memfd_create("test", MFD_CLOEXEC));
  while (copy && sendfile(copy.get(), file.get(), nullptr, 1U << 30) > 0) {
  }
  return copy;
}

}  // namespace grader
