// Chapter 14, step 3: a worker that looks, and then sleeps.

#include "support.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "looks.hpp"

using concurrent::CallHeader;
using concurrent::from_bytes;
using concurrent::MpiMessage;
using concurrent::MpiTag;
using concurrent::MpiWorld;
using concurrent::RemoteFunction;
using concurrent::to_bytes;
using concurrent::WorkerInfo;

namespace {

/// Waits for the next message.
MpiMessage receive(MpiWorld& world) {
  for (;;) {
    if (auto message = world.try_receive()) return *std::move(message);
    std::this_thread::yield();
  }
}

void send(MpiWorld& world, MpiTag tag, const std::string& bytes = {}) {
  world.send(1, static_cast<int>(tag), bytes);
}

template <class F>
std::string call(F, int number) {
  return to_bytes(CallHeader{.id = RemoteFunction<F, int>::id}, std::int64_t{0}, number);
}

/// Lets the worker call `what(0)`. @returns the number that it gives
template <class F>
long ask(MpiWorld& world, F what) {
  send(world, MpiTag::call, call(what, 0));
  return std::get<0>(from_bytes<long>(receive(world).bytes));
}

/// Lets the other ranks work. @returns true in rank 0, which talks to them
bool as_rank_0(MpiWorld& world) {
  if (world.rank() == 0) return true;
  concurrent::work(world);
  world.end();
  return false;
}

}  // namespace

TEST(Step3_Workers, AWorkerSaysHelloFirst) {
  if (!in_ranks(2)) return;
  auto& world = MpiWorld::get();
  if (!as_rank_0(world)) return;
  const MpiMessage hello = receive(world);
  EXPECT_EQ(hello.rank, 1);
  ASSERT_EQ(static_cast<MpiTag>(hello.tag), MpiTag::hello);
  const auto [info] = from_bytes<WorkerInfo>(hello.bytes);
  EXPECT_EQ(info.host, world.host());
  EXPECT_GT(info.process, 0);
  EXPECT_NE(info.process, ::getpid());
  send(world, MpiTag::end);
}

TEST(Step3_Workers, EachCallIsAnsweredInItsOrder) {
  if (!in_ranks(2)) return;
  auto& world = MpiWorld::get();
  if (!as_rank_0(world)) return;
  receive(world);
  const auto square = [](int number) { return number * number; };
  for (int i = 0; i < 100; ++i) send(world, MpiTag::call, call(square, i));
  for (int i = 0; i < 100; ++i) {
    const MpiMessage answer = receive(world);
    ASSERT_EQ(static_cast<MpiTag>(answer.tag), MpiTag::result);
    EXPECT_EQ(from_bytes<int>(answer.bytes), std::tuple(i * i));
  }
  send(world, MpiTag::end);
}

TEST(Step3_Workers, AnAnswerThatIsTooLargeBecomesAnError) {
  if (!in_ranks(2)) return;
  auto& world = MpiWorld::get();
  if (!as_rank_0(world)) return;
  receive(world);
  const auto too_large = [](int size) {
    MpiWorld::most_bytes = 1'000;  // or else it takes gigabytes
    return std::string(static_cast<std::size_t>(size), 'a');
  };
  send(world, MpiTag::call, call(too_large, 2'000));
  const MpiMessage answer = receive(world);
  ASSERT_EQ(static_cast<MpiTag>(answer.tag), MpiTag::error)
      << "MPI cannot send it, and sendable() knows what to do";
  EXPECT_EQ(std::get<0>(from_bytes<std::string, std::string>(answer.bytes)), "std::length_error");
  EXPECT_EQ(ask(world, [](int) { return 42L; }), 42) << "the worker lives on";
  send(world, MpiTag::end);
}

TEST(Step3_Workers, AWorkerEndsWhenItIsTold) {
  if (!in_ranks(2)) return;
  constexpr int farewell = 99;
  auto& world = MpiWorld::get();
  if (world.rank() > 0) {
    concurrent::work(world);
    world.send(0, farewell, {});
    return world.end();
  }
  receive(world);
  send(world, MpiTag::end);
  EXPECT_EQ(receive(world).tag, farewell) << "nobody waits for an answer to that";
}

TEST(Step3_Workers, AnIdleWorkerBurnsNoProcessor) {
  if (!in_ranks(2)) return;
  auto& world = MpiWorld::get();
  if (!as_rank_0(world)) return;
  receive(world);
  const auto processor_time = [](int) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return 1'000'000 * static_cast<long>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  };
  ask(world, processor_time);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(ask(world, [](int) { return Looks::in_200_ms(); }), 200)
      << "looks in 200 ms in which nothing came";
  // That it does not spin between two looks: what the looks themselves take is for the machine to say.
  long least = 1'000'000;
  for (int attempt = 0; attempt < 5 && least >= 50'000; ++attempt) {
    const long before = ask(world, processor_time);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    least = std::min(least, ask(world, processor_time) - before);
  }
  EXPECT_LT(least, 50'000) << "microseconds of the processor's time, in 200 ms in which nothing came";
  send(world, MpiTag::end);
}

TEST(Step3_Workers, AWorkerThatHasWorkLooksAtOnce) {
  if (!in_ranks(2)) return;
  auto& world = MpiWorld::get();
  if (!as_rank_0(world)) return;
  receive(world);
  const auto vain = [](int) { return Looks::vain_after_a_find(); };
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the worker has gone to sleep
  for (int i = 0; i < 100; ++i) ask(world, vain);
  const long looks = ask(world, vain), slept = ask(world, [](int) { return Looks::slept_after_a_find(); });
  EXPECT_GT(looks, 0) << "no call came so late that the worker looked for it in vain";
  EXPECT_LE(slept, looks / 2) << "times that it slept after it had looked once, of " << looks;
  send(world, MpiTag::end);
}
