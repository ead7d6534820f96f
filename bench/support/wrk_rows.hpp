#pragma once

#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fd.hpp"
#include "row.hpp"

namespace bench {

/// Names of the rows that chapter 13 and its peers have in common. Each server has one thread.
inline const std::string a_get = "a GET of healthz";
inline const std::string an_empty_job = "an empty job run by POST";

/// A server in a process of its own, which goes when this goes.
class ServerProcess {
 public:
  /// Starts it, and waits until it has told its port.
  /// @param serve calls its argument with the port when it listens, and goes on then
  explicit ServerProcess(const std::function<void(std::function<void(int port)>)>& serve) {
    std::array<int, 2> ends{};
    concurrent::checked(::pipe(ends.data()), "pipe");
    concurrent::Fd listen(ends[0]);
    concurrent::Fd tell(ends[1]);
    process_ = concurrent::checked(::fork(), "fork");
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      listen.close();
      try {
        serve([&](int port) {
          concurrent::checked(::write(tell.get(), &port, sizeof port), "write");
          tell.close();
        });
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
      ::_exit(1);
    }
    tell.close();
    if (::read(listen.get(), &port_, sizeof port_) != sizeof port_)
      throw std::runtime_error("the server ended");
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  [[nodiscard]] int port() const noexcept { return port_; }

 private:
  pid_t process_ = 0;
  int port_ = 0;
};

/// The load that wrk makes.
struct WrkLoad {
  std::string path = "/healthz";
  std::string body = {};  ///< of a POST; empty: a GET
  int connections = 64;   ///< with one request in flight on each
  int pause_ms = 0;       ///< at most, before a connection sends its next request; chosen anew each time
  double seconds = 1;
};

/// The figures that wrk reports.
struct WrkResult {
  double requests = 0;
  double seconds = 0;
  double p99 = 0;  ///< in seconds
};

/// Has wrk send requests to a server on this machine. @throws std::runtime_error if an answer was no success
inline WrkResult run_wrk(int port, const WrkLoad& load) {
  std::array<char, 32> script{"/tmp/wrk_load_XXXXXX"};
  const concurrent::Fd file(concurrent::checked(::mkstemp(script.data()), "mkstemp"));
  ::unlink(script.data());  // wrk has the descriptor
  std::ostringstream text;
  text << "wrk.headers['Content-Type'] = 'application/json'\n";
  if (!load.body.empty()) text << "wrk.method = 'POST'\nwrk.body = '" << load.body << "'\n";
  if (load.pause_ms > 0) text << "function delay() return math.random(0, " << load.pause_ms << ") end\n";
  text << "function done(summary, latency, requests)\n"
          "  local e = summary.errors\n"
          "  io.write('RESULT ', summary.requests, ' ', summary.duration, ' ', latency:percentile(99), ' ',\n"
          "           e.connect + e.read + e.write + e.status + e.timeout, '\\n')\n"
          "end\n";
  concurrent::checked(::write(file.get(), text.str().data(), text.str().size()), "write");
  // wrk takes whole seconds.
  std::ostringstream command;
  command << "wrk -t1 -c" << load.connections << " -d" << static_cast<int>(load.seconds) << "s -s "
          << "/proc/self/fd/" << file.get() << " http://127.0.0.1:" << port << load.path << " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.str().c_str(), "r"), ::pclose);
  WrkResult result;
  double errors = -1;
  std::array<char, 256> line{};
  std::string last;
  while (std::fgets(line.data(), line.size(), output.get())) {
    last = line.data();
    double microseconds = 0;
    double p99 = 0;
    if (std::sscanf(line.data(), "RESULT %lf %lf %lf %lf", &result.requests, &microseconds, &p99, &errors) ==
        4) {
      result.seconds = microseconds / 1e6;
      result.p99 = p99 / 1e6;
    }
  }
  if (errors < 0) throw std::runtime_error("wrk (Debian's package `wrk`): " + last);
  if (errors > 0) throw std::runtime_error("wrk counts " + std::to_string(errors) + " errors");
  return result;
}

/// Registers a row that wrk measures. What it takes is the time of a request; or, if it is about the 99th
/// percentile, how long the slowest of a hundred waits.
/// @param start starts the server, and returns it: something with a port()
template <class Start>
void wrk_row(const std::string& name, WrkLoad load, Start start, bool p99 = false) {
  const auto measured = [=](benchmark::State& state) {
    try {
      const auto server = start();
      WrkLoad warm_up = load;
      run_wrk(server->port(), warm_up);
      double requests = 0;
      for (auto _ : state) {
        const WrkResult result = run_wrk(server->port(), load);
        state.SetIterationTime(p99 ? result.p99 : result.seconds);
        requests += p99 ? 1 : result.requests;
      }
      state.SetItemsProcessed(static_cast<std::int64_t>(requests));
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), measured)->UseManualTime()->Iterations(1);
}

/// The two rows that each server has.
template <class Start>
void server_rows(const std::string& variant, Start start) {
  wrk_row(a_get + "/" + variant, {}, start);
  wrk_row(an_empty_job + "/" + variant, {.path = "/run", .body = R"({"kind":"empty"})"}, start);
}

}  // namespace bench
