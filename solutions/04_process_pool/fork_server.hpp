#pragma once

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fd.hpp"
#include "packet.hpp"
#include "parent_end.hpp"
#include "todo.hpp"

namespace concurrent::detail {

/// The end of a worker, as waitpid() reports it.
struct WorkerExit {
  pid_t process = 0;  ///< 0: it could not be started, and status is fork()'s errno; -1: the server is gone
  int status = 0;

  /// Describes the end: "worker 4711 was killed by signal 9 (Killed)".
  [[nodiscard]] std::string text() const {
    if (process < 0) return "the process that starts the workers is gone";
    if (process == 0) return std::string("no worker could be started: ") + std::strerror(status);
    const std::string worker = "worker " + std::to_string(process);
    if (WIFSIGNALED(status))
      return worker + " was killed by signal " + std::to_string(WTERMSIG(status)) + " (" +
             ::strsignal(WTERMSIG(status)) + ")";
    return worker + " exited with status " + std::to_string(WEXITSTATUS(status));
  }
};

/// A process with one thread, from which workers are forked. So it does not matter when they are, and what
/// threads and locks the program has then. Python: the `forkserver` start method.
class ForkServer {
 public:
  /// Forks the server. It, and the workers, keep none of the open descriptors but 0, 1, 2 and those in
  /// `keep`.
  /// @param work the work of a worker; returns the status to exit with
  ForkServer(const std::vector<int>& keep, const std::function<int()>& work) {
    auto [ours, its] = packet_sockets();
    std::fflush(nullptr);  // or each child would write what is in the buffers once more
    std::cout.flush();
    process_ = checked(::fork(), "fork");
    if (process_ == 0) {
      close_all_but(keep, its.get());
      try {
        serve(its, work);
        ::_exit(0);
      } catch (...) {
        ::_exit(1);  // an exception must not unwind into the program's frames
      }
    }
    control_ = std::move(ours);
  }
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;
  ~ForkServer() { stop(); }

  /// Returns a descriptor that becomes readable when next_exit() has something to return, or the server
  /// itself is gone.
  [[nodiscard]] const Fd& fd() const noexcept { return control_; }

  /// Starts one more worker. One at a time with signal().
  void start() {
    request(0);
    if (signal_ != 0) request(signal_);
  }

  /// Sends `signal` to all workers, and to those that are started from now on: what takes the place of one
  /// that has just left is to end, too.
  void signal(int signal) {
    signal_ = signal;
    request(signal);
  }

  /// Returns a worker that has ended, or could not be started; nothing if there is none at the moment.
  std::optional<WorkerExit> next_exit() {
    WorkerExit ended;
    const auto size =
        uninterrupted([&] { return ::recv(control_.get(), &ended, sizeof ended, MSG_DONTWAIT); });
    if (size < 0 && errno == EAGAIN) return std::nullopt;
    return size > 0 ? ended : WorkerExit{-1};
  }

  /// Kills the workers that are left, and waits until they and the server are gone. It may be called again.
  void stop() noexcept {
    if (process_ == 0) return;
    // Another process may have a copy of the socket, if the program has forked: to close ours would be no
    // end.
    ::shutdown(control_.get(), SHUT_RDWR);
    control_.close();
    uninterrupted([this] { return ::waitpid(process_, nullptr, 0); });
    process_ = 0;
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  void request(int what) noexcept {
    uninterrupted([&] { return ::send(control_.get(), &what, sizeof what, MSG_NOSIGNAL); });
  }

  static void close_all_but(std::vector<int> keep, int control) {
    keep.push_back(control);
    std::ranges::sort(keep);
    unsigned first = 3;
    for (const int fd : keep) {
      const auto here = static_cast<unsigned>(fd);
      if (here > first) close_from(first, here - 1);
      first = here + 1;
    }
    close_from(first, ~0u);
  }

  /// Closes all descriptors from the first to the last: one by one where the kernel cannot do so at once, as
  /// before Linux 5.9, or is forbidden to.
  static void close_from(unsigned first, unsigned last) noexcept {
    if (::close_range(first, last, 0) == 0) return;
    const auto most = static_cast<unsigned>(::sysconf(_SC_OPEN_MAX));
    for (unsigned fd = first; fd <= last && fd < most; ++fd) ::close(static_cast<int>(fd));
  }

  /// Runs the server, in its own process, until nobody can ask it for anything any more. No worker outlives
  /// it.
  /// @param work the work of a worker; returns the status to exit with
  static void serve(const Fd& control, const std::function<int()>& work) {
    reset_signal_handlers();
    sigset_t child_ends;
    ::sigemptyset(&child_ends);
    ::sigaddset(&child_ends, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &child_ends, nullptr);
    ::prctl(PR_SET_NAME, "fork server");
    const Fd ends(::signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK));
    // Readable once the program has ended, whoever else may have a copy of its end of `control`.
    program_ = parent_end();
    // <exercise 5.1 ForkServer::serve>
    std::vector<pid_t> workers;
    for (;;) {
      std::array<pollfd, 3> wanted{
          {{control.get(), POLLIN, 0}, {ends.get(), POLLIN, 0}, {program_.get(), POLLIN, 0}}};
      if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
      if (wanted[1].revents) {
        signalfd_siginfo ignored;
        while (::read(ends.get(), &ignored, sizeof ignored) > 0) continue;
        reap_workers(control, workers);
      }
      if (wanted[2].revents) break;
      if (!wanted[0].revents) continue;
      int what = 0;
      if (::recv(control.get(), &what, sizeof what, 0) <= 0) break;
      if (what == 0)
        start_worker(control, workers, work);
      else
        for (const pid_t worker : workers) ::kill(worker, what);
    }
    for (const pid_t worker : workers) ::kill(worker, SIGKILL);
    while (::wait(nullptr) > 0) continue;
    // </exercise>
  }

  // <exercise 5.1 members your choice, if you want any>
  /// Forks a worker, and remembers it.
  static void start_worker(const Fd& control, std::vector<pid_t>& workers, const std::function<int()>& work) {
    const pid_t server = ::getpid();
    const pid_t process = ::fork();
    if (process == 0) {
      become_worker(server);
      end_worker(work());
    }
    if (process > 0)
      workers.push_back(process);
    else
      report(control, {0, errno});
  }

  /// Waits for the workers that have ended, and reports and forgets them.
  static void reap_workers(const Fd& control, std::vector<pid_t>& workers) {
    int status = 0;
    while (const pid_t process = ::waitpid(-1, &status, WNOHANG)) {
      if (process < 0) break;
      std::erase(workers, process);
      report(control, {process, status});
    }
  }
  // </exercise>

  /// Tells the program how a worker has ended: next_exit() returns it there.
  static void report(const Fd& control, WorkerExit ended) noexcept {
    uninterrupted([&] { return ::send(control.get(), &ended, sizeof ended, MSG_NOSIGNAL); });
  }

  /// Prepares a new worker, which ends when its server does, also in the middle of a call.
  static void become_worker(pid_t server) noexcept {
    ::prctl(PR_SET_NAME, "pool worker");
    program_.close();
    sched_param batch_param{};
    ::sched_setscheduler(0, SCHED_BATCH, &batch_param);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != server) ::_exit(1);  // the server ended before the kernel knew that it has to tell
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  /// Ends a worker: writes out what its calls have printed. It destroys no static objects, for they belong to
  /// the process from which it was forked.
  [[noreturn]] static void end_worker(int status) noexcept {
    std::cout.flush();
    std::fflush(nullptr);
    ::_exit(status);
  }

  /// Takes back the program's signal handlers, which mean nothing here, and ignores Ctrl-C: it reaches all
  /// processes of a terminal, but only the program decides what it ends.
  static void reset_signal_handlers() noexcept {
    for (int signal = 1; signal < NSIG; ++signal) {
      struct sigaction action {};
      if (::sigaction(signal, nullptr, &action) != 0 || is_fault(signal)) continue;
      if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) ::signal(signal, SIG_DFL);
    }
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
  }

  /// True for the signals of a fault, whose handler, of a sanitizer or a debugger, must stay.
  static bool is_fault(int signal) noexcept {
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
           signal == SIGABRT || signal == SIGTRAP;
  }

  pid_t process_ = 0;
  int signal_ = 0;  // 0: none was sent
  Fd control_;
  static inline Fd program_;  // in the server's process: the process that has made it
};

}  // namespace concurrent::detail
