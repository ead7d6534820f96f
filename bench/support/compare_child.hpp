#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "timeline/time_text.hpp"

namespace bench {

/// What became of a program that was run to its end.
struct Child {
  std::string out;    ///< its standard output
  std::string error;  ///< why it failed, in one line; empty if it exited with status 0
};

namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

inline File temporary_file() {
  if (File file{std::tmpfile()}) return file;
  throw std::system_error(errno, std::generic_category(), "cannot make a temporary file");
}

inline std::string content(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (char buffer[4096]; const std::size_t size = std::fread(buffer, 1, sizeof buffer, file);)
    text.append(buffer, size);
  return text;
}

/// The line of a program's stderr that says most: what an exception said that ended it, else the last line.
inline std::string gist(std::string text) {
  if (const auto what = text.find("what():"); what != std::string::npos) {
    text = text.substr(text.find_first_not_of(' ', what + 7));
    return text.substr(0, text.find('\n'));
  }
  text.erase(text.find_last_not_of(" \n") + 1);
  return text.substr(text.rfind('\n') + 1);
}

[[noreturn]] inline void become(const std::vector<std::string>& command, int out, int err) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // Ctrl-C on us ends it too
  setpgid(0, 0);                     // with all that it starts
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", arguments[0], std::strerror(errno));
  _exit(127);
}

}  // namespace detail

/// Runs a program and waits for its end, at most for so long: then it is killed, with all that it has
/// started. For programs with one thread, for it blocks SIGCHLD.
inline Child run_child(const std::vector<std::string>& command, std::chrono::duration<double> limit) {
  sigset_t child_ends;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ends, nullptr);

  const detail::File out = detail::temporary_file(), err = detail::temporary_file();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) detail::become(command, fileno(out.get()), fileno(err.get()));

  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit;
  int status = 0;
  bool ended = false;
  while (!(ended = waitpid(child, &status, WNOHANG) == child)) {
    const auto left = std::chrono::ceil<std::chrono::nanoseconds>(deadline - Clock::now()).count();
    if (left <= 0) break;
    const timespec timeout{static_cast<std::time_t>(left / 1'000'000'000),
                           static_cast<long>(left % 1'000'000'000)};
    sigtimedwait(&child_ends, nullptr, &timeout);
  }
  kill(-child, SIGKILL);
  if (!ended) waitpid(child, &status, 0);

  Child result{.out = detail::content(out.get()), .error = detail::gist(detail::content(err.get()))};
  if (!ended)
    result.error = "not done after " + concurrent::in_words(limit);
  else if (status == 0)
    result.error.clear();
  else if (result.error.empty())
    result.error = WIFSIGNALED(status) ? std::string("killed by ") + strsignal(WTERMSIG(status))
                                       : "exit status " + std::to_string(WEXITSTATUS(status));
  return result;
}

}  // namespace bench
