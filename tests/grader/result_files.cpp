#include "result_files.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "text.hpp"

namespace grader {
namespace {

const Step& step_of(const Result& result) {
  const auto& steps = result.chapter->steps;
  return *std::find_if(steps.begin(), steps.end(),
                       [&](const Step& step) { return step.suite == result.test->suite; });
}

/// Returns the text about a test: the verdict, the details, and the test's output.
std::string explanation(const Result& result) {
  const Outcome& outcome = result.outcome;
  std::string text =
      outcome.details.empty() || !outcome.summary.starts_with("failed: ") ? outcome.summary + "\n" : "";
  if (!outcome.details.empty()) text += outcome.details + "\n";
  if (!outcome.hint.empty()) text += "Hint: " + outcome.hint + "\n";
  if (!outcome.passed()) text += "Read " + result.chapter->lesson(step_of(result)) + "\n";
  if (!outcome.output.empty()) text += "It printed:\n" + first_lines(outcome.output, 40) + "\n";
  return text;
}

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::size_t passed_in(const std::vector<Result>& results) {
  return static_cast<std::size_t>(std::count_if(
      results.begin(), results.end(), [](const Result& result) { return result.outcome.passed(); }));
}

}  // namespace

std::string diagram_path(const Result& result) {
  return "build/schedules/" + result.test->full_name() + ".svg";
}

void write_diagrams(const std::vector<Result>& results) {
  for (const Result& result : results) {
    if (result.outcome.diagram.empty()) {  // a picture of an earlier run would be out of date
      std::error_code none;
      std::filesystem::remove(diagram_path(result), none);
      continue;
    }
    std::filesystem::create_directories("build/schedules");
    write_file(diagram_path(result), clean(result.outcome.diagram));
  }
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : clean(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  }
  return result + "\"";
}

std::string gradescope_json(const std::vector<Result>& results) {
  std::string json = "{\n  \"score\": " + std::to_string(passed_in(results)) +
                     ",\n  \"max_score\": " + std::to_string(results.size()) + ",\n  \"tests\": [";
  const char* separator = "\n";
  for (const Result& result : results) {
    const Step& step = step_of(result);
    const auto same = [&](const Result& other) {
      return other.chapter == result.chapter && other.test->suite == result.test->suite;
    };
    const auto position = std::count_if(results.data(), &result, same) + 1;
    const std::string chapter = result.chapter->id.substr(0, result.chapter->id.find('_'));
    const bool passed = result.outcome.passed();
    json += separator;
    json += "    {\"name\": " + json_string(step.label() + ": " + sentence(result.test->name)) +
            ", \"number\": " +
            json_string(chapter + "." + std::to_string(step.number) + "." + std::to_string(position)) +
            ",\n     \"score\": " + (passed ? "1" : "0") +
            ", \"max_score\": 1, \"status\": " + (passed ? "\"passed\"" : "\"failed\"") +
            ", \"visibility\": \"visible\",\n     \"output\": " + json_string(explanation(result)) + "}";
    separator = ",\n";
  }
  return json + "\n  ]\n}\n";
}

std::string xml_text(std::string_view text) {
  std::string result;
  for (const char c : clean(text)) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\n':
        result += "&#10;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string junit_xml(const std::vector<Result>& results) {
  std::string cases;
  double total = 0;
  for (const Result& result : results) {
    const Outcome& outcome = result.outcome;
    total += outcome.seconds;
    cases += "    <testcase classname=\"" + xml_text(result.chapter->id + "." + result.test->suite) +
             "\" name=\"" + xml_text(result.test->name) + "\" file=\"" + xml_text(result.test->source) +
             "\" line=\"" + std::to_string(result.test->line) + "\" time=\"" + seconds(outcome.seconds) +
             "\"";
    if (outcome.passed()) {
      cases += "/>\n";
      continue;
    }
    cases += ">\n      <failure message=\"" + xml_text(outcome.summary) + "\">" +
             xml_text(explanation(result)) + "</failure>\n    </testcase>\n";
  }
  const std::string counts = " tests=\"" + std::to_string(results.size()) + "\" failures=\"" +
                             std::to_string(results.size() - passed_in(results)) + "\" errors=\"0\" time=\"" +
                             seconds(total) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts +
         ">\n  <testsuite name=\"course\"" + counts + ">\n" + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace grader
