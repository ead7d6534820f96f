#pragma once

namespace asyncio {

/// Whether pools keep memory to use it again. AddressSanitizer sees a use after free only if it was freed.
inline constexpr bool pools_recycle =
#if defined(__SANITIZE_ADDRESS__)
    false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    false;
#else
    true;
#endif
#else
    true;
#endif

}  // namespace asyncio
