// Chapter 12, step 7: several attempts at a time, and the test says how each of them ends.

#include "open_connection.hpp"

#include "support.hpp"

#include <fcntl.h>

#include <cstring>
#include <optional>

#include "failing_calls.hpp"

using asyncio::connect_first;

namespace {

/// An address where the test says when a connection is made, and whether.
class Slow {
 public:
  explicit Slow(int number) : address(SocketAddress::tcp("127.9.9." + std::to_string(number), 9)) {
    all.push_back(this);
  }
  Slow(const Slow&) = delete;
  Slow& operator=(const Slow&) = delete;
  ~Slow() { std::erase(all, this); }

  /// Puts the end of a pair in the place of a socket: it cannot be written to until connect().
  void ask(int fd) {
    std::pair<Fd, Fd> ends = socket_pair();
    fill(ends.first);
    checked(::dup3(ends.first.get(), fd, O_CLOEXEC), "dup3");
    far = std::move(ends.second);
  }
  [[nodiscard]] bool asked() const { return static_cast<bool>(far); }
  void connect() {
    get(far);
    put(far, address.text());
  }
  void refuse() { far.close(); }
  /// True if the other end has gone, which nobody has connected.
  [[nodiscard]] bool given_up() const {
    get(far);
    return at_end(far);
  }

  const SocketAddress address;
  Fd far;

  static inline std::vector<Slow*> all;
};

const std::optional<concurrent::AnyDuration> soon = 1ns;

}  // namespace

/// Stands in front of the system's: at a Slow address, a connection is on its way.
extern "C" int connect(int fd, const sockaddr* address, socklen_t size) {
  static const auto real = course::in_the_library<int(int, const sockaddr*, socklen_t)>("connect");
  for (Slow* slow : Slow::all)
    if (size == slow->address.size() && std::memcmp(address, slow->address.get(), size) == 0) {
      slow->ask(fd);
      errno = EINPROGRESS;
      return -1;
    }
  return real(fd, address, size);
}

namespace {

template <class F>
Log run(F main) {
  EpollLoop e;
  e.run([&] { return main(); });
  return e.told;
}

/// Connects to the first of them. @returns the text that has come from there
template <class Addresses = std::vector<SocketAddress>>
Coro<std::string> first_of(Addresses addresses) {
  const Fd fd = co_await connect_first(std::move(addresses), soon);
  co_return get(fd);
}

}  // namespace

TEST(Step7_Race, WhoBeganEarlierMayStillWin) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  const Log told = run([]() -> Coro<> {
    Slow a(1), b(2), c(3);
    const std::vector<SocketAddress> all = {a.address, b.address, c.address};
    const Task<Fd> first = create_task(connect_first(all, soon));
    co_await until([&] { return c.asked(); });
    EXPECT_FALSE(first.done());
    a.connect();
    const Fd& fd = co_await first;
    EXPECT_EQ(get(fd), a.address.text()) << "the others were tried beside it, not in its place";
    EXPECT_TRUE(b.given_up() && c.given_up());
    EXPECT_EQ(asyncio::all_tasks().size(), 1u);
  });
  EXPECT_EQ(told, Log{});
}

TEST(Step7_Race, OfTwoThatConnectAtOnceOneIsClosed) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  const Log told = run([]() -> Coro<> {
    Slow a(1), b(2);
    const std::vector<SocketAddress> all = {a.address, b.address};
    const Task<Fd> first = create_task(connect_first(all, soon));
    co_await until([&] { return b.asked(); });
    a.connect();
    b.connect();
    const Fd& fd = co_await first;
    const bool a_wins = get(fd) == a.address.text();
    EXPECT_TRUE((a_wins ? b : a).given_up());
    EXPECT_FALSE((a_wins ? a : b).given_up());
  });
  EXPECT_EQ(told, Log{});
}

TEST(Step7_Race, WhatFailsBesideTheOneThatConnectsIsReportedToNobody) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  for (const bool the_earlier_fails : {false, true}) {
    const Log told = run([&]() -> Coro<> {
      Slow a(1), b(2);
      const std::vector<SocketAddress> all = {a.address, b.address};
      const Task<Fd> first = create_task(connect_first(all, soon));
      co_await until([&] { return b.asked(); });
      (the_earlier_fails ? a : b).refuse();
      (the_earlier_fails ? b : a).connect();
      EXPECT_EQ(get(co_await first), (the_earlier_fails ? b : a).address.text());
      co_await passes(3);
    });
    EXPECT_EQ(told, Log{}) << "somebody has connected: nothing is wrong";
  }
}

TEST(Step7_Race, ErrorsComeInTheOrderInWhichTheyHappened) {  // AIO-117
  run([]() -> Coro<> {
    Slow slow(1);
    const SocketAddress refuses = SocketAddress::local("/nowhere/at/all");
    const std::vector<SocketAddress> all = {slow.address, refuses};
    const Task<std::string> first = create_task(first_of(all));
    co_await until([&] { return slow.asked(); });
    co_await passes(10);
    EXPECT_FALSE(first.done());
    slow.refuse();
    const std::string error = co_await error_when(first);
    EXPECT_TRUE(error.starts_with("Multiple exceptions: ")) << error;
    EXPECT_NE(error.find(slow.address.text()), std::string::npos) << error;
    EXPECT_LT(error.find(refuses.text()), error.find(slow.address.text())) << error;
    EXPECT_EQ(code_of([&] { first.result(); }), std::errc::no_such_file_or_directory)
        << "the number of the first";
  });
}

TEST(Step7_Race, WithoutAnotherAddressTheDelayWakesNobody) {  // AIO-117
  run([]() -> Coro<> {
    const auto allocations_of_passes = []() -> Coro<std::size_t> {
      co_await passes(10);
      const std::size_t before = course::allocations();
      co_await passes(100);
      co_return course::allocations() - before;
    };
    const std::size_t without = co_await allocations_of_passes();
    Slow a(1), b(2);
    const std::vector<SocketAddress> all = {a.address, b.address};
    const Task<std::string> first = create_task(first_of(all));
    co_await until([&] { return b.asked(); });
    EXPECT_LT(co_await allocations_of_passes(), without + 100)
        << "it waits for an answer, and not for time to pass";
    b.refuse();
    a.connect();
    EXPECT_EQ(co_await error_when(first), "nothing");
  });
}
