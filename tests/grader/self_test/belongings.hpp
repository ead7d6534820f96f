#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "../fd.hpp"

/// Something of another program's, of each kind: a file in a folder that all share, a socket, memory.
class Belongings {
 public:
  Belongings() {
    std::ofstream(file_) << "mine";
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(tcp_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(tcp_.get(), 1), 0);
    getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const int port = ntohs(address.sin_port);
    sockaddr_un name{AF_UNIX, {}};
    std::snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "alone %d", port);
    EXPECT_EQ(bind(abstract_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(listen(abstract_.get(), 1), 0);
    setenv("ALONE_PORT", std::to_string(port).c_str(), 1);
    setenv("ALONE_KEY", std::to_string(getpid()).c_str(), 1);
  }
  Belongings(const Belongings&) = delete;
  ~Belongings() {
    std::remove(file_.c_str());
    shmctl(memory_, IPC_RMID, nullptr);
  }

 private:
  std::string file_ = "/tmp/not_a_tests_" + std::to_string(getpid());
  grader::Fd tcp_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
      abstract_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int memory_ = shmget(getpid(), 1, IPC_CREAT | 0666);
};
