#pragma once

#include <arpa/inet.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <stdexcept>
#include <vector>

namespace bench {

/// Returns what a call of libuv's returns. @throws std::runtime_error if that is an error
inline int uv_checked(int result) {
  if (result < 0) throw std::runtime_error(uv_strerror(result));
  return result;
}

/// A server on libuv, which hands what comes to the connection's `take(bytes, size)`. Each connection has a
/// `handle`.
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
      *buffer = uv_buf_init(of(handle).room_.data(), static_cast<unsigned>(of(handle).room_.size()));
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
  std::array<char, 65'536> room_;
};

/// A connection that sends back what comes.
struct UvEcho {
  uv_tcp_t handle{};

  void take(char* bytes, std::size_t size) {
    auto* const stream = reinterpret_cast<uv_stream_t*>(&handle);
    const uv_buf_t all = uv_buf_init(bytes, static_cast<unsigned>(size));
    const int result = uv_try_write(stream, &all, 1);
    const std::size_t sent = result == UV_EAGAIN ? 0 : static_cast<std::size_t>(uv_checked(result));
    if (sent == size) return;
    auto* const rest = new Rest{{}, {bytes + sent, bytes + size}};
    rest->request.data = rest;
    const uv_buf_t buffer = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
    uv_write(&rest->request, stream, &buffer, 1,
             [](uv_write_t* request, int) { delete static_cast<Rest*>(request->data); });
  }

 private:
  /// The rest of a message, which could not be sent at once.
  struct Rest {
    uv_write_t request;
    std::vector<char> bytes;
  };
};

}  // namespace bench
