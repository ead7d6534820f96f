#include "arena.hpp"

#include "failure.hpp"
#include "system.hpp"

namespace explore::runtime::arena {
namespace {

constexpr std::size_t room = std::size_t{1} << 29;

struct Arena {
  std::size_t used = sizeof(Arena);
};
Arena* here = nullptr;

}  // namespace

void open() noexcept { here = new (system::memory(room)) Arena; }

void reset() noexcept { here->used = sizeof(Arena); }

void* allocate(std::size_t size) noexcept {
  const std::size_t rounded = (size + 15) & ~std::size_t{15};
  if (here->used + rounded > room)
    fail(Failure::limit, "the explorer has not enough memory for this scenario");
  void* const result = reinterpret_cast<char*>(here) + here->used;
  here->used += rounded;
  return result;
}

}  // namespace explore::runtime::arena
