#pragma once

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "utf8.hpp"

namespace concurrent {

/// The kind of a span: somebody computes, or waits.
enum class Activity { computing, waiting };

/// A span of time with its item and its lane. Times count from the start of the timeline.
struct Recorded {
  std::string name;  ///< the item, job or task
  std::string lane;  ///< the thread or process that did it
  std::chrono::nanoseconds begin{};
  std::chrono::nanoseconds end{};
  Activity activity = Activity::computing;
};

/// The spans of one thread or process: a row of the picture, or several rows if spans overlap.
struct Lane {
  using Track = std::vector<Recorded>;
  std::string name;
  std::vector<Track> tracks;  ///< each without overlaps
};

/// True if `a` comes before `b` in the order of people: `worker_2` before `worker_10`, and `main` first.
inline bool naturally_before(std::string_view a, std::string_view b) {
  if (a == "main" || b == "main") return a == "main" && b != "main";
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto number = [&](std::string_view text) {  // without leading zeros, so the longer is the larger
    text = text.substr(0, std::ranges::find_if_not(text, digit) - text.begin());
    return text.substr(std::min(text.find_first_not_of('0'), text.size()));
  };
  const std::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (digit(a.front()) && digit(b.front())) {
      const std::string_view left = number(a), right = number(b);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      a.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(a, digit) - a.begin()));
      b.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(b, digit) - b.begin()));
    } else {
      const int left = std::tolower(static_cast<unsigned char>(a.front()));
      const int right = std::tolower(static_cast<unsigned char>(b.front()));
      if (left != right) return left < right;
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.empty() && b.empty() ? whole_a < whole_b : a.empty();
}

/// Arranges spans for a picture: lanes in natural order, each with as few tracks as its spans need.
/// Names are made printable. A span that ends before it begins gets length 0, and one that begins before 0
/// is cut there.
inline std::vector<Lane> lanes_of(std::vector<Recorded> spans) {
  for (Recorded& span : spans) {
    span.name = printable(span.name);
    span.lane = printable(span.lane);
    span.begin = std::max(span.begin, std::chrono::nanoseconds::zero());
    span.end = std::max(span.end, span.begin);
  }
  std::ranges::stable_sort(spans, [](const Recorded& a, const Recorded& b) {
    if (a.lane != b.lane) return naturally_before(a.lane, b.lane);
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;  // what encloses others comes first
  });
  std::vector<Lane> lanes;
  for (Recorded& span : spans) {
    if (lanes.empty() || lanes.back().name != span.lane) lanes.push_back({span.lane, {}});
    auto& tracks = lanes.back().tracks;
    const auto free = std::ranges::find_if(
        tracks, [&](const Lane::Track& track) { return track.back().end <= span.begin; });
    if (free == tracks.end())
      tracks.push_back({std::move(span)});
    else
      free->push_back(std::move(span));
  }
  return lanes;
}

/// Returns the end of the last span; 0 if there is none.
inline std::chrono::nanoseconds end_of(const std::vector<Lane>& lanes) {
  std::chrono::nanoseconds end{};
  for (const Lane& lane : lanes)
    for (const Lane::Track& track : lane.tracks) end = std::max(end, track.back().end);
  return end;
}

/// True if any span is a wait.
inline bool anyone_waits(const std::vector<Lane>& lanes) {
  const auto waits = [](const Recorded& span) { return span.activity == Activity::waiting; };
  const auto has_wait = [&](const Lane::Track& track) { return std::ranges::any_of(track, waits); };
  return std::ranges::any_of(lanes,
                             [&](const Lane& lane) { return std::ranges::any_of(lane.tracks, has_wait); });
}

}  // namespace concurrent
