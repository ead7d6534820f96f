#include "awaitable.hpp"
#include "coro.hpp"
#include "countdown.hpp"
#include "generator.hpp"
#include "pitfall_nested_resume.hpp"
#include "outcome.hpp"
#include "pooled_frame.hpp"
#include "sync_wait.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "testing.hpp"

using asyncio::Coro;
using asyncio::Countdown;
using asyncio::FramePool;
using asyncio::Generator;
using asyncio::NestedResume;
using asyncio::Outcome;
using asyncio::sync_wait;
using course::Counted;
using course::levels;
using course::stack_end;
using course::what;
using Log = std::vector<std::string>;

namespace {

/// What `fn` throws, as text.
template <class F>
std::string error_of(F fn) {
  try {
    fn();
  } catch (...) {
    return what(std::current_exception());
  }
  return "nothing";
}

/// Says in a log when it is destroyed.
struct LogsEnd {
  LogsEnd(Log& log, std::string name) : log(log), name(std::move(name)) {}
  LogsEnd(const LogsEnd&) = delete;
  LogsEnd& operator=(const LogsEnd&) = delete;
  ~LogsEnd() { log.push_back("~" + name); }

  Log& log;
  const std::string name;
};

/// Knows how often it was copied and moved on its way here, and whether it was moved from.
struct Traced {
  explicit Traced(int number) : number(number) {}
  Traced(const Traced& other) : number(other.number), copies(other.copies + 1), moves(other.moves) {}
  Traced(Traced&& other) noexcept
      : number(std::exchange(other.number, moved_from)), copies(other.copies), moves(other.moves + 1) {}

  static constexpr int moved_from = -1;
  int number;
  int copies = 0;
  int moves = 0;
};

/// Whoever wants its address has to ask std::addressof().
struct Unaddressed {
  Unaddressed* operator&() const { return nullptr; }
};

/// The frame of a Generator, which has nothing else.
template <class T>
std::coroutine_handle<typename Generator<T>::promise_type> frame_of(const Generator<T>& generator) {
  void* address = nullptr;
  std::memcpy(&address, &generator, sizeof address);
  return std::coroutine_handle<typename Generator<T>::promise_type>::from_address(address);
}

/// Holds a Generator, and runs it by its frame alone.
template <class T>
class ByHand {
 public:
  /// @param make returns the Generator
  template <class F>
  explicit ByHand(F make) {
    // It is never destroyed, for its destructor is not written yet.
    frame_ = frame_of(*::new (static_cast<void*>(generator_)) Generator<T>(make()));
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

/// All values of a range.
template <class R>
auto list(R&& range) {
  std::vector<std::ranges::range_value_t<R>> values;
  for (auto&& value : range) values.push_back(std::forward<decltype(value)>(value));
  return values;
}

Generator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

Generator<int> naturals() {
  for (int i = 0;; ++i) co_yield i;
}

/// The simplest coroutine: it runs at once, and keeps what it ends with.
template <class T>
class Eager {
 public:
  struct promise_type : asyncio::ReturnValueMixin<T> {
    Eager get_return_object() noexcept {
      return Eager(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
  };

  Eager(const Eager&) = delete;
  Eager& operator=(const Eager&) = delete;
  ~Eager() { frame_.destroy(); }

  [[nodiscard]] Outcome<T>& outcome() const { return frame_.promise().outcome; }

 private:
  explicit Eager(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  const std::coroutine_handle<promise_type> frame_;
};

/// Runs a Coro to its end, as long as nothing in it has to wait.
template <class T>
T run(Coro<T> coro) {
  coro.handle().resume();
  if (!coro.done()) throw std::logic_error("the coroutine has not ended");
  return coro.outcome().take();
}

/// Something that a coroutine waits for, and that happens when the test wants it, on whatever thread:
/// `co_await signal`.
class Signal {
 public:
  auto operator co_await() noexcept {
    struct Awaiter {
      Signal& signal;
      static bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) const noexcept { signal.waiting_ = waiting; }
      int await_resume() const noexcept { return signal.value_; }
    };
    return Awaiter{*this};
  }

  [[nodiscard]] bool is_awaited() const noexcept { return waiting_.load() != nullptr; }
  void send(int value) {
    value_ = value;
    waiting_.exchange(nullptr).resume();
  }

 private:
  std::atomic<std::coroutine_handle<>> waiting_{nullptr};
  int value_ = 0;
};

/// A thread that coroutines change to: `co_await worker`. Its end waits until there is nothing left to run.
class Worker {
 public:
  ~Worker() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }

  auto operator co_await() noexcept {
    struct Awaiter {
      Worker& worker;
      static bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) const { worker.post(waiting); }
      static std::thread::id await_resume() noexcept { return std::this_thread::get_id(); }
    };
    return Awaiter{*this};
  }

  void post(std::coroutine_handle<> frame) {
    const std::lock_guard lock(mutex_);
    frames_.push_back(frame);
    changed_.notify_one();
  }

 private:
  void work() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return stopping_ || !frames_.empty(); });
      if (frames_.empty()) return;
      const std::coroutine_handle<> frame = frames_.front();
      frames_.pop_front();
      lock.unlock();
      frame.resume();
      lock.lock();
    }
  }

  std::mutex mutex_;  // guards the following
  std::condition_variable changed_;
  std::deque<std::coroutine_handle<>> frames_;
  bool stopping_ = false;
  std::jthread thread_{[this] { work(); }};
};

/// Can be awaited by means of a free operator, twice what it holds.
struct Doubled {
  int number;
};
[[maybe_unused]] auto operator co_await(Doubled doubled) noexcept {
  struct Awaiter {
    int number;
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    int await_resume() const noexcept { return 2 * number; }
  };
  return Awaiter{doubled.number};
}

/// An awaiter that needs no wait.
struct Ready {
  static bool await_ready() noexcept { return true; }
  static void await_suspend(std::coroutine_handle<>) {
    throw std::logic_error("who is ready is not waited for");
  }
  static int await_resume() noexcept { return 7; }
};

/// An awaiter that says whether it is where it was made.
struct InPlace {
  static bool await_ready() noexcept { return false; }
  static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
  [[nodiscard]] bool await_resume() const noexcept { return self == this; }

  const InPlace* self = this;
};

Coro<int> number(int n) { co_return n; }

/// A chain of `n` coroutines inside one another.
Coro<int> nested(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await nested(n - 1);
}

/// Awaits another coroutine `n` times.
Coro<int> in_a_loop(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await number(1);
  co_return sum;
}

/// A chain of `n` coroutines, the innermost of which waits for the signal.
Coro<int> waiting(int n, Signal& signal) {
  if (n == 0) co_return co_await signal;
  co_return 1 + co_await waiting(n - 1, signal);
}

/// Fails in the innermost of `n` coroutines.
Coro<int> failing(int n) {
  if (n == 0) throw n;
  co_return co_await failing(n - 1);
}

/// Fails with an exception that has a text.
Coro<int> refusing(std::string text) {
  throw std::runtime_error(text);
  co_return 0;
}

/// How many pieces of memory are allocated now.
[[maybe_unused]] std::size_t in_use() { return course::allocations() - course::deallocations(); }

/// Says what is not written of the pool. Frames come from elsewhere until all of it is there.
[[maybe_unused]] void use_pool() { FramePool::deallocate(FramePool::allocate(64), 64); }

/// How many allocations are to be expected of what takes `fresh` of them without a pool.
[[maybe_unused]] constexpr std::size_t not_pooled(std::size_t fresh) {
  return FramePool::recycles ? 0 : fresh;
}

/// The sizes of the steps from one of `ends` to the next, growing stack first.
std::vector<std::ptrdiff_t> steps(const std::vector<std::uintptr_t>& ends) {
  std::vector<std::ptrdiff_t> differences;
  for (std::size_t i = 1; i < ends.size(); ++i)
    differences.push_back(static_cast<std::ptrdiff_t>(ends[i - 1] - ends[i]));
  return differences;
}

}  // namespace

// Step 1: a frame by hand.

TEST(Step1_Countdown, EachResumeGivesTheNextNumber) {
  Countdown countdown(3);
  std::vector<int> numbers;
  for (countdown.resume(); !countdown.done(); countdown.resume()) numbers.push_back(countdown.value());
  EXPECT_EQ(numbers, (std::vector{3, 2, 1}));
}

TEST(Step1_Countdown, NothingRunsBeforeTheFirstResume) {
  Countdown countdown(0);
  EXPECT_FALSE(countdown.done()) << "although there is nothing to count, for it has not looked yet";
  countdown.resume();
  EXPECT_TRUE(countdown.done());
}

TEST(Step1_Countdown, ItEndsOneResumeAfterTheLastNumber) {
  Countdown countdown(1);
  countdown.resume();
  EXPECT_EQ(countdown.value(), 1);
  EXPECT_FALSE(countdown.done()) << "it is at its co_yield";
  countdown.resume();
  EXPECT_TRUE(countdown.done());
  EXPECT_EQ(countdown.value(), 1) << "what it was";
}

TEST(Step1_Countdown, FromBelowZeroThereIsNothingToCount) {
  Countdown countdown(-3);
  countdown.resume();
  EXPECT_TRUE(countdown.done());
}

TEST(Step1_Countdown, TheValueStaysUntilTheNextResume) {
  Countdown countdown(2);
  countdown.resume();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(countdown.value(), 2);
  countdown.resume();
  EXPECT_EQ(countdown.value(), 1);
}

TEST(Step1_Countdown, EachIsWhereItIs) {
  Countdown a(2);
  Countdown b(10);
  a.resume();
  b.resume();
  a.resume();
  EXPECT_EQ(a.value(), 1);
  EXPECT_EQ(b.value(), 10);
  a.resume();
  EXPECT_TRUE(a.done());
  EXPECT_FALSE(b.done());
}

TEST(Step1_Countdown, ACopyOfTheFrameGoesOnFromTheSamePlace) {
  Countdown countdown(3);
  countdown.resume();
  Countdown copy = countdown;
  countdown.resume();
  countdown.resume();
  EXPECT_EQ(countdown.value(), 1);
  EXPECT_EQ(copy.value(), 3);
  copy.resume();
  EXPECT_EQ(copy.value(), 2);
}

TEST(Step1_Countdown, NothingIsAllocated) {
  EXPECT_EQ(course::allocations_in([] {
              Countdown countdown(100);
              while (!countdown.done()) countdown.resume();
            }),
            0u);
}

// Step 2: what the compiler asks of the promise.

TEST(Step2_Promise, CallingTheFunctionRunsNothing) {
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

TEST(Step2_Promise, EachGeneratorHasTheFrameOfItsPromise) {
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

TEST(Step2_Promise, TheBodyStopsAtEachYield) {
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

TEST(Step2_Promise, NothingIsYieldedBeforeTheFirstValue) {
  ByHand<int> generator([] { return count_to(2); });
  EXPECT_EQ(generator.yielded(), nullptr);
  generator.resume();
  EXPECT_NE(generator.yielded(), nullptr);
}

TEST(Step2_Promise, WhatIsYieldedStaysWhereItIs) {
  int number = 5;
  const auto body = [&]() -> Generator<int&> { co_yield number; };
  ByHand<int&> generator([&] { return body(); });
  generator.resume();
  EXPECT_EQ(generator.yielded(), &number);
}

TEST(Step2_Promise, AnRvalueIsNeitherCopiedNorMoved) {
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

TEST(Step2_Promise, TheAddressIsTheRealOne) {
  Unaddressed value;
  const auto body = [&]() -> Generator<Unaddressed&> { co_yield value; };
  ByHand<Unaddressed&> generator([&] { return body(); });
  generator.resume();
  EXPECT_EQ(generator.yielded(), std::addressof(value)) << "whatever its operator& does";
}

TEST(Step2_Promise, AnExceptionOfTheBodyIsKept) {
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

TEST(Step2_Promise, ItMayBeAnExceptionOfAnyType) {
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

// Step 3: the range.

TEST(Step3_Range, AGeneratorIsAnInputRangeAndAView) {
  static_assert(std::ranges::input_range<Generator<int>>);
  static_assert(std::ranges::view<Generator<int>>);
  static_assert(std::ranges::input_range<Generator<std::string&>>);
  static_assert(std::ranges::input_range<Generator<const std::string&>>);
  static_assert(std::ranges::input_range<Generator<std::unique_ptr<int>>>);
  static_assert(!std::ranges::forward_range<Generator<int>>);
  EXPECT_EQ(list(count_to(4)), (std::vector{1, 2, 3, 4}));
}

TEST(Step3_Range, NothingRunsBeforeTheLoopAsks) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    for (int i = 1; i <= 2; ++i) {
      log.push_back("makes " + std::to_string(i));
      co_yield i;
    }
    log.push_back("ends");
  };
  Generator<int> generator = body();
  EXPECT_EQ(log, Log());
  for (const int value : generator) log.push_back("sees " + std::to_string(value));
  EXPECT_EQ(log, (Log{"makes 1", "sees 1", "makes 2", "sees 2", "ends"}));
}

TEST(Step3_Range, TheCompilersCountdownIsYours) {
  const auto body = [](int from) -> Generator<int> {
    while (from > 0) {
      co_yield from;
      --from;
    }
  };
  for (const int from : {3, 1, 0, -1}) {
    Countdown countdown(from);
    std::vector<int> yours;
    for (countdown.resume(); !countdown.done(); countdown.resume()) yours.push_back(countdown.value());
    EXPECT_EQ(list(body(from)), yours);
  }
}

TEST(Step3_Range, ItMayBeInfinite) {
  long sum = 0;
  for (const int number : naturals()) {
    if (number > 10'000) break;
    sum += number;
  }
  EXPECT_EQ(sum, 50'005'000);
}

TEST(Step3_Range, ItGoesThroughViews) {
  const auto odd = [](int number) { return number % 2 == 1; };
  const auto square = [](int number) { return number * number; };
  EXPECT_EQ(list(naturals() | std::views::filter(odd) | std::views::transform(square) | std::views::take(4)),
            (std::vector{1, 9, 25, 49}));
  EXPECT_EQ(list(count_to(5) | std::views::drop(3)), (std::vector{4, 5}));
}

TEST(Step3_Range, ItGoesThroughAlgorithms) {
  Generator<int> numbers = naturals();
  EXPECT_EQ(*std::ranges::find(numbers, 12), 12);
  EXPECT_EQ(std::ranges::count_if(count_to(10), [](int number) { return number > 3; }), 7);
}

TEST(Step3_Range, AGeneratorOfNothingIsEmpty) {
  const auto body = []() -> Generator<int> { co_return; };
  Generator<int> generator = body();
  EXPECT_TRUE(generator.begin() == generator.end());
  EXPECT_EQ(list(generator), std::vector<int>());
  EXPECT_EQ(list(Generator<int>()), std::vector<int>()) << "made by the default constructor";
}

TEST(Step3_Range, ItIsMovedAndNotCopied) {
  static_assert(!std::copyable<Generator<int>>);
  static_assert(std::is_nothrow_move_constructible_v<Generator<int>>);
  Generator<int> generator = count_to(3);
  Generator<int> other = std::move(generator);
  EXPECT_EQ(list(generator), std::vector<int>()) << "nothing is left in it";
  EXPECT_EQ(list(other), (std::vector{1, 2, 3}));
}

TEST(Step3_Range, ALoopThatStopsInTheMiddleIsGoneOnWithByTheNext) {
  Generator<int> generator = count_to(5);
  for (const int number : generator)
    if (number == 3) break;
  EXPECT_EQ(*generator.begin(), 3) << "the value where the loop has stopped";
  Generator<int> moved = std::move(generator);
  EXPECT_EQ(list(moved), (std::vector{3, 4, 5}));
}

TEST(Step3_Range, AfterTheEndThereIsNothingMore) {
  int ends = 0;
  const auto body = [&]() -> Generator<int> {
    co_yield 1;
    ++ends;
  };
  Generator<int> generator = body();
  EXPECT_EQ(list(generator), std::vector{1});
  EXPECT_EQ(list(generator), std::vector<int>());
  EXPECT_TRUE(generator.begin() == generator.end());
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(frame_of(generator).promise().yielded(), nullptr) << "the last value is forgotten";
}

TEST(Step3_Range, IteratorsKnowTheEnd) {
  Generator<int> generator = count_to(2);
  auto at = generator.begin();
  EXPECT_TRUE(at != generator.end());
  EXPECT_EQ(*at, 1);
  auto& same = ++at;
  EXPECT_EQ(&same, &at);
  EXPECT_FALSE(at == generator.end()) << "it is at the last value, which is not the end";
  EXPECT_EQ(*at, 2);
  EXPECT_EQ(*at, 2) << "to read it again changes nothing";
  at++;
  EXPECT_TRUE(at == generator.end());
}

TEST(Step3_Range, OfReferencesItYieldsTheThingsThemselves) {
  std::vector<int> numbers{1, 2, 3};
  const auto body = [&]() -> Generator<int&> {
    for (int& number : numbers) co_yield number;
  };
  for (int& number : body()) number *= 10;
  EXPECT_EQ(numbers, (std::vector{10, 20, 30}));
}

TEST(Step3_Range, OfConstReferencesItYieldsLvaluesAndRvalues) {
  const Traced lvalue(1);
  const auto body = [&]() -> Generator<const Traced&> {
    co_yield lvalue;
    co_yield Traced(2);
  };
  Generator<const Traced&> generator = body();
  auto at = generator.begin();
  static_assert(std::same_as<decltype(*at), const Traced&>);
  EXPECT_EQ(&*at, &lvalue);
  ++at;
  EXPECT_EQ((*at).number, 2);
  EXPECT_EQ((*at).copies + (*at).moves, 0);
}

TEST(Step3_Range, ValuesMayBeMovedOut) {
  const auto body = []() -> Generator<Traced> {
    co_yield Traced(1);
    Traced local(2);
    co_yield std::move(local);
    EXPECT_EQ(local.number, Traced::moved_from) << "the reader has moved from it";
  };
  Generator<Traced> generator = body();
  static_assert(std::same_as<decltype(*generator.begin()), Traced&&>);
  int number = 0;
  for (Traced value : generator) {
    EXPECT_EQ(value.number, ++number);
    EXPECT_EQ(value.copies, 0);
    EXPECT_EQ(value.moves, 1) << "the reader's own";
  }
  EXPECT_EQ(number, 2);
}

TEST(Step3_Range, ValuesMayBeOnlyMovable) {
  const auto body = []() -> Generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    std::unique_ptr<int> two = std::make_unique<int>(2);
    co_yield std::move(two);
  };
  std::vector<std::unique_ptr<int>> numbers = list(body());
  ASSERT_EQ(numbers.size(), 2u);
  EXPECT_EQ(*numbers[0] + *numbers[1], 3);
}

TEST(Step3_Range, FromAVariableOfTheBodyACopyIsYielded) {
  const auto body = []() -> Generator<Traced> {
    Traced number(1);
    const Traced constant(2);
    co_yield number;
    EXPECT_EQ(number.number, 1) << "the reader has not moved from it";
    co_yield constant;
    number.number = 3;
    co_yield number;
  };
  std::vector<Traced> values = list(body());
  ASSERT_EQ(values.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(values[static_cast<std::size_t>(i)].number, i + 1);
    EXPECT_EQ(values[static_cast<std::size_t>(i)].copies, 1);
  }
}

TEST(Step3_Range, ThatCopyLivesUntilTheBodyGoesOn) {
  Log log;
  const auto token = std::make_shared<int>(4);
  const auto body = [&]() -> Generator<std::shared_ptr<int>> {
    co_yield token;
    log.push_back(std::to_string(token.use_count()) + " owners");
  };
  Generator<std::shared_ptr<int>> generator = body();
  auto at = generator.begin();
  EXPECT_EQ(token.use_count(), 2);
  ++at;
  EXPECT_EQ(log, Log{"1 owners"});
}

TEST(Step3_Range, WhatIsYieldedBecomesTheTypeOfTheGenerator) {
  const auto body = []() -> Generator<std::string> {
    co_yield "text";
    co_yield std::string(2, 'x');
  };
  EXPECT_EQ(list(body()), (std::vector<std::string>{"text", "xx"}));
}

TEST(Step3_Range, AnExceptionBeforeTheFirstValueComesOutOfBegin) {
  const auto body = [](bool fails) -> Generator<int> {
    if (fails) throw std::runtime_error("no first");
    co_yield 1;
  };
  Generator<int> generator = body(true);
  EXPECT_EQ(error_of([&] { generator.begin(); }), "no first");
  EXPECT_EQ(error_of([&] { EXPECT_TRUE(generator.begin() == generator.end()); }), "nothing")
      << "it is thrown once, and ends the range";
}

TEST(Step3_Range, AnExceptionLaterComesOutOfTheIncrement) {
  const auto body = []() -> Generator<int> {
    co_yield 1;
    co_yield 2;
    throw 3;
  };
  Generator<int> generator = body();
  auto at = generator.begin();
  ++at;
  EXPECT_EQ(*at, 2);
  EXPECT_EQ(error_of([&] { ++at; }), "3");
  EXPECT_TRUE(at == generator.end());
  EXPECT_EQ(list(generator), std::vector<int>());
}

TEST(Step3_Range, AnExceptionComesOutOfTheLoop) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    const LogsEnd local(log, "local");
    co_yield 1;
    throw std::runtime_error("no second");
  };
  std::vector<int> seen;
  EXPECT_EQ(error_of([&] {
              for (const int number : body()) seen.push_back(number);
            }),
            "no second");
  EXPECT_EQ(seen, std::vector{1});
  EXPECT_EQ(log, Log{"~local"});
}

TEST(Step3_Range, DestroyedEarlyItDestroysTheLocalsOfTheBody) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    const LogsEnd outer(log, "outer");
    for (int i = 0;; ++i) {
      const LogsEnd inner(log, "inner " + std::to_string(i));
      co_yield i;
    }
  };
  {
    Generator<int> generator = body();
    auto at = generator.begin();
    ++at;
    EXPECT_EQ(log, Log{"~inner 0"});
  }
  EXPECT_EQ(log, (Log{"~inner 0", "~inner 1", "~outer"}));
}

TEST(Step3_Range, NeverStartedItDestroysItsParameters) {
  std::atomic<int> alive = 0;
  bool runs = false;
  const auto body = [&](Counted) -> Generator<int> {
    runs = true;
    co_yield 1;
  };
  {
    const Generator<int> generator = body(Counted(alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(runs);
}

TEST(Step3_Range, EachFrameIsDestroyedOnce) {
  std::atomic<int> alive = 0;
  const auto body = [](Counted) -> Generator<int> { co_yield 1; };
  {
    Generator<int> a = body(Counted(alive));
    Generator<int> b = body(Counted(alive));
    a.begin();
    EXPECT_EQ(alive, 2);
    a = std::move(b);
    EXPECT_EQ(alive, 1) << "what was there before is destroyed";
    Generator<int>& same = a;
    a = std::move(same);
    EXPECT_EQ(list(a), std::vector{1}) << "moved to itself it is what it was";
    b = std::move(a);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Range, AGeneratorMayReadAnother) {
  struct Tree {
    int number;
    std::vector<Tree> branches;

    [[nodiscard]] Generator<const int&> numbers() const {
      co_yield number;
      for (const Tree& branch : branches)
        for (const int& below : branch.numbers()) co_yield below;
    }
  };
  const Tree tree{1, {Tree{2, {Tree{3, {}}}}, Tree{4, {}}}};
  EXPECT_EQ(list(tree.numbers()), (std::vector{1, 2, 3, 4}));
}

TEST(Step3_Range, TwoMayBeReadInTurn) {
  Generator<int> a = count_to(3);
  Generator<int> b = naturals();
  std::vector<int> sums;
  auto other = b.begin();
  for (const int number : a) {
    sums.push_back(number + 10 * *other);
    ++other;
  }
  EXPECT_EQ(sums, (std::vector{1, 12, 23}));
}

TEST(Step3_Range, TheBodyRunsOnTheThreadThatReads) {
  const auto body = []() -> Generator<std::thread::id> {
    for (;;) co_yield std::this_thread::get_id();
  };
  Generator<std::thread::id> generator = body();
  EXPECT_EQ(*generator.begin(), std::this_thread::get_id());
  std::jthread([&] {
    auto at = generator.begin();
    ++at;
    EXPECT_EQ(*at, std::this_thread::get_id());
  });
}

TEST(Step3_Range, ReadingAllocatesNothing) {
  Generator<int> generator = count_to(1'000);
  EXPECT_EQ(course::allocations_in([&] {
              for (const int number : generator) static_cast<void>(number);
            }),
            0u);
}

// Step 4: what a coroutine ends with.

TEST(Step4_Outcome, ItIsEmptyUntilThereIsAValue) {
  Outcome<int> outcome;
  EXPECT_TRUE(outcome.empty());
  outcome.set_value(5);
  EXPECT_FALSE(outcome.empty());
  EXPECT_EQ(outcome.exception(), nullptr);
  EXPECT_EQ(outcome.take(), 5);
}

TEST(Step4_Outcome, AValueIsMovedInAndOut) {
  Outcome<Traced> outcome;
  outcome.set_value(Traced(3));
  const Traced taken = outcome.take();
  EXPECT_EQ(taken.number, 3);
  EXPECT_EQ(taken.copies, 0);
  EXPECT_EQ(taken.moves, 2);
  Outcome<std::unique_ptr<int>> owner;
  owner.set_value(std::make_unique<int>(4));
  EXPECT_EQ(*owner.take(), 4);
}

TEST(Step4_Outcome, AnLvalueIsCopied) {
  Outcome<Traced> outcome;
  Traced lvalue(3);
  outcome.set_value(lvalue);
  EXPECT_EQ(lvalue.number, 3);
  EXPECT_EQ(outcome.take().copies, 1);
}

TEST(Step4_Outcome, AValueIsMadeInPlaceOfWhateverItIsMadeOf) {
  Outcome<std::string> text;
  text.set_value(3, 'x');
  EXPECT_EQ(text.take(), "xxx");
  Outcome<Traced> traced;
  traced.set_value(6);
  EXPECT_EQ(traced.take().moves, 1) << "the one that takes it out";
}

TEST(Step4_Outcome, AReferenceRefersToTheThingItself) {
  int number = 1;
  Outcome<int&> outcome;
  outcome.set_value(number);
  int& taken = outcome.take();
  EXPECT_EQ(&taken, &number);
  const Unaddressed unaddressed;
  Outcome<const Unaddressed&> other;
  other.set_value(unaddressed);
  EXPECT_EQ(std::addressof(other.take()), std::addressof(unaddressed)) << "whatever its operator& does";
}

TEST(Step4_Outcome, OfNothingItOnlyKnowsThatItHasEnded) {
  static_assert(std::is_void_v<decltype(Outcome<void>().take())>);
  Outcome<void> outcome;
  EXPECT_TRUE(outcome.empty());
  outcome.set_value();
  EXPECT_FALSE(outcome.empty());
  EXPECT_EQ(error_of([&] { outcome.take(); }), "nothing");
}

TEST(Step4_Outcome, AnExceptionIsThrownByTake) {
  Outcome<int> outcome;
  outcome.set_exception(std::make_exception_ptr(std::runtime_error("no value")));
  EXPECT_FALSE(outcome.empty());
  EXPECT_EQ(what(outcome.exception()), "no value");
  EXPECT_EQ(error_of([&] { outcome.take(); }), "no value");
  Outcome<void> nothing;
  nothing.set_exception(std::make_exception_ptr(42));
  EXPECT_EQ(error_of([&] { nothing.take(); }), "42");
  Outcome<int&> reference;
  reference.set_exception(std::make_exception_ptr(43));
  EXPECT_EQ(error_of([&] { reference.take(); }), "43");
}

TEST(Step4_Outcome, AValueMayBeOfAnyType) {
  Outcome<std::exception_ptr> error;
  error.set_value(std::make_exception_ptr(42));
  EXPECT_EQ(error.exception(), nullptr) << "it is a value";
  EXPECT_EQ(what(error.take()), "42");
  Outcome<std::monostate> nothing;
  nothing.set_value();
  EXPECT_FALSE(nothing.empty());
  Outcome<std::vector<bool>> bits;
  bits.set_value(3u, true);
  EXPECT_EQ(bits.take().size(), 3u);
}

TEST(Step4_Outcome, AValueCanBeLookedAt) {
  Outcome<Traced> outcome;
  outcome.set_value(8);
  const Traced& seen = outcome.get();
  EXPECT_EQ(seen.number, 8);
  EXPECT_EQ(outcome.take().moves, 1) << "it was left where it is";
}

TEST(Step4_Return, CoReturnKeepsTheValue) {
  const auto body = [](int number) -> Eager<Traced> { co_return Traced(number); };
  const auto eager = body(9);
  EXPECT_FALSE(eager.outcome().empty());
  const Traced value = eager.outcome().take();
  EXPECT_EQ(value.number, 9);
  EXPECT_EQ(value.copies, 0);
}

TEST(Step4_Return, AVariableOfTheBodyIsMovedOut) {
  const auto body = []() -> Eager<std::unique_ptr<int>> {
    auto number = std::make_unique<int>(10);
    co_return number;
  };
  EXPECT_EQ(*body().outcome().take(), 10);
}

TEST(Step4_Return, WhatIsReturnedBecomesTheTypeOfTheResult) {
  const auto literal = []() -> Eager<std::string> { co_return "text"; };
  EXPECT_EQ(literal().outcome().take(), "text");
  const auto braces = []() -> Eager<std::pair<int, std::string>> { co_return {1, "one"}; };
  EXPECT_EQ(braces().outcome().take(), std::pair(1, std::string("one")));
  const auto none = []() -> Eager<std::optional<int>> { co_return std::nullopt; };
  EXPECT_FALSE(none().outcome().take().has_value());
}

TEST(Step4_Return, AReferenceOrNothingIsReturnedToo) {
  int number = 1;
  const auto reference = [&]() -> Eager<int&> { co_return number; };
  EXPECT_EQ(&reference().outcome().take(), &number);
  const auto nothing = []() -> Eager<void> { co_return; };
  EXPECT_FALSE(nothing().outcome().empty());
  EXPECT_EQ(error_of([&] { nothing().outcome().take(); }), "nothing");
}

TEST(Step4_Return, WhatTheBodyThrowsIsKept) {
  const auto body = []() -> Eager<int> {
    throw std::runtime_error("no result");
    co_return 1;
  };
  const auto eager = body();
  EXPECT_EQ(error_of([&] { eager.outcome().take(); }), "no result");
}

TEST(Step4_Return, WhatTheResultThrowsOnItsWayIsKept) {
  struct Stubborn {
    explicit Stubborn(int) {}
    Stubborn(const Stubborn&) { throw std::runtime_error("I stay"); }
  };
  const auto body = []() -> Eager<Stubborn> { co_return Stubborn(1); };
  const auto eager = body();
  EXPECT_EQ(error_of([&] { eager.outcome().take(); }), "I stay");
}

// Step 5: functions that wait.

TEST(Step5_Coro, CallingItRunsNothing) {  // AIO-32
  Log log;
  const auto inner = [&]() -> Coro<int> {
    log.push_back("inner");
    co_return 1;
  };
  const auto outer = [&]() -> Coro<int> {
    log.push_back("outer");
    Coro<int> coro = inner();
    log.push_back("called");
    co_return co_await std::move(coro);
  };
  Coro<int> coro = outer();
  EXPECT_EQ(log, Log());
  EXPECT_FALSE(coro.done());
  EXPECT_TRUE(coro.outcome().empty());
  EXPECT_EQ(run(std::move(coro)), 1);
  EXPECT_EQ(log, (Log{"outer", "called", "inner"}));
}

TEST(Step5_Coro, AnAwaitIsLikeACall) {  // AIO-34
  Log log;
  const auto inner = [&](int number) -> Coro<int> {
    log.push_back("inner " + std::to_string(number));
    co_return 10 * number;
  };
  const auto outer = [&]() -> Coro<> {
    for (int i = 1; i <= 2; ++i) {
      log.push_back("before");
      const int result = co_await inner(i);
      log.push_back("after " + std::to_string(result));
    }
  };
  run(outer());
  EXPECT_EQ(log, (Log{"before", "inner 1", "after 10", "before", "inner 2", "after 20"}));
}

TEST(Step5_Coro, ItAllHappensOnThisThreadBeforeItGoesOn) {  // AIO-34
  std::vector<std::thread::id> seen;
  const auto inner = [&]() -> Coro<> {
    seen.push_back(std::this_thread::get_id());
    co_return;
  };
  const auto outer = [&]() -> Coro<> {
    co_await inner();
    seen.push_back(std::this_thread::get_id());
  };
  const Coro<> coro = outer();
  coro.handle().resume();
  EXPECT_EQ(seen, std::vector(2, std::this_thread::get_id())) << "no loop has to turn for it";
  EXPECT_TRUE(coro.done());
}

TEST(Step5_Coro, TheResultIsAValueOfAnyKind) {
  struct Plain {
    explicit Plain(int number) : number(number) {}
    int number;
  };
  const auto plain = []() -> Coro<Plain> { co_return Plain(3); };
  const auto owner = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
  const auto text = []() -> Coro<std::string> { co_return "text"; };
  const auto all = [&]() -> Coro<std::string> {
    const Plain a = co_await plain();
    const std::unique_ptr<int> b = co_await owner();
    co_return std::to_string(a.number) + std::to_string(*b) + co_await text();
  };
  EXPECT_EQ(run(all()), "34text");
}

TEST(Step5_Coro, TheResultIsAReferenceToTheThingItself) {
  std::vector<int> numbers{1, 2};
  const auto last = [&]() -> Coro<int&> { co_return numbers.back(); };
  const auto all = [&]() -> Coro<const std::vector<int>&> { co_return numbers; };
  const auto outer = [&]() -> Coro<> {
    co_await last() = 7;
    const std::vector<int>& same = co_await all();
    EXPECT_EQ(&same, &numbers);
  };
  run(outer());
  EXPECT_EQ(numbers, (std::vector{1, 7}));
}

TEST(Step5_Coro, TheResultIsNeverCopied) {
  const auto inner = []() -> Coro<Traced> { co_return Traced(1); };
  const auto outer = [&]() -> Coro<> {
    const Traced value = co_await inner();
    EXPECT_EQ(value.copies, 0);
    EXPECT_LE(value.moves, 2) << "into the frame, and out of it";
  };
  run(outer());
}

TEST(Step5_Coro, AnExceptionPassesThroughAllThatAwait) {  // AIO-34
  Log log;
  const auto through = [&](auto& self, int level) -> Coro<int> {
    const LogsEnd local(log, std::to_string(level));
    if (level == 0) throw std::out_of_range("too deep");
    co_return co_await self(self, level - 1);
  };
  const auto outer = [&]() -> Coro<> {
    try {
      co_await through(through, 2);
    } catch (const std::out_of_range& error) {
      log.push_back(error.what());
    }
    log.push_back(std::to_string(co_await number(3)));
  };
  run(outer());
  EXPECT_EQ(log, (Log{"~0", "~1", "~2", "too deep", "3"}));
}

TEST(Step5_Coro, AnExceptionMayBeOfAnyTypeAndComesToWhoRunsIt) {
  EXPECT_EQ(error_of([] { run(failing(3)); }), "0");
  EXPECT_EQ(error_of([] { run(refusing("no")); }), "no");
  const Coro<int> coro = failing(3);
  EXPECT_EQ(error_of([&] { coro.handle().resume(); }), "nothing") << "it is kept in the outcome";
  EXPECT_TRUE(coro.done());
  EXPECT_EQ(what(coro.outcome().exception()), "0");
}

TEST(Step5_Coro, LocalsAreDestroyedBeforeTheOneThatAwaitsGoesOn) {
  Log log;
  const auto inner = [&]() -> Coro<int> {
    const LogsEnd first(log, "first");
    const LogsEnd second(log, "second");
    co_return 1;
  };
  const auto outer = [&]() -> Coro<> {
    const LogsEnd local(log, "outer");
    co_await inner();
    log.push_back("goes on");
  };
  run(outer());
  EXPECT_EQ(log, (Log{"~second", "~first", "goes on", "~outer"}));
}

TEST(Step5_Coro, ParametersAreDestroyedWithTheFrameWhenTheAwaitIsOver) {
  std::atomic<int> alive = 0;
  const auto inner = [](Counted, bool fails) -> Coro<int> {
    if (fails) throw 1;
    co_return 2;
  };
  const auto outer = [&]() -> Coro<> {
    const int result = co_await inner(Counted(alive), false);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(result, 2);
    try {
      co_await inner(Counted(alive), true);
    } catch (int) {
      EXPECT_EQ(alive, 0);
    }
  };
  run(outer());
  EXPECT_EQ(alive, 0);
}

TEST(Step5_Coro, OneThatHasANameIsMovedToTheAwait) {
  static_assert(asyncio::Awaitable<Coro<int>>);
  static_assert(!asyncio::Awaitable<Coro<int>&>);
  static_assert(!std::copyable<Coro<int>>);
  const auto outer = [](Coro<int> coro) -> Coro<int> {
    const int result = co_await std::move(coro);
    EXPECT_FALSE(coro.handle()) << "nothing is left in it";
    co_return result;
  };
  EXPECT_EQ(run(outer(number(5))), 5);
}

TEST(Step5_Coro, ItIsAwaitedOnce) {
  const auto twice = []() -> Coro<> {
    Coro<int> coro = number(5);
    EXPECT_EQ(co_await std::move(coro), 5);
    co_await std::move(coro);
  };
  EXPECT_EQ(error_of([&] { run(twice()); }), "cannot reuse already awaited coroutine");
  const auto moved = []() -> Coro<> {
    Coro<int> coro = number(5);
    const Coro<int> other = std::move(coro);
    try {
      co_await std::move(coro);
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "cannot reuse already awaited coroutine");
      throw;
    }
  };
  EXPECT_EQ(error_of([&] { run(moved()); }), "cannot reuse already awaited coroutine");
}

TEST(Step5_Coro, OneThatIsNeverAwaitedNeverRuns) {  // AIO-32
  std::atomic<int> alive = 0;
  bool runs = false;
  const auto inner = [&](Counted) -> Coro<> {
    runs = true;
    co_return;
  };
  const auto outer = [&]() -> Coro<> {
    {
      const Coro<> forgotten = inner(Counted(alive));
      EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0) << "its parameters are destroyed with it";
    co_return;
  };
  run(outer());
  EXPECT_FALSE(runs);
}

TEST(Step5_Coro, AnAssignmentDestroysWhatWasThere) {
  std::atomic<int> alive = 0;
  Signal signal;
  const auto inner = [&](Counted) -> Coro<int> { co_return co_await signal; };
  const auto outer = [&](Counted) -> Coro<int> { co_return co_await inner(Counted(alive)); };
  Coro<int> coro = outer(Counted(alive));
  coro.handle().resume();
  EXPECT_EQ(alive, 2);
  coro = number(3);
  EXPECT_EQ(alive, 0);
  Coro<int>& same = coro;
  coro = std::move(same);
  EXPECT_EQ(run(std::move(coro)), 3) << "moved to itself it is what it was";
}

TEST(Step5_Coro, ItMayBeMovedWhileItWaits) {
  Signal signal;
  Coro<int> coro = waiting(2, signal);
  coro.handle().resume();
  const Coro<int> other = std::move(coro);
  EXPECT_FALSE(coro.handle());
  signal.send(10);
  EXPECT_TRUE(other.done());
  EXPECT_EQ(other.outcome().take(), 12);
}

TEST(Step5_Coro, ItWaitsForWhateverCanBeAwaited) {
  struct Declines {
    static bool await_ready() noexcept { return false; }
    static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }  // it goes on at once
    static std::string await_resume() { return "declines"; }
  };
  struct Transfers {
    static bool await_ready() noexcept { return false; }
    static std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept { return waiting; }
    static std::string await_resume() { return "transfers"; }
  };
  const auto outer = []() -> Coro<std::string> {
    const int ready = co_await Ready();
    const int doubled = co_await Doubled(4);
    const std::string declines = co_await Declines();
    co_return std::to_string(ready) + std::to_string(doubled) + declines + co_await Transfers();
  };
  EXPECT_EQ(run(outer()), "78declinestransfers");
  const auto in_place = []() -> Coro<> {
    InPlace lvalue;
    EXPECT_TRUE(co_await lvalue) << "an awaiter stays where it is";
    EXPECT_TRUE(co_await InPlace());
  };
  run(in_place());
}

TEST(Step5_Coro, AllThatAwaitGoOnWhenItHappens) {
  Signal signal;
  const Coro<int> coro = waiting(3, signal);
  coro.handle().resume();
  EXPECT_TRUE(signal.is_awaited());
  EXPECT_FALSE(coro.done());
  signal.send(10);
  EXPECT_TRUE(coro.done());
  EXPECT_EQ(coro.outcome().take(), 13);
}

TEST(Step5_Coro, ItMayWaitAgainAndAgain) {
  Signal signal;
  const auto sum = [&]() -> Coro<int> {
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += co_await waiting(2, signal);
    co_return sum;
  };
  const Coro<int> coro = sum();
  coro.handle().resume();
  for (const int value : {10, 20, 30}) {
    EXPECT_FALSE(coro.done());
    signal.send(value);
  }
  EXPECT_TRUE(coro.done());
  EXPECT_EQ(coro.outcome().take(), 66);
}

TEST(Step5_Coro, ItGoesOnWhereItIsResumed) {
  std::vector<std::thread::id> seen;
  const auto inner = [&](Worker& worker) -> Coro<int> {
    seen.push_back(std::this_thread::get_id());
    seen.push_back(co_await worker);
    co_return 4;
  };
  const auto outer = [&](Worker& worker) -> Coro<int> {
    const int result = co_await inner(worker);
    seen.push_back(std::this_thread::get_id());
    co_return result;
  };
  std::optional<Coro<int>> coro;
  {
    Worker worker;
    coro = outer(worker);
    coro->handle().resume();
  }
  ASSERT_TRUE(coro->done());
  EXPECT_EQ(coro->outcome().take(), 4);
  EXPECT_EQ(seen[0], std::this_thread::get_id());
  EXPECT_NE(seen[1], std::this_thread::get_id());
  EXPECT_EQ(seen[2], seen[1]);
}

TEST(Step5_Coro, CoroutinesOfOtherKindsMayAwaitIt) {
  Signal signal;
  const auto body = [&]() -> Eager<int> {
    const int first = co_await number(1);
    co_return first + co_await waiting(2, signal);
  };
  const auto eager = body();
  EXPECT_TRUE(eager.outcome().empty());
  signal.send(10);
  EXPECT_EQ(eager.outcome().take(), 13);
}

TEST(Step5_Coro, ManyMayAwaitTheirOwnInTurn) {
  const auto fibonacci = [](auto& self, int n) -> Coro<int> {
    if (n < 2) co_return n;
    const int first = co_await self(self, n - 1);
    co_return first + co_await self(self, n - 2);
  };
  EXPECT_EQ(run(fibonacci(fibonacci, 15)), 610);
}

TEST(Step5_Coro, EachTakesOneAllocationAtMost) {
  Coro<int> warm = nested(10);
  EXPECT_EQ(run(std::move(warm)), 10);
  int result = 0;
  EXPECT_LE(course::allocations_in([&] { result = run(nested(100)); }), 101u);
  EXPECT_EQ(result, 100);
}

TEST(Step5_Destroying, TheInnermostGoesFirst) {
  Log log;
  Signal signal;
  const auto level = [&](auto& self, int n) -> Coro<> {
    const LogsEnd local(log, std::to_string(n));
    if (n == 0)
      co_await signal;
    else
      co_await self(self, n - 1);
    log.push_back("goes on");
  };
  {
    const Coro<> coro = level(level, 3);
    coro.handle().resume();
    EXPECT_TRUE(signal.is_awaited());
  }
  EXPECT_EQ(log, (Log{"~0", "~1", "~2", "~3"}));
}

TEST(Step5_Destroying, EachIsDestroyedOnce) {
  std::atomic<int> alive = 0;
  Signal signal;
  const auto ends = [](Counted, bool fails) -> Coro<> {
    if (fails) throw 1;
    co_return;
  };
  const auto waits = [&](Counted) -> Coro<> {
    co_await ends(Counted(alive), false);  // one that has ended is not destroyed with the others again
    try {
      co_await ends(Counted(alive), true);
    } catch (int) {
    }
    co_await signal;
  };
  const auto outer = [&](Counted) -> Coro<> { co_await waits(Counted(alive)); };
  {
    const Coro<> coro = outer(Counted(alive));
    coro.handle().resume();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Step5_Destroying, AMillionLevelsAreDestroyedOneAfterAnother) {
  struct Probe {
    explicit Probe(std::vector<std::uintptr_t>& ends) : ends(ends) {}
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() { ends.push_back(stack_end()); }
    std::vector<std::uintptr_t>& ends;
  };
  std::vector<std::uintptr_t> ends;
  Signal signal;
  const auto level = [&](auto& self, int n) -> Coro<> {
    const Probe probe(ends);
    if (n == 0)
      co_await signal;
    else
      co_await self(self, n - 1);
  };
  const int deepest = levels(1'000'000);
  ends.reserve(static_cast<std::size_t>(deepest) + 1);
  {
    const Coro<> coro = level(level, deepest);
    coro.handle().resume();
  }
  ASSERT_EQ(ends.size(), static_cast<std::size_t>(deepest) + 1);
  ends.pop_back();  // the outermost is not awaited: it is destroyed from another place
  EXPECT_EQ(std::ranges::count(ends, ends.front()), deepest) << "each from the same depth of the stack";
}

TEST(Step5_Stack, ATransferTakesNoneWhereTheBuildSaysSo) {
  std::vector<std::uintptr_t> down;
  std::vector<std::uintptr_t> up;
  const auto level = [&](auto& self, int n) -> Coro<> {
    down.push_back(stack_end());
    if (n > 0) co_await self(self, n - 1);
    up.push_back(stack_end());
  };
  run(level(level, 10));
  const auto takes_none = [](std::ptrdiff_t step) { return step == 0; };
  EXPECT_EQ(std::ranges::all_of(steps(down), takes_none), course::constant_stack);
  EXPECT_EQ(std::ranges::all_of(steps(up), takes_none), course::constant_stack);
}

TEST(Step5_Stack, AMillionAwaitsInALoop) { EXPECT_EQ(run(in_a_loop(levels(1'000'000))), levels(1'000'000)); }

TEST(Step5_Stack, AMillionCoroutinesInsideOneAnother) {
  EXPECT_EQ(run(nested(levels(1'000'000))), levels(1'000'000));
}

TEST(Step5_Stack, AMillionGoOnWhenItHappens) {
  Signal signal;
  const Coro<int> coro = waiting(levels(1'000'000), signal);
  coro.handle().resume();
  signal.send(5);
  ASSERT_TRUE(coro.done());
  EXPECT_EQ(coro.outcome().take(), levels(1'000'000) + 5);
}

TEST(Step5_Stack, AHundredThousandTransitionsOfAStateMachine) {
  struct Machine {
    explicit Machine(int transitions) : left(transitions) {}

    std::mt19937 random;
    int left;
    std::array<int, 3> visits{};

    Coro<int> even() {
      ++visits[0];
      if (left-- == 0) co_return 0;
      if (random() % 2 == 0) co_return 1 + co_await odd();
      co_return 1 + co_await other();
    }
    Coro<int> odd() {
      ++visits[1];
      if (left-- == 0) co_return 0;
      if (random() % 2 == 0) co_return 1 + co_await even();
      co_return 1 + co_await odd();
    }
    Coro<int> other() {
      ++visits[2];
      if (left-- == 0) co_return 0;
      co_return 1 + co_await even();
    }
  };
  const int transitions = levels(100'000);
  Machine machine(transitions);
  EXPECT_EQ(run(machine.even()), transitions);
  EXPECT_EQ(machine.visits[0] + machine.visits[1] + machine.visits[2], transitions + 1);
}

TEST(Step5_Stack, ManyExceptionsThroughTenThousandLevels) {
  const auto outer = []() -> Coro<int> {
    int caught = 0;
    for (int i = 0; i < 20; ++i) {
      try {
        co_await failing(levels(10'000));
      } catch (int) {
        ++caught;
      }
    }
    co_return caught;
  };
  EXPECT_EQ(run(outer()), 20);
}

// Step 6: from functions to coroutines.

TEST(Step6_SyncWait, AHappeningThatWasSetIsNotWaitedFor) {
  asyncio::detail::Happening happening;
  happening.set();
  happening.wait();
  happening.wait();
}

TEST(Step6_SyncWait, AHappeningIsWaitedFor) {
  asyncio::detail::Happening happening;
  std::atomic<bool> passed = false;
  std::jthread waits([&] {
    happening.wait();
    passed = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(passed);
  happening.set();
  waits.join();
  EXPECT_TRUE(passed);
}

TEST(Step6_SyncWait, ItGivesTheResult) {
  const auto owner = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
  const auto nothing = []() -> Coro<> { co_return; };
  EXPECT_EQ(sync_wait(number(3)), 3);
  EXPECT_EQ(*sync_wait(owner()), 4);
  static_assert(std::is_void_v<decltype(sync_wait(nothing()))>);
  sync_wait(nothing());
}

TEST(Step6_SyncWait, AReferenceIsToTheThingItself) {
  int number = 1;
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto constant = [&]() -> Coro<const int&> { co_return number; };
  static_assert(std::same_as<decltype(sync_wait(constant())), const int&>);
  sync_wait(reference()) = 7;
  EXPECT_EQ(number, 7);
  EXPECT_EQ(&sync_wait(constant()), &number);
}

TEST(Step6_SyncWait, TheResultIsNeverCopied) {
  struct Makes {
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    static Traced await_resume() { return Traced(1); }
  };
  const Traced value = sync_wait(Makes());
  EXPECT_EQ(value.number, 1);
  EXPECT_EQ(value.copies, 0);
}

TEST(Step6_SyncWait, AnExceptionIsThrown) {
  EXPECT_EQ(error_of([] { sync_wait(refusing("no")); }), "no");
  EXPECT_EQ(error_of([] { sync_wait(failing(5)); }), "0");
  struct Fails {
    static bool await_ready() { throw std::runtime_error("not ready"); }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    static void await_resume() noexcept {}
  };
  EXPECT_EQ(error_of([] { sync_wait(Fails()); }), "not ready") << "whatever of the awaiter throws it";
}

TEST(Step6_SyncWait, ItRunsHereAndAllIsOverBehindIt) {
  Log log;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted, std::thread::id caller) -> Coro<int> {
    const LogsEnd local(log, "local");
    EXPECT_EQ(std::this_thread::get_id(), caller);
    co_return 3;
  };
  Coro<int> coro = body(Counted(alive), std::this_thread::get_id());
  EXPECT_EQ(log, Log());
  EXPECT_EQ(sync_wait(std::move(coro)), 3);
  EXPECT_EQ(log, Log{"~local"});
  EXPECT_EQ(alive, 0) << "the frame is gone";
  EXPECT_FALSE(coro.handle());
  sync_wait(number(1));
  const std::size_t before = in_use();
  for (int i = 0; i < 10; ++i) sync_wait(number(i));
  EXPECT_EQ(in_use(), before) << "and so is that of the coroutine that has waited";
}

TEST(Step6_SyncWait, WhatWasAwaitedIsRefused) {
  Coro<int> coro = number(1);
  EXPECT_EQ(sync_wait(std::move(coro)), 1);
  EXPECT_EQ(error_of([&] { sync_wait(std::move(coro)); }), "cannot reuse already awaited coroutine");
}

TEST(Step6_SyncWait, ItWaitsForWhateverCanBeAwaited) {
  static_assert(!asyncio::Awaitable<int>);
  EXPECT_EQ(sync_wait(Ready()), 7);
  EXPECT_EQ(sync_wait(Doubled(4)), 8);
  InPlace lvalue;
  EXPECT_TRUE(sync_wait(lvalue));
  EXPECT_TRUE(sync_wait(InPlace()));
  Worker worker;
  EXPECT_NE(sync_wait(worker), std::this_thread::get_id());
}

TEST(Step6_SyncWait, AnLvalueIsAwaitedAsAnLvalue) {
  struct Knows {
    struct Awaiter {
      std::string text;
      static bool await_ready() noexcept { return true; }
      static void await_suspend(std::coroutine_handle<>) noexcept {}
      std::string await_resume() { return text; }
    };
    Awaiter operator co_await() & { return {"an lvalue"}; }
    Awaiter operator co_await() const& { return {"a constant"}; }
    Awaiter operator co_await() && { return {"an rvalue"}; }
  };
  Knows knows;
  EXPECT_EQ(sync_wait(knows), "an lvalue");
  EXPECT_EQ(sync_wait(std::as_const(knows)), "a constant");
  EXPECT_EQ(sync_wait(std::move(knows)), "an rvalue");
  EXPECT_EQ(sync_wait(Knows()), "an rvalue");
}

TEST(Step6_SyncWait, ItWaitsUntilAnotherThreadHasEndedIt) {
  std::atomic<int> alive = 0;
  Signal signal;
  std::atomic<int> result = 0;
  const auto body = [&](Counted) -> Coro<int> { co_return co_await waiting(3, signal); };
  std::jthread waits([&] { result = sync_wait(body(Counted(alive))); });
  course::wait_until_others_block();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(alive, 1);
  signal.send(10);
  waits.join();
  EXPECT_EQ(result, 13);
  EXPECT_EQ(alive, 0);
}

TEST(Step6_SyncWait, AnExceptionComesFromTheOtherThread) {
  Worker worker;
  const auto body = [&]() -> Coro<int> {
    co_await worker;
    co_return co_await refusing("not here either");
  };
  EXPECT_EQ(error_of([&] { sync_wait(body()); }), "not here either");
}

TEST(Step6_SyncWait, ManyTimesFromManyThreads) {
  Worker there;
  Worker back;
  const auto hop = [&](int number) -> Coro<int> {
    co_await there;
    const int result = co_await nested(number % 5);
    co_await back;
    co_return number - result;
  };
  const auto wait_often = [&] {
    for (int i = 0; i < 300; ++i) EXPECT_EQ(sync_wait(hop(i)), i - i % 5);
  };
  std::jthread a(wait_often);
  std::jthread b(wait_often);
  wait_often();
}

TEST(Step6_SyncWait, ACoroutineMayCallAFunctionThatWaits) {
  const auto function = [](int n) { return sync_wait(nested(n)); };
  const auto body = [&]() -> Coro<int> { co_return function(3) + co_await number(4); };
  EXPECT_EQ(sync_wait(body()), 7);
}

TEST(Step6_SyncWait, AMillionLevelsOnAnotherThread) {
  Worker worker;
  const auto body = [&]() -> Coro<int> {
    co_await worker;
    co_return co_await nested(levels(1'000'000));
  };
  EXPECT_EQ(sync_wait(body()), levels(1'000'000));
}

// Step 7: where frames come from.

TEST(Step7_FramePool, WhatWasGivenBackIsTakenAgain) {
  void* const block = FramePool::allocate(100);
  void* const other = FramePool::allocate(100);
  EXPECT_NE(block, other);
  FramePool::deallocate(block, 100);
  FramePool::deallocate(other, 100);
  if (FramePool::recycles) {
    EXPECT_EQ(FramePool::allocate(100), other) << "the last one first: it is in the cache still";
    EXPECT_EQ(FramePool::allocate(100), block);
    FramePool::deallocate(block, 100);
    FramePool::deallocate(other, 100);
  }
  EXPECT_EQ(course::allocations_in([] {
              for (int i = 0; i < 10; ++i) {
                void* const a = FramePool::allocate(100);
                void* const b = FramePool::allocate(100);
                FramePool::deallocate(a, 100);
                FramePool::deallocate(b, 100);
              }
            }),
            not_pooled(20));
}

TEST(Step7_FramePool, SizesThatRoundUpToTheSameShareTheirBlocks) {
  for (std::size_t size = 1; size <= 512; ++size) {
    const std::size_t least = (size - 1) / 32 * 32 + 1;
    FramePool::deallocate(FramePool::allocate(least), least);
    EXPECT_EQ(course::allocations_in([&] { FramePool::deallocate(FramePool::allocate(size), size); }),
              not_pooled(1))
        << size;
  }
}

TEST(Step7_FramePool, EachBlockIsAsLargeAsItsClass) {
  for (std::size_t size = 1; size <= 2'048; size += 31) {
    void* const block = FramePool::allocate(size);
    const std::size_t wanted = FramePool::recycles && size <= 512 ? (size + 31) / 32 * 32 : size;
    EXPECT_GE(malloc_usable_size(block), wanted) << "a block of " << size << " bytes";
    std::memset(block, 0xff, size);
    FramePool::deallocate(block, size);
  }
}

TEST(Step7_FramePool, BlocksOfOtherSizesStayApart) {
  void* const small = FramePool::allocate(64);
  FramePool::deallocate(small, 64);
  void* const larger = FramePool::allocate(65);
  if (FramePool::recycles) {
    EXPECT_NE(larger, small);
  }
  std::memset(larger, 0xff, 65);
  FramePool::deallocate(larger, 65);
  EXPECT_EQ(course::allocations_in([] {
              void* const a = FramePool::allocate(64);
              void* const b = FramePool::allocate(65);
              FramePool::deallocate(a, 64);
              FramePool::deallocate(b, 65);
            }),
            not_pooled(2));
}

TEST(Step7_FramePool, WhatIsTooBigIsNotKept) {
  FramePool::deallocate(FramePool::allocate(512), 512);
  EXPECT_EQ(course::allocations_in([] { FramePool::deallocate(FramePool::allocate(512), 512); }),
            not_pooled(1));
  for (const std::size_t size : {513, 10'000}) {
    FramePool::deallocate(FramePool::allocate(size), size);
    const std::size_t before = course::deallocations();
    EXPECT_EQ(course::allocations_in([&] { FramePool::deallocate(FramePool::allocate(size), size); }), 1u);
    EXPECT_EQ(course::deallocations() - before, 1u);
  }
}

TEST(Step7_FramePool, FramesComeFromIt) {
  use_pool();
  const auto once = [] {
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(run(nested(20)), 20);
      EXPECT_EQ(run(in_a_loop(20)), 20);
    }
  };
  once();
  EXPECT_EQ(course::allocations_in(once), not_pooled(10 * (21 + 21))) << "a Coro's";
  const auto generate = [] {
    for (const int number : count_to(3)) static_cast<void>(number);
  };
  generate();
  EXPECT_EQ(course::allocations_in(generate), not_pooled(1)) << "a Generator's";
  const auto wait = [] { static_cast<void>(sync_wait(number(3))); };
  wait();
  EXPECT_EQ(course::allocations_in(wait), not_pooled(2)) << "that of sync_wait()";
}

TEST(Step7_FramePool, FramesGoBackToIt) {
  use_pool();
  const std::size_t before = course::deallocations();
  EXPECT_EQ(run(nested(20)), 20);
  EXPECT_EQ(course::deallocations() - before, not_pooled(21));
}

TEST(Step7_FramePool, ThePoolGrowsToWhatIsNeededAtOnce) {
  use_pool();
  const std::size_t first = course::allocations_in([] { EXPECT_EQ(run(nested(1'000)), 1'000); });
  EXPECT_LE(first, 1'001u);
  EXPECT_EQ(course::allocations_in([] { EXPECT_EQ(run(nested(1'000)), 1'000); }), not_pooled(1'001));
}

TEST(Step7_FramePool, LargeFramesWorkToo) {
  use_pool();
  struct Large {
    char text[2'000];
  };
  const auto large = [](auto& self, int n) -> Coro<int> {
    Large local;
    std::memset(local.text, n, sizeof local.text);
    const int below = n == 0 ? 0 : co_await self(self, n - 1);
    for (const char c : local.text) EXPECT_EQ(c, n);
    co_return below + 1;
  };
  EXPECT_EQ(run(large(large, 20)), 21);
  EXPECT_EQ(run(large(large, 20)), 21);
}

TEST(Step7_FramePool, TheListsAreOfEachThread) {
  void* const mine = FramePool::allocate(64);
  FramePool::deallocate(mine, 64);
  std::jthread([&] {
    void* const theirs = FramePool::allocate(64);
    if (FramePool::recycles) {
      EXPECT_NE(theirs, mine);
    }
    FramePool::deallocate(theirs, 64);
  });
  void* const again = FramePool::allocate(64);
  if (FramePool::recycles) {
    EXPECT_EQ(again, mine);
  }
  FramePool::deallocate(again, 64);
}

TEST(Step7_FramePool, ABlockIsOfTheThreadThatGaveItBack) {
  void* const block = FramePool::allocate(64);
  std::jthread([&] {
    void* const own = FramePool::allocate(64);
    FramePool::deallocate(block, 64);
    void* const taken = FramePool::allocate(64);
    if (FramePool::recycles) {
      EXPECT_EQ(taken, block);
    }
    FramePool::deallocate(taken, 64);
    FramePool::deallocate(own, 64);
  });
  void* const other = FramePool::allocate(64);
  std::memset(other, 0xff, 64);
  FramePool::deallocate(other, 64);
}

TEST(Step7_FramePool, AThreadKeepsNoMoreThanItHasNeeded) {
  use_pool();
  std::vector<void*> blocks(100);
  std::jthread([&] {
    const std::size_t before = in_use();
    std::jthread([&] {
      for (void*& block : blocks) block = FramePool::allocate(64);
    });
    for (void* const block : blocks) FramePool::deallocate(block, 64);
    EXPECT_EQ(in_use(), before) << "it has needed none";
  });
}

TEST(Step7_FramePool, AThreadThatHasNeededMuchKeepsOnlyThat) {
  use_pool();
  std::vector<void*> blocks(100);
  std::jthread([&] {
    for (int i = 0; i < 100; ++i) use_pool();
    const std::size_t before = in_use();
    std::jthread([&] {
      for (void*& block : blocks) block = FramePool::allocate(64);
    });
    for (void* const block : blocks) FramePool::deallocate(block, 64);
    EXPECT_EQ(in_use(), before) << "it has needed one at a time, and has it";
  });
}

TEST(Step7_FramePool, AThreadThatEndsGivesEverythingBack) {
  use_pool();
  std::jthread([] {});
  const std::size_t before = in_use();
  std::jthread([] { EXPECT_EQ(run(nested(100)), 100); });
  EXPECT_EQ(in_use(), before);
}

TEST(Step7_FramePool, AlsoWhatItGotFromOthers) {
  use_pool();
  std::vector<Coro<int>> coros;
  coros.reserve(100);
  std::jthread([] {});
  const std::size_t before = in_use();
  for (int i = 0; i < 100; ++i) coros.push_back(number(i));
  std::jthread([&] {
    std::vector<Coro<int>> own;
    own.reserve(50);
    for (int i = 0; i < 50; ++i) own.push_back(number(i));
    while (!coros.empty()) coros.pop_back();
  });
  EXPECT_LE(in_use(), before);
}

TEST(Step7_FramePool, FramesGoFromThreadToThread) {
  use_pool();
  Worker there;
  Worker back;
  const auto hop = [&](int n) -> Coro<int> {
    Coro<int> mine = nested(n);
    co_await there;
    const int result = co_await std::move(mine);
    Coro<int> theirs = nested(n);
    co_await back;
    co_return result + co_await std::move(theirs);
  };
  const auto wait_often = [&] {
    for (int i = 0; i < 200; ++i) EXPECT_EQ(sync_wait(hop(i % 10)), 2 * (i % 10));
  };
  std::jthread other(wait_often);
  wait_often();
}

// Step 8: what goes wrong with resume().

TEST(Step8_BreakIt, NestedResumeGivesTheRightAnswer) {
  const auto level = [](auto& self, int n) -> Coro<int> {
    if (n == 0) co_return 0;
    co_return 1 + co_await NestedResume(self(self, n - 1));
  };
  EXPECT_EQ(run(level(level, 10)), 10);
  const auto in_turn = []() -> Coro<int> {
    int sum = 0;
    for (int i = 1; i <= 10; ++i) sum += co_await NestedResume(number(i));
    co_return sum;
  };
  EXPECT_EQ(run(in_turn()), 55);
}

TEST(Step8_BreakIt, ExceptionsComeThroughIt) {
  const auto outer = []() -> Coro<int> { co_return co_await NestedResume(refusing("no")); };
  EXPECT_EQ(error_of([&] { run(outer()); }), "no");
}

TEST(Step8_BreakIt, EachAwaitInALoopTakesStackAndKeepsIt) {
  std::vector<std::uintptr_t> ends;
  const auto loop = [&]() -> Coro<int> {
    for (int i = 0; i < 100; ++i) {
      ends.push_back(stack_end());
      co_await NestedResume(number(i));
    }
    co_return 0;
  };
  run(loop());
  const std::vector<std::ptrdiff_t> taken = steps(ends);
  ASSERT_EQ(taken.size(), 99u);
  EXPECT_GE(std::ranges::min(taken), 16) << "bytes of stack, at each await";
}

TEST(Step8_BreakIt, EachLevelTakesStack) {
  std::vector<std::uintptr_t> ends;
  const auto level = [&](auto& self, int n) -> Coro<int> {
    ends.push_back(stack_end());
    if (n == 0) co_return 0;
    co_return 1 + co_await NestedResume(self(self, n - 1));
  };
  EXPECT_EQ(run(level(level, 99)), 99);
  const std::vector<std::ptrdiff_t> taken = steps(ends);
  ASSERT_EQ(taken.size(), 99u);
  EXPECT_GE(std::ranges::min(taken), 16) << "bytes of stack, for each level";
}

TEST(Step8_BreakIt, WhereYourAwaitTakesNone) {
  std::vector<std::uintptr_t> nested_ends;
  std::vector<std::uintptr_t> ends;
  const auto loop = [&]() -> Coro<int> {
    for (int i = 0; i < 100; ++i) {
      ends.push_back(stack_end());
      co_await number(i);
    }
    for (int i = 0; i < 100; ++i) {
      nested_ends.push_back(stack_end());
      co_await NestedResume(number(i));
    }
    co_return 0;
  };
  run(loop());
  const auto used = [](const std::vector<std::uintptr_t>& all) { return all.front() - all.back(); };
  EXPECT_GT(used(nested_ends), used(ends)) << "in any build";
  EXPECT_EQ(used(ends) == 0, course::constant_stack);
}
