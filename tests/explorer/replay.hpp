#pragma once

#include <string>

#include "shared.hpp"

namespace explore {

/// A schedule's choices as a short text: `12.1,3.2` stands for twelve times 0, then 1, then three times 0,
/// then 2. What follows is 0, too.
std::string to_text(const Choices& choices);

/// @throws std::invalid_argument if it is no such text
Choices from_text(const std::string& text);

/// How many choices are not 0.
int deviations(const Choices& choices);

}  // namespace explore
