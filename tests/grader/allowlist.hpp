#pragma once

#include <set>
#include <string>
#include <string_view>

namespace grader {

/// True for a header of the standard library, of POSIX, of cereal or of nlohmann-json that a submission may
/// include.
bool is_library_header(std::string_view name);

/// True for a namespace that a submission may open.
bool is_course_namespace(std::string_view name);

/// True for a template of the standard library that a submission may specialise, for a type of its own.
bool is_customisation(std::string_view name);

/// True for an attribute that says nothing to the linker, "nodiscard", or to no one but the optimiser.
bool is_harmless_attribute(std::string_view name);

/// The place of a word: the tokens around it.
struct Place {
  std::string_view last, next;
  bool global = false;      ///< behind a :: that has nothing before it, or std
  bool alias = false;       ///< as in `namespace t = testing`
  bool after_word = false;  ///< as in `void open(` or `Node& open`, but not as in `return open(`
  bool declared = false;    ///< somewhere in the header it stands as what is declared does
};

/// Says why a word is not allowed where it stands; empty if it is.
std::string objection(const std::string& word, const Place& place);

/// True if a word stands as what is declared does, though perhaps it is not.
bool is_declared(const std::string& word, const Place& place);

/// Returns the name of a function without the 64 of those that are there twice.
std::string_view without_64(std::string_view name);

/// True for a function of the system that reaches into other programs, files or the environment.
bool is_foreign(const std::string& symbol);

/// Says that a function may not be called.
std::string called(const std::string& function);

/// Says why a string is not allowed; empty if it is.
std::string objection_to_text(std::string_view text);

}  // namespace grader
