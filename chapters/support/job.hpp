#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace concurrent {

/// A function to be called once. It may own what it works on, so it can be moved and not copied. A job that
/// is destroyed unrun must itself make sure that nobody waits for it.
using Job = std::move_only_function<void()>;

/// Checks that there is a job. @throws std::invalid_argument if `job` is null; `where` names the function
/// that was given it
inline void require_job(const Job& job, const char* where) {
  if (!job) throw std::invalid_argument(std::string(where) + ": the job must not be null");
}

}  // namespace concurrent
