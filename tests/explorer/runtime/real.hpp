#pragma once

#include <dlfcn.h>

namespace explore::runtime {

/// The function that one of ours stands in front of: `real<&::pthread_join>("pthread_join")`. Looked up at
/// the first call; without a guarded static, because those are among what we stand in front of.
template <auto* ours>
auto* real(const char* name, const char* version = nullptr) noexcept {
  static decltype(ours) function = nullptr;
  if (!function && version) function = reinterpret_cast<decltype(ours)>(dlvsym(RTLD_NEXT, name, version));
  if (!function) function = reinterpret_cast<decltype(ours)>(dlsym(RTLD_NEXT, name));
  return function;
}

}  // namespace explore::runtime
