// Chapter 08, step 2: an await, by hand.

#include "sum_of_two.hpp"
#include "support.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <iomanip>
#include <new>
#include <sstream>

using asyncio::SumOfTwo;

extern "C" void grader_note(const char* text);

namespace {

/// An awaiter of numbers, which come at once or later. It logs what it is asked.
class Source {
 public:
  /// What it does in await_suspend() and has not been told by anybody else.
  enum class Suspending { waits, resumes, throws };

  Source(Log& log, std::vector<bool> ready) : log_(log), ready_(std::move(ready)) {}

  bool await_ready() {
    log_.push_back("ready?");
    fail_if_asked();
    return ready_.at(asked_++);
  }
  template <class Handle>
  void await_suspend(Handle waiting) {
    log_.push_back("suspend");
    fail_if_asked();
    waiting_ = [waiting] { waiting.resume(); };
    if (comes_at_once) come(++value_);
  }
  int await_resume() {
    log_.push_back("resume");
    fail_if_asked();
    return value_;
  }

  /// Lets the one that waits go on.
  void come(int value) {
    value_ = value;
    std::exchange(waiting_, nullptr)();
  }

  std::size_t fails_at = 0;  // which of its calls throws, the first is 1
  bool fails_with_a_number = false;
  bool comes_at_once = false;

 private:
  void fail_if_asked() const {
    if (fails_at != log_.size()) return;
    if (fails_with_a_number) throw 42;
    throw std::runtime_error("not today");
  }

  Log& log_;
  std::vector<bool> ready_;
  std::size_t asked_ = 0;
  std::function<void()> waiting_;
  int value_ = 20;
};

/// A coroutine that is resumed by hand, with the smallest promise there is.
class Compiled {
 public:
  struct promise_type {
    Compiled get_return_object() {
      return Compiled(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(int value) noexcept { sum = value; }
    void unhandled_exception() noexcept { error = std::current_exception(); }

    int sum = 0;
    std::exception_ptr error;
  };

  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { frame_.destroy(); }

  void resume() const { frame_.resume(); }
  [[nodiscard]] bool done() const { return frame_.done(); }
  [[nodiscard]] int result() const {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
    return frame_.promise().sum;
  }

 private:
  explicit Compiled(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  const std::coroutine_handle<promise_type> frame_;
};

Compiled sum_of_two(Source& source) {
  const int first = co_await source;
  const int second = co_await source;
  co_return first + second;
}

}  // namespace

TEST(Step2_SumOfTwo, MakingItRunsNothing) {
  Log log;
  Source source(log, {true, true});
  SumOfTwo sum(source);
  EXPECT_EQ(log, Log());
  EXPECT_FALSE(sum.done());
  sum.resume();
  EXPECT_NE(log, Log());
}

TEST(Step2_SumOfTwo, WhatIsReadyIsNotWaitedFor) {
  Log log;
  Source source(log, {true, true});
  SumOfTwo sum(source);
  sum.resume();
  EXPECT_TRUE(sum.done());
  EXPECT_EQ(sum.result(), 40);
  EXPECT_EQ(log, (Log{"ready?", "resume", "ready?", "resume"}));
}

TEST(Step2_SumOfTwo, WhatIsNotReadyIsWaitedFor) {
  Log log;
  Source source(log, {false, false});
  SumOfTwo sum(source);
  sum.resume();
  EXPECT_EQ(log, (Log{"ready?", "suspend"}));
  EXPECT_FALSE(sum.done());
  source.come(3);
  EXPECT_EQ(log, (Log{"ready?", "suspend", "resume", "ready?", "suspend"}));
  EXPECT_FALSE(sum.done());
  source.come(4);
  EXPECT_EQ(log, (Log{"ready?", "suspend", "resume", "ready?", "suspend", "resume"}));
  EXPECT_TRUE(sum.done());
  EXPECT_EQ(sum.result(), 7);
}

TEST(Step2_SumOfTwo, EachOfTheTwoMayBeReadyOrNot) {
  for (const bool first_is_ready : {true, false}) {
    Log log;
    Source source(log, {first_is_ready, !first_is_ready});
    SumOfTwo sum(source);
    sum.resume();
    EXPECT_FALSE(sum.done());
    source.come(5);
    EXPECT_TRUE(sum.done());
    EXPECT_EQ(sum.result(), first_is_ready ? 25 : 10);
  }
}

TEST(Step2_SumOfTwo, TwoWaitApart) {
  Log log;
  Source a(log, {false, false});
  Source b(log, {false, false});
  SumOfTwo one(a);
  SumOfTwo other(b);
  one.resume();
  other.resume();
  b.come(10);
  a.come(1);  // now each has its first number, and waits for the second
  b.come(20);
  EXPECT_TRUE(other.done());
  EXPECT_FALSE(one.done());
  a.come(2);
  EXPECT_EQ(one.result(), 3);
  EXPECT_EQ(other.result(), 30);
}

TEST(Step2_SumOfTwo, ItMayGoOnBeforeAwaitSuspendReturns) {
  for (const std::vector<bool>& ready : {std::vector{false, true}, {true, false}, {false, false}}) {
    Log log;
    Source source(log, ready);
    source.comes_at_once = true;
    SumOfTwo sum(source);
    sum.resume();
    EXPECT_TRUE(sum.done());
    EXPECT_EQ(std::ranges::count(log, "resume"), 2) << "each number is asked for once";
    EXPECT_EQ(sum.result(), !ready[0] && !ready[1] ? 21 + 22 : ready[0] ? 20 + 21 : 21 + 21);
  }
}

TEST(Step2_SumOfTwo, OnceItHasHandedItselfOverItTouchesNothing) {
  struct Gone {
    alignas(std::max_align_t) std::array<std::byte, 256> memory;
    SumOfTwo<Gone>* sum = nullptr;
    int asked = 0;
    int goes_at = 0;

    [[nodiscard]] bool await_ready() { return ++asked != goes_at; }
    void await_suspend(SumOfTwo<Gone>::Handle) {
      sum->~SumOfTwo<Gone>();  // as somebody may who has no use for it any more
      memory.fill(std::byte(0xab));
    }
    [[nodiscard]] static int await_resume() { return 1; }
  };
  static_assert(sizeof(SumOfTwo<Gone>) <= sizeof(Gone::memory));
  for (const int goes_at : {1, 2}) {
    Gone gone;
    gone.goes_at = goes_at;
    gone.sum = ::new (static_cast<void*>(gone.memory.data())) SumOfTwo<Gone>(gone);
    gone.sum->resume();
    EXPECT_TRUE(std::ranges::all_of(gone.memory, [](std::byte b) { return b == std::byte(0xab); }))
        << "where the frame was, it writes still";
  }
}

TEST(Step2_SumOfTwo, NorDoesItLookWhereItWas) {
  struct Gone {
    void* page = nullptr;
    SumOfTwo<Gone>* sum = nullptr;
    int asked = 0;
    int goes_at = 0;

    [[nodiscard]] bool await_ready() { return ++asked != goes_at; }
    void await_suspend(SumOfTwo<Gone>::Handle) {
      sum->~SumOfTwo<Gone>();
      mprotect(page, sizeof *sum, PROT_NONE);  // from now on, who reads there crashes
    }
    [[nodiscard]] static int await_resume() { return 1; }
  };
  for (const int goes_at : {1, 2}) {
    Gone gone;
    gone.goes_at = goes_at;
    gone.page = mmap(nullptr, sizeof *gone.sum, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(gone.page, MAP_FAILED);
    gone.sum = ::new (gone.page) SumOfTwo<Gone>(gone);
    gone.sum->resume();
    munmap(gone.page, sizeof *gone.sum);
  }
}

TEST(Step2_SumOfTwo, WhateverTheSourceThrowsIsHowItEnds) {
  for (std::size_t call = 2; call <= 13; ++call) {
    const std::size_t fails_at = call / 2;
    Log log;
    Source source(log, {false, false});
    source.fails_at = fails_at;
    source.fails_with_a_number = call % 2 == 1;
    SumOfTwo sum(source);
    EXPECT_EQ(error_of([&] {
                sum.resume();
                for (int i = 1; i <= 2 && !sum.done(); ++i) source.come(i);
              }),
              "nothing")
        << "it does not come out of resume()";
    EXPECT_TRUE(sum.done());
    EXPECT_EQ(error_of([&] { static_cast<void>(sum.result()); }),
              source.fails_with_a_number ? "42" : "not today")
        << "at call " << fails_at;
    EXPECT_EQ(log.size(), fails_at) << "nothing more is asked";
  }
}

TEST(Step2_SumOfTwo, TheCompilerDoesTheSame) {
  std::ostringstream table;
  table << "         the compiler's      yours\n";
  for (const std::vector<bool>& ready :
       {std::vector{true, true}, {true, false}, {false, true}, {false, false}}) {
    Log theirs;
    Log yours;
    Source one(theirs, ready);
    Source other(yours, ready);
    const auto go = [](auto& sum, Source& source, Log& log) {
      log.push_back("-> run");
      sum.resume();
      for (int i = 1; i <= 2 && !sum.done(); ++i) {
        log.push_back("-> " + std::to_string(i) + " comes");
        source.come(i);
      }
      log.push_back("= " + std::to_string(sum.result()));
    };
    Compiled compiled = sum_of_two(one);
    SumOfTwo by_hand(other);
    go(compiled, one, theirs);
    go(by_hand, other, yours);
    EXPECT_EQ(yours, theirs);
    if (ready == std::vector{true, false})
      for (std::size_t i = 0; i < std::min(theirs.size(), yours.size()); ++i)
        table << "  " << std::setw(5) << i + 1 << "  " << std::left << std::setw(20) << theirs[i] << yours[i]
              << std::right << '\n';
  }
  grader_note(("The first number is ready, the second comes later:\n" + table.str()).c_str());
}
