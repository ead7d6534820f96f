#pragma once

#include <string>
#include <vector>

#include "runner.hpp"

namespace grader {

/// Checks that a starter fails as it should: with the first `solved` steps written, their tests pass, the
/// tests of the next step fail with the words that lead to its lesson, and those of later steps fail because
/// something is not written.
/// @param rebuilds the next step builds anew what works already: at least one of its tests fails, and says
/// how
/// @param passed set to true if all of this holds
/// @returns a line for each test for which it does not, and a last line with the sums
std::string starter_report(const std::vector<Result>& results, int solved, bool rebuilds, bool& passed);

}  // namespace grader
