#pragma once

#include <cstddef>

#include "../shared.hpp"

/// operator new and delete, while a schedule runs. Memory comes from fixed addresses, so that each schedule
/// gets the same, and no byte is used twice in one schedule, so that whoever uses it after its end is found
/// out.
namespace explore::runtime::heap {

/// Makes room. Call it once in a process.
void open() noexcept;

/// The next schedule begins. What is still alive was meant for longer, and stays.
void reset() noexcept;

/// Where memory comes from, in a schedule that is drawn.
struct Block {
  const void* begin = nullptr;
  std::size_t size = 0;
  StackId stack = 0;
  int thread = 0;
};

/// Null if it is not known.
const Block* block_of(const void* memory) noexcept;

}  // namespace explore::runtime::heap
