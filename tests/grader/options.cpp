#include "options.hpp"

#include <charconv>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

namespace grader {
namespace {

/// Splits "10ms" into 10 and "ms".
std::pair<std::uint64_t, std::string_view> number_and_unit(const std::string& option,
                                                           std::string_view value) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || number == 0 || number > 1'000'000'000)
    throw UsageError(option + " must begin with a number from 1 on, not \"" + std::string(value) + "\"");
  return {number, value.substr(static_cast<std::size_t>(end - value.data()))};
}

std::chrono::milliseconds parse_time(const std::string& option, std::string_view value) {
  const auto [number, unit] = number_and_unit(option, value);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "s") return std::chrono::seconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  throw UsageError(option + " needs a unit, as in 500ms, 10s or 2m, not \"" + std::string(value) + "\"");
}

std::uint64_t parse_bytes(const std::string& option, std::string_view value) {
  const auto [number, unit] = number_and_unit(option, value);
  if (unit == "K") return number << 10;
  if (unit == "M") return number << 20;
  if (unit == "G") return number << 30;
  throw UsageError(option + " needs a unit, as in 64K, 512M or 4G, not \"" + std::string(value) + "\"");
}

int parse_jobs(const std::string& option, std::string_view value) {
  const auto [number, unit] = number_and_unit(option, value);
  if (!unit.empty() || number > 1000)
    throw UsageError(option + " must be a number from 1 to 1000, not \"" + std::string(value) + "\"");
  return static_cast<int>(number);
}

int parse_steps(const std::string& option, std::string_view value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0 || number > 99)
    throw UsageError(option + " must be a number from 0 to 99, not \"" + std::string(value) + "\"");
  return number;
}

std::string parse_isolation(const std::string& option, const std::string& value) {
  if (value == "namespaces" || value == "user" || value == "none") return value;
  throw UsageError(option + " must be namespaces, user or none, not \"" + value + "\"");
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  using Set = std::function<void(const std::string& option, const std::string& value)>;
  const auto text = [](std::string& into) -> Set {
    return [&into](const auto&, const auto& value) { into = value; };
  };
  Limits& limits = options.limits;
  const std::map<std::string, Set> known{
      {"--time", [&](const auto& option, const auto& value) { limits.time = parse_time(option, value); }},
      {"--chapter-time",
       [&](const auto& option, const auto& value) { limits.chapter = parse_time(option, value); }},
      {"--memory",
       [&](const auto& option, const auto& value) {
         limits.memory = value == "none" ? std::nullopt : std::optional(parse_bytes(option, value));
       }},
      {"--output",
       [&](const auto& option, const auto& value) { limits.output = parse_bytes(option, value); }},
      {"--jobs", [&](const auto& option, const auto& value) { options.jobs = parse_jobs(option, value); }},
      {"--isolation",
       [&](const auto& option, const auto& value) { options.isolation = parse_isolation(option, value); }},
      {"--starter",
       [&](const auto& option, const auto& value) { options.starter = parse_steps(option, value); }},
      {"--inspect", [&](const auto&, const auto& value) { options.inspect.push_back(value); }},
      {"--object", text(options.object)},
      {"--refused", text(options.refused)},
      {"--filter", text(options.filter)},
      {"--source", text(options.source)},
      {"--json", text(options.json)},
      {"--junit", text(options.junit)},
      {"--hint", text(options.hint)},
      {"--again", text(options.again)},
  };

  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!argument.starts_with("-")) {
      options.binaries.push_back(argument);
    } else if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else if (argument == "--rebuilds") {
      options.rebuilds = true;
    } else if (argument == "--quiet") {
      options.quiet = true;
    } else if (argument == "--next") {
      options.next = true;
    } else if (argument == "--hints") {
      options.hints = true;
    } else if (argument == "--not-yet") {
      options.not_yet = true;
    } else {
      const std::size_t equals = argument.find('=');
      const std::string name = argument.substr(0, equals);
      const auto set = known.find(name);
      if (set == known.end()) throw UsageError("there is no option " + name);
      if (equals == std::string::npos && i + 1 == argc) throw UsageError(name + " needs a value");
      set->second(name, equals == std::string::npos ? argv[++i] : argument.substr(equals + 1));
    }
  }
  if (options.binaries.empty() && options.inspect.empty() && options.object.empty() && !options.help)
    throw UsageError("name at least one test binary");
  if (!options.source.empty() && options.binaries.size() != 1)
    throw UsageError("--source is for a single test binary");
  return options;
}

std::string usage() {
  return R"(Usage: grade [option…] TEST_BINARY…     (from the repository's root)

Runs each test of each binary in a process of its own, under limits, and reports step by step.

  --filter PATTERN   only tests whose suite or name fits, as in 'Step2*' or '*.PopWaits*';
                     what fits patterns behind a minus is left out: 'Step*-Step6_*'
  --time 10s         what a test may take, on the wall and of processor time
  --chapter-time 5m  what all tests of a chapter may take together, each counted
                     from its start to its end (default: 30 times --time)
  --memory 4G        its address space; none for builds with a sanitizer
  --output 1M        what it may print
  --jobs N           how many tests run at once (default: one a core)
  --json FILE        write the result in Gradescope's format
  --junit FILE       write it as JUnit XML
  --source FILE      the binary's source, which says what tests there are
                     (default: tests/<the binary's folder and name>.cpp)
  --again COMMAND    the command that the report proposes (default: make NN)
  --isolation KIND   how tests are kept apart from the grader: namespaces, user, none
                     (default: the strongest that this system allows)
  --next             report only what to do next
  --not-yet          run nothing, and write results in which no test has run: they
                     stand there if what comes next is cut off
  --hint FILE        report only a known mistake that fails the first test that
                     fails; FILE remembers which were told, so that the next comes
  --hints            put the likeliest such mistake into the result files
  --starter N        expect a starter with its first N steps written: their tests
                     pass, the others say what is not written
  --rebuilds         with --starter: the next step builds anew what works already,
                     so that some of its tests may pass, but not all
  --inspect FOLDER   grade nothing; say what is not allowed in the headers of
                     this chapter (may be repeated)
  --object FILE      grade nothing; say which functions of the system are called by this object of a
                     chapter's tests, although nothing but the submission can want them
  --refused FILE     with --inspect: write it there, or remove the file if there is nothing to say
  --quiet            no live progress, no advice
  --help

Exit status: 0 if all tests passed, 1 if not, 2 if the command line is wrong.
)";
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes % (1ULL << 30) == 0) return std::to_string(bytes >> 30) + " GiB";
  if (bytes % (1ULL << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes >> 10) + " KiB";
}

std::string time_text(std::chrono::milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s"
                                  : std::to_string(time.count()) + " ms";
}

}  // namespace grader
