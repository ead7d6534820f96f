#include "objects.hpp"

#include <cstring>

#include "arena.hpp"
#include "system.hpp"
#include "world.hpp"

namespace explore::runtime::objects {
namespace {

struct Bucket {
  std::uint32_t generation = 0;  // what an earlier schedule left is not there
  Object* first = nullptr;
};

struct Table {
  static constexpr std::size_t size = 4096;
  std::array<Bucket, size> buckets{};
  std::array<int, kinds> numbers{};
};
Table* table = nullptr;

Bucket& bucket_of(const void* address) noexcept {
  return table->buckets[(reinterpret_cast<std::uintptr_t>(address) >> 2) * 2'654'435'761U % Table::size];
}

}  // namespace

void open() noexcept { table = new (system::memory(sizeof(Table))) Table; }

void reset() noexcept { table->numbers = {}; }

Object* find(const void* address, Kind kind) noexcept {
  const Bucket& bucket = bucket_of(address);
  if (bucket.generation != world->generation) return nullptr;
  for (Object* object = bucket.first; object; object = object->next)
    if (object->address == address && object->kind == kind) return object;
  return nullptr;
}

Object& get(const void* address, Kind kind) noexcept {
  if (Object* const known = find(address, kind)) return *known;
  Bucket& bucket = bucket_of(address);
  if (bucket.generation != world->generation) bucket = {.generation = world->generation, .first = nullptr};
  Object& object = *arena::make<Object>();
  object.address = address;
  object.kind = kind;
  object.number = ++table->numbers[static_cast<std::size_t>(kind)];
  object.next = bucket.first;
  return *(bucket.first = &object);
}

}  // namespace explore::runtime::objects
