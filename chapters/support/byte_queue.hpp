#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace asyncio {

/// Bytes that are added at the end and taken from the beginning. To take the first few of many costs only as
/// much as these. Once it is empty, it gives back what it has of memory, but for a little.
class ByteQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - begin_; }

  /// Returns all bytes. They stay where they are until the queue is changed.
  [[nodiscard]] std::string_view bytes() const noexcept { return std::string_view(bytes_).substr(begin_); }

  void append(std::string_view more) {
    if (begin_ > bytes_.size() / 2) {  // so a byte is moved once, on average
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
    bytes_.append(more);
  }

  /// Removes the first `size` bytes. @returns them
  std::string take(std::size_t size) {
    if (begin_ == 0 && size == bytes_.size() && size > bytes_.capacity() / 2)
      return std::exchange(bytes_, std::string());
    std::string taken(bytes().substr(0, size));
    drop(size);
    return taken;
  }

  /// Removes the first `size` bytes.
  void drop(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ < bytes_.size()) return;
    begin_ = 0;
    if (bytes_.capacity() > kept)
      std::string().swap(bytes_);  // to assign an empty one would keep the memory
    else
      bytes_.clear();
  }

  /// Removes all bytes.
  void clear() noexcept { drop(size()); }

 private:
  static constexpr std::size_t kept = 1024;  // bytes of memory for what comes next

  std::string bytes_;
  std::size_t begin_ = 0;  // of those that are not taken yet
};

}  // namespace asyncio
