#pragma once

#include <string>

namespace bench {

/// Calls that do nothing, in another process; each crosses alone, or 64 of them together.
inline const std::string trivial_calls_one_by_one = "trivial calls, chunksize 1";
inline const std::string trivial_calls_in_chunks = "trivial calls, chunksize 64";
inline constexpr int many_calls = 20'000;
inline constexpr int many_calls_in_chunks = 64 * 2'000;

}  // namespace bench
