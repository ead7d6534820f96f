#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace concurrent {

/// Parses a time in the spelling of C++: a whole number and ns, us, ms, s or min, as in "10ms".
/// @returns nothing if it is not a time, or too long for the clock
inline std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  using Unit = std::pair<std::string_view, std::int64_t>;
  static constexpr std::array<Unit, 5> units{
      {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}}};
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) return std::nullopt;
  for (const auto& [name, factor] : units)
    if (std::string_view(rest, end) == name && number <= std::numeric_limits<std::int64_t>::max() / factor)
      return std::chrono::nanoseconds(number * factor);
  return std::nullopt;
}

}  // namespace concurrent
