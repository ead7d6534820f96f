// The rows of chapter 07 on the libraries that people use at work.

#include <uv.h>

#define ASIO_STANDALONE
#include <asio.hpp>

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "echo_rows.hpp"
#include "python_peer.hpp"

namespace {

using Room = std::array<char, 65536>;

// ---- Asio

using asio::ip::tcp;

class AsioConnection : public std::enable_shared_from_this<AsioConnection> {
 public:
  explicit AsioConnection(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(room_),
                            [self = shared_from_this()](asio::error_code error, std::size_t size) {
                              if (!error) self->write(size);
                            });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(room_, size),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  Room room_;
};

class AsioServer {
 public:
  AsioServer() { accept(); }
  void run() { context_.run(); }
  void turn() { context_.poll(); }
  void stop() { context_.stop(); }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void accept() {
    acceptor_.async_accept([this](asio::error_code error, tcp::socket socket) {
      if (error) throw asio::system_error(error);
      std::make_shared<AsioConnection>(std::move(socket))->read();
      accept();
    });
  }

  asio::io_context context_{1};  // one thread runs it, which spares it some locks
  tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

// ---- libuv

int uv_checked(int result) {
  if (result < 0) throw std::runtime_error(uv_strerror(result));
  return result;
}

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
  /// The rest of a message, which could not be sent at once.
  struct Rest {
    uv_write_t request;
    std::vector<char> bytes;
  };

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
    uv_tcp_t& connection = connections_.emplace_back();
    auto* const stream = reinterpret_cast<uv_stream_t*>(&connection);
    uv_checked(uv_tcp_init(&loop_, &connection));
    uv_checked(uv_accept(reinterpret_cast<uv_stream_t*>(&listener_), stream));
    const auto room = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
      *buffer = uv_buf_init(of(handle).room_.data(), sizeof(Room));
    };
    uv_checked(uv_read_start(stream, room, [](uv_stream_t* from, ssize_t size, const uv_buf_t* buffer) {
      if (size < 0)
        close(reinterpret_cast<uv_handle_t*>(from));
      else if (size > 0)
        answer(from, uv_buf_init(buffer->base, static_cast<unsigned>(size)));
    }));
  }

  static void answer(uv_stream_t* stream, uv_buf_t bytes) {
    const int result = uv_try_write(stream, &bytes, 1);
    const std::size_t sent = result == UV_EAGAIN ? 0 : static_cast<std::size_t>(uv_checked(result));
    if (sent == bytes.len) return;
    auto* const rest = new Rest{{}, {bytes.base + sent, bytes.base + bytes.len}};
    rest->request.data = rest;
    const uv_buf_t buffer = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
    uv_write(&rest->request, stream, &buffer, 1,
             [](uv_write_t* request, int) { delete static_cast<Rest*>(request->data); });
  }

  uv_loop_t loop_{};
  uv_async_t stop_{};
  uv_tcp_t listener_{};
  std::list<uv_tcp_t> connections_;  // closed ones, too: they are few
  Room room_;
};

// ---- Python

/// In a process of its own.
class PythonServer {
 public:
  void run() {}
  void stop() {}
  [[nodiscard]] std::uint16_t port() { return static_cast<std::uint16_t>(std::stoi(python_.ask("port"))); }

 private:
  bench::PythonPeer python_{{"bench/07_reactor/peers.py"}};
};

}  // namespace

void bench::rows() {
  echo_row<AsioServer>("asio::io_context");
  echo_row<UvServer>("libuv");
  echo_row<PythonServer>("Python's asyncio");
  turns_row<AsioServer>("asio::io_context");
  turns_row<UvServer>("libuv");
}
