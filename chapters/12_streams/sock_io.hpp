#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "reactor.hpp"
#include "socket_address.hpp"
#include "socket_waits.hpp"
#include "task.hpp"
#include "todo.hpp"

/// The methods of a loop that wait for sockets, as LoopMethods declares them. All are templates, as are all
/// coroutines of the course's headers: g++ compiles others whether they are used or not.
namespace asyncio::detail {

/// For LoopMethods: this header is included.
inline void loop_has_sockets(EventLoop&) {}

/// Waits until the file `fd` is ready: for bytes to read, or for room to write. However that ends, the loop
/// does not watch the file for it any more. One task at a time can wait for the same file and the same thing.
/// @throws std::runtime_error if another one does
template <class Loop>
Coro<> wait_until_ready(Loop& loop, int fd, Ready ready) {
  todo("1.1", "wait_until_ready");
}

/// Receives what has come, as soon as something has, for loop.sock_recv().
/// @param most so many bytes, and no more
/// @returns the bytes; none at the end of the stream
/// @throws std::system_error, as when the peer has reset the connection
template <class Loop>
Coro<std::string> loop_sock_recv(Loop& loop, const Fd& fd, std::size_t most) {
  std::string bytes(most, '\0');
  const std::span<std::byte> room = std::as_writable_bytes(std::span(bytes));
  std::optional<std::size_t> size;
  while (!(size = receive(fd, room))) co_await wait_until_ready(loop, fd.get(), Ready::to_read);
  bytes.resize(*size);
  co_return bytes;
}

/// Sends all bytes, for loop.sock_sendall(). If it fails or is cancelled, nobody knows how many have gone.
/// @param bytes they must stay where they are until it is done
/// @throws std::system_error, as when the peer has gone
template <class Loop>
Coro<> loop_sock_sendall(Loop& loop, const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::optional<std::size_t> sent = send(fd, std::as_bytes(std::span(bytes)));
    if (sent)
      bytes.remove_prefix(*sent);
    else
      co_await wait_until_ready(loop, fd.get(), Ready::to_write);
  }
}

/// Takes a connection, as soon as there is one, for loop.sock_accept().
/// @throws std::system_error, as when there is no descriptor left
template <class Loop>
Coro<Fd> loop_sock_accept(Loop& loop, const Fd& listener) {
  std::optional<Fd> connection;
  while (!(connection = accept(listener))) co_await wait_until_ready(loop, listener.get(), Ready::to_read);
  co_return *std::move(connection);
}

/// Connects a socket that does not wait to an address, for loop.sock_connect().
/// @throws std::system_error, as when nobody listens there
template <class Loop>
Coro<> loop_sock_connect(Loop& loop, const Fd& fd, SocketAddress address) {
  todo("2.1", "loop_sock_connect");
}

}  // namespace asyncio::detail
