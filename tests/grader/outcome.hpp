#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace grader {

enum class Verdict : char { passed = 'p', failed = 'f', not_written = 'n' };

/// The verdict on one test, and the text about it in the report.
struct Outcome {
  Verdict verdict = Verdict::failed;
  std::string summary = {};  ///< "hung: thread 2 waits in …": the first line says it all
  std::string place = {};    ///< file:line of the first failed expectation
  std::string details = {};  ///< GoogleTest's message, a sanitizer's report
  std::string output = {};   ///< the output of the test
  std::string note = {};     ///< a text to show although it passed
  std::string diagram = {};  ///< a picture (SVG) of the schedule
  std::string hint = {};     ///< a likely mistake, if it was asked for
  double seconds = 0;
  bool began = true;  ///< the test itself, not only its program

  [[nodiscard]] bool passed() const { return verdict == Verdict::passed; }
};

/// Turns an outcome into bytes, for the way from a supervisor to the grader.
std::string pack(const Outcome& outcome);

/// @returns nothing if `bytes` is not the whole of an outcome
std::optional<Outcome> unpack(std::string_view bytes);

}  // namespace grader
