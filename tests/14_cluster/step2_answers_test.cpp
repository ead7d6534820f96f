// Chapter 14, step 2: what a worker says to a message.

#include "support.hpp"

#include <cstdint>

using concurrent::answer_to;
using concurrent::CallHeader;
using concurrent::CallId;
using concurrent::from_bytes;
using concurrent::FunctionTable;
using concurrent::MpiMessage;
using concurrent::MpiTag;
using concurrent::RemoteFunction;
using concurrent::to_bytes;
using concurrent::detail::name_of;
using concurrent::detail::program_identity;

namespace {

int prepared = 0;
void prepare() { ++prepared; }
void fail_to_prepare() { throw std::runtime_error("not today"); }

int called = 0;
int count_calls(int) { return ++called; }

concurrent::detail::Answer run_a(std::span<const char>) { return {}; }
concurrent::detail::Answer run_b(std::span<const char>) { return {}; }

/// Returns the message that asks for a call.
template <class F, class... Args>
MpiMessage call(F, const Args&... args) {
  return {0, static_cast<int>(MpiTag::call),
          to_bytes(CallHeader{.id = RemoteFunction<F, Args...>::id}, std::int64_t{0}, args...)};
}

/// Returns the message that asks for an initializer.
MpiMessage preparation(void (*initializer)(), std::uint64_t program) {
  return {0, static_cast<int>(MpiTag::prepare),
          to_bytes(CallHeader{.program = program}, name_of(initializer))};
}

}  // namespace

TEST(Step2_Answers, AResultIsSaidAsBytes) {
  const auto answer = answer_to(call([](int a, int b) { return a - b; }, 50, 8));
  ASSERT_EQ(answer.tag, MpiTag::result);
  EXPECT_EQ(from_bytes<int>(answer.bytes), std::tuple(42));
}

TEST(Step2_Answers, AFunctionIsCalledByItsAddressInTheSameProgram) {
  const auto answer = answer_to(
      {0, static_cast<int>(MpiTag::call),
       to_bytes(CallHeader{.id = RemoteFunction<int (*)(int), int>::id, .program = program_identity()},
                name_of(&twice), 21)});
  ASSERT_EQ(answer.tag, MpiTag::result);
  EXPECT_EQ(from_bytes<int>(answer.bytes), std::tuple(42));
}

TEST(Step2_Answers, AnAddressOfAnotherProgramIsNotCalled) {
  called = 0;
  const auto asked = [](CallId id, std::uint64_t program) {
    return answer_to({0, static_cast<int>(MpiTag::call),
                      to_bytes(CallHeader{.id = id, .program = program}, name_of(&count_calls), 21)})
        .tag;
  };
  EXPECT_EQ(asked(RemoteFunction<int (*)(int), int>::id, program_identity() + 1), MpiTag::other_program);
  EXPECT_EQ(called, 0);
  EXPECT_EQ(asked(7, program_identity() + 1), MpiTag::other_program)
      << "what this program has says nothing of a call that is for another one";
}

TEST(Step2_Answers, AFunctionThatIsNotInTheTableIsNotFound) {
  const auto answer =
      answer_to({0, static_cast<int>(MpiTag::call), to_bytes(CallHeader{.id = 7}, std::int64_t{0}, 21)});
  EXPECT_EQ(answer.tag, MpiTag::not_found);
}

TEST(Step2_Answers, OfTwoFunctionsWithOneNameNeitherIsFound) {
  const auto id = FunctionTable::get().add(typeid(int), "a name of two", &run_a);
  FunctionTable::get().add(typeid(int), "a name of two", &run_b);
  const auto answer =
      answer_to({0, static_cast<int>(MpiTag::call), to_bytes(CallHeader{.id = id}, std::int64_t{0})});
  EXPECT_EQ(answer.tag, MpiTag::not_found) << "the entry has nothing to run";
}

TEST(Step2_Answers, WhatIsThrownIsSaid) {
  const auto answer = answer_to(call([](int) -> int { throw std::out_of_range("far"); }, 1));
  ASSERT_EQ(answer.tag, MpiTag::error);
  EXPECT_EQ((from_bytes<std::string, std::string>(answer.bytes)),
            (std::tuple<std::string, std::string>("std::out_of_range", "far")));
}

TEST(Step2_Answers, ArgumentsThatCannotBeReadAreAnError) {
  auto message = call([](const std::string& text) { return text; }, std::string("a text"));
  message.bytes.resize(message.bytes.size() - 3);
  EXPECT_EQ(answer_to(message).tag, MpiTag::error);
}

TEST(Step2_Answers, AnInitializerIsCalled) {
  prepared = 0;
  EXPECT_EQ(answer_to(preparation(&prepare, program_identity())).tag, MpiTag::result);
  EXPECT_EQ(prepared, 1);
}

TEST(Step2_Answers, AnInitializerThatFailsIsAnError) {
  const auto answer = answer_to(preparation(&fail_to_prepare, program_identity()));
  ASSERT_EQ(answer.tag, MpiTag::error);
  EXPECT_EQ((from_bytes<std::string, std::string>(answer.bytes)),
            (std::tuple<std::string, std::string>("std::runtime_error", "not today")));
}

TEST(Step2_Answers, AnInitializerOfAnotherProgramIsNotCalled) {
  prepared = 0;
  EXPECT_EQ(answer_to(preparation(&prepare, program_identity() + 1)).tag, MpiTag::other_program);
  EXPECT_EQ(prepared, 0);
}
