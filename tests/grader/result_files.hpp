#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner.hpp"

namespace grader {

/// The results in Gradescope's format: a point a test.
std::string gradescope_json(const std::vector<Result>& results);

std::string junit_xml(const std::vector<Result>& results);

/// Where the picture of what happened in a test is, once it has been written.
std::string diagram_path(const Result& result);
void write_diagrams(const std::vector<Result>& results);

/// The text as a JSON string, quotes included.
std::string json_string(std::string_view text);

/// The text as it may stand between tags or in an attribute.
std::string xml_text(std::string_view text);

}  // namespace grader
