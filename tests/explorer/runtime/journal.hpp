#pragma once

#include "../shared.hpp"
#include "thread.hpp"

/// The notes on a schedule that will be drawn. In all others these functions return at once.
namespace explore::runtime::journal {

/// The calls that led here.
StackId stack() noexcept;

/// A line in the thread's column.
[[gnu::format(printf, 2, 3)]] void add(Thread& thread, const char* format, ...) noexcept;

/// Likewise, of an event that is left out where it comes from inside the standard library: shared_ptr's
/// counts, …
[[gnu::format(printf, 2, 3)]] void add_detail(Thread& thread, const char* format, ...) noexcept;

/// The schedule has ended: writes down what each thread does.
void close() noexcept;

}  // namespace explore::runtime::journal
