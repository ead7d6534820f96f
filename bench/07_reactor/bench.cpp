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
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  void run() {
    while (const std::optional<Fd> fd = listener_.accept()) echo_all(*fd);
  }
  void stop() { listener_.close(); }

 private:
  Listener listener_;
};

/// A thread waits for each connection.
class ThreadPerConnection {
 public:
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  void run() {
    while (std::optional<Fd> fd = listener_.accept()) pool_.post([fd = *std::move(fd)] { echo_all(fd); });
  }
  void stop() { listener_.close(); }

 private:
  Listener listener_;
  ThreadPool pool_{{.max_workers = static_cast<int>(bench::connections)}};
};

/// The floor of a loop: system calls, and nothing else.
class RawEpoll {
 public:
  RawEpoll() { watch(listener_.fd()); }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  void run() {
    while (look(-1)) {
    }
  }
  void turn() { look(0); }
  void stop() { listener_.close(); }

 private:
  void watch(const Fd& fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd.get();
    checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event), "epoll_ctl");
  }

  /// @returns whether it goes on
  bool look(int timeout) {
    const int count = checked(
        ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout), "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int number = events_[static_cast<std::size_t>(i)].data.fd;
      if (number == listener_.fd().get()) {
        std::optional<Fd> fd = listener_.accept();
        if (!fd) return false;
        watch(*fd);
        connections_.emplace(fd->get(), *std::move(fd));
      } else if (!echo(number, room_)) {
        connections_.erase(number);
      }
    }
    return true;
  }

  Listener listener_;
  const Fd epoll_{checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::array<epoll_event, 256> events_;
  std::unordered_map<int, Fd> connections_;
  Room room_;
};

/// The chapter's server, on its loop.
class OnALoop {
 public:
  OnALoop() {
    // What a callback throws ends the program, with a message: nobody would answer the load.
    loop_.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext& context) noexcept {
      std::rethrow_exception(context.exception);
    });
  }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  void run() { loop_.run_forever(); }
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }
  void stop() {
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
  }

 private:
  EventLoop loop_{std::make_unique<EpollSelector>()};
  EchoServer server_{loop_, asyncio::listen_tcp(0)};
};

}  // namespace

void bench::rows() {
  struct Sequential {
    ~Sequential() { server.stop(); }
    OneByOne server;
    std::jthread thread{[this] { server.run(); }};
  };
  row(an_echo + "/sequential", many_requests, [] {
    return warmed_up([echo = std::make_shared<Sequential>()] {
      for (std::size_t i = 0; i < connections; ++i)
        EchoLoad(echo->server.port(), 1).run(many_requests / static_cast<int>(connections));
    });
  });
  echo_row<ThreadPerConnection>("thread per connection");
  echo_row<RawEpoll>("raw epoll");
  echo_row<OnALoop>("EventLoop");
  turns_row<RawEpoll>("raw epoll");
  turns_row<OnALoop>("EventLoop");
}
