// The rows of chapter 04 on Python's own pools.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "fd.hpp"
#include "row.hpp"
#include "trivial_calls.hpp"

using concurrent::checked;
using concurrent::Fd;

namespace {

/// A pool in a Python process of its own, which does a batch of calls when it is told to.
class PythonPool {
 public:
  PythonPool(const char* kind, int workers) {
    auto [input, tell] = pipe();
    auto [listen, output] = pipe();
    process_ = checked(::fork(), "fork");
    if (process_ == 0) {
      ::dup2(input.get(), 0);
      ::dup2(output.get(), 1);
      for (Fd* fd : {&input, &tell, &listen, &output}) fd->close();
      ::execlp("python3", "python3", "bench/peers/04_process_pool_peers.py", kind,
               std::to_string(workers).c_str(), nullptr);
      ::_exit(127);
    }
    tell_ = std::move(tell);
    listen_ = std::move(listen);
    output.close();
    hear();
  }
  ~PythonPool() {
    tell_.close();
    ::waitpid(process_, nullptr, 0);
  }

  void run(int calls, int chunksize) {
    const std::string line = std::to_string(calls) + " " + std::to_string(chunksize) + "\n";
    checked(::write(tell_.get(), line.data(), line.size()), "write");
    hear();
  }

 private:
  static std::pair<Fd, Fd> pipe() {
    std::array<int, 2> ends{};
    checked(::pipe(ends.data()), "pipe");
    return {Fd(ends[0]), Fd(ends[1])};
  }

  /// Waits for a line.
  void hear() {
    for (char c = 0; c != '\n';)
      if (::read(listen_.get(), &c, 1) != 1)
        throw std::runtime_error("python3 does not answer: is it there?");
  }

  pid_t process_ = 0;
  Fd tell_, listen_;
};

}  // namespace

void bench::rows() {
  for (const std::string kind : {"ProcessPoolExecutor", "Pool"}) {
    const std::string variant = "/Python's " + (kind == "Pool" ? kind : "executor");
    const auto batch = [=](int calls, int chunksize) {
      return [=] {
        return [=, pool = std::make_shared<PythonPool>(kind.c_str(), 2)] { pool->run(calls, chunksize); };
      };
    };
    row(trivial_calls_one_by_one + variant, many_calls, batch(many_calls, 1));
    row(trivial_calls_in_chunks + variant, many_calls_in_chunks, batch(many_calls_in_chunks, 64));
  }
}
