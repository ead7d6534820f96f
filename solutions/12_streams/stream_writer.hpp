#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <exception>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "connection.hpp"
#include "ref.hpp"
#include "sleep.hpp"
#include "socket_address.hpp"
#include "stream_reader.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// Waits until it makes sense to write more, for StreamWriter::drain().
template <class C>
Coro<> drain(Ref<C> connection) {
  // <exercise 4.1 drain>
  connection->reader()->check();
  // Its end may be only a pass away: a loop of write() and drain() is to see it, and to let others run.
  if (connection->closing()) co_await sleep(Duration::zero());
  if (connection->lost()) throw std::system_error(ECONNRESET, std::generic_category(), "Connection lost");
  if (!connection->paused_writing()) co_return;
  co_await connection->wait_for_room();
  if (connection->error()) std::rethrow_exception(connection->error());
  // </exercise>
}

/// Waits until the connection is lost, for StreamWriter::wait_closed().
template <class C>
Coro<> wait_closed(Ref<C> connection) {
  if (!connection->lost()) co_await connection->wait_lost();
  if (connection->error()) std::rethrow_exception(connection->error());
}

}  // namespace detail

/// The way to a peer. It is copied like a pointer; when the last copy goes, the connection is closed.
/// For the loop's thread. Python: `asyncio.StreamWriter`.
class StreamWriter {
 public:
  /// For what is built on it.
  explicit StreamWriter(Ref<detail::Connection> connection) noexcept : connection_(std::move(connection)) {}

  /// Sends bytes, as soon as the peer has room for them, and does not wait for that: await drain() now and
  /// then, or what is not sent yet fills the memory. Once the connection is closed or lost, they are dropped.
  /// @throws std::runtime_error after write_eof()
  void write(std::string_view bytes) const { connection_->write(bytes); }

  /// Sends several pieces, one behind the other, as write() does.
  template <std::ranges::input_range R>
  requires std::convertible_to<std::ranges::range_reference_t<R>, std::string_view>
  void writelines(R&& pieces) const {
    std::string all;
    for (auto&& piece : pieces) all += std::string_view(piece);
    write(all);
  }

  /// Waits, if writing is paused, until it no longer is: more than the high mark was left to be sent, and no
  /// more than the low mark has been reached yet.
  /// @throws what the connection was lost for; std::system_error if it is lost
  [[nodiscard]] Coro<> drain() const { return detail::drain(connection_); }

  /// Says that nothing more will be written. The peer sees the end of the stream behind the last byte, and
  /// may go on sending.
  void write_eof() const { connection_->write_eof(); }
  [[nodiscard]] static bool can_write_eof() noexcept { return true; }

  /// Sends the rest, and then closes the connection. The reader is at its end then. Closing it again does
  /// nothing.
  void close() const { connection_->close(); }
  /// Closes the connection at once. Python: `writer.transport.abort`.
  void abort() const { connection_->abort(); }
  [[nodiscard]] bool is_closing() const noexcept { return connection_->closing(); }
  /// Waits until the connection is closed, or lost.
  /// @throws what it was lost for, if it was not closed
  [[nodiscard]] Coro<> wait_closed() const { return detail::wait_closed(connection_); }

  /// Returns an address, as "127.0.0.1:80": of the "peername" or the "sockname"; nothing for other names, and
  /// when the connection is lost.
  [[nodiscard]] std::string get_extra_info(std::string_view name) const {
    if (connection_->lost()) return {};
    try {
      if (name == "peername") return SocketAddress::of_peer(socket()).text();
      if (name == "sockname") return SocketAddress::of_self(socket()).text();
    } catch (const std::system_error&) {  // the peer has gone
    }
    return {};
  }
  /// Returns the socket. It has no number once the connection is lost.
  [[nodiscard]] const Fd& socket() const noexcept { return connection_->socket(); }

  /// Counts the bytes that are not sent yet. Python: `transport.get_write_buffer_size`.
  [[nodiscard]] std::size_t get_write_buffer_size() const noexcept { return connection_->unsent(); }
  /// The marks between which drain() waits. Python: `transport.get_write_buffer_limits`.
  [[nodiscard]] WriteLimits get_write_buffer_limits() const noexcept { return connection_->limits(); }
  /// @throws std::invalid_argument if the low mark is above the high one
  void set_write_buffer_limits(const WriteLimits& limits) const {
    connection_->set_limits(checked_limits(limits));
  }

  /// For what is built on it.
  [[nodiscard]] const Ref<detail::Connection>& connection() const noexcept { return connection_; }

 private:
  Ref<detail::Connection> connection_;
};

/// Both ends of a connection: `auto [reader, writer] = co_await open_connection(…)`.
struct Streams {
  StreamReader reader;
  StreamWriter writer;
};

/// Makes the streams of a socket that is connected, on the running loop. Python: `open_connection(sock=…)`.
/// @throws std::runtime_error if no loop is running on this thread; std::logic_error if that has no
/// EpollSelector; std::invalid_argument if the limit is 0
inline Streams make_streams(Fd socket, const StreamOptions& options = {}) {
  StreamReader reader(options);
  auto connection = Ref<detail::Connection>::adopt(
      new detail::Connection(get_running_loop(), std::move(socket), reader.state()));
  return {std::move(reader), StreamWriter(std::move(connection))};
}

}  // namespace asyncio
