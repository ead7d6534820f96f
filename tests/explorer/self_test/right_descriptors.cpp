// Right programs: pipes, sockets and what waits for them.

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "support.hpp"

using self_test::finds_nothing;

TEST(RightDescriptors, APipeOrdersWhatWasBefore) {
  const auto program = [] {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    int value = 0;
    std::jthread writer([&] {
      value = 7;
      EXPECT_EQ(write(ends[1], "!", 1), 1);
    });
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    EXPECT_EQ(value, 7);
    close(ends[0]);
    writer.join();
    close(ends[1]);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightDescriptors, ASocketPairAndItsEnd) {
  const auto program = [] {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    std::jthread echo([fd = ends[1]] {
      std::array<char, 16> buffer{};
      const auto size = recv(fd, buffer.data(), buffer.size(), 0);
      EXPECT_EQ(send(fd, buffer.data(), static_cast<std::size_t>(size), 0), size);
      close(fd);
    });
    EXPECT_EQ(write(ends[0], "hi", 2), 2);
    std::array<char, 16> buffer{};
    EXPECT_EQ(read(ends[0], buffer.data(), buffer.size()), 2);
    EXPECT_EQ(read(ends[0], buffer.data(), buffer.size()), 0);
    close(ends[0]);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightDescriptors, APollWithATimeOut) {
  const auto program = [] {
    const int event = eventfd(0, 0);
    std::jthread setter([=] { eventfd_write(event, 1); });
    pollfd wanted{.fd = event, .events = POLLIN, .revents = 0};
    while (poll(&wanted, 1, 5) == 0) {
    }
    eventfd_t count = 0;
    EXPECT_EQ(eventfd_read(event, &count), 0);
    EXPECT_EQ(count, 1u);
    setter.join();
    close(event);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightDescriptors, AnEdgeIsToldOnceToWhoeverSleeps) {
  const auto program = [] {
    const int epoll = epoll_create1(0);
    const int event = eventfd(0, EFD_NONBLOCK);
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLET;
    EXPECT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted), 0);
    std::mutex mutex;
    int posts = 0;
    const auto post = [&] {
      {
        std::lock_guard lock(mutex);
        ++posts;
      }
      const std::uint64_t one = 1;
      EXPECT_EQ(write(event, &one, sizeof one), 8);
    };
    std::jthread a(post);
    std::jthread b(post);
    const timespec hour{.tv_sec = 3600, .tv_nsec = 0};
    const auto all_came = [&] {
      std::lock_guard lock(mutex);
      return posts == 2;
    };
    while (!all_came()) EXPECT_GE(epoll_pwait2(epoll, &wanted, 1, &hour, nullptr), 0);
    a.join();
    b.join();
    close(event);
    close(epoll);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightDescriptors, AnEventLoop) {
  const auto program = [] {
    struct Loop {
      int epoll = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK);
      std::mutex mutex;
      std::deque<std::function<void()>> jobs;
      bool stopped = false;

      Loop() {
        epoll_event in{.events = EPOLLIN, .data = {.fd = event}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, event, &in);
      }
      ~Loop() {
        close(event);
        close(epoll);
      }
      void post(std::function<void()> job) {
        {
          std::lock_guard lock(mutex);
          jobs.push_back(std::move(job));
        }
        eventfd_write(event, 1);
      }
      std::deque<std::function<void()>> take() {
        std::lock_guard lock(mutex);
        return std::exchange(jobs, {});
      }
      void run() {
        while (!stopped) {
          epoll_event out{};
          eventfd_t count = 0;
          if (epoll_wait(epoll, &out, 1, -1) > 0) eventfd_read(event, &count);
          for (const auto& job : take()) job();
        }
      }
    };
    Loop loop;
    int ran = 0;
    {
      std::jthread poster([&] {
        loop.post([&] { ++ran; });
        loop.post([&] { loop.stopped = true; });
      });
      loop.run();
    }
    EXPECT_EQ(ran, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightDescriptors, ADescriptorThatDoesNotBlock) {
  const auto program = [] {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK), 0);
    std::jthread writer([&] { EXPECT_EQ(write(ends[1], "!", 1), 1); });
    char byte = 0;
    const auto got = read(ends[0], &byte, 1);
    EXPECT_TRUE(got == 1 || errno == EAGAIN);
    writer.join();
    close(ends[0]);
    close(ends[1]);
  };
  EXPECT_TRUE(finds_nothing(program));
}
