// What finds the typical bugs: running them ten thousand times, ThreadSanitizer, and the explorer.

#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include "../explore.hpp"
#include "table_programs.hpp"

void self_test::check(bool holds) { EXPECT_TRUE(holds); }

// The runtime wants to tell a test's main about these.
extern "C" void grader_not_written(const char*) {}
extern "C" void grader_note(const char*) {}
extern "C" void grader_diagram(const char*) {}

namespace {

/// The columns of one of the other two programs.
class Runs {
 public:
  explicit Runs(const char* program) : output_(popen(program, "r")) {}
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  ~Runs() {
    if (output_) pclose(output_);
  }
  std::string next() {
    char found[16] = "?";
    double seconds = 0;
    if (!output_ || std::fscanf(output_, "%15s %lf", found, &seconds) != 2) return "?";
    char text[32];
    std::snprintf(text, sizeof text, "%-6s %6.2f", found, seconds);
    return text;
  }

 private:
  std::FILE* output_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: table PROGRAM-THAT-RUNS-NATIVELY PROGRAM-WITH-THREADSANITIZER\n";
    return 2;
  }
  // From here on, an expectation that fails in a scenario ends its schedule.
  static_cast<void>(explore::survives([] {}, {.schedules = 1}));
  Runs native(argv[1]);
  std::puts("                      10,000 runs    ThreadSanitizer  explorer");
  std::puts("bug                   found    s     found    s       found        schedules  ms");
  for (const self_test::Program& program : self_test::typical_bugs()) {
    const std::string as_it_is = native.next();
    static Runs sanitized(argv[2]);
    const std::string with_sanitizer = sanitized.next();
    const explore::Result result = explore::explore(program.run);
    std::printf("%-21s %-14s %-16s %-14s %7llu %4.0f\n", program.name, as_it_is.c_str(),
                with_sanitizer.c_str(), std::string(name(result.failure)).c_str(),
                static_cast<unsigned long long>(result.schedules), 1'000 * result.seconds);
    std::fflush(stdout);
  }
}
