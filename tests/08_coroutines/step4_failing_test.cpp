// Chapter 08, step 4: values break, and memory runs out.

#include "support.hpp"

#include <array>
#include <string>

#include "fragile.hpp"

using course::Fragile;

namespace {

Generator<std::string> large_texts(int count) {
  std::array<char, 2000> room{};
  for (int i = 0; i < count; ++i) co_yield std::string(50, static_cast<char>('a' + i + room[0]));
}

}  // namespace

TEST(Step4_Range, WhereverAValueBreaksTheLoopEndsAndNothingIsLeft) {
  const auto copies = [](course::Fuse& fuse) -> Generator<Fragile> {
    const Fragile mine(0, fuse);
    for (int i = 0; i < 3; ++i) {
      co_yield mine;
      co_yield Fragile(i, fuse);
    }
  };
  const int failures = course::until_nothing_breaks([&](course::Fuse& fuse) {
    int read = 0;
    const std::string error = error_of([&] {
      for (Fragile value : copies(fuse)) read += 1 + 0 * value.number();
    });
    EXPECT_EQ(error, fuse.burnt() ? "broke" : "nothing");
    EXPECT_EQ(Fragile::alive, 0);
    if (!fuse.burnt()) {
      EXPECT_EQ(read, 6);
    }
  });
  EXPECT_EQ(failures, 9) << "a copy of each lvalue, and a move to each of the loop's variables";
}

TEST(Step4_Range, IfMemoryRunsOutNothingIsLeft) {
  for (const std::string& text : large_texts(1)) EXPECT_EQ(text.size(), 50u);
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = in_use();
    std::size_t size = 0;
    const bool read = memory.suffices_for([&] {
      for (const std::string& text : large_texts(3)) size += text.size();
    });
    EXPECT_EQ(in_use(), before);
    if (read) {
      EXPECT_EQ(size, 150u);
    }
  });
  EXPECT_EQ(failures, 4) << "the frame, and the text of each value";
}
