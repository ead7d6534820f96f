// Chapter 12, step 6: when there are no descriptors left.

#include "stream_server.hpp"

#include "support.hpp"

#include <sys/epoll.h>

#include <atomic>

#include "failing_calls.hpp"

using asyncio::Server;
using asyncio::start_server;
using asyncio::StreamReader;
using asyncio::StreamWriter;

// Both fail when a test wants it, and are counted.
COURSE_MAY_FAIL(int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags),
                (fd, address, size, flags))

namespace {

Coro<> greet(StreamReader reader, StreamWriter writer) {
  writer.write("hello");
  co_await reader.read();
}

}  // namespace

TEST(Step6_Descriptors, WithoutADescriptorAcceptingPausesAndGoesOn) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  e.run([&]() -> Coro<> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0, {.accepting = {.pause = 1ms}});
    const std::uint16_t port = local_port(server.sockets()[0]);
    accept4_calls.reset();
    accept4_calls.fail(EMFILE, 2);
    const Fd client = asyncio::connect_tcp("127.0.0.1", port);
    std::string got;
    co_await until([&] { return !(got += get(client)).empty(); });
    EXPECT_EQ(got, "hello") << "when there is one again";
    EXPECT_LE(accept4_calls.count(), 5)
        << "twice in vain, once for the client, once to see that there is no other";
  });
  EXPECT_EQ(e.told, (Log{"accept() is out of resources: accept: Too many open files",
                         "accept() is out of resources: accept: Too many open files"}));
}

TEST(Step6_Descriptors, APausedServerServesTheClientsThatItHas) {  // AIO-117
  EpollLoop e;
  e.run([&]() -> Coro<> {
    const auto echo = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      writer.write(co_await reader.readline());
    };
    const Server server = co_await start_server(echo, "127.0.0.1", 0, {.accepting = {.pause = 1h}});
    const std::uint16_t port = local_port(server.sockets()[0]);
    const Fd served = asyncio::connect_tcp("127.0.0.1", port);
    accept4_calls.reset();
    co_await until([&] { return accept4_calls.count() > 0; });
    const course::CallsFail fail(accept4_calls, ENFILE, course::every_time);
    const Fd waiting = asyncio::connect_tcp("127.0.0.1", port);
    co_await until([&] { return e.told.size() == 1; });
    accept4_calls.reset();
    put(served, "line\n");
    std::string got;
    co_await until([&] { return (got += get(served)).size() == 5; });
    co_await passes(10);
    EXPECT_EQ(accept4_calls.count(), 0) << "it does not ask again and again";
    server.close();
    co_await passes(2);
  });
  EXPECT_EQ(e.told.size(), 1u);
}
