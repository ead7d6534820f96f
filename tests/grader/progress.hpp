#pragma once

#include "runner.hpp"
#include "terminal.hpp"

namespace grader {

/// A line that is rewritten while the tests run: "01_pooling ██████░░░░  12/28  pop waits for push".
class ProgressLine {
 public:
  explicit ProgressLine(const Terminal& terminal) : terminal_(terminal) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Progress& progress);
  void clear();

 private:
  const Terminal& terminal_;
  std::string shown_;
};

}  // namespace grader
