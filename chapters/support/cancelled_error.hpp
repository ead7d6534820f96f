#pragma once

#include "errors.hpp"

namespace asyncio {

/// The error of a future that is cancelled, and in a coroutine that is cancelled. It derives from nothing,
/// so that `catch (const std::exception&)` lets it through. Whoever catches it to clean up throws it on.
/// Python: `asyncio.CancelledError`, which derives from BaseException.
struct CancelledError {};

/// The operation does not fit the future's state. Python: `asyncio.InvalidStateError`.
using concurrent::InvalidStateError;

/// The error of what took too long. Python: `TimeoutError`.
using concurrent::TimeoutError;

}  // namespace asyncio
