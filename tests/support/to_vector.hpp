#pragma once

#include <ranges>
#include <utility>
#include <vector>

namespace course {

/// Collects the values of a range, those that can only be moved as well.
template <std::ranges::input_range R>
auto to_vector(R&& range) {
  std::vector<std::ranges::range_value_t<R>> values;
  for (auto&& value : range) values.push_back(std::forward<decltype(value)>(value));
  return values;
}

}  // namespace course
