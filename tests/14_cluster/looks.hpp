#pragma once

// For the tests that ask how often somebody has looked for a message. It stands in MPI's place, so one source
// of a program has it.

#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>

/// The times at which this process has looked for a message: the last 1,024 of them. Any thread may look and
/// ask.
class Looks {
 public:
  using Clock = std::chrono::steady_clock;

  static void note() {
    std::lock_guard lock(mutex_);
    times_[next_++ % times_.size()] = Clock::now();
  }
  /// Returns how many there were in the last 200 ms: 1,024 stand for more, too.
  static long in_200_ms() {
    std::lock_guard lock(mutex_);
    const auto begin = Clock::now() - std::chrono::milliseconds(200);
    return std::ranges::count_if(times_, [&](auto time) { return time > begin; });
  }

 private:
  static inline std::mutex mutex_;
  static inline std::array<Clock::time_point, 1'024> times_{};
  static inline std::size_t next_ = 0;
};

extern "C" int MPI_Improbe(int source, int tag, MPI_Comm world, int* found, MPI_Message* message,
                           MPI_Status* status) {
  Looks::note();
  return PMPI_Improbe(source, tag, world, found, message, status);
}
