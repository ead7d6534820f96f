#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

/// Where the linker has put the program's first instruction, and what stands behind its last.
extern "C" const char __executable_start, etext;

namespace concurrent::detail {

/// Returns a number that is the same for each text of the same letters, in each program (FNV-1a).
constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return hash;
}

/// Returns a number that is the same in all processes that run this program, and another one in others.
inline std::uint64_t program_identity() {
  static const std::uint64_t identity = [] {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    return hash_of(std::string(std::istreambuf_iterator<char>(file), {}));
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
