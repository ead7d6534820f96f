// Chapter 04, step 3: packets.

#include "support.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <system_error>

TEST(Step3_Packets, APacketArrivesWhole) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  EXPECT_TRUE(send_packet(a, {PacketType::error, 7, 11}, Bytes("text")));
  const auto packet = receiver.receive(b);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header().type, PacketType::error);
  EXPECT_EQ(packet->header().number, 7u);
  EXPECT_EQ(packet->header().function, 11);
  packet->read([](std::span<const char> bytes) { EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), "text"); });
}

TEST(Step3_Packets, TwoPacketsStayTwo) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  for (const std::size_t size : {5u, 0u, 32'768u}) send_packet(a, {}, Bytes(size, 'x'));
  for (const std::size_t size : {5u, 0u, 32'768u})
    receiver.receive(b)->read([&](std::span<const char> bytes) { EXPECT_EQ(bytes.size(), size); });
}

TEST(Step3_Packets, ALargeBodyTravelsInAFile) {
  const NothingIsLeft nothing_is_left;
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  for (const std::size_t size : {100'000, 3 << 20}) {
    Bytes large(size, '\0');
    std::iota(large.begin(), large.end(), 0);
    for (int i = 0; i < 20; ++i) {  // far more than a socket holds
      ASSERT_TRUE(send_packet(a, {}, large, MSG_DONTWAIT))
          << "if the body is in a file, it needs no other room";
      ASSERT_TRUE(send_packet(a, {}, Bytes("small"), MSG_DONTWAIT));
    }
    for (int i = 0; i < 20; ++i) {
      receiver.receive(b)->read(
          [&](std::span<const char> bytes) { EXPECT_TRUE(std::ranges::equal(bytes, large)); });
      receiver.receive(b)->read([](std::span<const char> bytes) { EXPECT_EQ(bytes.size(), 5u); });
    }
  }
}

TEST(Step3_Packets, AFileThatFindsNoRoomIsAnError) {
  const auto [a, b] = packet_sockets();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{100'000, before.rlim_max};  // write() takes so much, and fails the next time
  setrlimit(RLIMIT_FSIZE, &little);
  EXPECT_THROW(send_packet(a, {}, Bytes(1 << 20, 'x')), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(send_packet(a, {}, Bytes(1 << 20, 'x')));
}

TEST(Step3_Packets, WithoutRoomItIsNotSent) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  std::uint32_t sent = 0;
  while (send_packet(a, {.number = sent}, Bytes(20'000, 'x'), MSG_DONTWAIT)) ++sent;
  ASSERT_GT(sent, 2u);
  for (std::uint32_t number = 0; number < sent; ++number)
    EXPECT_EQ(receiver.receive(b, MSG_DONTWAIT)->header().number, number);
  EXPECT_FALSE(receiver.receive(b, MSG_DONTWAIT)) << "nothing more is there";
  EXPECT_TRUE(send_packet(a, {}, {}, MSG_DONTWAIT));
}

TEST(Step3_Packets, WhenAllSendersAreGoneThereIsNothing) {
  auto [a, b] = packet_sockets();
  Receiver receiver;
  send_packet(a, {.number = 7}, {});
  a.close();
  EXPECT_EQ(receiver.receive(b)->header().number, 7u);
  EXPECT_FALSE(receiver.receive(b));
}

TEST(Step3_Packets, AReceiverThatIsGoneIsAnErrorAndNoSignal) {
  std::signal(SIGPIPE, SIG_DFL);
  auto [a, b] = packet_sockets();
  b.close();
  EXPECT_THROW(send_packet(a, {}, {}), std::system_error);
}
