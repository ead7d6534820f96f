#pragma once

#include <netdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bridge.hpp"
#include "socket_address.hpp"
#include "stream_errors.hpp"

namespace asyncio {

namespace detail {

/// Asks the system for the addresses of a host, which may take as long as it likes.
inline std::vector<SocketAddress> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo wanted{};
  wanted.ai_flags = flags | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &wanted, &list);
  const std::unique_ptr<addrinfo, AddressList> owner(failed == 0 ? list : nullptr);
  if (failed != 0) throw GaiError(failed, "'" + host + "': " + ::gai_strerror(failed));
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = list; each; each = each->ai_next)
    addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  return addresses;
}

/// Returns the address of a host that is a number, or of every interface; nothing if it is a name.
inline std::optional<std::vector<SocketAddress>> without_looking_up(const std::string& host,
                                                                    std::uint16_t port) {
  try {
    return look_up(host, port, host.empty() ? AI_PASSIVE : AI_NUMERICHOST);
  } catch (const GaiError& error) {
    if (error.code == EAI_NONAME) return std::nullopt;
    throw;
  }
}

}  // namespace detail

/// Finds the addresses of a host. A name is looked up on a thread of the loop's executor, for that may take
/// seconds; a number is its own address at once. Python: `loop.getaddrinfo`.
/// @param host a number, a name, or nothing, which stands for every interface of this machine
/// @throws GaiError if there is no such name
template <class Addresses = std::vector<SocketAddress>>
Coro<Addresses> resolve(std::string host, std::uint16_t port) {
  if (std::optional<Addresses> known = detail::without_looking_up(host, port)) co_return *std::move(known);
  co_return co_await get_running_loop().run_in_executor(nullptr, detail::look_up, host, port, 0);
}

/// Puts addresses of different families in turns, for one of the families may be cut off: the first stays the
/// first. Python: the argument `interleave` of `loop.create_connection`.
inline std::vector<SocketAddress> interleaved(const std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> first, others, all;
  for (const SocketAddress& address : addresses)
    (address.family() == addresses.front().family() ? first : others).push_back(address);
  for (std::size_t i = 0; i < first.size() || i < others.size(); ++i) {
    if (i < first.size()) all.push_back(first[i]);
    if (i < others.size()) all.push_back(others[i]);
  }
  return all;
}

}  // namespace asyncio
