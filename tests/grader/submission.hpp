#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace grader {

/// The surroundings of a chapter's headers: what they may include, and what its solution does.
struct Surroundings {
  std::string folder;             ///< chapters/01_pooling
  std::set<std::string> headers;  ///< of the course, as an #include names them
  std::set<std::string> words;    ///< of the solution: what it needs, a submission may use
  std::set<std::string> aliases;  ///< that the submission makes for types: `using Id = int`
};

/// Reads the surroundings of a chapter's folder. @throws std::runtime_error if there is no such chapter
Surroundings surroundings_of(const std::string& folder);

/// Reads a header by the short list of what a submission may contain.
/// @throws NotAllowed for the first thing that is not on it
void inspect_header(std::string_view code, const Surroundings& around);

/// Inspects all that the compiler could find in a chapter's folder, before it is compiled.
/// @returns a line for each file with something that is not allowed: "chapters/…/x.hpp:3: asm is not allowed:
/// …"
std::vector<std::string> inspect(const std::string& folder);

}  // namespace grader
