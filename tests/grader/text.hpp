#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grader {

/// Valid UTF-8 without control characters but line breaks and tabs: what a test prints may be anything.
std::string clean(std::string_view text);

std::vector<std::string> lines_of(std::string_view text);

/// The first `most` lines, with a line that says how many were left out.
std::string first_lines(std::string_view text, std::size_t most);

/// `text` with `by` spaces before each line, lines longer than `width` columns broken at a space where there
/// is one.
std::string indented(std::string_view text, std::size_t by, std::size_t width);

/// How many columns the text takes, at one a code point.
std::size_t columns(std::string_view text);

/// Cut to so many columns, with an ellipsis.
std::string cut(std::string_view text, std::size_t width);

/// "PopWaitsForPush" → "pop waits for push".
std::string sentence(std::string_view name);

/// "1 thread", "2 threads".
std::string counted(std::size_t count, std::string_view thing, std::string_view things);

std::optional<std::string> read_file(const std::string& path);

/// Writes the file as a whole or not at all. @throws std::runtime_error that names the file
void write_file(const std::string& path, const std::string& content);

}  // namespace grader
