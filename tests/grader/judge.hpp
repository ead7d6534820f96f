#pragma once

#include "evidence.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "symbols.hpp"

namespace grader {

/// Decides from the evidence whether the test `name` has passed, and how the report explains it.
Outcome judge(const Evidence& seen, const std::string& name, const Limits& limits, Symbols& symbols);

}  // namespace grader
