// Chapter 04, step 4: calls by name.

#include "support.hpp"

#include <memory>

using concurrent::detail::Answer;
using concurrent::detail::Packet;
using concurrent::detail::State;

namespace {

/// Runs a call in this process, from its bytes. @returns the answer
template <class F, class... Args>
Answer call_here(F fn, const Args&... args) {
  return concurrent::detail::run_call<F, Args...>(
      to_bytes(concurrent::detail::name_of_callable(fn), args...));
}

/// Returns a future that this answer has finished.
template <class T>
Future<T> finished_with(PacketType type, const Bytes& bytes) {
  const auto state = std::make_shared<State<T>>();
  state->start();
  concurrent::detail::finish_with<T>(*state, Packet({.type = type}, bytes, Fd()));
  return Future<T>(state);
}

const auto from_name = [](auto function) {
  return concurrent::detail::function_named<decltype(function)>(concurrent::detail::name_of(function));
};

}  // namespace

TEST(Step4_Calls, AFunctionIsFoundByItsName) {
  EXPECT_EQ(from_name(&twice)(21), 42);
  const Answer answer = call_here(&twice, 21);
  EXPECT_EQ(answer.type, PacketType::result);
  EXPECT_EQ(answer.bytes, to_bytes(42));
}

TEST(Step4_Calls, ALambdaWithoutCapturesIsItsType) {
  const Answer answer =
      call_here([](std::string a, int b) { return a + std::to_string(b); }, std::string("x"), 7);
  EXPECT_EQ(answer.type, PacketType::result);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("x7")));
}

TEST(Step4_Calls, ArgumentsAreMovedIn) {
  const Answer answer =
      call_here([](std::unique_ptr<int> number) { return *number; }, std::make_unique<int>(7));
  EXPECT_EQ(answer.bytes, to_bytes(7));
}

TEST(Step4_Calls, WhatReturnsNothingSendsNothing) {
  const Answer answer = call_here([] {});
  EXPECT_EQ(answer.type, PacketType::result);
  EXPECT_EQ(answer.bytes, "");
}

TEST(Step4_Calls, WhatIsThrownCrossesAsTypeAndText) {
  const Answer answer = call_here([](int) -> int { throw std::out_of_range("far"); }, 1);
  EXPECT_EQ(answer.type, PacketType::error);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("std::out_of_range"), std::string("far")));
}

TEST(Step4_Calls, AnythingCanBeThrown) {
  const Answer answer = call_here([] { throw 7; });
  EXPECT_EQ(answer.type, PacketType::error);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("int"), std::string("an exception of type int")));
}

TEST(Step4_Calls, AResultThatCannotBeWrittenIsAnError) {
  const Answer answer = call_here([] { return Shy(); });
  EXPECT_EQ(answer.type, PacketType::error);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("std::runtime_error"), std::string("too shy")));
}

TEST(Step4_Calls, ArgumentsThatCannotBeReadAreAnError) {
  const auto run = concurrent::detail::run_call<decltype(&twice), int>;
  EXPECT_EQ(run(Bytes("short")).type, PacketType::error);
}

TEST(Step4_Calls, TheAnswerFinishesTheFuture) {
  EXPECT_EQ(outcome(finished_with<int>(PacketType::result, to_bytes(42))), "42");
  EXPECT_EQ(outcome(finished_with<void>(PacketType::result, {})), "void");
}

TEST(Step4_Calls, AnErrorBecomesARemoteError) {
  const Bytes bytes = to_bytes(std::string("std::out_of_range"), std::string("far"));
  EXPECT_EQ(outcome(finished_with<int>(PacketType::error, bytes)), "std::out_of_range: far");
  EXPECT_EQ(outcome(finished_with<void>(PacketType::error, bytes)), "std::out_of_range: far");
}

TEST(Step4_Calls, AResultThatCannotBeReadIsAnError) {
  EXPECT_EQ(outcome(finished_with<Illegible>(PacketType::result, to_bytes(1))), "illegible");
  EXPECT_THROW(finished_with<int>(PacketType::result, Bytes("x")).result(), cereal::Exception);
}

TEST(Step4_Calls, AnAnswerComesTooLateForADoneFuture) {
  EXPECT_EQ(outcome(finished_with<int>(PacketType::result, to_bytes(42))), "42");
  const auto state = std::make_shared<State<int>>();
  state->try_fail(std::make_exception_ptr(BrokenProcessPool("gone")));
  concurrent::detail::finish_with<int>(*state, Packet({.type = PacketType::result}, to_bytes(1), Fd()));
  EXPECT_EQ(outcome(Future<int>(state)), "broken: gone");
  concurrent::Promise<int> promise;
  promise.set_result(7);
  concurrent::detail::finish_with<int>(*promise.future().shared_state(),
                                       Packet({.type = PacketType::result}, to_bytes(1), Fd()));
  EXPECT_EQ(outcome(promise.future()), "7");
}
