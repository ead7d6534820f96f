#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "todo.hpp"

/// The harm that submissions do to the process that grades them, by mistake or on purpose.
namespace misbehaviour {

inline void print_success() {
  std::puts("[       OK ] Step2_Exits.PrintsSuccess (0 ms)\n[  PASSED  ] 1 test.\n1 passed, 0 failed");
  std::fflush(stdout);
}

inline void wait_for_ever() {
  std::mutex mutex;
  mutex.lock();
  std::thread([&mutex] { mutex.lock(); }).join();
}

inline void deadlock() {
  std::mutex first, second;
  std::latch both(2);
  std::thread other([&] {
    std::lock_guard mine(second);
    both.arrive_and_wait();
    std::lock_guard theirs(first);
  });
  std::lock_guard mine(first);
  both.arrive_and_wait();
  std::lock_guard theirs(second);
  other.join();
}

inline void spin() {
  for (;;) asm volatile("");
}

inline int recurse(int depth) {
  std::array<char, 1000> room{};
  asm volatile("" : : "r"(room.data()) : "memory");  // the compiler is not to see through it
  return depth < 0 ? 0 : recurse(depth + 1) + room[0];
}

inline void block_signals_and_wait() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  wait_for_ever();
}

inline void leave_thread() {
  std::thread([] { wait_for_ever(); }).detach();
}

inline void leave_daemon() {
  const pid_t child = fork();
  if (child != 0) {
    waitpid(child, nullptr, 0);
    return;
  }
  setsid();
  if (fork() != 0) _exit(0);
  for (;;) pause();
}

inline void fork_without_end() {
  for (;;) fork();
}

inline void print_without_end() {
  for (;;) std::puts("and again, and again, and again");
}

inline void allocate_without_end() {
  std::vector<std::string> all;
  for (;;) all.emplace_back(64 << 20, 'x');
}

/// Sends what might be a verdict to each descriptor that there may be.
inline void write_to_every_descriptor() {
  std::array<char, 29> guess{};
  guess[16] = 7;
  guess[17] = 1;
  guess[19] = 1;
  guess[21] = 1;
  for (int fd = 3; fd < 65536; ++fd) send(fd, guess.data(), guess.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

inline void close_every_descriptor() {
  for (int fd = 3; fd < 65536; ++fd) close(fd);
}

/// Writes over the file whose name the self-test left in the environment.
inline void write_results() {
  const char* path = std::getenv("FORGERY_RESULTS");
  if (path == nullptr) return;
  if (std::FILE* file = std::fopen(path, "w")) {
    std::fputs("<testsuites failures=\"0\"/>", file);
    std::fclose(file);
  }
}

struct ThrowsWhenDestroyed {
  ~ThrowsWhenDestroyed() noexcept(false) { throw std::runtime_error("thrown by a destructor"); }
};

inline void throw_twice() {
  ThrowsWhenDestroyed second;
  throw std::runtime_error("thrown first");
}

struct NotWrittenDestructor {
  ~NotWrittenDestructor() { concurrent::todo("5.2", "Pool::~Pool"); }
};

}  // namespace misbehaviour
