#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "http_message.hpp"
#include "job_kinds.hpp"
#include "job_record.hpp"

namespace asyncio::jobs {

/// A failure of the journal: something could not be written.
class JournalError : public std::runtime_error {
 public:
  explicit JournalError(const std::string& why)
      : std::runtime_error("the journal cannot be written: " + why) {}
};

/// Answers with JSON.
inline http::Response json(const Json& value, int status = 200) {
  return {.status = status, .body = value.dump() + "\n"};
}
/// Answers with a job.
inline http::Response describe(const JobRecord& job, int status) {
  return {.status = status, .body = to_text(job) + "\n"};
}
/// Describes a job for a list: what is long is cut off.
inline std::string brief(const JobRecord& job) {
  constexpr std::size_t most = 1000;
  JobRecord copy = job;
  if (copy.args.size() > most) copy.args = Json("(long)").dump();
  if (copy.outcome.result.size() > most) copy.outcome.result = Json("(long)").dump();
  if (copy.outcome.error.size() > most) copy.outcome.error = "(long)";
  return to_text(copy);
}

/// Returns the status that tells a client that has waited how its job has ended.
inline int status_of(JobState state) noexcept {
  switch (state) {
    case JobState::done:
      return 200;
    case JobState::expired:
      return 504;
    case JobState::cancelled:
      return 409;
    default:
      return 500;
  }
}

/// Returns the number that this text is, without a sign; nothing if it is none.
inline std::optional<std::int64_t> number_in(std::string_view text) noexcept {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || number < 0) return std::nullopt;
  return number;
}

/// True if arrays and objects are in one another deeper than that.
inline bool is_deeper(const Json& json, int most) noexcept {
  if (!json.is_structured()) return false;
  return most == 0 || std::ranges::any_of(json, [&](const Json& item) { return is_deeper(item, most - 1); });
}

/// Reads JSON that a client has sent. @throws http::Error if it is none, or is nested too deeply
inline Json json_from(std::string_view text) {
  constexpr int deepest = 64;
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw http::Error(400, "the body is no JSON");
  if (is_deeper(json, deepest)) throw http::Error(400, "the JSON is nested too deeply");
  return json;
}

/// Reads the job that a request asks for. @throws http::Error that says what is wrong with it
inline JobRecord job_asked_for(const http::Request& request, const Kinds& kinds) {
  constexpr std::size_t most_args = 16 * 1024;
  const std::string_view type = request.header("Content-Type");
  // Pages of others cannot send this type, and so no jobs, without asking first.
  if (!http::same_name(type.substr(0, type.find(';')), "application/json"))
    throw http::Error(415, "the Content-Type must be application/json");
  const Json body = json_from(request.body);
  if (!body.is_object()) throw http::Error(400, "a job is an object: {\"kind\": …, \"args\": {…}}");
  JobRecord job;
  Json args = Json::object();
  for (const auto& [name, value] : body.get_ref<const Json::object_t&>()) {
    if (name == "kind" && value.is_string())
      job.kind = value;
    else if (name == "args" && value.is_object())
      args = value;
    else if (name == "deadline_ms" && value.is_number_integer() && value >= 1 && value <= 86'400'000)
      job.deadline_ms = value;
    else
      throw http::Error(400, "not a field of a job, or not of this type: " + name);
  }
  const auto kind = kinds.find(job.kind);
  if (kind == kinds.end()) throw http::Error(400, "there is no such kind of jobs");
  try {
    if (kind->second.check) kind->second.check(args);
  } catch (const std::invalid_argument& error) {
    throw http::Error(400, error.what());
  }
  job.args = args.dump();
  if (job.args.size() > most_args) throw http::Error(413, "the arguments are too large");
  return job;
}

/// Writes down an answer for the log.
inline std::string log_line(const http::Request* request, const http::Response& response, Duration time,
                            const StreamWriter& writer) {
  const std::int64_t now = now_ms();
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, static_cast<int>(now % 1000));
  const Json line = {{"time", text},
                     {"peer", writer.get_extra_info("peername")},
                     {"method", request ? Json(request->method) : Json(nullptr)},
                     {"target", request ? Json(request->target) : Json(nullptr)},
                     {"status", response.status},
                     {"bytes", response.body.size()},
                     {"ms", std::chrono::duration<double, std::milli>(time).count()}};
  return line.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace asyncio::jobs
