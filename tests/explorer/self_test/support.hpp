#pragma once

#include <cstdint>
#include <source_location>

#include "../explore.hpp"

/// Helpers of the explorer's own tests.
namespace self_test {

using explore::Failure;
using explore::Options;

/// Exploring `program` finds this failure. Its report names each line of the calling test that ends in the
/// comment "here".
testing::AssertionResult finds(Failure wanted, void (*program)(), const Options& options = {},
                               std::source_location caller = std::source_location::current());

/// Nothing is wrong with `program`, under so many schedules. If a systematic search ends sooner, the rest is
/// random.
testing::AssertionResult finds_nothing(void (*program)(), std::uint64_t schedules = 10'000);

}  // namespace self_test
