// The rows of chapter 07 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "echo_rows.hpp"
#include "python_peer.hpp"
#include "uv_server.hpp"

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
  echo_row<bench::UvServer<bench::UvEcho>>("libuv");
  echo_row<PythonServer>("Python's asyncio");
  turns_row<AsioServer>("asio::io_context");
  turns_row<bench::UvServer<bench::UvEcho>>("libuv");
}
