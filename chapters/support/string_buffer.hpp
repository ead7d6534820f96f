#pragma once

#include <cstddef>
#include <streambuf>
#include <string>
#include <utility>

namespace concurrent {

/// The buffer of a `std::ostream` whose bytes go to the end of a string. That of a `std::ostringstream` makes
/// room a little at a time, and copies what it has whenever it does.
class StringBuffer : public std::streambuf {
 public:
  /// Gives what has been written.
  [[nodiscard]] std::string take() noexcept { return std::exchange(bytes_, {}); }

 private:
  int_type overflow(int_type byte) override {
    if (byte != traits_type::eof()) bytes_.push_back(traits_type::to_char_type(byte));
    return traits_type::not_eof(byte);
  }
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    bytes_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }

  std::string bytes_;
};

}  // namespace concurrent
