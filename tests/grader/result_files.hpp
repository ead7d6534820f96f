#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner.hpp"

namespace grader {

/// Returns the results in Gradescope's format, with one point for each test.
std::string gradescope_json(const std::vector<Result>& results);

std::string junit_xml(const std::vector<Result>& results);

/// Returns the path of the picture of a test's schedule.
std::string diagram_path(const Result& result);
void write_diagrams(const std::vector<Result>& results);

/// Returns the text as a JSON string, with its quotes.
std::string json_string(std::string_view text);

/// Escapes the text for use between tags or in an attribute.
std::string xml_text(std::string_view text);

}  // namespace grader
