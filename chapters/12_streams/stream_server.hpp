#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "acceptor.hpp"
#include "awaitable.hpp"
#include "cancelled_error.hpp"
#include "resolve.hpp"
#include "safe_body.hpp"
#include "stream_writer.hpp"
#include "todo.hpp"
#include "wake_list.hpp"

namespace asyncio {

/// Options of start_server().
struct ServerOptions {
  std::size_t limit = 65536;  ///< as of StreamOptions
  int backlog = 100;          ///< so many connections wait to be accepted
  bool start_serving = true;  ///< false: not before start_serving() or serve_forever()
  AcceptOptions accepting{};  ///< how many at a time, and the pause when there is no descriptor left
};

namespace detail {

// For 6.1: members of detail.

/// Serves a client that has come to a server on `loop`, and returns at once.
/// @param handler a function of both ends of the connection, which may give something to await
template <class Handler>
void serve_new_client(EventLoop& loop, const std::shared_ptr<Handler>& handler, Streams streams) {
  todo("6.1", "serve_new_client");
}

/// The state that all handles of a Server share, and its connections know. Its listeners have acceptors while
/// it serves.
class ServerState final : public ConnectionOwner {
 public:
  using OnStreams = std::function<void(Streams)>;

  ServerState(EventLoop& loop, std::vector<Fd> listeners, const ServerOptions& options, OnStreams on_streams)
      : loop_(loop), listeners_(std::move(listeners)), options_(options), on_streams_(std::move(on_streams)) {
    for (const Fd& listener : listeners_) remember_path(listener);
    loop_.use_service<ConnectionList>().add(*this);
  }

  void start() {
    if (closed_) throw std::runtime_error("server is closed");
    // One that cannot listen stays, for the next try.
    for (; !listeners_.empty(); listeners_.erase(listeners_.begin())) {
      Fd& listener = listeners_.front();
      concurrent::checked(::listen(listener.get(), options_.backlog), "listen");
      acceptors_.push_back(std::make_unique<Acceptor>(
          loop_, std::move(listener), [this](Fd fd) { welcome(std::move(fd)); }, options_.accepting));
    }
  }

  [[nodiscard]] bool serving() const noexcept { return !acceptors_.empty(); }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] std::vector<std::reference_wrapper<const Fd>> sockets() const {
    std::vector<std::reference_wrapper<const Fd>> all(listeners_.begin(), listeners_.end());
    for (const auto& acceptor : acceptors_) all.push_back(acceptor->listener());
    return all;
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    loop_.use_service<ConnectionList>().remove(*this);
    acceptors_.clear();
    listeners_.clear();
    for (const Path& path : std::exchange(paths_, {})) remove_file(path);
    // 6.2, ServerState::close: empty until step 6.
    if (clients_ == 0) gone_.wake_all();
  }

  /// Calls `fn` with each of its connections.
  template <class F>
  void for_each_client(F fn) {
    if (clients_ == 0) return;
    loop_.use_service<ConnectionList>().for_each([&](ListedConnection& connection) {
      if (connection.owned_by(*this)) fn(connection);
    });
  }

  void connection_lost() noexcept override {
    if (--clients_ == 0 && closed_) gone_.wake_all();
  }
  void loop_closed() noexcept override { close(); }

  /// True once it is closed and has no connection any more.
  [[nodiscard]] bool over() const noexcept { return closed_ && clients_ == 0; }
  [[nodiscard]] Coro<> wait_over() { return gone_.wait(); }

  // For 6.2: members of ServerState.
  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }

 private:
  struct Path {
    std::string name;
    dev_t device;
    ino_t file;
  };

  ~ServerState() override = default;

  void welcome(Fd fd) {
    Streams streams = make_streams(std::move(fd), {.limit = options_.limit});
    streams.writer.connection()->set_owner(Ref<ConnectionOwner>(*this));
    ++clients_;
    on_streams_(std::move(streams));
  }

  void remember_path(const Fd& listener) {
    std::string path = SocketAddress::of_self(listener).path();
    struct stat file {};
    if (!path.empty() && ::stat(path.c_str(), &file) == 0)
      paths_.push_back({std::move(path), file.st_dev, file.st_ino});
  }
  /// Removes the file of a Unix socket, unless there is another one in its place.
  static void remove_file(const Path& path) noexcept {
    struct stat file {};
    if (::stat(path.name.c_str(), &file) == 0 && file.st_dev == path.device && file.st_ino == path.file)
      ::unlink(path.name.c_str());
  }

  EventLoop& loop_;            // there as long as it has connections, or is open
  std::vector<Fd> listeners_;  // that are not listening yet
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<Path> paths_;
  const ServerOptions options_;
  const OnStreams on_streams_;
  WakeList gone_;
  std::size_t clients_ = 0;
  bool closed_ = false;
};

/// Serves until it is cancelled or the server is closed, for Server::serve_forever(). If it is cancelled
/// while it waits for its clients, it leaves them to themselves.
template <class S>
Coro<> serve_forever(Ref<S> server) {
  todo("6.2", "serve_forever");
}

template <class S>
Coro<> start_serving(Ref<S> server) {
  server->start();
  co_return;
}

template <class S>
Coro<> wait_over(Ref<S> server) {
  if (!server->over()) co_await server->wait_over();
}

}  // namespace detail

/// A server: what listens, and those who have come. It is copied like a pointer; when the last copy goes, it
/// is closed. For the loop's thread. Python: `asyncio.Server`.
class Server {
 public:
  /// For what is built on it.
  explicit Server(Ref<detail::ServerState> state) : handle_(std::make_shared<Handle>(std::move(state))) {}

  /// Begins to accept connections, if it does not yet. @throws std::runtime_error if it is closed
  [[nodiscard]] Coro<> start_serving() const { return detail::start_serving(state()); }

  /// Accepts connections until it is cancelled, or close() is called. Then the server and its connections are
  /// closed, and it waits until they are, unless it is cancelled meanwhile.
  /// @throws CancelledError; std::runtime_error if it is closed, or somebody serves for ever already
  [[nodiscard]] Coro<> serve_forever() const { return detail::serve_forever(state()); }

  /// Accepts no more; the connections that there are stay. Closing it again does nothing.
  void close() const { state()->close(); }
  /// Closes the connections, which send what is left.
  void close_clients() const {
    state()->for_each_client([](detail::ListedConnection& client) { client.close(); });
  }
  /// Closes the connections at once.
  void abort_clients() const {
    state()->for_each_client([](detail::ListedConnection& client) { client.abort(); });
  }
  /// Waits until the server is closed and its last connection is lost.
  [[nodiscard]] Coro<> wait_closed() const { return detail::wait_over(state()); }

  /// True if it accepts connections.
  [[nodiscard]] bool is_serving() const noexcept { return state()->serving(); }
  /// Returns what listens; nothing once it is closed. `local_port(server.sockets()[0])` is its port.
  [[nodiscard]] std::vector<std::reference_wrapper<const Fd>> sockets() const { return state()->sockets(); }

 private:
  /// Closes the server when the last copy of its handle goes.
  struct Handle {
    explicit Handle(Ref<detail::ServerState> server) noexcept : state(std::move(server)) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { state->close(); }

    const Ref<detail::ServerState> state;
  };

  [[nodiscard]] const Ref<detail::ServerState>& state() const noexcept { return handle_->state; }

  std::shared_ptr<Handle> handle_;
};

namespace detail {

/// Makes a server of listeners. @param handler it stays as long as a client is served
template <class Handler>
Server make_server(std::shared_ptr<Handler> handler, std::vector<Fd> listeners,
                   const ServerOptions& options) {
  const StreamReader checks_the_limit({.limit = options.limit});
  EventLoop& loop = get_running_loop();
  Server server(Ref<ServerState>::adopt(new ServerState(
      loop, std::move(listeners), options,
      [&loop, handler](Streams streams) { serve_new_client(loop, handler, std::move(streams)); })));
  return server;
}

template <class Handler>
Coro<Server> start_tcp(std::shared_ptr<Handler> handler, std::string host, std::uint16_t port,
                       ServerOptions options) {
  std::vector<Fd> listeners = sockets_at(co_await resolve(std::move(host), port));
  Server server = make_server(std::move(handler), std::move(listeners), options);
  if (options.start_serving) co_await server.start_serving();
  co_return server;
}

template <class Handler>
Coro<Server> start_local(std::shared_ptr<Handler> handler, std::string path, ServerOptions options) {
  struct stat file {};
  if (::stat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) ::unlink(path.c_str());
  std::vector<Fd> listeners;
  listeners.push_back(socket_at(SocketAddress::local(path)));
  Server server = make_server(std::move(handler), std::move(listeners), options);
  if (options.start_serving) co_await server.start_serving();
  co_return server;
}

/// Keeps a handler for as long as somebody needs it.
template <class Handler>
auto shared_handler(Handler&& handler) {
  static_assert(std::is_invocable_v<std::decay_t<Handler>&, StreamReader&, StreamWriter&>,
                "a handler takes a StreamReader and a StreamWriter");
  static_assert(
      is_safe_body<Handler>,
      "this g++ destroys captures of such a lambda twice: give the lambda a name, and pass that; or "
      "capture by reference");
  return std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
}

}  // namespace detail

/// Starts a server: for each client, `handler(reader, writer)` is called, and if it gives something to await,
/// that is awaited, all in a task of its own. What it throws goes to the loop's exception handler.
/// Python: `asyncio.start_server`.
/// @param host a number, a name, or nothing for every interface
/// @param port 0 for any that is free
/// @throws GaiError if there is no such name; std::system_error if the port is taken, or if this machine has
/// none of the addresses
template <class Handler>
Coro<Server> start_server(Handler&& handler, std::string host, std::uint16_t port,
                          const ServerOptions& options = {}) {
  return detail::start_tcp(detail::shared_handler(std::forward<Handler>(handler)), std::move(host), port,
                           options);
}

/// Starts a server at the path of a Unix socket. A socket that an earlier server has left there is removed,
/// and so is this one when it is closed. Python: `asyncio.start_unix_server`.
/// @throws std::system_error if there is something else; std::invalid_argument if the path is too long
template <class Handler>
Coro<Server> start_unix_server(Handler&& handler, std::string path, const ServerOptions& options = {}) {
  return detail::start_local(detail::shared_handler(std::forward<Handler>(handler)), std::move(path),
                             options);
}

}  // namespace asyncio
