#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <string>
#include <vector>

namespace course {

/// Lists what has happened, in order: a test compares it as a whole.
using Log = std::vector<std::string>;

/// Returns what is written to stderr while `fn()` runs.
template <std::invocable F>
std::string stderr_of(F fn) {
  testing::internal::CaptureStderr();
  fn();
  return testing::internal::GetCapturedStderr();
}

}  // namespace course
