#pragma once

namespace asyncio {

/// True under AddressSanitizer. It detects a use after free only if the memory was really freed, so pools
/// keep no memory then.
inline constexpr bool address_sanitizer =
#if defined(__SANITIZE_ADDRESS__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

}  // namespace asyncio
