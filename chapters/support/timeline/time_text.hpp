#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>

namespace concurrent {

/// A time that may be a fraction of a nanosecond, for pictures and tables.
using Nanoseconds = std::chrono::duration<double, std::nano>;

/// Formats `value` with so many decimals.
inline std::string fixed(double value, int decimals) {
  std::array<char, 400> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return std::string(text.data(), static_cast<std::size_t>(length));
}

/// Formats `value`, which must not be negative, with three significant digits: 0.123, 1.23, 12.3, 123, 1,230.
inline std::string three_digits(double value) {
  const int decimals = value < 9.995 ? (value < 0.9995 && value > 0 ? 3 : 2) : value < 99.95 ? 1 : 0;
  std::string text = fixed(value, decimals);
  if (value >= 999.5) {
    const double unit = std::pow(10, std::floor(std::log10(value)) - 2);
    text = fixed(std::round(value / unit) * unit, 0);
  }
  if (decimals == 0)
    for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3)
      text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

/// A unit of time, by its name and its length.
struct TimeUnit {
  const char* name;
  Nanoseconds length;

  /// Returns the unit that shows `time` as a number from 1 to 999, if there is one.
  static TimeUnit of(Nanoseconds time) {
    for (const TimeUnit unit :
         {TimeUnit{"ns", Nanoseconds(1)}, {"µs", Nanoseconds(1e3)}, {"ms", Nanoseconds(1e6)}})
      if (time / unit.length < 999.5) return unit;
    return {"s", Nanoseconds(1e9)};
  }
};

/// Formats a time with its unit: "212 ns", "1.02 ms", "2.70 s".
inline std::string in_words(Nanoseconds time) {
  if (time.count() == 0) return "0 s";
  const TimeUnit unit = TimeUnit::of(time);
  return three_digits(time / unit.length) + " " + unit.name;
}

/// The scale under a picture: from 0 to `end`, with ticks at round times.
struct TimeAxis {
  Nanoseconds end;
  Nanoseconds step;  ///< from one tick to the next: 1, 2 or 5 times a power of ten
  TimeUnit unit = TimeUnit::of(end);

  /// @param most_ticks the room for ticks, the one at 0 not counted
  TimeAxis(Nanoseconds last, int most_ticks) : end(std::max(last, Nanoseconds(1))) {
    const double least = end.count() / std::max(most_ticks, 1);
    const double power = std::pow(10, std::floor(std::log10(least)));
    const double times = least / power <= 1 ? 1 : least / power <= 2 ? 2 : least / power <= 5 ? 5 : 10;
    step = Nanoseconds(times * power);
  }

  /// Returns the number of ticks after the one at 0.
  int ticks() const { return static_cast<int>(end / step + 1e-9); }

  /// Returns the label of a tick, without the unit: "0", "0.5", "1.0".
  std::string label(int tick) const {
    const double in_units = step / unit.length;
    const int decimals = in_units < 0.9999 ? static_cast<int>(std::ceil(-std::log10(in_units) - 1e-9)) : 0;
    return tick == 0 ? "0" : fixed(tick * in_units, decimals);
  }
};

}  // namespace concurrent
