// Chapter 08, step 5: the outcome that a coroutine ends with.

#include "support.hpp"

#include <exception>
#include <memory>
#include <type_traits>
#include <variant>

#include "fragile.hpp"

using course::Fragile;

TEST(Step5_Outcome, ItIsEmptyUntilThereIsAValue) {
  Outcome<int> outcome;
  EXPECT_TRUE(outcome.empty());
  outcome.set_value(5);
  EXPECT_FALSE(outcome.empty());
  EXPECT_EQ(outcome.exception(), nullptr);
  EXPECT_EQ(outcome.take(), 5);
}

TEST(Step5_Outcome, AValueIsMovedInAndOut) {
  Outcome<Traced> outcome;
  outcome.set_value(Traced(3));
  const Traced taken = outcome.take();
  EXPECT_EQ(taken.number, 3);
  EXPECT_EQ(taken.copies, 0);
  EXPECT_EQ(taken.moves, 2);
  EXPECT_FALSE(outcome.empty()) << "to take the value does not undo the end";
  Outcome<std::unique_ptr<int>> owner;
  owner.set_value(std::make_unique<int>(4));
  EXPECT_EQ(*owner.take(), 4);
}

TEST(Step5_Outcome, AnLvalueIsCopied) {
  Outcome<Traced> outcome;
  Traced lvalue(3);
  outcome.set_value(lvalue);
  EXPECT_EQ(lvalue.number, 3);
  EXPECT_EQ(outcome.take().copies, 1);
}

TEST(Step5_Outcome, AValueIsMadeInPlaceOfWhateverItIsMadeOf) {
  Outcome<std::string> text;
  text.set_value(3, 'x');
  EXPECT_EQ(text.take(), "xxx");
  Outcome<Traced> traced;
  traced.set_value(6);
  EXPECT_EQ(traced.take().moves, 1) << "the one that takes it out";
}

TEST(Step5_Outcome, AReferenceRefersToTheThingItself) {
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

TEST(Step5_Outcome, OfNothingItOnlyKnowsThatItHasEnded) {
  static_assert(std::is_void_v<decltype(Outcome<void>().take())>);
  Outcome<void> outcome;
  EXPECT_TRUE(outcome.empty());
  outcome.set_value();
  EXPECT_FALSE(outcome.empty());
  EXPECT_EQ(error_of([&] { outcome.take(); }), "nothing");
}

TEST(Step5_Outcome, AnExceptionIsThrownByTake) {
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

TEST(Step5_Outcome, AnExceptionStaysWhateverComesAfterIt) {
  Outcome<std::string> outcome;
  outcome.set_exception(std::make_exception_ptr(std::runtime_error("no value")));
  outcome.set_value("too late");
  for (int asked = 0; asked < 2; ++asked) {
    EXPECT_EQ(error_of([&] { outcome.get(); }), "no value");
    EXPECT_EQ(error_of([&] { outcome.take(); }), "no value");
  }
}

TEST(Step5_Outcome, AnExceptionStaysThoughAValueWasThere) {
  std::atomic<int> alive = 0;
  {
    Outcome<Counted> outcome;
    outcome.set_value(Counted(alive));
    outcome.set_exception(std::make_exception_ptr(std::runtime_error("at the end")));
    EXPECT_EQ(what(outcome.exception()), "at the end");
    for (int asked = 0; asked < 2; ++asked) {
      EXPECT_EQ(error_of([&] { outcome.get(); }), "at the end");
      EXPECT_EQ(error_of([&] { outcome.take(); }), "at the end");
    }
  }
  EXPECT_EQ(alive, 0) << "the value is destroyed all the same";
  Outcome<void> nothing;
  nothing.set_value();
  nothing.set_exception(std::make_exception_ptr(42));
  EXPECT_EQ(error_of([&] { nothing.take(); }), "42");
}

TEST(Step5_Outcome, AValueMayHaveOperatorsOfItsOwn) {
  struct Wayward {
    explicit Wayward(int number) : number(number) {}
    Wayward* operator&() { return nullptr; }
    const Wayward* operator&() const { return nullptr; }
    static void* operator new(std::size_t, void*) { throw std::logic_error("its operator new was called"); }
    int number;
  };
  Outcome<Wayward> outcome;
  outcome.set_value(1);
  outcome.set_value(2);
  EXPECT_EQ(outcome.get().number, 2);
  EXPECT_EQ(outcome.take().number, 2);
}

TEST(Step5_Outcome, AValueMayBeOfAnyType) {
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

TEST(Step5_Outcome, AValueCanBeLookedAt) {
  Outcome<Traced> outcome;
  outcome.set_value(8);
  const Traced& seen = outcome.get();
  EXPECT_EQ(seen.number, 8);
  EXPECT_EQ(outcome.take().moves, 1) << "it was left where it is";
}

TEST(Step5_Outcome, ToLookAtItTakesNothingOut) {
  Outcome<int> failed;
  failed.set_exception(std::make_exception_ptr(std::runtime_error("no value")));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(error_of([&] { static_cast<void>(failed.get()); }), "no value");
  EXPECT_EQ(error_of([&] { failed.take(); }), "no value");
  int number = 1;
  Outcome<int&> reference;
  reference.set_value(number);
  EXPECT_EQ(&reference.get(), &number);
  Outcome<void> nothing;
  nothing.set_value();
  EXPECT_EQ(error_of([&] { nothing.get(); }), "nothing");
}

TEST(Step5_Outcome, ASecondValueTakesThePlaceOfTheFirst) {
  std::atomic<int> alive = 0;
  Outcome<std::shared_ptr<Counted>> outcome;
  outcome.set_value(std::make_shared<Counted>(alive));
  outcome.set_value(nullptr);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(outcome.take(), nullptr);
}

TEST(Step5_Outcome, AValueThatCannotBeMadeIsNotThere) {
  for (const bool again : {false, true}) {
    course::Fuse never(0), at_once(1);
    {
      const Fragile good(1, never), bad(2, at_once);
      Outcome<Fragile> outcome;
      if (again) outcome.set_value(good);
      EXPECT_EQ(error_of([&] { outcome.set_value(bad); }), "broke");
      EXPECT_TRUE(outcome.empty()) << "it says that it has a value, and has none";
      outcome.set_value(good);
      EXPECT_EQ(outcome.get().number(), 1);
    }
    EXPECT_EQ(Fragile::alive, 0);
  }
}
