#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grader {

/// Returns valid UTF-8 without control characters, except line breaks and tabs: a test may print any bytes.
std::string clean(std::string_view text);

std::vector<std::string> lines_of(std::string_view text);

/// Returns the first `most` lines, and a line that says how many were left out. A line of more than 400
/// columns is cut.
std::string first_lines(std::string_view text, std::size_t most);

/// Indents `text` by `by` spaces, and breaks lines longer than `width` columns, at a space if there is one.
std::string indented(std::string_view text, std::size_t by, std::size_t width);

/// Counts the columns of the text, one for each code point.
std::size_t columns(std::string_view text);

/// Cuts the text to so many columns, with an ellipsis.
std::string cut(std::string_view text, std::size_t width);

/// Turns the name of a test into a sentence: "PopWaitsForPush" → "pop waits for push".
std::string sentence(std::string_view name);

/// Returns a number with its noun: "1 thread", "2 threads".
std::string counted(std::size_t count, std::string_view thing, std::string_view things);

std::optional<std::string> read_file(const std::string& path);

/// Writes the whole file or nothing of it. @throws std::runtime_error that names the file
void write_file(const std::string& path, const std::string& content);

}  // namespace grader
