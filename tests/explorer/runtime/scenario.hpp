#pragma once

#include <string>

/// What a scenario can say while it runs.
namespace explore::runtime {

/// An expectation has failed; does not return.
[[noreturn]] void fail_check(const std::string& where, const std::string& what) noexcept;

}  // namespace explore::runtime
