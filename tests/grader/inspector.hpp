#pragma once

#include <set>
#include <string>
#include <vector>

#include "allowlist.hpp"
#include "submission.hpp"
#include "tokens.hpp"

namespace grader {

/// Walks over the tokens of a header, and compares them with what a submission may contain.
class Inspector {
 public:
  Inspector(std::vector<Token> tokens, const Surroundings& around)
      : tokens_(std::move(tokens)), around_(around) {}

  /// @throws NotAllowed
  void run();

 private:
  [[nodiscard]] const Token& at(std::size_t i) const;
  [[nodiscard]] int line(std::size_t i) const { return at(i).line; }

  [[nodiscard]] Place place(std::size_t i) const;
  [[nodiscard]] std::string whole_text(std::size_t i) const;

  void check_directive(const Token& token) const;
  void check_include(const Token& token, const std::string& name) const;
  void check_word(std::size_t i) const;
  void check_attributes(std::size_t i) const;
  [[nodiscard]] std::size_t check_attribute(std::size_t i) const;

  void check_scope(std::size_t begin, std::size_t end, bool in_std) const;
  [[nodiscard]] std::size_t check_namespace(std::size_t i) const;
  [[nodiscard]] std::size_t check_specialisation(std::size_t i, bool in_std) const;
  [[nodiscard]] bool customises(std::size_t k, bool in_std) const;
  [[nodiscard]] bool has_type_of_ours(std::size_t k, std::size_t end) const;
  [[nodiscard]] bool is_type_of_ours(std::size_t k, std::size_t end) const;
  [[nodiscard]] std::size_t closing(std::size_t opening) const;

  std::vector<Token> tokens_;
  std::set<std::string> declared_;  // of the ordinary names that functions of the system have, too
  const Surroundings& around_;
};

}  // namespace grader
