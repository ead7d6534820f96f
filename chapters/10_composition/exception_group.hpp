#pragma once

#include <cstddef>
#include <concepts>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "todo.hpp"

namespace asyncio {

/// Several exceptions at a time, of which some may be groups themselves. Python: `ExceptionGroup`.
class ExceptionGroup : public std::exception {
 public:
  /// @param exceptions at least one, none of them null
  /// @throws std::invalid_argument otherwise
  ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions)
      : message_(std::move(message)), exceptions_(std::move(exceptions)) {
    if (exceptions_.empty()) throw std::invalid_argument("an ExceptionGroup needs at least one exception");
    for (const std::exception_ptr& exception : exceptions_)
      if (!exception) throw std::invalid_argument("an exception of an ExceptionGroup must not be null");
    text_ = message_ + " (" + std::to_string(exceptions_.size()) + " sub-exception" +
            (exceptions_.size() == 1 ? ")" : "s)");
  }

  /// "message (2 sub-exceptions)"
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

  /// The exceptions that are an E, and the others, each as a group with the same groups inside; nothing where
  /// there are none. Python: `group.split(E)`; with a loop over the first, `except* E`.
  template <class E>
  [[nodiscard]] std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split() const {
    if constexpr (std::same_as<E, ExceptionGroup>) return {*this, std::nullopt};  // it is one itself
    todo("4.1", "ExceptionGroup::split");
  }

 private:
  [[nodiscard]] std::optional<ExceptionGroup> group_of(std::vector<std::exception_ptr> exceptions) const {
    if (exceptions.empty()) return std::nullopt;
    return ExceptionGroup(message_, std::move(exceptions));
  }

  std::string message_;
  std::vector<std::exception_ptr> exceptions_;
  std::string text_;
};

}  // namespace asyncio
