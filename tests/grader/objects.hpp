#pragma once

#include <string>
#include <vector>

namespace grader {

/// Says which functions of the system an object calls that neither its test, nor a header that is given, nor
/// the chapter's solution calls. However a submission names a function, its object says which it is.
/// @param object build/…/learner/01_pooling/step1_…_test.o; a file beside it says what it was made from
/// @returns a line for each: "chapters/01_pooling/x.hpp:3: a call of system() is not allowed in this chapter"
std::vector<std::string> foreign_calls(const std::string& object);

}  // namespace grader
