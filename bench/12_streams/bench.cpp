#include "streams.hpp"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "echo_rows.hpp"
#include "echo_server.hpp"
#include "one_way_rows.hpp"

using asyncio::Coro;
using asyncio::EventLoop;
using asyncio::StreamReader;
using asyncio::StreamWriter;
using bench::OneWay;
using concurrent::checked;
using concurrent::Fd;

namespace {

// ---- Streams

Coro<> echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string bytes = co_await reader.read(bench::block);
    if (bytes.empty()) co_return;
    writer.write(bytes);
    co_await writer.drain();
  }
}

Coro<std::optional<OneWay>> asked(StreamReader reader) {
  OneWay what{};
  try {
    std::memcpy(&what, (co_await reader.readexactly(sizeof what)).data(), sizeof what);
  } catch (const asyncio::IncompleteReadError&) {
    co_return std::nullopt;
  }
  co_return what;
}

Coro<> one_way(StreamReader reader, StreamWriter writer) {
  const std::string block(bench::block, 'x');
  while (std::optional<OneWay> what = co_await asked(reader)) {
    while (what->send > 0) {
      const auto size = std::min<std::uint64_t>(what->send, block.size());
      writer.write(std::string_view(block).substr(0, size));
      co_await writer.drain();
      what->send -= size;
    }
    while (what->take > 0) what->take -= (co_await reader.read(bench::block)).size();
    writer.write("k");
  }
}

/// Lets an exception from a callback end the program, with a message: nobody would answer the load.
void end_at_exceptions(EventLoop& loop) {
  loop.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext& context) noexcept {
    std::rethrow_exception(context.exception);
  });
}

/// A server of streams on a loop of its own. Its clients have gone when it goes.
template <Coro<> (*handler)(StreamReader, StreamWriter)>
class OnStreams {
 public:
  OnStreams() { end_at_exceptions(*loop_); }
  OnStreams(const OnStreams&) = delete;
  OnStreams& operator=(const OnStreams&) = delete;
  ~OnStreams() {
    server_.close();
    loop_->run_until_complete(server_.wait_closed());
  }

  [[nodiscard]] std::uint16_t port() const { return asyncio::local_port(server_.sockets()[0]); }
  void run() { loop_->run_forever(); }
  /// As many passes as a message needs, from the file that is ready to the task that answers.
  void turn() {
    // In the first pass bytes are received, in the second one the task runs. Callbacks that are ready would
    // keep the loop from looking at its files.
    for (int pass = 0; pass < 2; ++pass) {
      loop_->stop();
      loop_->run_forever();
    }
  }
  void stop() {
    loop_->call_soon_threadsafe([this] { loop_->stop(); });
  }

 private:
  const std::unique_ptr<EventLoop> loop_ = asyncio::new_epoll_loop();
  asyncio::Server server_ = loop_->run_until_complete(asyncio::start_server(handler, "127.0.0.1", 0));
};

// ---- Chapter 07's callbacks

class OnCallbacks {
 public:
  OnCallbacks() { end_at_exceptions(loop_); }
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
  EventLoop loop_{std::make_unique<asyncio::EpollSelector>()};
  asyncio::EchoServer server_{loop_, asyncio::listen_tcp(0)};
};

// ---- System calls, and nothing else

/// One connection, which waits in epoll for what it has to wait for: one wait for each read, and one for each
/// time that there is no room.
class RawEpoll {
 public:
  RawEpoll() {
    int no = 0;
    checked(::ioctl(listener_.get(), FIONBIO, &no), "ioctl");
  }
  [[nodiscard]] std::uint16_t port() const { return asyncio::local_port(listener_); }
  void stop() { ::shutdown(listener_.get(), SHUT_RDWR); }

  void run() {
    const Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() < 0) return;  // it was stopped
    control(EPOLL_CTL_ADD, fd, EPOLLIN);
    OneWay what{};
    while (receive(fd, std::as_writable_bytes(std::span(&what, 1))) > 0) {
      if (what.send > 0) send(fd, what.send);
      while (what.take > 0) what.take -= receive(fd, room_);
      send(fd, 1);
    }
  }

 private:
  std::size_t receive(const Fd& fd, std::span<std::byte> room) {
    wait();
    return static_cast<std::size_t>(checked(::recv(fd.get(), room.data(), room.size(), 0), "recv"));
  }

  void send(const Fd& fd, std::uint64_t bytes) {
    bool waits_for_room = false;
    while (bytes > 0) {
      const ssize_t size =
          ::send(fd.get(), room_.data(), std::min<std::uint64_t>(bytes, room_.size()), MSG_NOSIGNAL);
      if (size < 0 && errno == EAGAIN) {
        if (!std::exchange(waits_for_room, true)) control(EPOLL_CTL_MOD, fd, EPOLLOUT);
        wait();
      } else {
        bytes -= static_cast<std::uint64_t>(checked(size, "send"));
      }
    }
    if (waits_for_room) control(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  void control(int what, const Fd& fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    checked(::epoll_ctl(epoll_.get(), what, fd.get(), &event), "epoll_ctl");
  }
  void wait() {
    epoll_event event{};
    while (checked(::epoll_wait(epoll_.get(), &event, 1, -1), "epoll_wait") == 0) {
    }
  }

  Fd listener_ = asyncio::listen_tcp(0);
  const Fd epoll_{checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::array<std::byte, bench::block> room_{};
};

}  // namespace

void bench::rows() {
  echo_row<OnCallbacks>("callbacks");
  echo_row<OnStreams<echo>>("streams");
  turns_row<OnCallbacks>("callbacks");
  turns_row<OnStreams<echo>>("streams");
  one_way_rows<RawEpoll>("raw epoll");
  one_way_rows<OnStreams<one_way>>("streams");
}
