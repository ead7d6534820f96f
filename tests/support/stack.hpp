#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace course {

/// True if a coroutine that goes on in the place of another takes no stack for it in this build: the compiler
/// makes a jump of a symmetric transfer. clang++ always does. g++ does where it optimises sibling calls, as
/// all our builds ask it to, but not with a sanitizer, which has something to do after each call.
#if defined(__clang__)
inline constexpr bool constant_stack = true;
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool constant_stack = false;
#else
inline constexpr bool constant_stack = true;
#endif

/// Returns how many coroutines may be inside one another: all that are wanted where that takes constant
/// stack, and elsewhere at most as many as the stack has room for.
constexpr int levels(int wanted) noexcept { return constant_stack ? wanted : std::min(wanted, 1'000); }

/// Returns where the stack of the calling thread ends now: the same number if it is called twice from the
/// same place. It grows towards 0.
std::uintptr_t stack_end() noexcept;

/// Calls `fn` on a thread whose stack has half a MiB: a function that calls itself for each of some ten
/// thousand items crashes there, however little each call takes. Throws what `fn` throws.
void on_a_small_stack(const std::function<void()>& fn);

}  // namespace course
