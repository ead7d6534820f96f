// Chapter 07, step 6: an echo server without memory.

#include "echo_server.hpp"
#include "support.hpp"
#include "system_calls.hpp"

using asyncio::EchoServer;

TEST(Step6_Echo, WithoutMemoryAConnectionEndsAndTheOthersAreServed) {
  const NoDescriptorIsLeft none_is_left_open;
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    EpollLoop e;
    e.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    EchoServer server(e.loop, listen_tcp(0));
    const Fd client = client_of(server.port());
    const Fd other = client_of(server.port());
    e.run_once();
    ASSERT_EQ(server.connections(), 2u);
    put(client, "hello");
    {
      const CallsFail no_room(send_calls, EAGAIN);
      static_cast<void>(memory.suffices_for([&] {
        for (int i = 0; i < 6; ++i) e.run_once();
      }));
    }
    for (int i = 0; i < 6; ++i) e.run_once();
    std::array<char, 16> room{};
    const ssize_t size = ::recv(client.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (server.connections() == 2)
      EXPECT_EQ(size, 5) << "it is open, and bytes are lost";
    else
      EXPECT_TRUE(size == 0 || size == 5) << "it has ended, before it has sent all or after";
    put(other, "hello");
    for (int i = 0; i < 6; ++i) e.run_once();
    EXPECT_EQ(get(other), "hello");
  });
  EXPECT_GT(failures, 0);
}
