#include "course.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "text.hpp"

namespace grader {
namespace {

/// Returns the end of the comment or literal that begins at `at`; `at` itself if none does.
std::size_t end_of_noise(std::string_view code, std::size_t at) {
  const auto after = [&](std::string_view what, std::size_t from) {
    const std::size_t found = code.find(what, from);
    return found == std::string_view::npos ? code.size() : found + what.size();
  };
  const std::string_view rest = code.substr(at);
  if (rest.starts_with("//")) return std::min(code.find('\n', at), code.size());
  if (rest.starts_with("/*")) return after("*/", at + 2);
  if (rest.starts_with("R\"")) {
    const std::size_t open = rest.find('(');
    return open == std::string_view::npos ? at
                                          : after(")" + std::string(rest.substr(2, open - 2)) + "\"", at);
  }
  const bool separator = at > 0 && std::isalnum(static_cast<unsigned char>(code[at - 1])) != 0;  // 10'000
  if (rest[0] != '"' && (rest[0] != '\'' || separator)) return at;
  for (std::size_t i = at + 1; i < code.size() && code[i] != '\n'; ++i) {
    if (code[i] == '\\')
      ++i;
    else if (code[i] == rest[0])
      return i + 1;
  }
  return at + 1;
}

/// Blanks out comments and literals, because they may contain text that looks like a test.
std::string code_only(std::string_view source) {
  std::string code(source);
  for (std::size_t at = 0; at < source.size();) {
    const std::size_t end = end_of_noise(source, at);
    for (std::size_t i = at; i < end; ++i)
      if (code[i] != '\n') code[i] = ' ';
    at = std::max(end, at + 1);
  }
  return code;
}

/// The place in a learner's header that an error in somebody else's is about: of the lines around it, the
/// first in which a compiler says so.
std::string place_that_asks(const std::vector<std::string>& around) {
  static const std::regex pattern(R"(^(?:In file included from )?(chapters/\d\S*?:\d+)(?::\d+)?[:,].*)");
  for (const std::string& line : around) {
    std::smatch match;
    const bool asks =
        line.find("required from") != std::string::npos || line.find("requested here") != std::string::npos;
    if (asks && std::regex_match(line, match, pattern)) return match.str(1);
  }
  return "";
}

/// Returns the first error of the compiler or linker, with the lines that explain it.
std::string first_error(const std::string& log) {
  const auto lines = lines_of(log);
  const auto is_error = [](const std::string& line) {
    return line.find("error:") != std::string::npos || line.find("undefined reference") != std::string::npos;
  };
  auto found = std::ranges::find_if(lines, is_error);
  if (found == lines.end()) found = lines.begin();
  auto end = found == lines.end() ? found : std::find_if(found + 1, lines.end(), is_error);
  std::string result;
  for (auto line = found; line != end && line - found < 6; ++line) {
    result += *line + "\n";
    // g++ says before the error what has asked for the code, and clang++ after it.
    if (line != found || line->starts_with("chapters/")) continue;
    const std::string place = place_that_asks({lines.begin(), end});
    if (!place.empty()) result += place + ": because of this line\n";
  }
  return result;
}

}  // namespace

std::string Chapter::lesson(const Step& step) const {
  if (!std::filesystem::exists(lesson()) && step.number == 0) return tests.front().source;
  return step.number > 0 ? lesson() + "#step-" + std::to_string(step.number) : lesson();
}

std::vector<Test> tests_in(std::string_view source) {
  static const std::regex definition(R"(\bTEST(?:_F)?\s*\(\s*(\w+)\s*,\s*(\w+)\s*\))");
  const std::string code = code_only(source);
  std::vector<Test> tests;
  int line = 1;
  auto counted_to = code.cbegin();
  for (std::sregex_iterator match(code.begin(), code.end(), definition), end; match != end; ++match) {
    const auto at = code.cbegin() + match->position();
    line += static_cast<int>(std::count(counted_to, at, '\n'));
    counted_to = at;
    const std::string name = match->str(2);
    if (name.starts_with("DISABLED_")) continue;
    tests.push_back({.suite = match->str(1), .name = name, .line = line});
  }
  return tests;
}

std::vector<Step> steps_of(const std::vector<Test>& tests) {
  std::vector<Step> steps;
  for (const Test& test : tests) {
    if (std::any_of(steps.begin(), steps.end(), [&](const Step& step) { return step.suite == test.suite; }))
      continue;
    static const std::regex pattern(R"(Step(\d{1,4})_(\w+))");
    std::smatch match;
    if (std::regex_match(test.suite, match, pattern)) {
      std::string title = match.str(2);
      std::replace(title.begin(), title.end(), '_', ' ');
      steps.push_back({.number = std::stoi(match.str(1)), .suite = test.suite, .title = title});
    } else {
      steps.push_back({.number = 0, .suite = test.suite, .title = test.suite});
    }
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.number < b.number; });
  return steps;
}

Chapter load_chapter(const std::string& binary, std::string source, bool built) {
  Chapter chapter;
  const auto path = std::filesystem::absolute(binary);
  chapter.id = path.parent_path().filename();
  if (source.empty()) source = "tests/" + chapter.id + "/" + path.filename().string() + ".cpp";

  const auto text = read_file(source);
  if (!text)
    throw std::runtime_error("cannot read " + source + ", which says what tests " + binary +
                             " has; run this from the repository's root, or name it with --source");
  chapter.tests = tests_in(*text);
  if (chapter.tests.empty()) throw std::runtime_error(source + " defines no TEST(Suite, Name)");
  for (Test& test : chapter.tests) test.source = source, test.binary = binary;
  chapter.steps = steps_of(chapter.tests);
  if (!built) return chapter;
  if (const auto note = read_file(binary + ".note")) chapter.notes.push_back(*note);

  if (const auto refused = read_file(path.parent_path() / "refused")) {
    chapter.problem = "is refused";
    chapter.explanation = *refused;
  } else if (!std::filesystem::exists(binary)) {
    const auto log = read_file(binary + ".log");
    if (!log) throw std::runtime_error("there is no " + binary + ", and no " + binary + ".log that says why");
    chapter.problem = "does not compile";
    chapter.explanation = first_error(*log) + "All of it: " + binary + ".log\n";
  }
  return chapter;
}

void merge(Chapter& chapter, Chapter other) {
  std::ranges::move(other.tests, std::back_inserter(chapter.tests));
  for (std::string& note : other.notes)
    if (std::ranges::find(chapter.notes, note) == chapter.notes.end())
      chapter.notes.push_back(std::move(note));
  chapter.steps = steps_of(chapter.tests);
  if (!chapter.problem.empty()) return;
  chapter.problem = std::move(other.problem);
  chapter.explanation = std::move(other.explanation);
}

namespace {

bool matches_any(const std::string& list, const Test& test) {
  std::istringstream patterns(list);
  for (std::string one; std::getline(patterns, one, ':');) {
    static const std::regex step("Step[0-9]+\\*");  // 'Step1*' is the first step, and not the tenth, too
    if (std::regex_match(one, step)) one.insert(one.size() - 1, "_");
    for (const std::string& name : {test.full_name(), test.suite, test.name})
      if (fnmatch(one.c_str(), name.c_str(), 0) == 0) return true;
  }
  return false;
}

}  // namespace

bool matches(const std::string& pattern, const Test& test) {
  const std::size_t minus = pattern.find('-');  // what follows is left out, as GoogleTest's filters have it
  if (minus != std::string::npos && matches_any(pattern.substr(minus + 1), test)) return false;
  return minus == 0 || matches_any(pattern.substr(0, minus), test);
}

}  // namespace grader
