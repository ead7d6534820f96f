#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace concurrent {

/// Returns the length in bytes of the UTF-8 character at the beginning of `text`; 0 if there is none.
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return length;
}

/// Returns `text` in a form that can be shown anywhere: a control character becomes a space, a byte that is
/// not UTF-8 a question mark.
inline std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text.front());
    if (length == 0)
      result += '?';
    else if (lead < 0x20 || lead == 0x7F)
      result += ' ';
    else
      result += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

/// Counts the characters of `text`: its columns on a terminal, if none of them is a wide one.
inline std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Returns the first `count` characters of `text`.
inline std::string_view first_columns(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (; count > 0 && end < text.size(); --count)
    end += std::max<std::size_t>(utf8_length(text.substr(end)), 1);
  return text.substr(0, end);
}

/// Returns `text`, cut with an ellipsis if it has more than `most` characters.
inline std::string shortened(std::string_view text, std::size_t most) {
  if (columns_of(text) <= most) return std::string(text);
  return most == 0 ? "" : std::string(first_columns(text, most - 1)) + "…";
}

/// Pads `text` with spaces after it, to `width` characters.
inline std::string left_aligned(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width - std::min(width, columns_of(text)), ' ');
}

/// Pads `text` with spaces before it, to `width` characters.
inline std::string right_aligned(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, columns_of(text)), ' ') + std::string(text);
}

}  // namespace concurrent
