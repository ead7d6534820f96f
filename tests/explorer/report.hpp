#pragma once

#include <string>

#include "story.hpp"

namespace explore {

/// The story as text: what went wrong, where each thread is, and the schedule as a table with a column a
/// thread. It fits into 76 columns as long as there are no more than four threads.
std::string report(const Story& story);

}  // namespace explore
