#pragma once

// What the tests of chapter 07 share.

#include "echo_server.hpp"
#include "reactor.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <semaphore>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using asyncio::Acceptor;
using asyncio::connect_tcp;
using asyncio::EchoServer;
using asyncio::EpollSelector;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Fd;
using asyncio::listen_tcp;
using asyncio::local_port;
using asyncio::NodePool;
using asyncio::Operation;
using asyncio::Ready;
using asyncio::ReadyQueue;
using asyncio::Ref;
using concurrent::checked;
using course::Counted;
using course::open_descriptors;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

// ---- What the system is asked for. These stand in front of the library's; weak, and the numbers inline, for
// the file is compiled in two halves.

inline std::atomic<int> looks = 0;                // how often epoll was asked
inline std::atomic<int> received = 0;             // how often recv() was called
inline std::atomic<int> sent = 0;                 // how often send() was called
inline std::atomic<int> aborted_connections = 0;  // so many are to have gone when accept4() comes
inline std::atomic<int> most_descriptors =
    -1;  // with so many open accept4() finds none; below 0 for no limit

// UndefinedBehaviorSanitizer, which comes with AddressSanitizer, opens a pipe to look at an object, and
// without a descriptor it raises an alarm.
constexpr bool limit_is_real = NodePool::recycles;

template <class F>
F* library(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

extern "C" [[gnu::weak]] int epoll_pwait2(int fd, epoll_event* events, int size, const timespec* timeout,
                                          const sigset_t* mask) {
  static const auto real =
      library<int(int, epoll_event*, int, const timespec*, const sigset_t*)>("epoll_pwait2");
  ++looks;
  return real(fd, events, size, timeout, mask);
}

extern "C" [[gnu::weak]] int epoll_wait(int fd, epoll_event* events, int size, int milliseconds) {
  static const auto real = library<int(int, epoll_event*, int, int)>("epoll_wait");
  ++looks;
  return real(fd, events, size, milliseconds);
}

extern "C" [[gnu::weak]] ssize_t recv(int fd, void* room, std::size_t size, int flags) {
  static const auto real = library<ssize_t(int, void*, std::size_t, int)>("recv");
  ++received;
  return real(fd, room, size, flags);
}

extern "C" [[gnu::weak]] ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  static const auto real = library<ssize_t(int, const void*, std::size_t, int)>("send");
  ++sent;
  return real(fd, bytes, size, flags);
}

extern "C" [[gnu::weak]] int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static const auto real = library<int(int, sockaddr*, socklen_t*, int)>("accept4");
  if (aborted_connections > 0) {
    --aborted_connections;
    errno = ECONNABORTED;
    return -1;
  }
  if (most_descriptors >= 0 && open_descriptors() >= most_descriptors) {
    errno = EMFILE;
    return -1;
  }
  return real(fd, address, size, flags);
}

// ---- Sockets of the tests

/// Waits until `fd` is ready for `events`.
inline void wait_for(const Fd& fd, short events) {
  pollfd one{.fd = fd.get(), .events = events, .revents = 0};
  checked(::poll(&one, 1, -1), "poll");
}

/// A pair of connected ends, which do not wait.
inline std::pair<Fd, Fd> socket_pair() {
  std::array<int, 2> ends{};
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

inline void put(const Fd& fd, std::string_view text) {
  checked(::write(fd.get(), text.data(), text.size()), "write");
}

/// Takes what is there.
inline std::string get(const Fd& fd) {
  std::array<char, 4096> room{};
  const ssize_t size = ::read(fd.get(), room.data(), room.size());
  return std::string(room.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
}

/// Writes until there is no room.
inline std::size_t fill(const Fd& fd) {
  const std::vector<char> block(4096);
  std::size_t written = 0;
  for (ssize_t size = 0; (size = ::write(fd.get(), block.data(), block.size())) > 0;)
    written += static_cast<std::size_t>(size);
  return written;
}

/// When it is closed, the peer is told so by a reset.
inline void reset_when_closed(const Fd& fd) {
  const linger option{.l_onoff = 1, .l_linger = 0};
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &option, sizeof option), "setsockopt");
}

/// How much a client takes before it reads.
enum class Buffer { normal, tiny };

/// A client that waits, as most do.
inline Fd client_of(std::uint16_t port, Buffer buffer = Buffer::normal) {
  Fd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (buffer == Buffer::tiny) {
    // Segments have to be smaller still, or TCP waits for the window to open further, 200 ms at a time.
    const int segment = 536;
    const int room = 4096;
    checked(::setsockopt(fd.get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), "setsockopt");
    checked(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room), "setsockopt");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  checked(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  return fd;
}

/// A text in which nothing repeats for long.
inline std::string long_text(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  return text;
}

/// At the end there are as many descriptors as at the beginning.
class NoneIsLeftOpen {
 public:
  ~NoneIsLeftOpen() { EXPECT_EQ(open_descriptors(), descriptors_) << "descriptors"; }

 private:
  const int descriptors_ = open_descriptors();
};

/// As long as it lives, the process may open `more` descriptors and no more.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(int more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    if (!limit_is_real) {
      most_descriptors = open_descriptors() + more;
      return;
    }
    rlimit limit = before_;
    std::vector<Fd> all;
    for (int i = 0; i < more; ++i) all.emplace_back(checked(::dup(0), "dup"));
    limit.rlim_cur = static_cast<rlim_t>(all.back().get()) + 1;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~DescriptorLimit() { lift(); }
  void lift() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
    most_descriptors = -1;
  }

 private:
  rlimit before_{};
};

template <class F>
inline std::error_code code_of(F&& call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

template <class F>
inline std::string error_of(F&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing is thrown";
}

// ---- Loops of the tests

/// A loop with an EpollSelector.
struct EpollLoop {
  EventLoop loop{std::make_unique<EpollSelector>()};

  void run_once() {
    loop.stop();
    loop.run_forever();
  }
};
