#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "event_loop.hpp"
#include "http_message.hpp"
#include "job_kinds.hpp"
#include "job_record.hpp"
#include "journal.hpp"
#include "worker_pool.hpp"

namespace asyncio::jobs {

/// Options of a JobServer.
struct JobServerOptions {
  Kinds kinds = {};
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any that is free
  std::string path = {};   ///< of a Unix socket, in the place of host and port
  WorkerOptions workers = {};
  std::size_t queue = 1000;             ///< so many jobs may wait
  Journal::Save save = {};              ///< writes jobs down; none: they are kept in memory alone
  std::vector<JobRecord> earlier = {};  ///< what an earlier server has written down
  http::Limits limits = {};
  Duration idle_time = std::chrono::seconds(30);
  Duration request_time = std::chrono::seconds(10);
  std::size_t most_connections = 20'000;
  std::size_t most_ended = 10'000;            ///< so many jobs are remembered that have ended
  std::function<void(std::string)> log = {};  ///< gets a line of JSON for each answer
};

}  // namespace asyncio::jobs
