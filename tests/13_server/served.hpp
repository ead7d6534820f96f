#pragma once

// What the tests of chapter 13 that have a whole server share. The server itself is in served_once.cpp: it is
// compiled there, once, and not in each of these tests.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "job_record.hpp"
#include "support.hpp"

namespace asyncio::jobs {
class JobServer;
}

using asyncio::jobs::JobRecord;

/// Writes jobs down, in the place of a file.
using Save = std::function<void(std::span<const JobRecord>)>;

/// Those of JobServerOptions that a test may choose.
struct ServedOptions {
  std::string path = {};
  std::size_t queue = 1000;
  Save save = {};
  std::vector<JobRecord> earlier = {};
  std::size_t most_connections = 20'000;
};

/// A server, and a loop for it and for its clients.
class Served {
 public:
  explicit Served(ServedOptions options = {});
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served();

  /// Starts the server, runs `main()`, and ends the server's connections.
  void run(const std::function<Coro<>()>& main);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] Client client() const;
  /// Sends a request over a connection of its own, and waits for the answer.
  Coro<Reply> ask(std::string text) const;
  /// Has the server drain, with the patience that it has by itself.
  Coro<> drain();
  Coro<> drain(asyncio::Duration patience);

  // Of its queue.
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::size_t running() const;
  [[nodiscard]] std::size_t admitted() const;
  [[nodiscard]] std::size_t unfinished() const;
  // Of its service.
  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::size_t active() const;
  /// Counts the answers of that status.
  [[nodiscard]] std::size_t answers(int status) const;
  // Of its journal, and of its hub.
  [[nodiscard]] std::size_t failed_commits() const;
  [[nodiscard]] std::size_t subscribers() const;

 private:
  /// Says what the server has to do.
  [[nodiscard]] std::string stands() const;

  std::unique_ptr<asyncio::jobs::JobServer> server_;
  EpollLoop e_;
  std::uint16_t port_ = 0;
};
