#include "statics.hpp"

#include <cstddef>
#include <cstring>

#include "system.hpp"

extern "C" char __data_start, _end;  // the linker's: where the executable's variables lie

namespace explore::runtime::statics {
namespace {

std::size_t size() noexcept { return static_cast<std::size_t>(&_end - &__data_start); }

char* memory = nullptr;

}  // namespace

void remember() noexcept {
  memory = static_cast<char*>(system::memory(size()));
  std::memcpy(memory, &__data_start, size());
}

void put_back() noexcept { std::memcpy(&__data_start, memory, size()); }

}  // namespace explore::runtime::statics
