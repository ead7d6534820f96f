#pragma once

#include <regex.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace bench {

/// Which rows are wanted: those whose names match a POSIX extended regular expression.
class Filter {
 public:
  /// All rows.
  Filter() = default;

  /// @throws std::invalid_argument if `pattern` is no regular expression
  explicit Filter(const std::string& pattern) {
    auto compiled = std::make_unique<regex_t>();
    if (regcomp(compiled.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
      throw std::invalid_argument("--filter wants a regular expression, not '" + pattern + "'");
    regex_.reset(compiled.release(), [](regex_t* regex) {
      regfree(regex);
      delete regex;
    });
  }

  bool matches(const std::string& name) const {
    return !regex_ || regexec(regex_.get(), name.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  std::shared_ptr<const regex_t> regex_;
};

}  // namespace bench
