#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace grader {

Terminal Terminal::detect() {
  Terminal terminal;
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  terminal.live = isatty(STDOUT_FILENO) != 0 && !dumb;
  const char* refused = std::getenv("NO_COLOR");
  terminal.colour = terminal.live && (refused == nullptr || *refused == '\0');
  winsize size{};
  if (terminal.live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    terminal.width = std::clamp<std::size_t>(size.ws_col, 40, 110);
  return terminal;
}

std::string Terminal::paint(std::string_view code, std::string_view text) const {
  if (!colour) return std::string(text);
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

}  // namespace grader
