#pragma once

#include <cstddef>

namespace asyncio {

/// Has the memory at `address` brought into the cache while other work goes on. Nodes lie anywhere in memory,
/// and a million of them are more than a cache holds: to wait for each costs some 80 ns.

inline void prefetch(const void* address) noexcept { __builtin_prefetch(address); }

/// The number of nodes to look ahead.
inline constexpr std::size_t prefetch_distance = 16;

}  // namespace asyncio
