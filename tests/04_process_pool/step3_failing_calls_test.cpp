// Chapter 04, steps 3 to 9: the system says no, where it seldom does.

#include "support.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cstddef>
#include <latch>
#include <span>
#include <system_error>
#include <thread>
#include <vector>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(int, fork, (), ())
COURSE_MAY_FAIL(int, eventfd, (unsigned count, int flags), (count, flags))
COURSE_MAY_FAIL(int, memfd_create, (const char* name, unsigned flags), (name, flags))
COURSE_MAY_FAIL(int, socketpair, (int domain, int type, int protocol, int* ends),
                (domain, type, protocol, ends))
COURSE_MAY_FAIL(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
COURSE_MAY_FAIL(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
COURSE_MAY_FAIL(ssize_t, send, (int fd, const void* bytes, size_t size, int flags), (fd, bytes, size, flags))
COURSE_MAY_FAIL(ssize_t, recv, (int fd, void* room, size_t size, int flags), (fd, room, size, flags))
COURSE_MAY_FAIL(ssize_t, write, (int fd, const void* bytes, size_t size), (fd, bytes, size))
COURSE_MAY_FAIL(int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
COURSE_MAY_FAIL(pid_t, waitpid, (pid_t process, int* status, int options), (process, status, options))

// Counts the signals SIGUSR1 that a process of the test sends, for all of them.
extern "C" int kill(pid_t process, int signal) noexcept {
  static auto* const real = course::in_the_library<int(pid_t, int)>("kill");
  if (signal == SIGUSR1) ++shared.calls;
  return real(process, signal);
}

using concurrent::detail::ForkServer;
using concurrent::detail::WorkerExit;
using course::CallsFail;

namespace {

std::size_t length(const std::string& text) { return text.size(); }

/// Blocks until a worker has ended or could not be started.
WorkerExit next_exit(ForkServer& server) {
  course::wait_for(server.fd());
  return server.next_exit().value_or(WorkerExit{});
}

/// A value that cannot be read, for a reason that is no std::exception.
struct ThrowsANumber {
  template <class Archive>
  void save(Archive& archive) const {
    archive(1);
  }
  template <class Archive>
  void load(Archive&) {
    throw 7;
  }
};

/// Sends packets, small and large, and receives them, while signals interrupt these calls.
void cross_in_spite_of(course::SystemCalls& calls) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  for (const std::size_t size : {1u, 100'000u}) {
    const CallsFail interrupted(calls, EINTR, 3);
    EXPECT_TRUE(send_packet(a, {}, Bytes(size, 'x')));
    const auto packet = receiver.receive(b);
    ASSERT_TRUE(packet);
    packet->read([&](std::span<const char> bytes) { EXPECT_EQ(bytes.size(), size); });
  }
}

/// Has a pool do what it does, with packets small and large.
void use(ProcessPoolExecutor& pool) {
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  EXPECT_EQ(pool.submit(length, std::string(100'000, 'x')).result(), 100'000u);
  EXPECT_EQ(
      pool.submit([](std::size_t size) { return std::string(size, 'y'); }, std::size_t{100'000}).result(),
      std::string(100'000, 'y'));
}

}  // namespace

TEST(Step3_Packets, ALargePacketForWhichThereIsNoRoomIsNotSentAndLeavesNoFile) {
  const auto [a, b] = packet_sockets();
  const NothingIsLeft nothing_is_left;
  for (const std::size_t size : {1u, 100'000u}) {
    {
      const CallsFail no_room(sendmsg_calls, EAGAIN);
      EXPECT_FALSE(send_packet(a, {}, Bytes(size, 'x'), MSG_DONTWAIT));
    }
    EXPECT_FALSE(Receiver().receive(b, MSG_DONTWAIT));
    const CallsFail fails(sendmsg_calls, ENOBUFS);
    EXPECT_THROW(send_packet(a, {}, Bytes(size, 'x')), std::system_error);
  }
}

TEST(Step3_Packets, ASendThatIsInterruptedGoesOn) { cross_in_spite_of(sendmsg_calls); }

TEST(Step3_Packets, AWriteThatIsInterruptedGoesOn) { cross_in_spite_of(write_calls); }

TEST(Step3_Packets, AReceiveThatIsInterruptedGoesOn) { cross_in_spite_of(recvmsg_calls); }

TEST(Step3_Packets, BodiesAroundTheMostThatAPacketCarries) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  for (const std::size_t size : {32'767u, 32'768u, 32'769u}) {
    const Bytes sent = Bytes(size - 1, 'x') + 'y';
    memfd_create_calls.reset();
    EXPECT_TRUE(send_packet(a, {.number = 1}, sent));
    EXPECT_EQ(memfd_create_calls.count(), size > 32'768 ? 1 : 0)
        << "files for a body of " << size << " bytes";
    const auto packet = receiver.receive(b);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->header().number, 1u);
    packet->read([&](std::span<const char> bytes) { EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), sent); });
  }
}

TEST(Step5_Workers, AWorkerThatCannotBeForkedIsReported) {
  const NothingIsLeft nothing_is_left;
  const CallsFail no_process(fork_calls, EAGAIN, 1, 1);  // the server's own is good
  ForkServer server({}, [] { return ::pause(), 0; });
  server.start();
  const WorkerExit exit = next_exit(server);
  EXPECT_EQ(exit.process, 0) << "nobody would ever hear of it";
  EXPECT_EQ(exit.status, EAGAIN);
  EXPECT_EQ(exit.text(), "no worker could be started: Resource temporarily unavailable");
  server.start();
  server.signal(SIGTERM);
  EXPECT_GT(next_exit(server).process, 0) << "the next one is started";
}

TEST(Step5_Workers, AWorkerThatHasEndedGetsNoMoreSignals) {
  Gate gate;
  ForkServer server({}, [] {
    std::signal(SIGUSR1, SIG_IGN);
    return Gate::pass(0);
  });
  for (int ended = 0; ended < 2; ++ended) {
    server.start();
    gate.wait_until_entered();
    gate.open(1);
    EXPECT_GT(next_exit(server).process, 0);
  }
  server.start();
  gate.wait_until_entered();
  shared.calls = 0;
  server.signal(SIGUSR1);
  server.signal(SIGTERM);
  EXPECT_GT(next_exit(server).process, 0);
  EXPECT_EQ(shared.calls, 1) << "by now other processes may have the numbers of those that have ended";
}

TEST(Step5_Workers, TheRequestsOfAProgramThatIsInterruptedArrive) {
  const NothingIsLeft nothing_is_left;
  ForkServer server({}, [] { return 3; });
  {
    const CallsFail interrupted(send_calls, EINTR, 2);
    server.start();
  }
  course::wait_for(server.fd());
  {
    const CallsFail interrupted(recv_calls, EINTR, 2);
    EXPECT_TRUE(server.next_exit());
  }
  const CallsFail interrupted(waitpid_calls, EINTR, 2);
  server.stop();
}

TEST(Step6_PoolLife, APoolThatCannotBeMadeLeavesNothingBehind) {
  const NothingIsLeft nothing_is_left;
  for (course::SystemCalls* calls : {&socketpair_calls, &eventfd_calls, &fork_calls}) {
    int failures = 0;
    for (bool made = false; !made; ++failures) {
      const CallsFail fail(*calls, EMFILE, 1, failures);
      try {
        const ProcessPoolExecutor pool({.max_workers = 1});
        made = true;
      } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), EMFILE);
      }
    }
    EXPECT_GT(failures, 1) << "it was made although the system had said no";
  }
}

TEST(Step7_Submit, InterruptionsGoUnnoticed) {
  const NothingIsLeft nothing_is_left;
  for (course::SystemCalls* calls : {&sendmsg_calls, &recvmsg_calls, &poll_calls, &write_calls, &send_calls,
                                     &recv_calls, &waitpid_calls}) {
    ProcessPoolExecutor pool({.max_workers = 2});
    for (int good = 0; good < 4; ++good) {
      const CallsFail interrupted(*calls, EINTR, 2, good);
      use(pool);
    }
    const CallsFail interrupted(*calls, EINTR, 2);
    pool.shutdown();
  }
}

TEST(Step8_NoRoom, WhereverThereIsNoRoomACallIsSentLater) {
  const NothingIsLeft nothing_is_left;
  for (int good = 0; good < 4; ++good) {
    ProcessPoolExecutor pool({.max_workers = 2});
    const CallsFail no_room(sendmsg_calls, EAGAIN, 2, good);
    std::vector<Future<int>> small;
    std::vector<Future<std::size_t>> large;
    for (int i = 0; i < 3; ++i) {
      small.push_back(pool.submit(twice, i));
      large.push_back(pool.submit(length, std::string(100'000, 'x')));
    }
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(small[static_cast<std::size_t>(i)].result(), 2 * i);
      EXPECT_EQ(large[static_cast<std::size_t>(i)].result(), 100'000u);
    }
  }
}

TEST(Step8_NoRoom, ACallThatFindsNoRoomIsSentThoughNoAnswerComes) {
  ProcessPoolExecutor pool({.max_workers = 1});
  course::wait_until_others_block();  // the pool's thread sleeps, and has not asked for room
  const CallsFail no_room(sendmsg_calls, EAGAIN);
  EXPECT_EQ(pool.submit(twice, 21).result(), 42) << "whoever waits for an answer to try again waits for ever";
}

TEST(Step8_NoRoom, CallsThatFoundNoRoomAreSentInTheirOrder) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  std::latch submitted(1);
  first.add_done_callback([&](auto) {  // on the pool's thread, which does not try again meanwhile
    const CallsFail no_room(sendmsg_calls, EAGAIN, course::every_time);
    for (int i = 0; i < 3; ++i) futures.push_back(pool.submit([] { return ++shared.calls; }));
    submitted.count_down();
  });
  gate.open(1);
  submitted.wait();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i + 2) << "the oldest go first";
}

TEST(Step8_NoRoom, ACallForWhichThereIsNoFileFailsAlone) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit(twice, 1).result(), 2);
  for (course::SystemCalls* calls : {&memfd_create_calls, &write_calls, &sendmsg_calls}) {
    const CallsFail fails(*calls, ENOMEM);
    const auto failed = pool.submit(length, std::string(100'000, 'x'));
    EXPECT_TRUE(outcome(failed).contains("Cannot allocate memory"));
    calls->fail_no_more();
    use(pool);
  }
}

TEST(Step8_NoRoom, IfMemoryRunsOutNoOtherCallIsLost) {
  const NothingIsLeft nothing_is_left;
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ProcessPoolExecutor pool({.max_workers = 1});
    const auto before = pool.submit(twice, 1);
    static_cast<void>(memory.suffices_for([&] { pool.submit(twice, 2); }));
    const auto after = pool.submit(twice, 3);
    EXPECT_EQ(before.result(), 2);
    EXPECT_EQ(after.result(), 6);
  });  // and each pool ends: it waits for no call that was never sent
  EXPECT_GT(failures, 0);
}

TEST(Step7_Submit, WhateverCopiesThrowFailsThatCallAlone) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(course::error_of([&] { pool.submit([] { return ThrowsANumber(); }).result(); }), "7");
  EXPECT_EQ(outcome(pool.submit([](ThrowsANumber) {}, ThrowsANumber())), "int: an exception of type int");
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
}

TEST(Step7_Submit, LargeValuesLeaveNoDescriptorOpenMeanwhile) {
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto count = [](std::string) { return course::open_descriptors(); };
  const std::string large(100'000, 'x');
  pool.submit(count, large).result();
  const int here = course::open_descriptors(), there = pool.submit(count, large).result();
  for (int i = 0; i < 5; ++i) pool.submit([](std::string text) { return text; }, large).result();
  EXPECT_EQ(course::open_descriptors(), here);
  EXPECT_EQ(pool.submit(count, large).result(), there) << "in the worker";
}

TEST(Step7_Submit, WhoeverWaitsForAPoolSleeps) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::thread waiter([&] { pool.shutdown(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  gate.open(1);
  waiter.join();
}

TEST(Step9_Broken, ACallbackMayEndThePoolWithoutWaiting) {
  const NothingIsLeft nothing_is_left;
  for (const bool kill : {false, true}) {
    Gate gate;
    ProcessPoolExecutor pool({.max_workers = 1});
    auto first = pool.submit(Gate::pass, 1);
    gate.wait_until_entered();
    first.add_done_callback([&](auto) {
      if (kill)
        pool.kill_workers();
      else
        pool.shutdown({.wait = false, .cancel_futures = true});
    });
    gate.open(1);
    EXPECT_EQ(first.result(), 1);
    pool.shutdown();
  }
}

TEST(Step9_Broken, IfNoWorkerCanBeStartedThePoolIsBroken) {
  const NothingIsLeft nothing_is_left;
  for (int good = 1; good < 3; ++good) {
    const CallsFail no_process(fork_calls, EAGAIN, course::every_time, good);
    Gate gate;
    ProcessPoolExecutor pool({.max_workers = 2});
    const auto first = pool.submit(Gate::pass, 1);
    if (good > 1) gate.wait_until_entered();
    std::string said;
    try {
      said = outcome(pool.submit(Gate::pass, 2));
    } catch (const BrokenProcessPool& error) {
      said = std::string("broken: ") + error.what();
    }
    EXPECT_EQ(said,
              "broken: no worker could be started: Resource temporarily unavailable: the pool is broken");
    EXPECT_EQ(outcome(first), said) << "the calls in flight fail too";
    EXPECT_THROW(pool.submit(twice, 1), BrokenProcessPool);
  }
}

TEST(Step9_Broken, AnErrorWhileAnswersComeBreaksThePool) {
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto future = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  const CallsFail fails(recvmsg_calls, ENOMEM);
  gate.open(1);
  EXPECT_TRUE(outcome(future).contains("Cannot allocate memory"));
  EXPECT_ANY_THROW(pool.submit(twice, 1));
}
