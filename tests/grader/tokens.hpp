#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace grader {

/// A token of C++, as the compiler's first phases see it.
struct Token {
  enum class Kind {
    word,       ///< a name or a keyword
    number,     ///< 1'000
    text,       ///< a string or a character, with its quotes; of a raw string what is between its brackets
    sign,       ///< "::", "->", or a single character
    directive,  ///< a whole line that begins with #
  };
  Kind kind = Kind::sign;
  std::string text;
  int line = 0;

  [[nodiscard]] bool is(std::string_view sign_or_word) const {
    return (kind == Kind::sign || kind == Kind::word) && text == sign_or_word;
  }
};

/// Something in a file that is not allowed, with its line.
struct NotAllowed : std::runtime_error {
  NotAllowed(int at, const std::string& why) : std::runtime_error(why), line(at) {}
  int line;
};

/// Splits a header into tokens, without the comments. Whatever two compilers could read in two ways is
/// refused: it could hide code from us.
/// @throws NotAllowed
std::vector<Token> tokens_of(std::string_view code);

}  // namespace grader
