#include "text.hpp"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace grader {
namespace {

constexpr std::size_t longest_line = 400;  // columns that are shown

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Returns the length of the UTF-8 character at the front, if XML allows it too; else 0.
std::size_t sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : first == '\n' || first == '\t' ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text[i])) return 0;
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool too_big = first == 0xF4 && byte(1) > 0x8F;
  const bool surrogate = first == 0xED && byte(1) > 0x9F;
  const bool control = first == 0xC2 && byte(1) < 0xA0;
  const bool no_character = first == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE;
  return overlong || too_big || surrogate || control || no_character ? 0 : length;
}

bool upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool lower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }
bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string clean(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence(text);
    if (length > 0)
      result += text.substr(0, length);
    else if (text[0] != '\r')
      result += "\uFFFD";
    text.remove_prefix(length > 0 ? length : 1);
  }
  return result;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string first_lines(std::string_view text, std::size_t most) {
  const auto lines = lines_of(text);
  std::string result;
  for (std::size_t i = 0; i < lines.size() && i < most; ++i)
    result += (i > 0 ? "\n" : "") + cut(lines[i], longest_line);
  if (lines.size() > most) result += "\n… " + counted(lines.size() - most, "more line", "more lines");
  return result;
}

std::string indented(std::string_view text, std::size_t by, std::size_t width) {
  std::string result;
  for (const std::string& line : lines_of(text)) {
    const std::size_t own = std::min(line.find_first_not_of(' '), std::size_t{20});
    std::string_view rest = line;
    std::size_t indent = by;
    while (indent + columns(rest) > width) {
      std::size_t bytes = 0;
      for (std::size_t n = 0; n < width - indent; ++n) do
          ++bytes;
        while (bytes < rest.size() && is_continuation(rest[bytes]));
      const std::size_t space = rest.substr(0, bytes + 1).find_last_of(' ');
      const bool usable = space != std::string_view::npos && space > own + 20;
      result += std::string(indent, ' ') + std::string(rest.substr(0, usable ? space : bytes)) + "\n";
      rest.remove_prefix(usable ? space + 1 : bytes);
      indent = by + (line.empty() || own > 20 ? 0 : own) + 2;
    }
    result += (rest.empty() ? "" : std::string(indent, ' ') + std::string(rest)) + "\n";
  }
  return result;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += !is_continuation(c);
  return count;
}

std::string cut(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::size_t bytes = 0;
  for (std::size_t n = 0; n + 1 < width; ++n) do
      ++bytes;
    while (is_continuation(text[bytes]));
  return std::string(text.substr(0, bytes)) + "…";
}

std::string sentence(std::string_view name) {
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const char before = i > 0 ? name[i - 1] : '_';
    const char after = i + 1 < name.size() ? name[i + 1] : '_';
    const bool starts_word = i > 0 && ((upper(c) && (!upper(before) || lower(after))) ||
                                       (digit(c) && !digit(before) && !upper(before)));
    if (c == '_' || starts_word) result += ' ';
    const bool acronym =
        upper(c) && ((upper(before) && !lower(after)) || (upper(after) && i + 2 >= name.size()) ||
                     (upper(after) && i + 2 < name.size() && !lower(name[i + 2])));
    if (c != '_') result += acronym ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::string counted(std::size_t count, std::string_view thing, std::string_view things) {
  return std::to_string(count) + " " + std::string(count == 1 ? thing : things);
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

void write_file(const std::string& path, const std::string& content) {
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace grader
