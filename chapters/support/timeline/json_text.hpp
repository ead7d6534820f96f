#pragma once

#include <string>
#include <string_view>

#include "utf8.hpp"

namespace concurrent {

/// Returns `text` as a JSON string, with its quotes. Control characters become spaces.
inline std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace concurrent
