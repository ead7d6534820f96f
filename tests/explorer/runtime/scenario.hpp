#pragma once

#include <string>

/// Calls that a scenario can make while it runs.
namespace explore::runtime {

/// An expectation has failed; does not return.
[[noreturn]] void fail_check(const std::string& where, const std::string& what) noexcept;

}  // namespace explore::runtime
