#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "protocol.hpp"

namespace grader {

/// Returns the standard output of a command; empty if it cannot be run.
std::string output_of(const std::vector<std::string>& command);

struct Frame {
  std::string function;  ///< as the debug information has it
  std::string file;      ///< relative to the repository, if it lies in there
  int line = 0;
};

/// Turns addresses of a binary into functions and lines. Needs `addr2line`; without it, knows none.
class Symbols {
 public:
  /// @param source the test's own source
  Symbols(std::string binary, std::string source) : binary_(std::move(binary)), source_(std::move(source)) {}

  /// Names the place of a thread in a reader's terms: "BlockingQueue::pop, blocking_queue.hpp:41". It is the
  /// innermost line of the learner's code, or else of the test's; empty if it is in neither.
  std::string place(const Trace& trace);

  /// Looks up all addresses at once, which is faster than one by one.
  void load(const std::vector<Trace>& traces);
  void load(const std::set<std::uint64_t>& addresses);

  /// Returns the functions that an address lies in, inlined ones first. Call load() before.
  const std::vector<Frame>& frames(std::uint64_t address) { return frames_[address]; }

 private:
  [[nodiscard]] bool is_learners(const Frame& frame) const;

  std::string binary_;
  std::string source_;
  std::map<std::uint64_t, std::vector<Frame>> frames_;  // of one address: inlined functions first
};

/// "concurrent::BlockingQueue<int>::pop()" → "BlockingQueue::pop"
std::string short_name(std::string_view function);

}  // namespace grader
