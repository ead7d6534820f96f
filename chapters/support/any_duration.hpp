#pragma once

#include <chrono>
#include <cmath>
#include <compare>
#include <ratio>
#include <stdexcept>
#include <type_traits>

namespace concurrent {

/// A duration that was given in any unit. What is longer than nanoseconds can say, 292 years, becomes the
/// longest that they can; what lies between two of them is rounded up, so that nobody is woken too early.
/// Parameters and options of this type take any std::chrono::duration, as Python's take any number of
/// seconds.
class AnyDuration {
 public:
  /// @throws std::invalid_argument if the duration is not a number
  template <class Rep, class Period>
  AnyDuration(std::chrono::duration<Rep, Period> duration) : value_(saturated(duration)) {}

  /// Says what is missing.
  template <class Number>
  requires std::is_arithmetic_v<Number> AnyDuration(Number) {
    static_assert(!std::is_arithmetic_v<Number>, "a duration has a unit: 1s, not 1");
  }

  operator std::chrono::nanoseconds() const noexcept { return value_; }

  friend auto operator<=>(AnyDuration, AnyDuration) noexcept = default;

 private:
  using Nanoseconds = std::chrono::nanoseconds;

  template <class Rep, class Period>
  static Nanoseconds saturated(std::chrono::duration<Rep, Period> duration) {
    using PerUnit = std::ratio_divide<Period, std::nano>;
    if constexpr (std::is_same_v<Rep, Nanoseconds::rep> && PerUnit::den == 1) {
      constexpr Rep most = Nanoseconds::max().count() / PerUnit::num;
      if (duration.count() > most) return Nanoseconds::max();
      if (duration.count() < -most) return Nanoseconds::min();
      return duration;
    } else {
      // Looked at as a long double, every unit has room for the ends.
      const std::chrono::duration<long double, std::nano> exact(duration);
      if (std::isnan(exact.count())) throw std::invalid_argument("a duration is not a number");
      if (exact >= Nanoseconds::max()) return Nanoseconds::max();
      if (exact <= Nanoseconds::min()) return Nanoseconds::min();
      return std::chrono::ceil<Nanoseconds>(duration);
    }
  }

  Nanoseconds value_;
};

}  // namespace concurrent
