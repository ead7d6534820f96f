#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "timeline/time_text.hpp"

namespace bench {

using concurrent::Nanoseconds;

/// A bench program, and what its rows are called in the table.
struct Program {
  std::string label;  ///< solution, learner, peers, …
  std::string path;
  std::string error = {};  ///< why it could not even say which rows it has
};

/// The middle one of some times, or halfway between the middle two. There must be one.
inline Nanoseconds median(std::vector<Nanoseconds> times) {
  std::ranges::sort(times);
  return (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
}

/// A benchmark's name without what Google Benchmark adds to it: "a/b/real_time" is "a/b".
inline std::string plain_name(std::string_view name) {
  for (std::size_t slash; (slash = name.rfind('/')) != name.npos; name = name.substr(0, slash)) {
    const std::string_view last = name.substr(slash + 1);
    const bool added = last == "real_time" || last == "manual_time" || last == "process_time" ||
                       last.starts_with("min_time:") || last.starts_with("min_warmup_time:") ||
                       last.starts_with("iterations:") || last.starts_with("repeats:");
    if (!added) break;
  }
  return std::string(name);
}

/// One benchmark of one program, and what was measured.
struct Row {
  const Program* program;
  std::string full_name;                     ///< as the program knows it
  std::string name = plain_name(full_name);  ///< group/variant
  std::vector<Nanoseconds> times = {};       ///< per item, one a round
  std::string error = {};                    ///< why it failed; such a row is run no more

  std::string_view group() const { return std::string_view(name).substr(0, name.find('/')); }
  std::string_view variant() const {
    return name.find('/') == name.npos ? name : std::string_view(name).substr(name.find('/') + 1);
  }
  bool measured() const { return error.empty() && !times.empty(); }
  Nanoseconds time() const { return median(times); }
  Nanoseconds fastest() const { return std::ranges::min(times); }
  Nanoseconds slowest() const { return std::ranges::max(times); }
};

/// Rows that do the same work, one variant after another, and the one that they are compared with.
struct Group {
  std::string name;
  std::vector<Row*> rows;

  /// The first variant called `sequential` that was measured, else the first that was; null if none was.
  const Row* baseline() const {
    const auto measured = [](const Row* row) { return row->measured(); };
    const auto sequential = [](const Row* row) { return row->measured() && row->variant() == "sequential"; };
    auto found = std::ranges::find_if(rows, sequential);
    if (found == rows.end()) found = std::ranges::find_if(rows, measured);
    return found == rows.end() ? nullptr : *found;
  }
};

/// Puts rows into groups. Groups, and variants in a group, come in the order of their first appearance; the
/// programs of a variant side by side.
inline std::vector<Group> groups_of(std::span<Row> rows) {
  std::vector<Group> groups;
  for (Row& row : rows) {
    auto group = std::ranges::find(groups, row.group(), &Group::name);
    if (group == groups.end()) group = groups.insert(group, {std::string(row.group()), {}});
    const auto last =
        std::ranges::find(group->rows.rbegin(), group->rows.rend(), row.variant(), &Row::variant);
    group->rows.insert(last == group->rows.rend() ? group->rows.end() : last.base(), &row);
  }
  return groups;
}

/// How a time compares with the baseline's, in words: "2.31× faster", "208× slower", "the same".
inline std::string against(Nanoseconds time, Nanoseconds baseline) {
  const bool faster = time < baseline;
  const double times = faster ? baseline / time : time / baseline;
  const std::string number =
      times < 1e6 ? concurrent::three_digits(times) : concurrent::three_digits(times / 1e6) + " M";
  return number == "1.00" ? "the same" : number + "× " + (faster ? "faster" : "slower");
}

/// How long the bars of a group are, from 0 to 1: to scale if that shows anything of the short ones, else on
/// a logarithmic scale.
class BarScale {
 public:
  explicit BarScale(const Group& group) {
    for (const Row* row : group.rows) {
      if (!row->measured()) continue;
      longest_ = std::max(longest_, row->slowest());
      shortest_ = std::min(shortest_, row->time());
    }
    logarithmic_ = longest_ > 25 * shortest_;
  }
  bool logarithmic() const { return logarithmic_; }
  double length(Nanoseconds time) const {
    if (!logarithmic_) return time / longest_;
    const double start =
        std::floor(std::log10(shortest_.count()) - 0.1);  // a power of ten, a little below the shortest
    return std::max(0.0, (std::log10(time.count()) - start) / (std::log10(longest_.count()) - start));
  }

 private:
  Nanoseconds longest_{0};
  Nanoseconds shortest_ = Nanoseconds::max();
  bool logarithmic_;
};

}  // namespace bench
