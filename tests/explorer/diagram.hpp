#pragma once

#include <string>

#include "story.hpp"

namespace explore {

/// The story as a picture (SVG): a life line a thread, and on them what happened, from top to bottom.
std::string diagram(const Story& story);

}  // namespace explore
