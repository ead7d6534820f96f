#pragma once

// Stands in front of the system's calls, in the tests of chapter 07 that include it: counts some, and lets
// some fail.

#include "reactor.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <vector>

#include "descriptors.hpp"
#include "failing_calls.hpp"

inline std::atomic<int> no_epoll_pwait2 = 0;      ///< an errno: epoll_pwait2() always fails with it
inline std::atomic<int> looks = 0;                ///< counts the calls of epoll_wait() and epoll_pwait2()
inline std::atomic<int> received = 0;             ///< counts the calls of recv()
inline std::atomic<int> sent = 0;                 ///< counts the calls of send()
inline std::atomic<int> aborted_connections = 0;  ///< so many accept4() finds gone when it comes
/// With so many descriptors open accept4() finds none; below 0 for no limit.
inline std::atomic<int> most_descriptors = -1;

using course::CallsFail;
using course::in_the_library;
inline course::SystemCalls select_calls, recv_calls, send_calls, accept_calls;

extern "C" int epoll_pwait2(int fd, epoll_event* events, int size, const timespec* timeout,
                            const sigset_t* mask) {
  static const auto real =
      in_the_library<int(int, epoll_event*, int, const timespec*, const sigset_t*)>("epoll_pwait2");
  if (no_epoll_pwait2 != 0) {
    errno = no_epoll_pwait2;
    return -1;
  }
  ++looks;
  if (select_calls.fails()) return -1;
  return real(fd, events, size, timeout, mask);
}

extern "C" int epoll_wait(int fd, epoll_event* events, int size, int milliseconds) {
  static const auto real = in_the_library<int(int, epoll_event*, int, int)>("epoll_wait");
  ++looks;
  if (select_calls.fails()) return -1;
  return real(fd, events, size, milliseconds);
}

extern "C" ssize_t recv(int fd, void* room, std::size_t size, int flags) {
  static const auto real = in_the_library<ssize_t(int, void*, std::size_t, int)>("recv");
  ++received;
  if (recv_calls.fails()) return -1;
  return real(fd, room, size, flags);
}

extern "C" ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  static const auto real = in_the_library<ssize_t(int, const void*, std::size_t, int)>("send");
  ++sent;
  if (send_calls.fails()) return -1;
  return real(fd, bytes, size, flags);
}

extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static const auto real = in_the_library<int(int, sockaddr*, socklen_t*, int)>("accept4");
  if (accept_calls.fails()) return -1;
  if (aborted_connections > 0) {
    --aborted_connections;
    errno = ECONNABORTED;
    return -1;
  }
  if (most_descriptors >= 0 && course::open_descriptors() >= most_descriptors) {
    errno = EMFILE;
    return -1;
  }
  return real(fd, address, size, flags);
}

/// False where a limit must not be the system's own: UndefinedBehaviorSanitizer, which comes with
/// AddressSanitizer, opens a pipe to look at an object, and without a descriptor it raises an alarm.
inline constexpr bool limit_is_real = asyncio::NodePool::recycles;

/// Lets the process open `more` descriptors and no more, as long as it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(int more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    if (!limit_is_real) {
      most_descriptors = course::open_descriptors() + more;
      return;
    }
    rlimit limit = before_;
    std::vector<concurrent::Fd> all;
    for (int i = 0; i < more; ++i) all.emplace_back(concurrent::checked(::dup(0), "dup"));
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
