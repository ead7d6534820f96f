#pragma once

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "compare_options.hpp"
#include "compare_rows.hpp"
#include "timeline/json_text.hpp"
#include "timeline/time_text.hpp"

namespace bench {

namespace detail {

/// The processor's name as Linux gives it.
inline std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.find(": ") + 2, line.size()));
  return "unknown";
}

inline std::string compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "GCC " __VERSION__;
#endif
}

inline std::string utc_date() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

}  // namespace detail

/// All that was measured, and where, as JSON. Times are nanoseconds per item.
inline std::string results_json(const std::vector<Group>& groups, const Options& options) {
  using concurrent::json_string;
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return std::string(text);
  };
  const auto list = [](const auto& items, auto&& as_text) {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ",") + as_text(item);
    return "[" + text + "]";
  };
  const auto row_json = [&](const Row* row, const Row* baseline) {
    const std::string text = "\n    {\"variant\":" + json_string(row->variant()) +
                             ",\"program\":" + json_string(row->program->label);
    if (!row->measured()) return text + ",\"error\":" + json_string(row->error) + "}";
    return text + ",\"median\":" + number(row->time().count()) +
           ",\"min\":" + number(row->fastest().count()) + ",\"max\":" + number(row->slowest().count()) +
           ",\"speedup\":" + number(baseline->time() / row->time()) +
           ",\"rounds\":" + list(row->times, [&](Nanoseconds time) { return number(time.count()); }) + "}";
  };
  const auto group_json = [&](const Group& group) {
    const Row* baseline = group.baseline();
    return "\n  {\"name\":" + json_string(group.name) +
           ",\"baseline\":" + (baseline ? json_string(baseline->variant()) : "null") +
           ",\"rows\":" + list(group.rows, [&](const Row* row) { return row_json(row, baseline); }) + "}";
  };
  const auto program_json = [](const Program& program) {
    return "{\"label\":" + json_string(program.label) + ",\"path\":" + json_string(program.path) +
           ",\"error\":" + (program.error.empty() ? "null" : json_string(program.error)) + "}";
  };
  return "{\"title\":" + json_string(options.title) + ",\"date\":" + json_string(detail::utc_date()) +
         ",\n\"machine\":{\"cpu\":" + json_string(detail::cpu_model()) +
         ",\"cores\":" + std::to_string(std::thread::hardware_concurrency()) +
         ",\"compiler\":" + json_string(detail::compiler()) +
         "},\n\"rounds\":" + std::to_string(options.rounds) +
         ",\"min_time\":" + number(options.min_time.count()) +
         ",\n\"programs\":" + list(options.programs, program_json) +
         ",\n\"groups\":" + list(groups, group_json) + "}\n";
}

}  // namespace bench
