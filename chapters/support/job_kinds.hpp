#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

namespace asyncio::jobs {

using Json = nlohmann::json;

/// Where the jobs of a kind run.
enum class Place {
  process,  ///< what computes: the worker can be killed in its middle
  thread,   ///< what waits, and can be asked to stop
  loop      ///< what takes less time than it takes to hand it over
};

inline const char* to_string(Place place) noexcept {
  return place == Place::process ? "process" : place == Place::thread ? "thread" : "loop";
}

/// A kind of jobs: where they run, and what they do. Arguments and result are JSON, as text.
struct Kind {
  Place place = Place::process;
  std::string (*compute)(std::string args) = nullptr;                     ///< in a process, or on the loop
  std::string (*wait)(std::string args, std::stop_token stop) = nullptr;  ///< on a thread
  /// Looks at the arguments before the job is accepted. @throws std::invalid_argument that says what is wrong
  std::function<void(const Json& args)> check = {};
};

/// The kinds of jobs that there are, by their names.
using Kinds = std::map<std::string, Kind, std::less<>>;

/// Makes a kind of a function that computes.
template <Json (*fn)(const Json& args)>
Kind computing(std::function<void(const Json& args)> check = {}) {
  return {Place::process, [](std::string args) { return fn(Json::parse(args)).dump(); }, nullptr,
          std::move(check)};
}
/// Makes a kind of a function that waits, and ends early if it is asked to stop.
template <Json (*fn)(const Json& args, std::stop_token stop)>
Kind waiting(std::function<void(const Json& args)> check = {}) {
  return {
      Place::thread, nullptr,
      [](std::string args, std::stop_token stop) { return fn(Json::parse(args), std::move(stop)).dump(); },
      std::move(check)};
}
/// Makes a kind of a function that has hardly anything to do.
template <Json (*fn)(const Json& args)>
Kind on_loop(std::function<void(const Json& args)> check = {}) {
  return {Place::loop, [](std::string args) { return fn(Json::parse(args)).dump(); }, nullptr,
          std::move(check)};
}

}  // namespace asyncio::jobs
