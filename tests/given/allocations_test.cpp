// Allocations are counted, and fail, however they are made.

#include "allocations.hpp"
#include "testing.hpp"

#include <cstdlib>
#include <memory>
#include <new>

namespace {

/// Ways to allocate that give the memory back to free(); one that gets none returns a null pointer.
const std::initializer_list<void* (*)()> ways = {
    [] { return std::malloc(100); },
    [] { return std::calloc(10, 10); },
    [] { return std::realloc(nullptr, 100); },
    [] { return std::aligned_alloc(64, 128); },
};

}  // namespace

TEST(Given_Allocations, NewAndMallocAreCounted) {
  EXPECT_EQ(course::allocations_in([] { auto owner = std::make_unique<int>(1); }), 1u);
  for (const auto allocate : ways) {
    const std::size_t before = course::allocations(), given_back = course::deallocations();
    void* const memory = allocate();
    EXPECT_NE(memory, nullptr);
    EXPECT_EQ(course::allocations() - before, 1u);
    EXPECT_EQ(course::deallocations() - given_back, 0u);
    std::free(memory);
    EXPECT_EQ(course::allocations() - before, 1u);
    EXPECT_EQ(course::deallocations() - given_back, 1u);
  }
}

TEST(Given_Allocations, MemoryThatIsMadeLargerIsAllocatedOnceMore) {
  char* memory = static_cast<char*>(std::malloc(1));
  *memory = 'x';
  const std::size_t before = course::allocations(), given_back = course::deallocations();
  memory = static_cast<char*>(std::realloc(memory, 10'000));
  EXPECT_EQ(*memory, 'x');
  EXPECT_EQ(course::allocations() - before, 1u);
  EXPECT_EQ(course::deallocations() - given_back, 1u);
  std::free(memory);
}

TEST(Given_Allocations, MallocGetsNothingWhereMemoryRunsOut) {
  for (const auto allocate : ways) {
    void* memory = nullptr;
    const int failed = course::until_memory_suffices([&](course::Memory& scarce) {
      scarce.runs_out_in([&] { memory = allocate(); });
      EXPECT_EQ(memory == nullptr, scarce.ran_out());
    });
    EXPECT_EQ(failed, 1);
    std::free(memory);
  }
}

TEST(Given_Allocations, CallocGivesZerosAndRefusesWhatIsTooLarge) {
  char* const zeros = static_cast<char*>(std::calloc(50, 2));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(zeros[i], 0);
  std::free(zeros);
  volatile std::size_t half = ~std::size_t{0} / 2;
  EXPECT_EQ(std::calloc(half, 4), nullptr);
}
