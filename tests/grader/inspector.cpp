#include "inspector.hpp"

#include <algorithm>
#include <regex>
#include <set>

#include "allowlist.hpp"

namespace grader {
namespace {

/// Keywords behind which an expression stands: `return open(…)` is a call, and `void open(…)` is none.
bool introduces_expression(std::string_view word) {
  static const std::set<std::string_view> known{
      "return", "co_return", "co_await", "co_yield", "throw",    "else",    "do",        "not",
      "and",    "or",        "xor",      "compl",    "bitand",   "bitor",   "case",      "if",
      "while",  "new",       "delete",   "sizeof",   "switch",   "for",     "constexpr", "using",
      "goto",   "alignas",   "alignof",  "noexcept", "requires", "decltype"};
  return known.contains(word);
}

/// Keywords that no scope is called: behind them, a `::` begins a name.
bool is_no_scope(std::string_view word) {
  static const std::set<std::string_view> known{
      "namespace", "typename", "class",   "struct",    "union",     "enum",      "friend",
      "const",     "volatile", "inline",  "static",    "typedef",   "template",  "operator",
      "virtual",   "explicit", "mutable", "public",    "private",   "protected", "auto",
      "void",      "bool",     "char",    "int",       "long",      "short",     "signed",
      "unsigned",  "float",    "double",  "constinit", "consteval", "concept",   "thread_local"};
  return introduces_expression(word) || known.contains(word);
}

}  // namespace

void Inspector::run() {
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (at(i).kind == Token::Kind::word && is_declared(at(i).text, place(i))) declared_.insert(at(i).text);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (token.kind == Token::Kind::directive) check_directive(token);
    if (token.kind == Token::Kind::word) check_word(i);
    if (token.kind == Token::Kind::text)
      if (const std::string why = objection_to_text(whole_text(i)); !why.empty())
        throw NotAllowed(token.line, why);
    if (token.is("[") && at(i + 1).is("[")) check_attributes(i);
  }
  std::erase_if(tokens_, [](const Token& token) { return token.kind == Token::Kind::directive; });
  check_scope(0, tokens_.size(), false);
}

const Token& Inspector::at(std::size_t i) const {
  static const Token none{};
  return i < tokens_.size() ? tokens_[i] : none;
}

void Inspector::check_directive(const Token& token) const {
  static const std::regex once(R"(#[ \t]*pragma[ \t]+once[ \t\r]*(//.*)?)");
  static const std::regex include(R"re(#[ \t]*include[ \t]*(<([^<>"]*)>|"([^<>"]*)")[ \t\r]*(//.*)?)re");
  std::smatch found;
  if (std::regex_match(token.text, found, include)) return check_include(token, found.str(2) + found.str(3));
  if (std::regex_match(token.text, once)) return;
  const std::size_t word = token.text.find_first_not_of(" \t", 1);
  const std::string name = word == std::string::npos
                               ? ""
                               : token.text.substr(word, token.text.find_first_of(" \t\r/<\"(", word) - word);
  throw NotAllowed(token.line, "#" + name.substr(0, 40) +
                                   (name == "pragma" || name == "include" ? " of this kind" : "") +
                                   " is not allowed: a submission has only #pragma once and #include");
}

void Inspector::check_include(const Token& token, const std::string& name) const {
  if (is_library_header(name) || around_.headers.contains(name)) return;
  throw NotAllowed(token.line,
                   "#include of " + name.substr(0, 80) +
                       " is not allowed: it is no header of this chapter or one below, none that is given in "
                       "chapters/support, and none on the list of the standard's and the system's");
}

/// Strings that stand side by side are one.
std::string Inspector::whole_text(std::size_t i) const {
  std::string text = at(i).text;
  while (at(++i).kind == Token::Kind::text) {
    if (text.ends_with('"')) text.pop_back();
    text += at(i).text.substr(at(i).text.starts_with('"') ? 1 : 0);
  }
  return text;
}

Place Inspector::place(std::size_t i) const {
  const Token& before = at(i - 1);  // one that is none, if i is 0
  const Token& before_that = at(i - 2);
  const auto names = [](const Token& token) {
    return token.kind == Token::Kind::word && !introduces_expression(token.text);
  };
  // `Node& link`, `std::unique_ptr<Node> clone()`, `Node*& link`
  std::size_t type = i;
  while (type > 0 && (at(type - 1).is("*") || at(type - 1).is("&"))) --type;
  const Token& name = type > 0 ? at(type - 1) : before;
  const bool of_type = names(name) || name.is(">");
  const bool scope = (before_that.kind == Token::Kind::word && !is_no_scope(before_that.text)) ||
                     before_that.is(">");  // S<T>::open
  return {.last = before.text,
          .next = at(i + 1).text,
          .global = before.is("::") && (!scope || before_that.is("std")),
          .alias = before.is("=") && i > 2 && tokens_[i - 3].is("namespace"),
          .after_word = of_type,
          .declared = declared_.contains(tokens_[i].text)};
}

void Inspector::check_word(std::size_t i) const {
  const std::string& word = tokens_[i].text;
  if (around_.words.contains(word)) return;
  if (const std::string why = objection(word, place(i)); !why.empty()) throw NotAllowed(line(i), why);
}

/// `[[` is always the beginning of attributes.
void Inspector::check_attributes(std::size_t i) const {
  for (i += 2; !at(i).is("]");) {
    if (i >= tokens_.size()) throw NotAllowed(line(tokens_.size() - 1), "these attributes have no end");
    i = at(i).is(",") ? i + 1 : check_attribute(i);
  }
}

std::size_t Inspector::check_attribute(std::size_t i) const {
  std::string name = at(i).text;
  std::size_t end = i + 1;
  if (at(end).is("::")) name += "::" + at(end + 1).text, end += 2;
  if (!is_harmless_attribute(name))
    throw NotAllowed(line(i), "the attribute " + name + " is not allowed: only those of the standard are");
  if (!at(end).is("(")) return end;
  for (int depth = 0; end < tokens_.size(); ++end) {
    if (at(end).is("(")) ++depth;
    if (at(end).is(")") && --depth == 0) return end + 1;
  }
  throw NotAllowed(line(i), "this attribute has no end");
}

/// Checks what stands outside of the course's namespaces.
void Inspector::check_scope(std::size_t begin, std::size_t end, bool in_std) const {
  for (std::size_t i = begin; i < end;) {
    if (at(i).is("static_assert"))
      while (i < end && !at(i).is(";")) ++i;
    else if (at(i).is(";"))
      ++i;
    else if (at(i).is("namespace") && !in_std)
      i = check_namespace(i);
    else
      i = check_specialisation(i, in_std);
  }
}

std::size_t Inspector::check_namespace(std::size_t i) const {
  const std::string& name = at(i + 1).text;
  std::size_t brace = i + 2;
  while (at(brace).is("::")) brace += 2;
  const bool standard = name == "std" && brace == i + 2;
  if (!at(brace).is("{") || (!standard && !is_course_namespace(name)))
    throw NotAllowed(line(i),
                     "namespace " + name.substr(0, 40) +
                         " is not allowed: a submission's code is in namespace concurrent or asyncio");
  const std::size_t end = closing(brace);
  if (standard) check_scope(brace + 1, end, true);
  return end + 1;
}

/// True if the name at `k` is one of std's, and is being specialised rather than used.
bool Inspector::customises(std::size_t k, bool in_std) const {
  const auto behind = [&](std::size_t end, std::string_view scope) {
    return end >= 2 && at(end - 1).is("::") && at(end - 2).is(scope);
  };
  const bool in_ranges = behind(k, "ranges");
  std::size_t first = in_ranges ? k - 2 : k;
  const bool in_std_too = behind(first, "std");
  if (in_std_too) first -= 2;
  const Token kind = first > 0 ? at(first - 1) : Token{};
  return (in_std_too || in_std) && (kind.is("struct") || kind.is("class") || kind.is("bool"));
}

/// True if one of the arguments between the `<` at `k` and its `>` is a type of the course. A name that the
/// submission makes for another type is none, and neither is std::tuple_element_t<0, …>.
bool Inspector::has_type_of_ours(std::size_t k, std::size_t end) const {
  int depth = 0;
  for (; k < end; ++k) {
    if (at(k).is("<")) ++depth;
    if (at(k).is(">") && --depth == 0) return false;
    if (depth == 1 && (at(k).is("<") || at(k).is(",")) && is_type_of_ours(k + 1, end)) return true;
  }
  return false;
}

/// True for `concurrent::detail::Queue<T>`, up to its last name.
bool Inspector::is_type_of_ours(std::size_t k, std::size_t end) const {
  while (at(k).is("const") || at(k).is("::") || at(k).is("struct") || at(k).is("class")) ++k;
  if (!is_course_namespace(at(k).text) || around_.aliases.contains("using namespace")) return false;
  while (k < end && at(k + 1).is("::")) {
    k += 2;
    if (around_.aliases.contains(at(k).text)) return false;
    if (!at(k + 1).is("<")) continue;
    int depth = 0;
    while (++k < end)
      if ((at(k).is("<") && ++depth == 0) || (at(k).is(">") && --depth == 0)) break;
  }
  return true;
}

/// `template <class T> struct std::hash<concurrent::Future<T>> { … }`, or the same in namespace std without
/// `std::`.
std::size_t Inspector::check_specialisation(std::size_t i, bool in_std) const {
  const int begin = line(i);
  std::size_t open = i;
  while (open < tokens_.size() && !at(open).is("{") && !at(open).is(";")) ++open;
  bool ours = false;
  for (std::size_t k = i + 1; k < open && !ours; ++k)
    if (is_customisation(at(k).text) && at(k + 1).is("<") && customises(k, in_std))
      ours = has_type_of_ours(k + 1, open);
  if (!at(i).is("template") || !ours)
    throw NotAllowed(
        begin,
        "code outside of the namespaces concurrent and asyncio is not allowed, but for specialisations of "
        "std::hash and its like for types of these namespaces, which are no other types by another name: no "
        "using X = …, no using namespace");
  return at(open).is("{") ? closing(open) + 1 : open + 1;
}

std::size_t Inspector::closing(std::size_t opening) const {
  int depth = 0;
  for (std::size_t i = opening; i < tokens_.size(); ++i) {
    if (at(i).is("{")) ++depth;
    if (at(i).is("}") && --depth == 0) return i;
  }
  throw NotAllowed(line(opening), "this { has no }");
}

}  // namespace grader
