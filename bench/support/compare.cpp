// compare: bench programs side by side. `compare --help` tells how.

#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "compare_program.hpp"
#include "timeline/utf8.hpp"

int main(int argc, char** argv) {
  bench::Console console{.out = std::cout, .err = std::cerr, .colour = isatty(STDOUT_FILENO) == 1};
  if (isatty(STDERR_FILENO))
    console.progress = [](const std::string& line) {
      std::cerr << "\r\033[K" << concurrent::shortened(line, 79) << std::flush;
    };
  return bench::compare(std::vector<std::string>(argv + 1, argv + argc), console);
}
