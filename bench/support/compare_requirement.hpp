#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "compare_rows.hpp"
#include "timeline/time_text.hpp"

namespace bench {

/// That one row is so many times as fast as another of the same run, as in
/// `a job/ThreadPool vs a job/asio::thread_pool >= 2`. A row of one program is written `learner:a
/// job/ThreadPool`.
struct Requirement {
  std::string fast, slow;
  double least;

  /// @throws std::invalid_argument if `text` is not of that form
  static Requirement parse(const std::string& text) {
    const auto versus = text.find(" vs "), at_least = text.rfind(" >= ");
    try {
      if (versus == text.npos || at_least == text.npos || at_least < versus + 4)
        throw std::invalid_argument(text);
      const std::string number = text.substr(at_least + 4);
      std::size_t read = 0;
      const double least = std::stod(number, &read);
      if (read != number.size() || !(least > 0)) throw std::invalid_argument(text);
      return {text.substr(0, versus), text.substr(versus + 4, at_least - versus - 4), least};
    } catch (const std::logic_error&) {
      throw std::invalid_argument("--require wants 'ROW vs ROW >= NUMBER', not '" + text + "'");
    }
  }

  /// Says in one line whether it is met, with the figures, and returns that.
  bool check(std::span<const Row> rows, std::ostream& out) const {
    const Row* left = find(fast, rows);
    const Row* right = find(slow, rows);
    const bool known = left && right && left->measured() && right->measured();
    const double ratio = known ? right->time() / left->time() : 0;
    const bool met = known && ratio >= least;
    out << (met ? "✔ " : "✘ ") << fast << " vs " << slow << ": ";
    if (known)
      out << concurrent::three_digits(ratio) << (met ? "× ≥ " : "× < ") << number(least) << "× ("
          << concurrent::in_words(left->time()) << ", " << concurrent::in_words(right->time()) << ")\n";
    else
      out << why_unknown(left, fast) << (left && left->measured() ? why_unknown(right, slow) : "") << '\n';
    return met;
  }

 private:
  static std::string number(double value) {
    std::string text = concurrent::fixed(value, 3);
    text.erase(text.find_last_not_of('0') + 1);
    return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
  }

  static const Row* find(const std::string& name, std::span<const Row> rows) {
    const Row* found = nullptr;  // one that was measured, if there is one
    for (const Row& row : rows)
      if ((row.name == name || row.program->label + ":" + row.name == name) && (!found || !found->measured()))
        found = &row;
    return found;
  }

  static std::string why_unknown(const Row* row, const std::string& name) {
    if (row && row->measured()) return "";
    return row ? name + " failed: " + row->error : "there is no row " + name;
  }
};

}  // namespace bench
