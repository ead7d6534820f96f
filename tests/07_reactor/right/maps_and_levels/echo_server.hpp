// Fails: Step7_*
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "reactor.hpp"

namespace asyncio {

class EchoServer {
 public:
  EchoServer(EventLoop& loop, Fd listener)
      : loop_(loop), acceptor_(loop, std::move(listener), [this](Fd fd) { begin(std::move(fd)); }) {}
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  ~EchoServer() {
    while (!peers_.empty()) end(peers_.begin()->first);
  }

  [[nodiscard]] std::uint16_t port() const { return local_port(acceptor_.listener()); }
  [[nodiscard]] std::size_t connections() const noexcept { return peers_.size(); }
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }

 private:
  struct Peer {
    Fd fd;
    std::array<std::byte, 4096> bytes;
    std::size_t from = 0;
    std::size_t to = 0;
  };

  void begin(Fd fd) {
    const int number = fd.get();
    auto peer = std::make_shared<Peer>();
    peer->fd = std::move(fd);
    peers_[number] = peer;
    ++accepted_;
    try {
      listen_to(number);
    } catch (...) {
      end(number);
      throw;
    }
  }
  void listen_to(int number) {
    loop_.add_reader(number, [this, number] { guarded(number, [this, number] { came(number); }); });
  }
  template <class F>
  void guarded(int number, F step) {
    try {
      step();
    } catch (...) {
      end(number);
    }
  }
  void came(int number) {
    Peer& peer = *peers_.at(number);
    const std::optional<std::size_t> size = receive(peer.fd, peer.bytes);
    if (!size) return;
    if (*size == 0) return end(number);
    peer.from = 0;
    peer.to = *size;
    loop_.add_writer(number, [this, number] { guarded(number, [this, number] { has_room(number); }); });
    loop_.remove_reader(number);
  }
  void has_room(int number) {
    Peer& peer = *peers_.at(number);
    peer.from += send(peer.fd, std::span(peer.bytes).subspan(peer.from, peer.to - peer.from)).value_or(0);
    if (peer.from < peer.to) return;
    listen_to(number);
    loop_.remove_writer(number);
  }
  void end(int number) {
    loop_.remove_reader(number);
    loop_.remove_writer(number);
    peers_.erase(number);
  }

  EventLoop& loop_;
  std::map<int, std::shared_ptr<Peer>> peers_;
  std::uint64_t accepted_ = 0;
  Acceptor acceptor_;
};

}  // namespace asyncio
