#include "replay.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <stdexcept>

namespace explore {

std::string to_text(const Choices& choices) {
  std::string text;
  std::uint32_t zeros = 0;
  for (const int choice : std::span(choices.at).first(choices.size)) {
    if (choice == 0) {
      ++zeros;
      continue;
    }
    text += (text.empty() ? "" : ",") + std::to_string(zeros) + "." + std::to_string(choice);
    zeros = 0;
  }
  return text.empty() ? "0" : text;
}

Choices from_text(const std::string& text) {
  Choices choices;
  if (text == "0") return choices;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [after, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value > most)
      throw std::invalid_argument("a replay looks like 12.1,3.2 and not like \"" + text + "\"");
    at = after;
    return value;
  };
  const auto skip = [&](char c) {
    if (at == end || *at++ != c)
      throw std::invalid_argument("a replay looks like 12.1,3.2 and not like \"" + text + "\"");
  };
  for (;;) {
    for (std::uint32_t zeros = number(Choices::most); zeros > 0; --zeros) choices.add(0);
    skip('.');
    choices.add(number(255));
    if (at == end) return choices;
    skip(',');
  }
}

int deviations(const Choices& choices) {
  return static_cast<int>(std::ranges::count_if(std::span(choices.at).first(choices.size),
                                                [](int choice) { return choice != 0; }));
}

}  // namespace explore
