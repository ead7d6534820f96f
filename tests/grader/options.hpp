#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace grader {

/// The resources that one test may use.
struct Limits {
  std::chrono::milliseconds time{10'000};            ///< on the wall, and of processor time
  std::optional<std::chrono::milliseconds> chapter;  ///< for all tests of a chapter; else 30 times `time`
  std::optional<std::uint64_t> memory = 4ULL << 30;  ///< address space in bytes
  std::uint64_t output = 1ULL << 20;                 ///< bytes
  std::uint64_t threads = 256;                       ///< and processes, together
  std::size_t processes = 64;

  [[nodiscard]] std::chrono::milliseconds chapter_time() const { return chapter.value_or(30 * time); }
};

struct Options {
  bool help = false;
  bool rebuilds = false;  ///< with `starter`: the next step builds anew what works already
  bool quiet = false;
  bool not_yet = false;  ///< write the results of a run that was cut off before its first test
  bool next = false;     ///< report only what to do next
  Limits limits;
  int jobs = 0;  ///< 0: one a core
  std::string filter;
  std::string source;
  std::string json;
  std::string junit;
  std::string hint;                  ///< report only a hint; the file remembers which were told
  bool hints = false;                ///< the result files have hints
  std::string again;                 ///< the command that the report proposes; empty: make NN
  std::string isolation;             ///< empty: the strongest there is
  std::optional<int> starter;        ///< expect a starter with so many steps written
  std::vector<std::string> inspect;  ///< folders with a submission, to be read and not graded
  std::string refused;               ///< the file that says what is not allowed in them
  std::string object;                ///< look only at what this object calls
  std::vector<std::string> binaries;
};

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// @throws UsageError with a line that says what is wrong
Options parse_options(int argc, char** argv);

std::string usage();

/// "4 GiB"
std::string bytes_text(std::uint64_t bytes);

/// "10 s", "500 ms"
std::string time_text(std::chrono::milliseconds time);

}  // namespace grader
