// The job server, asked by wrk: how many requests one thread answers, how many jobs it accepts with and
// without a journal, and how long a question waits while all workers are busy.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "epoll_run.hpp"
#include "job_server.hpp"
#include "job_table.hpp"
#include "recipe_kinds.hpp"
#include "wrk_rows.hpp"

using asyncio::Coro;
using asyncio::jobs::JobRecord;
using asyncio::jobs::JobServer;
using asyncio::jobs::JobServerOptions;
using asyncio::jobs::JobTable;
using asyncio::jobs::Json;
using asyncio::jobs::Kinds;
using asyncio::jobs::Place;

namespace {

using Tell = std::function<void(int)>;

Coro<> serve(JobServer& server, Tell tell) {
  co_await server.start();
  tell(server.port());
  co_await asyncio::get_running_loop().create_future();
}

void run_server(JobServerOptions options, const Tell& tell) {
  JobServer server(std::move(options));
  asyncio::run(serve(server, tell));
}

auto job_server() {
  return std::make_unique<bench::ServerProcess>(
      [](const Tell& tell) { run_server({.kinds = asyncio::jobs::recipe_kinds()}, tell); });
}

/// A job server with a journal in a folder of its own, which goes with it.
class WithJournal {
 public:
  WithJournal()
      : folder_(std::filesystem::temp_directory_path() / ("journal_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    server_ = std::make_unique<bench::ServerProcess>([this](const Tell& tell) {
      JobTable table((folder_ / "jobs.db").string());
      run_server({.kinds = asyncio::jobs::recipe_kinds(),
                  .save = [&table](std::span<const JobRecord> jobs) { table.save(jobs); }},
                 tell);
    });
  }
  WithJournal(const WithJournal&) = delete;
  WithJournal& operator=(const WithJournal&) = delete;
  ~WithJournal() {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] int port() const noexcept { return server_->port(); }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<bench::ServerProcess> server_;
};

// ---- A question, while jobs compute

constexpr int jobs_at_a_time = 4;

/// Computes for a while.
Json compute(const Json&) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  while (std::chrono::steady_clock::now() < end) {
  }
  return nullptr;
}

/// A job server, and clients that keep it busy with jobs that compute.
/// @param on_loop true: they compute on the loop, as programs do that know nothing of workers
class Busy {
 public:
  explicit Busy(bool on_loop)
      : server_([on_loop](const Tell& tell) {
          Kinds kinds;
          kinds["compute"] =
              on_loop ? asyncio::jobs::on_loop<compute>() : asyncio::jobs::computing<compute>();
          run_server({.kinds = std::move(kinds), .workers = {.processes = 2}}, tell);
        }),
        load_([this](const Tell& tell) {
          tell(0);
          while (true)
            bench::run_wrk(server_.port(), {.path = "/run",
                                            .body = R"({"kind":"compute"})",
                                            .connections = jobs_at_a_time,
                                            .seconds = 5});
        }) {}
  [[nodiscard]] int port() const noexcept { return server_.port(); }

 private:
  bench::ServerProcess server_;
  bench::ServerProcess load_;
};

void health_row(const std::string& variant, bool on_loop) {
  // So many connections as a server has that is in use, and as many requests as it can answer.
  const bench::WrkLoad load{.connections = 256, .pause_ms = 100, .seconds = 2};
  bench::wrk_row(
      "healthz at 256 connections, p99/" + variant, load,
      [on_loop] { return std::make_unique<Busy>(on_loop); }, true);
}

}  // namespace

void bench::rows() {
  server_rows("the job server", job_server);
  const WrkLoad empty_jobs{.path = "/jobs", .body = R"({"kind":"empty"})"};
  wrk_row("a job accepted/in memory", empty_jobs, job_server);
  wrk_row("a job accepted/in the journal", empty_jobs, [] { return std::make_unique<WithJournal>(); });
  health_row("all workers busy", false);
  health_row("it computes on its loop", true);
  // Not a measurement: what is promised.
  benchmark::RegisterBenchmark("healthz at 256 connections, p99/what is promised: 10 ms",
                               [](benchmark::State& state) {
                                 for (auto _ : state) state.SetIterationTime(0.01);
                                 state.SetItemsProcessed(state.iterations());
                               })
      ->UseManualTime()
      ->Iterations(1);
}
