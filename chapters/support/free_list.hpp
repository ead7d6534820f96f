#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace asyncio::detail {

/// Free blocks of memory of one size, to be used again: the last one first, for it is in the cache still. The
/// links lie in the blocks. It frees nothing. For one thread at a time.
class FreeList {
 public:
  [[nodiscard]] bool empty() const noexcept { return !first_; }

  /// Adds `block`, which has room for a pointer.
  void push(void* block) noexcept { first_ = std::construct_at(static_cast<Block*>(block), first_); }

  /// Takes out the block that was added last. There must be one.
  void* pop() noexcept { return std::exchange(first_, first_->next); }

  /// Counts the blocks.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t count = 0;
    for (const Block* block = first_; block; block = block->next) ++count;
    return count;
  }

 private:
  struct Block {
    Block* next;
  };

  Block* first_ = nullptr;
};

}  // namespace asyncio::detail
