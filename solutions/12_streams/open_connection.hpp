#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "any_duration.hpp"
#include "resolve.hpp"
#include "sock_io.hpp"
#include "socket_address.hpp"
#include "stream_writer.hpp"
#include "todo.hpp"
#include "waiting.hpp"

namespace asyncio {

/// Options of open_connection().
struct ConnectOptions {
  std::size_t limit = 65536;  ///< as of StreamOptions
  /// The time after which the next address is tried beside the one that has not answered yet (RFC 8305, which
  /// recommends 250 ms); none: when that has failed.
  std::optional<concurrent::AnyDuration> happy_eyeballs_delay = std::nullopt;
};

namespace detail {

/// Returns one error for all: the only one; or if they differ, one that names them.
inline std::exception_ptr combined(const std::vector<std::exception_ptr>& errors) {
  std::vector<std::string> texts;
  for (const std::exception_ptr& error : errors) try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      texts.emplace_back(known.what());
    }
  if (std::ranges::count(texts, texts.front()) == std::ranges::ssize(texts)) return errors.front();
  std::string all = "Multiple exceptions: ";
  for (const std::string& text : texts) all += (&text == &texts.front() ? "" : ", ") + text;
  try {
    std::rethrow_exception(errors.front());
  } catch (const std::system_error& first) {
    return std::make_exception_ptr(std::system_error(first.code(), all));
  } catch (...) {
    return std::make_exception_ptr(std::runtime_error(all));
  }
}

/// Connects a new socket to an address.
template <class Address>
Coro<Fd> connect_to(Address address) {
  Fd fd = socket_for(address);
  co_await get_running_loop().sock_connect(fd, std::move(address));
  co_return fd;
}

/// Cancels tasks, and waits until they have ended.
template <class T>
Coro<> cancel_and_join(std::vector<Task<T>> tasks) {
  for (Task<T>& task : tasks) task.cancel();
  if (!tasks.empty()) co_await asyncio::wait(tasks);
}

/// Connects to the first that answers, for connect_first(). The attempts that are not over then stay in
/// `running`.
template <class Addresses>
Coro<Fd> race(Addresses addresses, std::optional<concurrent::AnyDuration> delay,
              std::vector<Task<Fd>>& running) {
  // <exercise 7.1 race>
  std::vector<std::exception_ptr> errors;
  std::size_t next = 0;
  while (true) {
    if (next < addresses.size()) running.push_back(create_task(connect_to(addresses[next++])));
    if (running.empty()) std::rethrow_exception(combined(errors));
    WaitOptions options{.return_when = ReturnWhen::first_completed};
    if (next < addresses.size()) options.timeout = delay;
    co_await asyncio::wait(running, options);
    std::optional<Task<Fd>> winner;
    for (std::size_t i = 0; i < running.size();) {
      if (!running[i].done()) {
        ++i;
        continue;
      }
      Task<Fd> ended = std::move(running[i]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      if (const std::exception_ptr error = ended.exception())
        errors.push_back(error);  // and it was looked at, so that nobody is told
      else if (!winner)
        winner = std::move(ended);
    }
    if (winner) co_return std::move(*winner).result();
  }
  // </exercise>
}

}  // namespace detail

/// Connects to one of several addresses: to each in turn, when the one before has failed or, with a delay,
/// has not answered for so long. The first that answers is it; all other attempts are given up, and their
/// sockets closed. Python: a part of `loop.create_connection`.
/// @returns a socket that is connected
/// @throws std::invalid_argument if there is no address; if none answers, what each attempt has thrown, as
/// one error
template <class Addresses = std::vector<SocketAddress>>
Coro<Fd> connect_first(Addresses addresses, std::optional<concurrent::AnyDuration> delay = std::nullopt) {
  if (addresses.empty()) throw std::invalid_argument("there is no address to connect to");
  std::vector<Task<Fd>> running;
  Outcome<Fd> outcome;
  try {
    outcome.set_value(co_await detail::race(std::move(addresses), delay, running));
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  co_await detail::cancel_and_join(std::move(running));
  co_return outcome.take();
}

/// Connects to a host. Python: `asyncio.open_connection`.
/// @param host a number, or a name, all of whose addresses are tried
/// @throws GaiError if there is no such name; otherwise as connect_first()
template <class Addresses = std::vector<SocketAddress>>
Coro<Streams> open_connection(std::string host, std::uint16_t port, ConnectOptions options = {}) {
  Addresses addresses = co_await resolve(std::move(host), port);
  if (options.happy_eyeballs_delay) addresses = interleaved(addresses);
  Fd fd = co_await connect_first(std::move(addresses), options.happy_eyeballs_delay);
  co_return make_streams(std::move(fd), {.limit = options.limit});
}

/// Connects to the path of a Unix socket. Python: `asyncio.open_unix_connection`.
/// @throws std::invalid_argument if the path is too long; otherwise as connect_first()
template <class Addresses = std::vector<SocketAddress>>
Coro<Streams> open_unix_connection(std::string path, ConnectOptions options = {}) {
  Addresses addresses(1, SocketAddress::local(path));
  Fd fd = co_await connect_first(std::move(addresses));
  co_return make_streams(std::move(fd), {.limit = options.limit});
}

}  // namespace asyncio
