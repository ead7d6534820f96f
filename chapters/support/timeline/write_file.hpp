#pragma once

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace concurrent {

/// Writes or replaces a file, and makes the folders on the way to it.
/// @throws std::system_error that names the path
inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::error_code ignored;  // if it matters, opening the file fails
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << content << std::flush;
  if (!file) throw std::system_error(errno, std::generic_category(), "cannot write " + path.string());
}

}  // namespace concurrent
