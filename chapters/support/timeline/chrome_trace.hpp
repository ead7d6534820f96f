#pragma once

#include <string>
#include <vector>

#include "json_text.hpp"
#include "time_text.hpp"
#include "layout.hpp"

namespace concurrent {

/// Returns the timeline in Chrome's trace format, for https://ui.perfetto.dev. Each track becomes a thread,
/// because spans of one thread must not overlap there. Times are microseconds.
inline std::string timeline_trace(const std::vector<Lane>& lanes) {
  const auto microseconds = [](Nanoseconds time) { return fixed(time.count() / 1000, 3); };
  std::string events;
  int thread = 0;
  const auto add = [&](const std::string& phase, const std::string& name, const std::string& rest) {
    events += std::string(events.empty() ? "" : ",") + "\n{\"ph\":\"" + phase +
              "\",\"pid\":1,\"tid\":" + std::to_string(thread) + ",\"name\":" + json_string(name) + "," +
              rest + "}";
  };
  for (const Lane& lane : lanes) {
    for (std::size_t i = 0; i < lane.tracks.size(); ++i) {
      ++thread;
      const std::string name = i == 0 ? lane.name : lane.name + " (" + std::to_string(i + 1) + ")";
      add("M", "thread_name", "\"args\":{\"name\":" + json_string(name) + "}");
      add("M", "thread_sort_index", "\"args\":{\"sort_index\":" + std::to_string(thread) + "}");
      for (const Recorded& span : lane.tracks[i])
        add("X", span.name,
            std::string("\"cat\":") + (span.activity == Activity::waiting ? "\"waiting\"" : "\"computing\"") +
                ",\"ts\":" + microseconds(span.begin) + ",\"dur\":" + microseconds(span.end - span.begin));
    }
  }
  return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" + events + "\n]}\n";
}

}  // namespace concurrent
