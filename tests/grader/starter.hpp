#pragma once

#include <string>
#include <vector>

#include "runner.hpp"

namespace grader {

/// Tells whether a starter fails as it should: with the first `solved` steps written, their tests pass, the
/// tests of the next step fail with the words that lead to its lesson, and those of later steps because
/// something is not written.
/// @param passed is set to whether all is so
/// @returns a line for each test that goes otherwise, and one that adds up
std::string starter_report(const std::vector<Result>& results, int solved, bool& passed);

}  // namespace grader
