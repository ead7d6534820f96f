#pragma once

// What the tests of chapter 04 share.

#include "process_pool.hpp"

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "descriptors.hpp"
#include "testing.hpp"

namespace concurrent::detail {

/// For GoogleTest, which prints the bytes of what it does not know.
inline void PrintTo(PacketType type, std::ostream* out) {
  constexpr const char* names[] = {"call", "result", "error", "leaving", "broken"};
  *out << "PacketType::" << (type <= PacketType::broken ? names[static_cast<unsigned>(type)] : "?");
}

}  // namespace concurrent::detail

using concurrent::BrokenProcessPool;
using concurrent::Bytes;
using concurrent::ExecutorShutdown;
using concurrent::Fd;
using concurrent::from_bytes;
using concurrent::Future;
using concurrent::ProcessPoolExecutor;
using concurrent::RemoteError;
using concurrent::to_bytes;
using concurrent::detail::packet_sockets;
using concurrent::detail::PacketType;
using concurrent::detail::Receiver;
using concurrent::detail::send_packet;
using namespace std::chrono_literals;

/// Memory that a test shares with the processes that it forks.
struct Shared {
  sem_t gate;
  sem_t entered;
  std::atomic<int> calls;
  std::atomic<pid_t> process;
};
Shared& shared = *static_cast<Shared*>(
    mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

/// Keeps calls in workers until they are told to go on. Make it before the pool.
class Gate {
 public:
  Gate() {
    sem_init(&shared.gate, 1, 0);
    sem_init(&shared.entered, 1, 0);
    shared.calls = 0;
  }
  ~Gate() { open(1'000); }

  /// Lets so many calls go on.
  void open(int calls) {
    while (calls-- > 0) sem_post(&shared.gate);
  }
  void wait_until_entered(int calls = 1) {
    while (calls > 0)
      if (sem_wait(&shared.entered) == 0) --calls;
  }

  /// For workers.
  static int pass(int number) {
    ++shared.calls;
    sem_post(&shared.entered);
    while (sem_wait(&shared.gate) != 0) continue;
    return number;
  }
};

/// Checks at its end that no descriptor is left, and no child, neither alive nor a zombie.
class NothingIsLeft {
 public:
  ~NothingIsLeft() {
    EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) << "a child is left";
  }

 private:
  const course::NoDescriptorIsLeft descriptors_;
};

inline int twice(int number) { return 2 * number; }
inline int process() { return ::getpid(); }

inline int count_call(int number) { return ++shared.calls, number; }

/// Waits for the future. @returns its result, if that is an int, or its error, as a text
template <class T>
std::string outcome(const Future<T>& future) {
  try {
    if constexpr (std::is_void_v<T>) return future.result(), "void";
    if constexpr (std::is_same_v<T, int>) return std::to_string(future.result());
    return static_cast<void>(future.result()), "value";
  } catch (const BrokenProcessPool& error) {
    return std::string("broken: ") + error.what();
  } catch (const RemoteError& error) {
    return error.type() + ": " + error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// A type that says itself how it is written.
struct Point {
  int x = 0, y = 0;
  bool operator==(const Point&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

/// A type that cannot be written.
struct Shy {
  template <class Archive>
  void save(Archive&) const {
    throw std::runtime_error("too shy");
  }
  template <class Archive>
  void load(Archive&) {}
};

/// A type that cannot be read.
struct Illegible {
  template <class Archive>
  void save(Archive& archive) const {
    archive(1);
  }
  template <class Archive>
  void load(Archive&) {
    throw std::runtime_error("illegible");
  }
};
