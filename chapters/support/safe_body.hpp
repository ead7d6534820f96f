#pragma once

#include <type_traits>

namespace asyncio::detail {

/// True if the compiler gets a body that is written in a `co_await` expression right. g++ before 15 destroys
/// the captures of such a lambda twice.
template <class Body>
inline constexpr bool is_safe_body =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 15
    std::is_lvalue_reference_v<Body> || std::is_trivially_destructible_v<Body>;
#else
    true;
#endif

}  // namespace asyncio::detail
