#pragma once

#include <string>
#include <string_view>

namespace grader {

/// The abilities of standard output as a terminal.
struct Terminal {
  bool live = false;    ///< a line can be rewritten
  bool colour = false;  ///< NO_COLOR and TERM=dumb are respected
  std::size_t width = 80;

  static Terminal detect();

  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const;
  [[nodiscard]] std::string bold(std::string_view text) const { return paint("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return paint("2", text); }
  [[nodiscard]] std::string good(std::string_view text) const { return paint("32", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return paint("31", text); }
};

}  // namespace grader
