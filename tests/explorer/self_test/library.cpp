// Right programs in which exploring has found what is wrong with the library: libstdc++ 12.

#include <atomic>
#include <memory>
#include <semaphore>
#include <thread>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;

// acquire() reads the counter, finds no permit while two
// others have them, and goes to sleep if the counter is what it was. They have given them back by then.
TEST(Library, ASemaphoreThatSleepsAlthoughThereArePermits) {
  if (_GLIBCXX_RELEASE != 12) GTEST_SKIP() << "not tried with libstdc++ " << _GLIBCXX_RELEASE;
  const auto program = [] {
    std::counting_semaphore<4> permits(2);
    std::atomic<int> inside = 0;
    const auto run = [&] {
      permits.acquire();
      ++inside;
      --inside;
      permits.release();
    };
    std::jthread a(run), b(run);
    run();
  };
  EXPECT_TRUE(finds(Failure::deadlock, program, {.search = explore::Search::random}));
}

// load() gives its lock back with a relaxed operation, so nothing orders what it has read before the next
// store.
TEST(Library, AnAtomicSharedPointerThatIsLoadedAndStored) {
  if (_GLIBCXX_RELEASE != 12) GTEST_SKIP() << "not tried with libstdc++ " << _GLIBCXX_RELEASE;
  const auto program = [] {
    std::atomic<std::shared_ptr<int>> number(std::make_shared<int>(1));
    std::jthread other([&] { number = std::make_shared<int>(2); });
    EXPECT_GT(*number.load(), 0);
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}
