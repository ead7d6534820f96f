// Chapter 07, step 2: the selector.

#include "support.hpp"
#include "system_calls.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <thread>
#include <typeinfo>

COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))

using asyncio::NodePool;
using asyncio::Operation;
using asyncio::Ready;
using asyncio::ReadyQueue;
using asyncio::Ref;

namespace {

/// Makes a pipe. @returns the end to read from, and the one to write to
std::pair<Fd, Fd> make_pipe() {
  std::array<int, 2> ends{};
  checked(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// An operation that logs its name each time, and its end.
class Named final : public Operation {
 public:
  Named(Log& log, char name) : Operation(asyncio::RefCount::local), log_(log), name_(name) {}
  void run() override { log_.push_back(std::string(1, name_)); }
  void drop() noexcept override { log_.push_back(std::string("no more ") + name_); }
  const std::type_info& type() const noexcept override { return typeid(Named); }

 private:
  Log& log_;
  char name_;
};

/// An operation whose end calls a function.
class Ending final : public Operation {
 public:
  explicit Ending(std::function<void()> at_end)
      : Operation(asyncio::RefCount::local), at_end_(std::move(at_end)) {}
  void run() override {}
  void drop() noexcept override {
    if (const auto end = std::exchange(at_end_, nullptr)) end();
  }
  const std::type_info& type() const noexcept override { return typeid(Ending); }

 private:
  std::function<void()> at_end_;
};

/// A selector, and what it has found.
struct Found {
  Log log;  // nodes write to it at their end
  EpollSelector selector;

  Ref<Named> make(char name) { return NodePool::make_apart<Named>(log, name); }
  void watch(const Fd& fd, Ready ready, char name) { selector.watch(fd.get(), ready, make(name)); }
  /// Looks once; @returns the names of what was found, in order of the alphabet
  Log look(std::optional<asyncio::Duration> timeout = asyncio::Duration::zero()) {
    log.clear();
    selector.select(timeout);
    ReadyQueue found = selector.found();
    while (const Ref<Operation> node = found.pop()) node->run();
    std::ranges::sort(log);
    return log;
  }
};

}  // namespace

TEST(Step2_Epoll, AFileIsFoundWhenThereIsSomethingToRead) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  EXPECT_EQ(found.look(), Log{});
  put(there, "hello");
  EXPECT_EQ(found.look(), Log{"r"});
}

TEST(Step2_Epoll, ItIsFoundAgainAsLongAsThereIs) {
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  put(there, "hello");
  EXPECT_EQ(found.look(), Log{"r"});
  EXPECT_EQ(found.look(), Log{"r"}) << "nobody has read it";
  get(here);
  EXPECT_EQ(found.look(), Log{});
}

TEST(Step2_Epoll, WhoeverWantsToReadAndToWriteIsToldApart) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'w');
  EXPECT_EQ(found.look(), Log{"w"});
  put(there, "hello");
  EXPECT_EQ(found.look(), (Log{"r", "w"}));
  fill(here);
  EXPECT_EQ(found.look(), Log{"r"});
}

TEST(Step2_Epoll, OneOfTwoIsRemoved) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'w');
  EXPECT_TRUE(found.selector.unwatch(here.get(), Ready::to_write));
  EXPECT_EQ(found.look(), Log{"r"});
  EXPECT_TRUE(found.selector.unwatch(here.get(), Ready::to_read));
  EXPECT_EQ(found.look(), Log{});
}

TEST(Step2_Epoll, WhatWasRemovedEndsNoSleep) {
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'w');
  found.selector.unwatch(here.get(), Ready::to_read);
  fill(here);
  for (int round = 0; round < 2; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(found.look(5ms), Log{});
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms) << "epoll still watches what was removed";
    found.selector.unwatch(here.get(), Ready::to_write);
  }
}

TEST(Step2_Epoll, UnwatchSaysWhetherThereWasOne) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  EXPECT_FALSE(found.selector.unwatch(here.get(), Ready::to_read));
  EXPECT_FALSE(found.selector.unwatch(-1, Ready::to_read));
  EXPECT_FALSE(found.selector.unwatch(1'000'000, Ready::to_read));
  found.watch(here, Ready::to_read, 'r');
  EXPECT_FALSE(found.selector.unwatch(here.get(), Ready::to_write));
  EXPECT_TRUE(found.selector.unwatch(here.get(), Ready::to_read));
  EXPECT_FALSE(found.selector.unwatch(here.get(), Ready::to_read));
}

TEST(Step2_Epoll, ASecondWatchReplacesTheFirst) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'a');
  found.watch(here, Ready::to_read, 'b');
  EXPECT_EQ(found.log, Log{"no more a"});
  EXPECT_EQ(found.look(), Log{"b"});
}

TEST(Step2_Epoll, AHangUpAndAnErrorReachWhoeverWaits) {
  for (const Ready ready : {Ready::to_read, Ready::to_write}) {
    Found found;
    auto [hung_up, writer] = make_pipe();
    auto [reader, broken] = make_pipe();
    fill(broken);
    found.watch(hung_up, ready, 'h');
    found.watch(broken, ready, 'b');
    EXPECT_EQ(found.look(), Log{});
    writer.close();
    reader.close();
    EXPECT_EQ(found.look(), (Log{"b", "h"})) << (ready == Ready::to_read ? "readers" : "writers");
  }
}

TEST(Step2_Epoll, WhoeverIsToldOfAHangUpAndOfBytesIsFoundOnce) {
  Found found;
  auto [here, there] = socket_pair();
  put(there, "hello");
  there.close();
  for (const Ready ready : {Ready::to_read, Ready::to_write}) {
    found.watch(here, ready, 'n');
    found.selector.select(0s);
    ReadyQueue nodes = found.selector.found();
    ASSERT_TRUE(nodes.pop());
    EXPECT_TRUE(nodes.empty())
        << "it can be read or written, and has hung up: that is no reason to find it twice";
    found.selector.unwatch(here.get(), ready);
  }
}

TEST(Step2_Epoll, AFileThatWasClosedMayStillBeRemoved) {
  Found found;
  auto [here, there] = socket_pair();
  const int number = here.get();
  found.watch(here, Ready::to_read, 'r');
  here.close();
  EXPECT_TRUE(found.selector.unwatch(number, Ready::to_read));
  EXPECT_EQ(found.log, Log{"no more r"});
  found.watch(there, Ready::to_read, 'a');
  found.watch(there, Ready::to_write, 'b');
  const int both = there.get();
  there.close();
  EXPECT_TRUE(found.selector.unwatch(both, Ready::to_read));
  EXPECT_TRUE(found.selector.unwatch(both, Ready::to_write));
  EXPECT_EQ(found.log, (Log{"no more r", "no more a", "no more b"}));
}

TEST(Step2_Epoll, ANumberMayBeThatOfAnotherFileNow) {
  for (const bool removed : {true, false}) {
    Found found;
    auto [first, first_peer] = socket_pair();
    auto [second, second_peer] = socket_pair();
    found.watch(first, Ready::to_read, 'a');
    if (removed) found.selector.unwatch(first.get(), Ready::to_read);
    checked(::dup2(second.get(), first.get()), "dup2");  // closes the first
    found.watch(first, Ready::to_read, 'b');
    put(second_peer, "hello");
    EXPECT_EQ(found.look(), Log{"b"}) << (removed ? "removed before it was closed" : "closed, not removed");
  }
}

TEST(Step2_Epoll, WhatCannotBeWatchedIsRefused) {
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'r');
  const Fd file(checked(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  EXPECT_EQ(code_of([&] { found.watch(file, Ready::to_read, 'f'); }), std::errc::operation_not_permitted);
  EXPECT_EQ(code_of([&] { found.selector.watch(-1, Ready::to_read, found.make('n')); }),
            std::errc::bad_file_descriptor);
  EXPECT_EQ(code_of([&] { found.selector.watch(9'999, Ready::to_read, found.make('n')); }),
            std::errc::bad_file_descriptor);
  EXPECT_EQ(found.log, (Log{"no more f", "no more n", "no more n"})) << "what is refused is destroyed";
  EXPECT_FALSE(found.selector.unwatch(file.get(), Ready::to_read));
  EXPECT_EQ(found.look(), Log{"r"});
}

TEST(Step2_Epoll, ANumberThatIsNoFilesIsRefusedHoweverHighItIs) {
  Found found;
  for (const int number : {1'000'000'000, 2'147'483'647}) {
    EXPECT_EQ(code_of([&] { found.selector.watch(number, Ready::to_read, found.make('n')); }),
              std::errc::bad_file_descriptor);
    EXPECT_FALSE(found.selector.unwatch(number, Ready::to_read));
  }
  EXPECT_EQ(found.log, (Log{"no more n", "no more n"}));
}

TEST(Step2_Epoll, AFileThatIsRefusedChangesNothingForThoseWhoWaitedForAClosedOneOfItsNumber) {
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  const Fd file(checked(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  checked(::dup2(file.get(), here.get()), "dup2");  // closes the socket; epoll takes no files on a disk
  EXPECT_EQ(code_of([&] { found.watch(here, Ready::to_write, 'f'); }), std::errc::operation_not_permitted);
  checked(::dup2(there.get(), here.get()), "dup2");
  {
    const course::CallsFail fail(epoll_ctl_calls, ENOSPC, 1, 1);  // when it is asked to add the new one
    EXPECT_EQ(code_of([&] { found.watch(here, Ready::to_write, 'g'); }).value(), ENOSPC);
  }
  EXPECT_EQ(found.log, (Log{"no more f", "no more g"})) << "every node that was there stays";
  found.watch(here, Ready::to_write, 'w');
  EXPECT_EQ(found.log, (Log{"no more f", "no more g", "no more r"}))
      << "now it is another file that is watched";
  EXPECT_EQ(found.look(), Log{"w"});
}

TEST(Step2_Epoll, WhatEpollRefusesIsThrownAsItSaysIt) {
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  for (const int error : {ENOMEM, ENOSPC}) {
    const course::CallsFail fail(epoll_ctl_calls, error);
    EXPECT_EQ(code_of([&] { found.watch(here, Ready::to_write, 'w'); }).value(), error);
  }
  EXPECT_EQ(found.log, (Log{"no more w", "no more w"}));
}

TEST(Step2_Epoll, AWakeUpEndsTheSelectAndIsUsedUp) {  // AIO-13
  Found found;
  found.selector.wake();
  EXPECT_EQ(found.look(std::nullopt), Log{}) << "it comes before the sleep";
  found.selector.wake();
  found.selector.wake();
  found.look(std::nullopt);
  const auto begin = std::chrono::steady_clock::now();
  found.look(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms) << "nobody has woken it again";
}

TEST(Step2_Epoll, ASleepIsNeverTooShort) {  // AIO-05
  Found found;
  for (const auto timeout : {1ns, 999'999ns, 1'500'000ns, 20'000'000ns}) {
    const auto begin = std::chrono::steady_clock::now();
    found.look(timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, timeout);
  }
}

TEST(Step2_Epoll, AnInterruptionIsNoError) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
  Found found;
  std::atomic<bool> interrupted = false;
  std::jthread other([&, thread = ::pthread_self()] {
    while (!interrupted) {
      ::pthread_kill(thread, SIGUSR1);
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(error_of([&] { found.look(std::nullopt); }), "nothing");
  interrupted = true;
}

TEST(Step2_Epoll, ALoopSleepsForItsTimers) {  // AIO-05
  EpollLoop e;
  const auto begin = e.loop.time();
  e.loop.call_later(5ms, [&] { e.loop.stop(); });
  looks = 0;
  e.loop.run_forever();
  EXPECT_GE(e.loop.time() - begin, 5ms);
  EXPECT_LE(looks, 3) << "it sleeps, and does not look again and again";
}

TEST(Step2_Epoll, ALoopIsWokenByAnotherThread) {  // AIO-13
  EpollLoop e;
  std::jthread other([&] {
    course::wait_until_others_block();
    e.loop.call_soon_threadsafe([&] { e.loop.stop(); });
  });
  e.loop.run_forever();
}

TEST(Step2_Epoll, AWriterIsReplacedAsAReaderIs) {
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'a');
  found.watch(here, Ready::to_write, 'b');
  EXPECT_EQ(found.log, Log{"no more a"});
  EXPECT_EQ(found.look(), Log{"b"});
}

TEST(Step2_Epoll, WhoWaitedForAClosedFileIsNotCalledForTheNextOfItsNumber) {
  for (const Ready ready : {Ready::to_read, Ready::to_write}) {
    Found found;
    auto [first, first_peer] = socket_pair();
    auto [second, second_peer] = socket_pair();
    put(second_peer, "hello");  // it can be read and written
    found.watch(first, ready == Ready::to_read ? Ready::to_write : Ready::to_read, 'a');
    checked(::dup2(second.get(), first.get()), "dup2");  // closes the first
    found.watch(first, ready, 'b');
    EXPECT_EQ(found.log, Log{"no more a"}) << "it waited for another file";
    EXPECT_EQ(found.look(), Log{"b"});
  }
}

TEST(Step2_Epoll, AllWhoWaitedForAClosedFileAreCancelled) {
  Found found;
  auto [first, first_peer] = socket_pair();
  auto [second, second_peer] = socket_pair();
  put(second_peer, "hello");  // it can be read and written
  found.watch(first, Ready::to_read, 'a');
  found.watch(first, Ready::to_write, 'b');
  checked(::dup2(second.get(), first.get()), "dup2");  // closes the first
  found.watch(first, Ready::to_read, 'c');
  std::ranges::sort(found.log);
  EXPECT_EQ(found.log, (Log{"no more a", "no more b"}));
  EXPECT_EQ(found.look(), Log{"c"});
}

TEST(Step2_Epoll, WhoWaitedForAClosedFileMayWatchItsNumberAtTheEnd) {
  Found found;
  auto [first, first_peer] = socket_pair();
  auto [second, second_peer] = socket_pair();
  put(second_peer, "hello");
  found.selector.watch(first.get(), Ready::to_read, NodePool::make_apart<Ending>([&, number = first.get()] {
                         found.selector.watch(number, Ready::to_write, found.make('n'));
                       }));
  checked(::dup2(second.get(), first.get()), "dup2");
  found.watch(first, Ready::to_read, 'r');
  EXPECT_EQ(found.log, Log{}) << "what its end has added waits for the new file";
  EXPECT_EQ(found.look(), (Log{"n", "r"}));
}

TEST(Step2_Epoll, NumberZeroIsAFileAsAnyOther) {
  Found found;
  const auto [here, there] = socket_pair();
  const Fd before(checked(::dup(0), "dup"));
  checked(::dup2(here.get(), 0), "dup2");
  found.selector.watch(0, Ready::to_read, found.make('r'));
  put(there, "hello");
  EXPECT_EQ(found.look(), Log{"r"});
  EXPECT_TRUE(found.selector.unwatch(0, Ready::to_read));
  checked(::dup2(before.get(), 0), "dup2");
}
