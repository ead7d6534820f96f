#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fd.hpp"
#include "row.hpp"

namespace bench {

/// Python gets so many times fewer items than we, where its batch would take seconds.
inline constexpr int for_python = 10;

/// A Python script in a process of its own, which says that it is ready, and then does what each line of its
/// input asks for, and answers with a line.
class PythonPeer {
 public:
  /// Starts it, and waits until it is ready.
  /// @param arguments the script, and what it is told
  explicit PythonPeer(std::vector<std::string> arguments, const std::string& interpreter = "python3") {
    arguments.insert(arguments.begin(), interpreter);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    auto [input, tell] = pipe();
    auto [listen, output] = pipe();
    process_ = concurrent::checked(::fork(), "fork");
    if (process_ == 0) {
      ::dup2(input.get(), 0);
      ::dup2(output.get(), 1);
      for (concurrent::Fd* fd : {&input, &tell, &listen, &output}) fd->close();
      ::execvp(words[0], words.data());
      ::_exit(127);
    }
    tell_ = std::move(tell);
    listen_ = std::move(listen);
    output.close();
    hear();
  }
  PythonPeer(const PythonPeer&) = delete;
  PythonPeer& operator=(const PythonPeer&) = delete;
  ~PythonPeer() {
    tell_.close();
    ::waitpid(process_, nullptr, 0);
  }

  /// Has it do something, and waits until it is done.
  /// @returns what it says then
  std::string ask(std::string line) {
    line += '\n';
    concurrent::checked(::write(tell_.get(), line.data(), line.size()), "write");
    return hear();
  }

 private:
  using Fd = concurrent::Fd;

  static std::pair<Fd, Fd> pipe() {
    std::array<int, 2> ends{};
    concurrent::checked(::pipe(ends.data()), "pipe");
    return {Fd(ends[0]), Fd(ends[1])};
  }

  /// Waits for a line.
  std::string hear() {
    for (std::string line;;) {
      char c = 0;
      if (::read(listen_.get(), &c, 1) != 1)
        throw std::runtime_error("python3 does not answer: is it there?");
      if (c == '\n') return line;
      line += c;
    }
  }

  pid_t process_ = 0;
  Fd tell_, listen_;
};

/// Returns a batch that a script does, which is told `WHAT ITEMS` for each. It has done one already.
/// @param arguments as PythonPeer takes them
inline auto python_batch(std::vector<std::string> arguments, const std::string& what, int items,
                         const std::string& interpreter = "python3") {
  return warmed_up([python = std::make_shared<PythonPeer>(std::move(arguments), interpreter),
                    line = what + " " + std::to_string(items)] { python->ask(line); });
}

}  // namespace bench
