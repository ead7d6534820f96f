#include "tokens.hpp"

#include <algorithm>
#include <cctype>

namespace grader {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
  return c == '_' || c == '$' || std::isalpha(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
}
bool in_word(char c) { return starts_word(c) || is_digit(c); }

/// True if the word before a quote makes a raw string of what follows.
bool is_raw_prefix(std::string_view word) {
  return word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R";
}

class Lexer {
 public:
  explicit Lexer(std::string_view code) : code_(code) {}

  std::vector<Token> run() && {
    if (code_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    check_characters();
    while (at_ < code_.size()) {
      const char c = code_[at_];
      if (c == '\n')
        ++line_, ++at_, first_ = true;
      else if (c == ' ' || c == '\t' || c == '\r')
        ++at_;
      else if (here("//"))
        at_ = std::min(code_.find('\n', at_), code_.size());
      else if (here("/*"))
        take_comment();
      else
        take_token(c);
    }
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] bool here(std::string_view what) const { return code_.substr(at_).starts_with(what); }
  [[nodiscard]] char next(std::size_t by) const { return at_ + by < code_.size() ? code_[at_ + by] : '\n'; }

  /// What ends a line for one compiler and not for another, or joins it with the next, could hide a
  /// directive.
  void check_characters() const {
    int line = 1;
    for (std::size_t i = 0; i < code_.size(); ++i) {
      const char c = code_[i];
      if (c == '\n') {
        const std::size_t last = code_.find_last_not_of(" \t\r", i == 0 ? 0 : i - 1);
        if (i > 0 && last != std::string_view::npos && code_[last] == '\\')
          throw NotAllowed(line, "a line that ends with a backslash is not allowed: write it as one line");
        ++line;
      } else if (c == '\r' ? i + 1 < code_.size() && code_[i + 1] != '\n'
                           : (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) {
        throw NotAllowed(line, "a control character is not allowed");
      }
    }
  }

  void take_comment() {
    const int began = line_;
    const std::size_t end = code_.find("*/", at_ + 2);
    if (end == std::string_view::npos) throw NotAllowed(began, "this comment has no end");
    line_ += static_cast<int>(std::count(&code_[at_], &code_[end], '\n'));
    at_ = end + 2;
  }

  void take_token(char c) {
    if (c == '#' && first_) return take_directive();
    first_ = false;
    if (starts_word(c))
      take_word();
    else if (is_digit(c) || (c == '.' && is_digit(next(1))))
      take_number();
    else if (c == '"' || c == '\'')
      take_text(c);
    else
      take_sign(c);
  }

  void take_directive() {
    const std::size_t end = std::min(code_.find('\n', at_), code_.size());
    add(Token::Kind::directive, code_.substr(at_, end - at_));
  }

  void take_word() {
    std::size_t size = 1;
    while (in_word(next(size))) ++size;
    const std::string_view word = code_.substr(at_, size);
    if (is_raw_prefix(word) && next(size) == '"') return take_raw(size + 1);
    add(Token::Kind::word, word);
  }

  void take_number() {
    std::size_t size = 1;
    for (;; ++size) {
      const char c = next(size), before = next(size - 1);
      const bool exponent = before == 'e' || before == 'E' || before == 'p' || before == 'P';
      if (c == '\'') {
        if (!in_word(next(size + 1))) throw NotAllowed(line_, "a ' behind a number is not allowed");
      } else if (!in_word(c) && c != '.' && !(exponent && (c == '+' || c == '-'))) {
        break;
      }
    }
    add(Token::Kind::number, code_.substr(at_, size));
  }

  void take_text(char quote) {
    std::size_t size = 1;
    while (next(size) != quote) {
      if (next(size) == '\n') throw NotAllowed(line_, "this literal has no end");
      size += next(size) == '\\' ? 2 : 1;
    }
    add(Token::Kind::text, code_.substr(at_, size + 1));
    check_behind_literal();
  }

  /// What is a suffix to one reader is the beginning of a raw string to another.
  void check_behind_literal() const {
    for (const char* prefix : {"R\"", "LR\"", "uR\"", "UR\"", "u8R\""})
      if (here(prefix)) throw NotAllowed(line_, "a raw string directly behind a literal is not allowed");
  }

  void take_raw(std::size_t opened) {
    const std::size_t bracket = code_.find('(', at_ + opened);
    const std::string_view delimiter =
        code_.substr(at_ + opened, std::min(bracket, code_.size()) - at_ - opened);
    if (delimiter.size() > 16 || delimiter.find_first_of(" \t\r\n\\\")") != std::string_view::npos)
      throw NotAllowed(line_, "this raw string does not begin as one");
    const std::string close = ")" + std::string(delimiter) + "\"";
    const std::size_t end = code_.find(close, bracket + 1);
    if (end == std::string_view::npos) throw NotAllowed(line_, "this raw string has no end");
    const std::string_view content = code_.substr(bracket + 1, end - bracket - 1);
    tokens_.push_back({Token::Kind::text, std::string(content), line_});
    line_ += static_cast<int>(std::count(content.begin(), content.end(), '\n'));
    at_ = end + close.size();
    check_behind_literal();
  }

  void take_sign(char c) {
    if (c == '\\') throw NotAllowed(line_, "a backslash outside of a literal is not allowed");
    if (c == '#' || here("%:"))
      throw NotAllowed(line_, "# is allowed only in #pragma once and #include, each on a line of its own");
    // C++ itself reads <:: as < and ::, unless a : or > follows.
    const bool scope = here("<::") && next(3) != ':' && next(3) != '>';
    if ((here("<:") && !scope) || here(":>") || here("<%") || here("%>"))
      throw NotAllowed(line_, "<: :> <% %> are not allowed: write [ ] { }");
    for (const std::string_view two : {"::", "->"})
      if (here(two)) return add(Token::Kind::sign, two);
    add(Token::Kind::sign, code_.substr(at_, 1));
  }

  void add(Token::Kind kind, std::string_view text) {
    tokens_.push_back({kind, std::string(text), line_});
    at_ += text.size();
  }

  std::string_view code_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool first_ = true;  // nothing but spaces and comments stands before it on its line
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view code) { return Lexer(code).run(); }

}  // namespace grader
