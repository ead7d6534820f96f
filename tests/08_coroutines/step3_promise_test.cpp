// Chapter 08, step 3: what the compiler asks of the promise.

#include "support.hpp"

#include <memory>
#include <new>

namespace {

/// Holds a Generator, and runs it by its frame alone.
template <class T>
class ByHand {
 public:
  /// @param make returns the Generator
  template <class F>
  explicit ByHand(F make) {
    // It is never destroyed: that is step 4.
    frame_ = (::new (static_cast<void*>(generator_)) Generator<T>(make()))->handle();
  }
  ByHand(const ByHand&) = delete;
  ByHand& operator=(const ByHand&) = delete;
  ~ByHand() {
    if (frame_) frame_.destroy();
  }

  void resume() { frame_.resume(); }
  [[nodiscard]] bool done() const { return frame_.done(); }
  [[nodiscard]] auto& promise() const { return frame_.promise(); }
  [[nodiscard]] auto yielded() const { return promise().yielded(); }

 private:
  alignas(Generator<T>) std::byte generator_[sizeof(Generator<T>)];
  std::coroutine_handle<typename Generator<T>::promise_type> frame_;
};

}  // namespace

TEST(Step3_Promise, CallingTheFunctionRunsNothing) {
  bool runs = false;
  const auto body = [&]() -> Generator<int> {
    runs = true;
    co_yield 1;
  };
  ByHand<int> generator([&] { return body(); });
  EXPECT_FALSE(runs);
  EXPECT_FALSE(generator.done());
  generator.resume();
  EXPECT_TRUE(runs);
}

TEST(Step3_Promise, EachGeneratorHasTheFrameOfItsPromise) {
  ByHand<int> a([] { return count_to(2); });
  ByHand<int> b([] { return count_to(10); });
  a.resume();
  b.resume();
  a.resume();
  EXPECT_EQ(*a.yielded(), 2);
  EXPECT_EQ(*b.yielded(), 1);
  a.resume();
  EXPECT_TRUE(a.done());
  EXPECT_FALSE(b.done());
}

TEST(Step3_Promise, TheBodyStopsAtEachYield) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    log.push_back("before");
    co_yield 1;
    log.push_back("between");
    co_yield 2;
    log.push_back("after");
  };
  ByHand<int> generator([&] { return body(); });
  generator.resume();
  EXPECT_EQ(log, Log{"before"});
  generator.resume();
  EXPECT_EQ(log, (Log{"before", "between"}));
  EXPECT_FALSE(generator.done());
  generator.resume();
  EXPECT_EQ(log, (Log{"before", "between", "after"}));
  EXPECT_TRUE(generator.done());
}

TEST(Step3_Promise, NothingIsYieldedBeforeTheFirstValue) {
  ByHand<int> generator([] { return count_to(2); });
  EXPECT_EQ(generator.yielded(), nullptr);
  generator.resume();
  EXPECT_NE(generator.yielded(), nullptr);
}

TEST(Step3_Promise, WhatIsYieldedStaysWhereItIs) {
  int number = 5;
  const auto body = [&]() -> Generator<int&> { co_yield number; };
  ByHand<int&> generator([&] { return body(); });
  generator.resume();
  EXPECT_EQ(generator.yielded(), &number);
}

TEST(Step3_Promise, AnRvalueIsNeitherCopiedNorMoved) {
  const auto body = []() -> Generator<Traced> {
    co_yield Traced(1);
    Traced local(2);
    co_yield std::move(local);
    EXPECT_EQ(local.number, 2) << "the reader may move from it, and has not";
  };
  ByHand<Traced> generator([&] { return body(); });
  for (const int number : {1, 2}) {
    generator.resume();
    EXPECT_EQ(generator.yielded()->number, number);
    EXPECT_EQ(generator.yielded()->copies + generator.yielded()->moves, 0);
  }
  generator.resume();
}

TEST(Step3_Promise, TheAddressIsTheRealOne) {
  Unaddressed value;
  const auto body = [&]() -> Generator<Unaddressed&> { co_yield value; };
  ByHand<Unaddressed&> generator([&] { return body(); });
  generator.resume();
  EXPECT_EQ(generator.yielded(), std::addressof(value)) << "whatever its operator& does";
}

TEST(Step3_Promise, AnExceptionOfTheBodyIsKept) {
  const auto body = []() -> Generator<int> {
    throw std::runtime_error("out of numbers");
    co_yield 1;
  };
  ByHand<int> generator([&] { return body(); });
  EXPECT_EQ(error_of([&] { generator.resume(); }), "nothing") << "it does not come out of resume()";
  EXPECT_TRUE(generator.done());
  EXPECT_EQ(error_of([&] { generator.promise().rethrow_if_failed(); }), "out of numbers");
  EXPECT_EQ(error_of([&] { generator.promise().rethrow_if_failed(); }), "nothing") << "it is thrown once";
}

TEST(Step3_Promise, ItMayBeAnExceptionOfAnyType) {
  const auto body = []() -> Generator<int> {
    co_yield 1;
    throw 42;
  };
  ByHand<int> generator([&] { return body(); });
  generator.resume();
  EXPECT_EQ(error_of([&] { generator.promise().rethrow_if_failed(); }), "nothing");
  generator.resume();
  EXPECT_EQ(error_of([&] { generator.promise().rethrow_if_failed(); }), "42");
}
