#pragma once

// What the tests of chapter 12 that have a server share.

#include "stream_server.hpp"

#include "support.hpp"

#include <string>

/// Sends back what comes, until the end.
inline Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (true) {
    const std::string some = co_await reader.read(1000);
    if (some.empty()) co_return;
    writer.write(some);
    co_await writer.drain();
  }
}

/// Connects a client that does not wait; it is connected at once, for the system does it.
inline Fd client_of(const asyncio::Server& server) {
  return asyncio::connect_tcp("127.0.0.1", local_port(server.sockets()[0]));
}
