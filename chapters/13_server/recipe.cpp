// A server that takes jobs by HTTP: it queues them, runs them in processes and on threads, writes them down,
// and shows itself at work on a page.

#include <job_server.hpp>  // yours or the reference's: "job_server.hpp" would always be the one in this folder

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "epoll_run.hpp"
#include "job_table.hpp"
#include "recipe.hpp"
#include "recipe_kinds.hpp"

using asyncio::Coro;
using asyncio::jobs::JobRecord;
using asyncio::jobs::JobServer;
using asyncio::jobs::JobServerOptions;
using asyncio::jobs::JobTable;
using concurrent::print_line;

namespace {

/// Serves until SIGINT or SIGTERM, and drains then. A second signal ends the program at once.
Coro<> serve(JobServer& server) {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  asyncio::Future<> asked = loop.create_future();
  for (const int signal : {SIGINT, SIGTERM})
    loop.add_signal_handler(signal, [asked]() mutable {
      if (asked.done()) std::_Exit(1);
      asked.set_result();
    });
  co_await server.start();
  print_line("A job server at " + server.address());
  std::fflush(stdout);
  co_await asked;
  co_await server.drain();
  print_line("Drained.");
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view path_characters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+@,=~";
  std::string host = "127.0.0.1";
  std::string unix_path;
  std::string journal;
  std::int64_t port = 0;
  std::int64_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::int64_t threads = 8;
  std::int64_t queue = 1000;
  std::int64_t idle = 30'000;
  std::int64_t header = 10'000;
  std::int64_t connections = 20'000;
  bool log = false;
  const concurrent::RecipeOptions options(
      "A server that takes jobs by HTTP, and shows itself at work on a page. It goes on until Ctrl-C or "
      "SIGTERM.",
      {{"--host", "where to listen: the number of an interface (default 127.0.0.1)", host,
        "0123456789abcdef.:"},
       {"--port", "… and the port (default 0: any that is free)", port, 0, 65'535},
       {"--unix", "listen at the path of a Unix socket instead", unix_path, path_characters},
       {"--workers", "processes, for jobs that compute (default: one for each core)", workers, 1, 1'000},
       {"--threads", "threads, for jobs that wait (default 8)", threads, 1, 1'000},
       {"--queue", "so many jobs may wait; more are refused (default 1000)", queue, 1, 1'000'000},
       {"--journal", "a file in which jobs outlive the server (default: none)", journal, path_characters},
       {"--log", "a line of JSON for each answer, on stderr", log},
       {"--idle-ms", "a connection may wait so long for a request (default 30000)", idle, 1, 3'600'000},
       {"--header-ms", "a request may take so long to come (default 10000)", header, 1, 3'600'000},
       {"--most-connections", "more are refused (default 20000)", connections, 1, 1'000'000}});
  return concurrent::recipe(argc, argv, options, [&] {
    JobServerOptions server_options{
        .kinds = asyncio::jobs::recipe_kinds(),
        .host = host,
        .port = static_cast<std::uint16_t>(port),
        .path = unix_path,
        .workers = {.processes = static_cast<int>(workers), .threads = static_cast<int>(threads)},
        .queue = static_cast<std::size_t>(queue),
        .idle_time = std::chrono::milliseconds(idle),
        .request_time = std::chrono::milliseconds(header),
        .most_connections = static_cast<std::size_t>(connections)};
    std::unique_ptr<JobTable> table;
    if (!journal.empty()) {
      table = std::make_unique<JobTable>(journal);
      server_options.earlier = table->load(server_options.most_ended);
      server_options.save = [&table](std::span<const JobRecord> jobs) { table->save(jobs); };
    }
    if (log) server_options.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    JobServer server(std::move(server_options));
    asyncio::run(serve(server));
  });
}
