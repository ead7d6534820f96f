#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string_view>

/// Where the linker has put the program's first instruction, and what stands behind its last.
extern "C" const char __executable_start, etext;

namespace concurrent::detail {

/// Adds a part to a hash (FNV-1a).
constexpr std::uint64_t hash_with(std::uint64_t hash, std::uint64_t part) noexcept {
  return (hash ^ part) * 1'099'511'628'211U;
}

/// Returns a number that is the same for each text of the same letters, in each program.
constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = hash_with(hash, static_cast<unsigned char>(c));
  return hash;
}

/// Returns a number that is the same in all processes that run this program, and another one in others.
inline std::uint64_t program_identity() {
  static const std::uint64_t identity = [] {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    std::uint64_t hash = hash_of({});
    // Eight bytes at a time: a program has megabytes, and somebody waits for its first call.
    for (std::array<std::uint64_t, 4096> words{}; file; words.fill(0)) {
      file.read(reinterpret_cast<char*>(words.data()), sizeof words);
      for (std::size_t i = 0; i * sizeof(words[0]) < static_cast<std::size_t>(file.gcount()); ++i)
        hash = hash_with(hash, words[i]);
    }
    return hash;
  }();
  return identity;
}

/// True if the code at `address` is this program's own, and not that of a library that it has loaded: only
/// then is it at the same distance from the program's beginning in each process.
inline bool is_of_this_program(const void* address) noexcept {
  return address >= static_cast<const void*>(&__executable_start) &&
         address < static_cast<const void*>(&etext);
}

}  // namespace concurrent::detail
