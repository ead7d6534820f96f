// The rows of chapter 12 on the libraries that people use at work.

#include <uv.h>

#define ASIO_STANDALONE
#include <asio.hpp>

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "echo_rows.hpp"
#include "one_way_rows.hpp"
#include "python_peer.hpp"

namespace {

using bench::OneWay;
using Room = std::array<char, bench::block>;

// ---- Asio's coroutines

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

awaitable<void> asio_echo(tcp::socket socket) {
  Room room;
  while (true) {
    const std::size_t size = co_await socket.async_read_some(asio::buffer(room), use_awaitable);
    co_await asio::async_write(socket, asio::buffer(room, size), use_awaitable);
  }
}

awaitable<void> asio_one_way(tcp::socket socket) {
  Room room{};
  while (true) {
    OneWay what{};
    co_await asio::async_read(socket, asio::buffer(&what, sizeof what), use_awaitable);
    while (what.send > 0) {
      const auto size = std::min<std::uint64_t>(what.send, room.size());
      co_await asio::async_write(socket, asio::buffer(room, size), use_awaitable);
      what.send -= size;
    }
    while (what.take > 0) what.take -= co_await socket.async_read_some(asio::buffer(room), use_awaitable);
    co_await asio::async_write(socket, asio::buffer("k", 1), use_awaitable);
  }
}

/// A server, each of whose connections is a coroutine, which an exception ends.
template <awaitable<void> (*serve)(tcp::socket)>
class AsioServer {
 public:
  AsioServer() { asio::co_spawn(context_, accept(), asio::detached); }
  void run() { context_.run(); }
  void turn() { context_.poll(); }
  void stop() { context_.stop(); }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  awaitable<void> accept() {
    while (true)
      asio::co_spawn(context_, serve(co_await acceptor_.async_accept(use_awaitable)), asio::detached);
  }

  asio::io_context context_{1};  // one thread runs it, which spares it some locks
  tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

// ---- libuv

int uv_checked(int result) {
  if (result < 0) throw std::runtime_error(uv_strerror(result));
  return result;
}

/// A server that hands what comes to `Connection::take(bytes)`.
template <class Connection>
class UvServer {
 public:
  UvServer() {
    uv_checked(uv_loop_init(&loop_));
    loop_.data = this;
    uv_checked(uv_async_init(&loop_, &stop_, [](uv_async_t* stop) {
      uv_walk(
          stop->loop, [](uv_handle_t* handle, void*) { close(handle); }, nullptr);
    }));
    listen();
  }
  UvServer(const UvServer&) = delete;
  UvServer& operator=(const UvServer&) = delete;
  ~UvServer() {
    stop();
    run();
    uv_loop_close(&loop_);
  }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void turn() { uv_run(&loop_, UV_RUN_NOWAIT); }
  void stop() { uv_async_send(&stop_); }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    int size = sizeof address;
    uv_checked(uv_tcp_getsockname(&listener_, reinterpret_cast<sockaddr*>(&address), &size));
    return ntohs(address.sin_port);
  }

 private:
  static void close(uv_handle_t* handle) {
    if (!uv_is_closing(handle)) uv_close(handle, nullptr);
  }

  template <class Handle>
  static UvServer& of(const Handle* handle) {
    return *static_cast<UvServer*>(handle->loop->data);
  }

  void listen() {
    sockaddr_in address{};
    uv_checked(uv_ip4_addr("127.0.0.1", 0, &address));
    uv_checked(uv_tcp_init(&loop_, &listener_));
    uv_checked(uv_tcp_bind(&listener_, reinterpret_cast<sockaddr*>(&address), 0));
    uv_checked(
        uv_listen(reinterpret_cast<uv_stream_t*>(&listener_), 100, [](uv_stream_t* listener, int status) {
          uv_checked(status);
          of(listener).accept();
        }));
  }

  void accept() {
    Connection& connection = connections_.emplace_back();
    auto* const stream = reinterpret_cast<uv_stream_t*>(&connection.handle);
    connection.handle.data = &connection;
    uv_checked(uv_tcp_init(&loop_, &connection.handle));
    uv_checked(uv_accept(reinterpret_cast<uv_stream_t*>(&listener_), stream));
    const auto room = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
      *buffer = uv_buf_init(of(handle).room_.data(), sizeof(Room));
    };
    uv_checked(uv_read_start(stream, room, [](uv_stream_t* from, ssize_t size, const uv_buf_t* buffer) {
      if (size < 0)
        close(reinterpret_cast<uv_handle_t*>(from));
      else if (size > 0)
        static_cast<Connection*>(from->data)->take(buffer->base, static_cast<std::size_t>(size));
    }));
  }

  uv_loop_t loop_{};
  uv_async_t stop_{};
  uv_tcp_t listener_{};
  std::list<Connection> connections_;  // closed ones, too: they are few
  Room room_;
};

struct UvEcho {
  uv_tcp_t handle{};

  void take(char* bytes, std::size_t size) {
    auto* const stream = reinterpret_cast<uv_stream_t*>(&handle);
    const uv_buf_t buffer = uv_buf_init(bytes, static_cast<unsigned>(size));
    // A message is small, and its client waits for it: there is always room.
    if (uv_checked(uv_try_write(stream, &buffer, 1)) != static_cast<int>(size))
      throw std::runtime_error("libuv has sent only a part");
  }
};

struct UvOneWay {
  uv_tcp_t handle{};
  uv_write_t request{};
  OneWay what{};
  std::size_t heard = 0;  // of what is asked
  std::vector<char> bytes = std::vector<char>(bench::block);

  void take(const char* from, std::size_t size) {
    if (heard < sizeof what) {
      const std::size_t part = std::min(size, sizeof what - heard);
      std::memcpy(reinterpret_cast<char*>(&what) + heard, from, part);
      heard += part;
      size -= part;
      if (heard == sizeof what && what.send > 0) return send();
    }
    what.take -= size;
    if (heard == sizeof what && what.take == 0) answer();
  }

  void send() {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(what.send, bytes.size()));
    what.send -= size;
    const uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(size));
    request.data = this;
    uv_checked(uv_write(&request, stream(), &buffer, 1, [](uv_write_t* done, int) {
      auto* const self = static_cast<UvOneWay*>(done->data);
      if (self->what.send > 0)
        self->send();
      else
        self->answer();
    }));
  }
  void answer() {
    heard = 0;  // what is asked next may come before a callback would
    const uv_buf_t buffer = uv_buf_init(bytes.data(), 1);
    uv_checked(uv_try_write(stream(), &buffer, 1));
  }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle); }
};

// ---- Python

/// The first of Python's interpreters here that has uvloop.
std::optional<std::string> python_with_uvloop() {
  for (const std::string python : {"python3", "/usr/bin/python3"})
    if (std::system((python + " -c 'import uvloop' 2>/dev/null").c_str()) == 0) return python;
  return std::nullopt;
}

enum class Handler { echo, one_way };

/// Python's streams, in a process of its own.
template <Handler handler, bool with_uvloop = false>
class PythonServer {
 public:
  void run() {}
  void stop() {}
  [[nodiscard]] std::uint16_t port() { return static_cast<std::uint16_t>(std::stoi(python_.ask("port"))); }

 private:
  bench::PythonPeer python_{{"bench/12_streams/peers.py", handler == Handler::echo ? "echo" : "one_way",
                             with_uvloop ? "uvloop" : "asyncio"},
                            with_uvloop ? python_with_uvloop().value() : "python3"};
};

}  // namespace

void bench::rows() {
  const bool has_uvloop = python_with_uvloop().has_value();
  if (!has_uvloop) std::fputs("not compared with uvloop: no python3 here has it\n", stderr);

  echo_row<AsioServer<asio_echo>>("Asio's coroutines");
  echo_row<UvServer<UvEcho>>("libuv");
  echo_row<PythonServer<Handler::echo>>("Python's streams");
  if (has_uvloop) echo_row<PythonServer<Handler::echo, true>>("Python's uvloop");
  turns_row<AsioServer<asio_echo>>("Asio's coroutines");
  turns_row<UvServer<UvEcho>>("libuv");
  one_way_rows<AsioServer<asio_one_way>>("Asio's coroutines");
  one_way_rows<UvServer<UvOneWay>>("libuv");
  one_way_rows<PythonServer<Handler::one_way>>("Python's streams");
  if (has_uvloop) one_way_rows<PythonServer<Handler::one_way, true>>("Python's uvloop");
}
