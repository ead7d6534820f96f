#pragma once

#include "evidence.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "symbols.hpp"

namespace grader {

/// From what was seen of the test `name` to what is said about it.
Outcome judge(const Evidence& seen, const std::string& name, const Limits& limits, Symbols& symbols);

}  // namespace grader
