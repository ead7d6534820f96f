// The rows of chapter 12 on the libraries that people use at work.

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
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "echo_rows.hpp"
#include "one_way_rows.hpp"
#include "python_peer.hpp"
#include "uv_server.hpp"

namespace {

using bench::OneWay;
using bench::uv_checked;
using bench::UvEcho;
using bench::UvServer;
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
