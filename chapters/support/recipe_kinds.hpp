#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "job_kinds.hpp"
#include "workload.hpp"

namespace asyncio::jobs {

namespace detail {

/// Checks that the arguments have one whole number, of that name. @throws std::invalid_argument
inline void check_number(const Json& args, const char* name, std::int64_t most) {
  if (args.size() != 1 || !args.contains(name) || !args[name].is_number_integer() || args[name] < 0 ||
      args[name] > most)
    throw std::invalid_argument("args must be {\"" + std::string(name) + "\": a whole number from 0 to " +
                                std::to_string(most) + "}");
}
inline void check_what(const Json& args) {
  if (args.size() != args.count("what") || (args.contains("what") && !args["what"].is_string()))
    throw std::invalid_argument("args must be {} or {\"what\": a text}");
}
inline void check_none(const Json& args) {
  if (!args.empty()) throw std::invalid_argument("args must be {}");
}

inline Json run_count(const Json& args) { return concurrent::count(args["number"].get<int>()); }

inline Json run_spin(const Json& args) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(args["ms"].get<std::int64_t>());
  while (std::chrono::steady_clock::now() < end) {
  }
  return nullptr;
}

inline Json run_sleep(const Json& args, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, std::chrono::milliseconds(args["ms"].get<std::int64_t>()), [] { return false; });
  return nullptr;
}

inline Json run_empty(const Json&) { return nullptr; }

inline Json run_random(const Json&) {
  std::random_device device;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", device(), device());
  return text;
}

inline Json run_crash(const Json&) { std::_Exit(3); }

inline Json run_fail(const Json& args) {
  throw std::runtime_error(args.value("what", "it was asked to fail"));
}

}  // namespace detail

/// The kinds of jobs of the recipe.
inline Kinds recipe_kinds() {
  const auto number = [](const char* name, std::int64_t most) {
    return [name, most](const Json& args) { detail::check_number(args, name, most); };
  };
  return {{"count", computing<detail::run_count>(number("number", 1'000'000))},
          {"spin", computing<detail::run_spin>(number("ms", 86'400'000))},
          {"sleep", waiting<detail::run_sleep>(number("ms", 86'400'000))},
          {"empty", on_loop<detail::run_empty>(detail::check_none)},
          {"random", computing<detail::run_random>(detail::check_none)},
          {"crash", computing<detail::run_crash>(detail::check_none)},
          {"fail", computing<detail::run_fail>(detail::check_what)}};
}

}  // namespace asyncio::jobs
