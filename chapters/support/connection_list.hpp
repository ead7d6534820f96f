#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "event_loop.hpp"
#include "service.hpp"

namespace asyncio::detail {

/// A server, as its connections know it. It is counted, for they may outlive its handles.
class ConnectionOwner {
 public:
  ConnectionOwner() = default;
  ConnectionOwner(const ConnectionOwner&) = delete;
  ConnectionOwner& operator=(const ConnectionOwner&) = delete;

  void ref() noexcept { ++references_; }
  void unref() noexcept {
    if (--references_ == 0) delete this;
  }

  /// One of its connections is lost.
  virtual void connection_lost() noexcept = 0;
  /// Its loop is closed.
  virtual void loop_closed() noexcept = 0;

 protected:
  virtual ~ConnectionOwner() = default;

 private:
  std::size_t references_ = 1;
};

/// A connection that is not lost, as its loop knows it.
class ListedConnection {
 public:
  ListedConnection(const ListedConnection&) = delete;
  ListedConnection& operator=(const ListedConnection&) = delete;

  virtual void close() noexcept = 0;
  virtual void abort() noexcept = 0;
  [[nodiscard]] virtual bool owned_by(const ConnectionOwner& owner) const noexcept = 0;

 protected:
  ListedConnection() = default;
  ~ListedConnection() = default;

 private:
  friend class ConnectionList;

  ListedConnection* previous_ = nullptr;
  ListedConnection* next_ = nullptr;
};

/// The connections of a loop, in a list whose links they are, and the servers: with the loop, they are
/// closed. Connections share the memory that they receive into, for none of it is needed between two
/// callbacks. A service of the loop.
class ConnectionList final : public Service {
 public:
  /// For use_service().
  explicit ConnectionList(EventLoop& loop) noexcept : Service(loop) {}

  void add(ListedConnection& connection) noexcept {
    connection.previous_ = last_;
    (last_ ? last_->next_ : first_) = &connection;
    last_ = &connection;
  }
  void remove(ListedConnection& connection) noexcept {
    (connection.previous_ ? connection.previous_->next_ : first_) = connection.next_;
    (connection.next_ ? connection.next_->previous_ : last_) = connection.previous_;
    connection.previous_ = connection.next_ = nullptr;
  }

  /// Calls `fn` with each; it may be gone afterwards.
  template <class F>
  void for_each(F fn) {
    for (ListedConnection* connection = first_; connection;) {
      ListedConnection* const next = connection->next_;
      fn(*connection);
      connection = next;
    }
  }

  void add(ConnectionOwner& owner) { owners_.push_back(&owner); }
  void remove(ConnectionOwner& owner) noexcept { std::erase(owners_, &owner); }

  /// Returns room to receive into.
  [[nodiscard]] std::span<std::byte> room() noexcept { return std::as_writable_bytes(std::span(room_)); }
  /// Returns the first `size` bytes that were received.
  [[nodiscard]] std::string_view text(std::size_t size) const noexcept { return {room_.data(), size}; }

  void close() noexcept override {
    for (ConnectionOwner* owner : std::exchange(owners_, {})) owner->loop_closed();
    for_each([](ListedConnection& connection) { connection.abort(); });
  }

 private:
  ~ConnectionList() override = default;

  std::array<char, 65536> room_;
  ListedConnection* first_ = nullptr;
  ListedConnection* last_ = nullptr;
  std::vector<ConnectionOwner*> owners_;  // that are open
};

}  // namespace asyncio::detail
