// Servers and a client on the streams of chapter 12, for programs that others have written: see
// real_clients.py.
//
//   real_clients echo           an echo server, which prints its port, until the end of its input
//   real_clients echo PATH      … at a Unix socket
//   real_clients http           a server of HTTP by hand, for one request a connection
//   real_clients ask PORT       a client of an echo server, which prints how many bytes have come back right
//   real_clients ask PATH       … at a Unix socket

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "streams.hpp"

using asyncio::Coro;
using asyncio::Server;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;

namespace {

Coro<> echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string bytes = co_await reader.read(10'000);
    if (bytes.empty()) co_return;
    writer.write(bytes);
    co_await writer.drain();
  }
}

Coro<> http(StreamReader reader, StreamWriter writer) {
  const std::string head = co_await reader.readuntil("\r\n\r\n");
  const std::string lower_case = [&] {
    std::string text = head;
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    return text;
  }();
  std::size_t length = 0;
  if (const std::size_t at = lower_case.find("content-length:"); at != std::string::npos)
    length = std::stoul(head.substr(at + 15));
  const std::string body = co_await reader.readexactly(static_cast<std::ptrdiff_t>(length));
  const std::string answer =
      head.substr(0, head.find(" HTTP")) + ", " + std::to_string(length) + " bytes: " + body + "\n";
  writer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(answer.size()) +
               "\r\n\r\n" + answer);
}

/// Waits until the input ends.
Coro<> end_of_input() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  asyncio::Future<> ended = loop.create_future();
  loop.add_reader(STDIN_FILENO, [&loop, ended]() mutable {
    std::array<char, 100> room{};
    if (::read(STDIN_FILENO, room.data(), room.size()) > 0) return;
    loop.remove_reader(STDIN_FILENO);
    ended.set_result();
  });
  co_await ended;
}

Coro<> serve(std::function<Coro<>(StreamReader, StreamWriter)> handler, std::string path) {
  if (path.empty()) {
    const Server server = co_await asyncio::start_server(handler, "127.0.0.1", 0);
    std::printf("%d\n", int{asyncio::local_port(server.sockets()[0])});
    std::fflush(stdout);
    co_await end_of_input();
  } else {
    const Server server = co_await asyncio::start_unix_server(handler, path);
    std::puts("here");
    std::fflush(stdout);
    co_await end_of_input();
  }
}

/// Writes lines of all lengths, while it reads them back.
Coro<> write_lines(StreamWriter writer, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    writer.write(std::string(i * 7 % 5'000, static_cast<char>('a' + i % 26)) + "\n");
    co_await writer.drain();
  }
  writer.write("the end, without a newline");
  writer.write_eof();
}

Coro<> ask(std::string where) {
  const bool is_port = where.find('/') == std::string::npos;
  std::vector<Streams> ends;
  if (is_port)
    ends.push_back(
        co_await asyncio::open_connection("localhost", static_cast<std::uint16_t>(std::stoi(where))));
  else
    ends.push_back(co_await asyncio::open_unix_connection(where));
  auto [reader, writer] = ends.front();
  ends.clear();
  constexpr std::size_t count = 3'000;
  const asyncio::Task<> writes = asyncio::create_task(write_lines(writer, count));
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string line = co_await reader.readline();
    if (line != std::string(i * 7 % 5'000, static_cast<char>('a' + i % 26)) + "\n")
      throw std::runtime_error("line " + std::to_string(i) + " came back as " + line);
    bytes += line.size();
  }
  const std::string rest = co_await reader.read();
  if (rest != "the end, without a newline") throw std::runtime_error("the end came back as " + rest);
  co_await writes;
  writer.close();
  co_await writer.wait_closed();
  std::printf("%zu\n", bytes + rest.size());
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string where = argc > 2 ? argv[2] : "";
  if (what == "echo")
    asyncio::run(serve(echo, where));
  else if (what == "http")
    asyncio::run(serve(http, where));
  else if (what == "ask" && !where.empty())
    asyncio::run(ask(where));
  else
    throw std::invalid_argument("usage: real_clients echo [PATH] | http | ask PORT | ask PATH");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
