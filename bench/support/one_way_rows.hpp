#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "echo_rows.hpp"
#include "fd.hpp"
#include "row.hpp"

namespace bench {

/// Names of the rows that measure many bytes in one direction, for chapter 12 and its peers. An item is a
/// mebibyte.
inline const std::string sent_mebibyte = "a MiB sent";
inline const std::string received_mebibyte = "a MiB received";

inline constexpr std::uint64_t mebibyte = 1 << 20;
inline constexpr int mebibytes = 256;          ///< of a batch
inline constexpr std::size_t block = 1 << 16;  ///< handed to a write(), and room of a read()

/// The request of a client to a server of such rows: that it sends so many bytes, takes so many, and then
/// answers with one.
struct OneWay {
  std::uint64_t send;
  std::uint64_t take;
};

/// The client of such a server, in the thread that calls it. It does no more than it must.
class OneWayLoad {
 public:
  /// Connects to a server on this machine. @throws std::system_error, as all of this class does
  explicit OneWayLoad(std::uint16_t port) : fd_(connect_waiting(port)) {}

  void have_sent(std::uint64_t bytes) {
    ask({.send = bytes, .take = 0});
    take(bytes + 1);
  }
  void have_taken(std::uint64_t bytes) {
    ask({.send = 0, .take = bytes});
    while (bytes > 0) bytes -= give(std::span(room_).first(std::min<std::uint64_t>(bytes, room_.size())));
    take(1);
  }

 private:
  void ask(OneWay what) {
    if (give(std::as_writable_bytes(std::span(&what, 1))) != sizeof what)
      throw std::system_error(std::make_error_code(std::errc::no_buffer_space), "send");
  }
  std::size_t give(std::span<const std::byte> bytes) {
    return static_cast<std::size_t>(
        concurrent::checked(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), "send"));
  }
  void take(std::uint64_t bytes) {
    while (bytes > 0) {
      const ssize_t size = concurrent::checked(::recv(fd_.get(), room_.data(), room_.size(), 0), "recv");
      if (size == 0) throw std::system_error(std::make_error_code(std::errc::connection_reset), "recv");
      bytes -= static_cast<std::uint64_t>(size);
    }
  }

  const concurrent::Fd fd_;
  std::vector<std::byte> room_{block};
};

/// Registers the two rows of a Server, whose run() is called by a thread of its own and ends after stop().
template <class Server>
void one_way_rows(const std::string& variant) {
  struct Pair {
    ~Pair() { server.stop(); }
    Server server;
    std::jthread thread{[this] { server.run(); }};
    OneWayLoad load{server.port()};
  };
  row(sent_mebibyte + "/" + variant, mebibytes, [] {
    return warmed_up([pair = std::make_shared<Pair>()] { pair->load.have_sent(mebibytes * mebibyte); });
  });
  row(received_mebibyte + "/" + variant, mebibytes, [] {
    return warmed_up([pair = std::make_shared<Pair>()] { pair->load.have_taken(mebibytes * mebibyte); });
  });
}

}  // namespace bench
