#pragma once

// What the tests of chapter 04 share.

#include "pitfall_careless_fork.hpp"
#include "process_pool.hpp"

#include <poll.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::BrokenProcessPool;
using concurrent::Bytes;
using concurrent::CancelledError;
using concurrent::ExecutorShutdown;
using concurrent::Fd;
using concurrent::from_bytes;
using concurrent::Future;
using concurrent::FutureState;
using concurrent::ProcessPoolExecutor;
using concurrent::RemoteError;
using concurrent::Sendable;
using concurrent::to_bytes;
using concurrent::detail::Answer;
using concurrent::detail::ForkServer;
using concurrent::detail::Header;
using concurrent::detail::Packet;
using concurrent::detail::packet_sockets;
using concurrent::detail::PacketType;
using concurrent::detail::Receiver;
using concurrent::detail::send_packet;
using concurrent::detail::State;
using concurrent::detail::Worker;
using concurrent::detail::WorkerExit;
using course::open_descriptors;
using namespace std::chrono_literals;

/// What a test shares with the processes that it forks.
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

inline int twice(int number) { return 2 * number; }
inline int process() { return ::getpid(); }

/// What Ctrl-C does to a worker that runs this.
inline int interrupt_yourself() { return std::raise(SIGINT); }
inline int count_call(int number) { return ++shared.calls, number; }

/// At the end there are as many descriptors as at the beginning, and no child, neither alive nor a zombie.
class NothingIsLeft {
 public:
  ~NothingIsLeft() {
    EXPECT_EQ(open_descriptors(), descriptors_);
    EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) << "a child is left";
  }

 private:
  const int descriptors_ = open_descriptors();
};

/// What came of the future, as a text.
template <class T>
inline std::string outcome(const Future<T>& future) {
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

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
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

/// Cannot be written.
struct Shy {
  template <class Archive>
  void save(Archive&) const {
    throw std::runtime_error("too shy");
  }
  template <class Archive>
  void load(Archive&) {}
};

/// Cannot be read.
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

/// The answer to a call, made here.
template <class F, class... Args>
inline Answer call_here(F fn, const Args&... args) {
  return concurrent::detail::run_call<F, Args...>(
      to_bytes(concurrent::detail::name_of_callable(fn), args...));
}

/// What a future finishes with that gets this answer.
template <class T>
inline Future<T> finished_with(PacketType type, const Bytes& bytes) {
  const auto state = std::make_shared<State<T>>();
  state->start();
  concurrent::detail::finish_with<T>(*state, Packet({.type = type}, bytes, Fd()));
  return Future<T>(state);
}
