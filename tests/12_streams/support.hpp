#pragma once

// What the tests of chapter 12 share.

#include "composition.hpp"
#include "reactor.hpp"
#include "socket_address.hpp"
#include "task.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "descriptors.hpp"
#include "testing.hpp"

using asyncio::AnyFuture;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::EpollSelector;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Fd;
using asyncio::Future;
using asyncio::get_running_loop;
using asyncio::local_port;
using asyncio::sleep;
using asyncio::SocketAddress;
using asyncio::Task;
using concurrent::checked;
using course::error_of;
using course::Log;
using course::NoDescriptorIsLeft;
using namespace std::chrono_literals;

/// Makes a loop that watches files, and runs what `main()` gives on it. What the loop's exception handler is
/// told comes into `told`.
struct EpollLoop {
  Log told;
  EventLoop loop{std::make_unique<EpollSelector>()};

  EpollLoop() {
    loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      told.push_back(context.message + ": " + course::what(context.exception));
      if (told.back().find("is not written yet") != std::string::npos) loop.stop();  // nothing else will come
    });
  }

  template <class F>
  decltype(auto) run(F main) {
    return loop.run_until_complete(main());
  }
};

/// Makes a pair of connected ends, which do not block.
inline std::pair<Fd, Fd> socket_pair() {
  std::array<int, 2> ends{};
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Makes a pair of connected TCP sockets, which do not block.
inline std::pair<Fd, Fd> tcp_pair() {
  const Fd listener = asyncio::listen_tcp(0);
  Fd client = asyncio::connect_tcp("127.0.0.1", local_port(listener));
  course::wait_for(listener);
  std::optional<Fd> server = asyncio::accept(listener);
  course::wait_for(client, POLLOUT);
  return {std::move(client), std::move(*server)};
}

/// Writes `text`, for which there is room.
inline void put(const Fd& fd, std::string_view text) {
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

/// Takes what has come, without waiting; nothing if that is the end.
inline std::string get(const Fd& fd, std::size_t most = 1 << 20) {
  std::string bytes(most, '\0');
  const ssize_t size = ::recv(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return bytes;
}

/// True if the end of the stream is all that is left to be read.
inline bool at_end(const Fd& fd) {
  char byte = 0;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/// Writes until there is no room. @returns how many bytes
inline std::size_t fill(const Fd& fd) {
  const std::string block(4096, 'f');
  std::size_t written = 0;
  for (ssize_t size = 0;
       (size = ::send(fd.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT)) > 0;)
    written += static_cast<std::size_t>(size);
  return written;
}

/// Closes it so that the peer gets a reset.
inline void reset(Fd fd) {
  const linger option{.l_onoff = 1, .l_linger = 0};
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &option, sizeof option), "setsockopt");
}

/// Makes a text in which nothing repeats for long.
inline std::string long_text(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  return text;
}

/// Returns the error code that `fn()` throws; none if it throws none.
template <class F>
std::error_code code_of(F&& fn) {
  try {
    fn();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

/// Lets the loop run for so many passes, and look at its files in each. (It does so when nothing is ready; so
/// the task must not be.)
template <class Count = int>
Coro<> passes(Count count) {
  for (Count i = 0; i < count; ++i) co_await sleep(1ns);
}

/// Waits until so many bytes have come to a socket. @returns them
template <class Peer = Fd>
Coro<std::string> take(const Peer& peer, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    all += get(peer, size - all.size());
    co_await passes(1);
  }
  co_return all;
}

/// Waits until `condition()` holds, pass after pass. A condition that never does is a test that takes too
/// long.
template <class Condition>
Coro<> until(Condition condition) {
  while (!condition()) co_await passes(1);
}

/// Awaits all that `awaitable` gives. @returns the error of it, or "nothing"
template <class A>
Coro<std::string> error_when(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const CancelledError&) {
    co_return "cancelled";
  } catch (const std::exception& error) {
    co_return error.what();
  }
  co_return "nothing";
}

/// A folder for Unix sockets, which goes with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "streams-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};
