#include "reactor.hpp"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "echo_rows.hpp"
#include "echo_server.hpp"
#include "thread_pool.hpp"

using asyncio::EchoServer;
using asyncio::EpollSelector;
using asyncio::EventLoop;
using concurrent::checked;
using concurrent::Fd;
using concurrent::ThreadPool;

namespace {

using Room = std::array<std::byte, 65536>;

/// A listener for calls that wait.
class Listener {
 public:
  Listener() {
    int no = 0;
    checked(::ioctl(fd_.get(), FIONBIO, &no), "ioctl");
  }

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint16_t port() const { return asyncio::local_port(fd_); }

  /// The next connection; nothing after close().
  [[nodiscard]] std::optional<Fd> accept() const {
    const int fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 && errno == EINVAL) return std::nullopt;
    return Fd(checked(fd, "accept"));
  }

  /// Wakes whoever waits for a connection.
  void close() const noexcept { ::shutdown(fd_.get(), SHUT_RDWR); }

 private:
  Fd fd_ = asyncio::listen_tcp(0);
};

/// Sends back what comes next. @returns whether it was not the end
bool echo(int fd, Room& room) {
  const ssize_t size = checked(::recv(fd, room.data(), room.size(), 0), "recv");
  if (size > 0) checked(::send(fd, room.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL), "send");
  return size > 0;
}

void echo_all(const Fd& fd) {
  Room room;
  while (echo(fd.get(), room)) {
  }
}

/// Serves one connection after another.
class OneByOne {
 public:
  ~OneByOne() { listener_.close(); }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  Listener listener_;
  std::jthread thread_{[this] {
    while (const std::optional<Fd> fd = listener_.accept()) echo_all(*fd);
  }};
};

/// A thread waits for each connection.
class ThreadPerConnection {
 public:
  ~ThreadPerConnection() { listener_.close(); }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  Listener listener_;
  ThreadPool pool_{{.max_workers = static_cast<int>(bench::connections)}};
  std::jthread thread_{[this] {
    while (std::optional<Fd> fd = listener_.accept()) pool_.post([fd = *std::move(fd)] { echo_all(fd); });
  }};
};

/// What a loop can be at best: system calls, and nothing else.
class RawEpoll {
 public:
  RawEpoll() {
    watch(listener_.fd());
    thread_ = std::jthread([this] { run(); });
  }
  ~RawEpoll() { listener_.close(); }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  void watch(const Fd& fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd.get();
    checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event), "epoll_ctl");
  }

  void run() {
    Room room;
    std::array<epoll_event, 256> events;
    std::unordered_map<int, Fd> connections;
    for (;;) {
      const int count = checked(
          ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1), "epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int number = events[static_cast<std::size_t>(i)].data.fd;
        if (number == listener_.fd().get()) {
          std::optional<Fd> fd = listener_.accept();
          if (!fd) return;
          watch(*fd);
          connections.emplace(fd->get(), *std::move(fd));
        } else if (!echo(number, room)) {
          connections.erase(number);
        }
      }
    }
  }

  Listener listener_;
  const Fd epoll_{checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::jthread thread_;
};

/// The chapter's server, on a loop that runs on a thread of its own.
class OnALoop {
 public:
  OnALoop() {
    // What a callback throws ends the program, with a message: nobody would answer the load.
    loop_.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext& context) noexcept {
      std::rethrow_exception(context.exception);
    });
    thread_ = std::jthread([this] { loop_.run_forever(); });
  }
  ~OnALoop() {
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
  }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }

 private:
  EventLoop loop_{std::make_unique<EpollSelector>()};
  EchoServer server_{loop_, asyncio::listen_tcp(0)};
  std::jthread thread_;
};

}  // namespace

void bench::rows() {
  row(an_echo + "/sequential", many_requests, [] {
    return warmed_up([server = std::make_shared<OneByOne>()] {
      for (std::size_t i = 0; i < connections; ++i)
        EchoLoad(server->port(), 1).run(many_requests / static_cast<int>(connections));
    });
  });
  echo_row<ThreadPerConnection>("thread per connection");
  echo_row<RawEpoll>("raw epoll");
  echo_row<OnALoop>("EventLoop");
}
