#pragma once

// For the tests that ask how somebody looks for messages. It stands in MPI's place, so one source of a
// program has it.

#include <mpi.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

/// Returns how often the thread that calls it has gone to sleep.
inline long sleeps_of_this_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

/// The looks for a message in this process, of which one thread takes them: the last 1,000. Any thread may
/// ask.
class Looks {
 public:
  using Clock = std::chrono::steady_clock;

  static void note(bool found) {
    const Look look{Clock::now(), found, sleeps_of_this_thread()};
    std::lock_guard lock(mutex_);
    if (!since_mark_[0])
      since_mark_[0] = look;
    else if (!since_mark_[1])
      since_mark_[1] = look;
    last_.push_back(look);
    if (last_.size() > 1'000) last_.pop_front();
  }

  /// Returns how many there were in the last 200 ms: 1,000 stand for more, too.
  static long in_200_ms() {
    std::lock_guard lock(mutex_);
    const auto begin = Clock::now() - std::chrono::milliseconds(200);
    return std::ranges::count_if(last_, [&](const Look& look) { return look.time > begin; });
  }

  /// Returns how often something was found, and nothing at the next look.
  static long vain_after_a_find() {
    return pauses_after_a_find([](long) { return true; });
  }
  /// Returns how often the thread slept then, before it looked once more.
  static long slept_after_a_find() {
    return pauses_after_a_find([](long sleeps) { return sleeps > 0; });
  }

  /// Marks this moment.
  static void mark() {
    std::lock_guard lock(mutex_);
    since_mark_ = {};
  }
  /// Returns true if the thread slept between the first two looks since then; nothing if there was no need
  /// for the second.
  static std::optional<bool> slept_after_the_mark() {
    std::lock_guard lock(mutex_);
    const auto& [first, second] = since_mark_;
    if (!first || first->found || !second) return std::nullopt;
    return second->sleeps > first->sleeps;
  }

 private:
  struct Look {
    Clock::time_point time;
    bool found;
    long sleeps;  // of its thread, so far
  };

  template <class Counts>
  static long pauses_after_a_find(Counts counts) {
    std::lock_guard lock(mutex_);
    long count = 0;
    for (std::size_t i = 2; i < last_.size(); ++i)
      if (last_[i - 2].found && !last_[i - 1].found) count += counts(last_[i].sleeps - last_[i - 1].sleeps);
    return count;
  }

  static inline std::mutex mutex_;
  static inline std::deque<Look> last_;
  static inline std::array<std::optional<Look>, 2> since_mark_;
};

extern "C" int MPI_Improbe(int source, int tag, MPI_Comm world, int* found, MPI_Message* message,
                           MPI_Status* status) {
  const int result = PMPI_Improbe(source, tag, world, found, message, status);
  Looks::note(*found != 0);
  return result;
}
