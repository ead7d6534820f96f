#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "event.hpp"
#include "event_loop.hpp"
#include "job_kinds.hpp"

namespace asyncio::jobs {

/// How far a job is. The last four are ends: nothing changes any more.
enum class JobState { queued, running, done, failed, cancelled, expired };

inline constexpr std::array job_state_names = {"queued", "running", "done", "failed", "cancelled", "expired"};

inline const char* to_string(JobState state) noexcept {
  return job_state_names[static_cast<std::size_t>(state)];
}
inline bool has_ended(JobState state) noexcept { return state >= JobState::done; }

/// How a job has ended.
struct Outcome {
  JobState state = JobState::done;
  std::string result = "null";  ///< JSON, of one that is done
  std::string error = {};       ///< what went wrong, of any other
};

/// Returns the time, in milliseconds since 1970.
inline std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// A job with all that is known of it: so it is written down, and shown.
struct JobRecord {
  std::int64_t id = 0;
  std::string kind = {};
  std::string args = "{}";  ///< JSON
  std::optional<std::int64_t> deadline_ms = std::nullopt;
  JobState state = JobState::queued;
  Outcome outcome = {};  ///< once it has ended
  std::optional<std::size_t> worker = std::nullopt;
  std::int64_t submitted_ms = 0;
  std::optional<std::int64_t> started_ms = std::nullopt;
  std::optional<std::int64_t> finished_ms = std::nullopt;
};

/// Returns a value, or null.
template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// Describes a job as clients see it, in JSON. It is written around the arguments and the result, which are
/// JSON already: to read them, and to write them again, would take longer than all the rest of a short job.
inline std::string to_text(const JobRecord& job) {
  std::string text;
  const auto add = [&](const char* name, std::string_view value) {
    text.append(text.empty() ? "{\"" : ",\"").append(name).append("\":").append(value);
  };
  const auto quoted = [](const std::string& words) {  // what is no UTF-8 becomes U+FFFD
    return Json(words).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const auto number = [](const auto& value) { return value ? std::to_string(*value) : "null"; };
  const bool done = job.state == JobState::done;
  add("args", job.args);
  add("deadline_ms", number(job.deadline_ms));
  add("error", has_ended(job.state) && !done ? quoted(job.outcome.error) : "null");
  add("finished_ms", number(job.finished_ms));
  add("id", std::to_string(job.id));
  add("kind", quoted(job.kind));
  add("result", done ? job.outcome.result : "null");
  add("started_ms", number(job.started_ms));
  add("state", std::string("\"") + to_string(job.state) + "\"");
  add("submitted_ms", std::to_string(job.submitted_ms));
  add("worker", number(job.worker));
  return text + "}";
}

/// Reads what to_text() has written.
inline JobRecord job_from_json(const Json& json) {
  const auto number = [&](const char* name) -> std::optional<std::int64_t> {
    if (json.at(name).is_null()) return std::nullopt;
    return json.at(name).get<std::int64_t>();
  };
  JobRecord job{.id = json.at("id"), .kind = json.at("kind"), .args = json.at("args").dump()};
  for (std::size_t i = 0; i < job_state_names.size(); ++i)
    if (json.at("state") == job_state_names[i]) job.state = static_cast<JobState>(i);
  job.outcome.state = job.state;
  job.outcome.result = json.at("result").dump();
  if (!json.at("error").is_null()) job.outcome.error = json.at("error");
  if (const auto worker = number("worker")) job.worker = static_cast<std::size_t>(*worker);
  job.deadline_ms = number("deadline_ms");
  job.submitted_ms = json.at("submitted_ms");
  job.started_ms = number("started_ms");
  job.finished_ms = number("finished_ms");
  return job;
}

/// A job of this server. It is shared by those who wait for it.
struct Job : JobRecord {
  explicit Job(JobRecord record = {}) : JobRecord(std::move(record)) {}

  Event ended;                                     ///< set once it has ended, and that is on disk
  bool recorded = false;                           ///< it is in the journal
  bool ending = false;                             ///< how it ends is decided, and not on disk yet
  std::optional<JobState> stop_as = std::nullopt;  ///< it was asked to stop: how it is to end
  Handle deadline = {};
};
using JobPointer = std::shared_ptr<Job>;

}  // namespace asyncio::jobs
