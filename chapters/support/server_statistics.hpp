#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "job_record.hpp"

namespace asyncio::jobs {

/// The counters of a server, for those who watch it.
class ServerStatistics {
 public:
  /// The counters that others keep.
  struct Now {
    const std::map<int, std::size_t>& answers;
    std::size_t connections = 0;
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t restarts = 0;
    std::size_t commits = 0;
    std::size_t entries = 0;
    std::size_t failures = 0;
    std::size_t subscribers = 0;
  };

  std::size_t accepted = 0;
  std::size_t refused = 0;

  /// A job has ended.
  void ended(const JobRecord& job) {
    ++ended_[static_cast<std::size_t>(job.state)];
    const double seconds =
        static_cast<double>(job.finished_ms.value_or(job.submitted_ms) - job.submitted_ms) / 1000;
    sum_ += seconds;
    ++count_;
    for (std::size_t i = 0; i < bounds.size(); ++i)
      if (seconds <= bounds[i]) ++buckets_[i];
    if (latest_.size() < most_latest) latest_.push_back(seconds);
    latest_[next_++ % most_latest] = seconds;
  }

  /// Writes all down, in Prometheus' text format.
  [[nodiscard]] std::string metrics(const Now& now) const {
    std::string text;
    const auto add = [&](const std::string& name, auto value) {
      text += name + " " + Json(value).dump() + "\n";
    };
    const auto begin = [&](const char* name, const char* type, const char* help) {
      text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
      text.append(" ").append(type).append("\n");
    };
    const auto one = [&](const char* name, const char* type, const char* help, auto value) {
      begin(name, type, help);
      add(name, value);
    };
    begin("http_requests_total", "counter", "Answers given, by status.");
    for (const auto& [status, count] : now.answers)
      add("http_requests_total{status=\"" + std::to_string(status) + "\"}", count);
    one("http_connections", "gauge", "Connections that are open.", now.connections);
    one("jobs_accepted_total", "counter", "Jobs that got into the queue.", accepted);
    one("jobs_refused_total", "counter", "Jobs that found the queue full.", refused);
    begin("jobs_ended_total", "counter", "Jobs that have ended, by state.");
    for (std::size_t i = static_cast<std::size_t>(JobState::done); i < job_state_names.size(); ++i)
      add("jobs_ended_total{state=\"" + std::string(job_state_names[i]) + "\"}", ended_[i]);
    one("jobs_waiting", "gauge", "Jobs that wait for a worker.", now.waiting);
    one("jobs_running", "gauge", "Jobs that run.", now.running);
    begin("job_seconds", "histogram", "Seconds from a job's submission to its end.");
    for (std::size_t i = 0; i < bounds.size(); ++i)
      add("job_seconds_bucket{le=\"" + Json(bounds[i]).dump() + "\"}", buckets_[i]);
    add("job_seconds_bucket{le=\"+Inf\"}", count_);
    add("job_seconds_sum", sum_);
    add("job_seconds_count", count_);
    one("worker_restarts_total", "counter", "Workers that have died or were killed.", now.restarts);
    one("journal_commits_total", "counter", "Transactions written.", now.commits);
    one("journal_entries_total", "counter", "Jobs in them.", now.entries);
    one("journal_failures_total", "counter", "Transactions that could not be written.", now.failures);
    one("event_subscribers", "gauge", "Clients that listen to events.", now.subscribers);
    return text;
  }

  /// Adds what the page shows each second.
  void add_to(Json& news, const std::map<int, std::size_t>& answers) const {
    std::size_t requests = 0;
    for (const auto& [status, count] : answers) requests += count;
    std::vector<double> sorted = latest_;
    std::ranges::sort(sorted);
    const auto percentile = [&](std::size_t part) {
      return sorted.empty() ? Json(nullptr) : Json(1000 * sorted[(sorted.size() - 1) * part / 100]);
    };
    news["requests"] = requests;
    news["ended"] = count_;
    news["p50_ms"] = percentile(50);
    news["p99_ms"] = percentile(99);
  }

 private:
  static constexpr std::array bounds = {0.001, 0.01, 0.1, 1.0, 10.0};
  static constexpr std::size_t most_latest = 1000;

  std::array<std::size_t, job_state_names.size()> ended_{};
  std::array<std::size_t, bounds.size()> buckets_{};
  double sum_ = 0;
  std::size_t count_ = 0;
  std::vector<double> latest_;  // seconds that the last jobs took
  std::size_t next_ = 0;
};

}  // namespace asyncio::jobs
