#pragma once

#include <string>
#include <vector>

#include "shared.hpp"

/// A schedule that has failed, in a reader's terms: source lines instead of addresses.
namespace explore {

/// A line of the learner's code, or of the test's if it is none of the learner's.
struct Place {
  std::string function;
  std::string file;  ///< relative to the repository
  int line = 0;
  std::string source;  ///< what stands there

  [[nodiscard]] bool known() const { return line > 0; }
  /// "blocking_queue.hpp:96"
  [[nodiscard]] std::string short_name() const;
  friend bool operator==(const Place& a, const Place& b) { return a.file == b.file && a.line == b.line; }
};

/// The events of a thread at one place, before another thread runs or it goes to another place.
struct Row {
  int thread = 0;
  std::vector<std::string> texts;
  Place place;
};

struct ThreadStory {
  std::string name;   ///< "thread 2 (worker_0)"
  std::string doing;  ///< "waits for mutex 1, which thread 3 has"
  bool ended = false;
  std::vector<Place> places;  ///< where it is, innermost first; at most two
};

struct SiteStory {
  std::string what;  ///< "thread 2 writes 4 bytes"
  Place place;
};

struct Story {
  Failure failure = Failure::none;
  std::string message;
  std::vector<ThreadStory> threads;
  std::vector<SiteStory> sites;
  std::vector<Row> rows;
};

Story tell(const Shared& shared);

}  // namespace explore
