// Reads, writes and polls: of file descriptors whose other end is in the scenario, too.

#include "../descriptors.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "../journal.hpp"
#include "../real.hpp"
#include "../scheduler.hpp"
#include "../world.hpp"

using namespace explore::runtime;

namespace {

enum class Way : char { in, out };

/// Waits until the descriptor is ready, unless whoever uses it does not want to wait.
void wait_until_ready(Thread& thread, int fd, short events, const char* what) noexcept {
  scheduler::step(thread);
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0) return;
  thread.descriptors = {.fd = fd, .events = events};
  if (descriptors::ready(thread)) return;
  journal::add(thread, "waits in %s (descriptor %d)", what, fd);
  scheduler::block(thread, State::descriptor, nullptr);
}

/// Hands the knowledge of those who wrote on to those who read.
void pass_on(Thread& thread, Way way) noexcept {
  if (way == Way::in) return thread.acquire(world->descriptors);
  world->descriptors.join(thread.clock);
  thread.tick();
}

template <class F>
auto transfer(Thread& thread, int fd, bool waits, Way way, const char* what, F f) noexcept {
  if (waits)
    wait_until_ready(thread, fd, way == Way::in ? POLLIN : POLLOUT, what);
  else
    scheduler::step(thread);
  if (way == Way::out) pass_on(thread, way);
  const auto result = f();
  const int error = errno;
  if (way == Way::in) pass_on(thread, way);
  journal::add(thread, "%s (descriptor %d): %ld", what, fd, static_cast<long>(result));
  errno = error;
  return result;
}

std::int64_t in_nanoseconds(int milliseconds) noexcept {
  return milliseconds < 0 ? -1 : std::int64_t{milliseconds} * 1'000'000;
}

/// @param nanoseconds below 0 for as long as it takes
int wait_for_many(Thread& thread, std::int64_t nanoseconds, const char* what) noexcept {
  scheduler::step(thread);
  if (!descriptors::ready(thread) && nanoseconds != 0) {
    journal::add(thread, "waits in %s", what);
    scheduler::block_until(thread, State::descriptor, nullptr,
                           nanoseconds < 0 ? -1 : world->now + nanoseconds);
    if (thread.timed_out) descriptors::ready(thread);
  }
  const int result = static_cast<int>(thread.descriptors.ready);
  thread.descriptors = {};
  pass_on(thread, Way::in);
  journal::add(thread, "%s: %d", what, result);
  return result;
}

}  // namespace

bool descriptors::ready(Thread& thread) noexcept {
  Descriptors& wanted = thread.descriptors;
  if (wanted.epoll) {
    // What is edge-triggered is told once: it is not to be asked again before the thread goes on.
    if (wanted.ready == 0)
      wanted.ready = real<&::epoll_wait>("epoll_wait")(wanted.fd, wanted.epoll, wanted.size, 0);
  } else if (wanted.poll) {
    wanted.ready = real<&::poll>("poll")(wanted.poll, static_cast<nfds_t>(wanted.size), 0);
  } else {
    pollfd one{.fd = wanted.fd, .events = wanted.events, .revents = 0};
    wanted.ready = real<&::poll>("poll")(&one, 1, 0);
  }
  return wanted.ready != 0;
}

extern "C" ssize_t read(int fd, void* buffer, std::size_t size) {
  Thread* const thread = current;
  if (!thread) return real<&::read>("read")(fd, buffer, size);
  const Entered entered(*thread);
  return transfer(*thread, fd, true, Way::in, "read",
                  [&] { return real<&::read>("read")(fd, buffer, size); });
}

extern "C" ssize_t write(int fd, const void* buffer, std::size_t size) {
  Thread* const thread = current;
  if (!thread) return real<&::write>("write")(fd, buffer, size);
  const Entered entered(*thread);
  return transfer(*thread, fd, true, Way::out, "write",
                  [&] { return real<&::write>("write")(fd, buffer, size); });
}

extern "C" ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
  Thread* const thread = current;
  if (!thread) return real<&::recv>("recv")(fd, buffer, size, flags);
  const Entered entered(*thread);
  return transfer(*thread, fd, (flags & MSG_DONTWAIT) == 0, Way::in, "recv",
                  [&] { return real<&::recv>("recv")(fd, buffer, size, flags); });
}

extern "C" ssize_t send(int fd, const void* buffer, std::size_t size, int flags) {
  Thread* const thread = current;
  if (!thread) return real<&::send>("send")(fd, buffer, size, flags);
  const Entered entered(*thread);
  return transfer(*thread, fd, (flags & MSG_DONTWAIT) == 0, Way::out, "send",
                  [&] { return real<&::send>("send")(fd, buffer, size, flags); });
}

extern "C" int accept(int fd, sockaddr* address, socklen_t* size) {
  Thread* const thread = current;
  if (!thread) return real<&::accept>("accept")(fd, address, size);
  const Entered entered(*thread);
  return transfer(*thread, fd, true, Way::in, "accept",
                  [&] { return real<&::accept>("accept")(fd, address, size); });
}

extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  Thread* const thread = current;
  if (!thread) return real<&::accept4>("accept4")(fd, address, size, flags);
  const Entered entered(*thread);
  return transfer(*thread, fd, true, Way::in, "accept",
                  [&] { return real<&::accept4>("accept4")(fd, address, size, flags); });
}

extern "C" int epoll_wait(int fd, epoll_event* events, int size, int milliseconds) {
  Thread* const thread = current;
  if (!thread) return real<&::epoll_wait>("epoll_wait")(fd, events, size, milliseconds);
  const Entered entered(*thread);
  thread->descriptors = {.fd = fd, .epoll = events, .size = size};
  return wait_for_many(*thread, in_nanoseconds(milliseconds), "epoll_wait");
}

extern "C" int epoll_pwait2(int fd, epoll_event* events, int size, const timespec* timeout,
                            const sigset_t* mask) {
  Thread* const thread = current;
  if (!thread) return real<&::epoll_pwait2>("epoll_pwait2")(fd, events, size, timeout, mask);
  const Entered entered(*thread);
  thread->descriptors = {.fd = fd, .epoll = events, .size = size};
  const std::int64_t nanoseconds =
      timeout ? std::int64_t{timeout->tv_sec} * 1'000'000'000 + timeout->tv_nsec : -1;
  return wait_for_many(*thread, nanoseconds, "epoll_pwait2");
}

extern "C" int poll(pollfd* list, nfds_t size, int milliseconds) {
  Thread* const thread = current;
  if (!thread) return real<&::poll>("poll")(list, size, milliseconds);
  const Entered entered(*thread);
  thread->descriptors = {.poll = list, .size = static_cast<int>(size)};
  return wait_for_many(*thread, in_nanoseconds(milliseconds), "poll");
}
