#include "outcome.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace grader {
namespace {

template <class Self>
auto texts_of(Self& outcome) {
  return std::array{&outcome.summary, &outcome.place, &outcome.details,
                    &outcome.output,  &outcome.note,  &outcome.diagram};
}

}  // namespace

std::string pack(const Outcome& outcome) {
  std::string bytes(1, static_cast<char>(outcome.verdict));
  bytes.append(reinterpret_cast<const char*>(&outcome.seconds), sizeof outcome.seconds);
  bytes.append(1, static_cast<char>(outcome.began));
  for (const std::string* text : texts_of(outcome)) {
    const std::uint64_t size = text->size();
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(*text);
  }
  return bytes;
}

std::optional<Outcome> unpack(std::string_view bytes) {
  Outcome outcome;
  const auto take = [&](void* to, std::size_t size) {
    if (bytes.size() < size) return false;
    std::memcpy(to, bytes.data(), size);
    bytes.remove_prefix(size);
    return true;
  };
  char began = 0;
  if (!take(&outcome.verdict, 1) || !take(&outcome.seconds, sizeof outcome.seconds) || !take(&began, 1))
    return std::nullopt;
  outcome.began = began != 0;
  for (std::string* text : texts_of(outcome)) {
    std::uint64_t size = 0;
    if (!take(&size, sizeof size) || size > bytes.size()) return std::nullopt;
    text->resize(size);
    take(text->data(), size);
  }
  return outcome;
}

}  // namespace grader
