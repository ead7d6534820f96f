#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace concurrent::detail {

/// Says at the program's end by SIGTERM what each rank was at. When a rank dies, mpirun ends the others with
/// that signal, and nobody else can say which call took the program with it.
class LastWords {
 public:
  /// The most ranks that it knows of.
  static constexpr std::size_t most_ranks = 4096;

  /// From now on it says its words.
  static void listen() {
    struct sigaction action {};
    action.sa_handler = &say;
    action.sa_flags = SA_RESETHAND;
    ::sigaction(SIGTERM, &action, nullptr);
  }

  /// Notes where a rank is. @param process its number, or 0 if it is not on this machine
  static void note_process(int rank, long process) noexcept {
    if (at(rank)) at(rank)->process = process;
  }
  /// Notes what a rank is at. @param call the name of a call, which stays; null: nothing
  static void note_call(int rank, const char* call) noexcept {
    if (at(rank)) at(rank)->call = call;
  }

 private:
  struct Rank {
    std::atomic<long> process;
    std::atomic<const char*> call;
  };
  static inline std::array<Rank, most_ranks> ranks_;

  static Rank* at(int rank) noexcept {
    return static_cast<std::size_t>(rank) < most_ranks ? &ranks_[static_cast<std::size_t>(rank)] : nullptr;
  }

  /// Runs in a handler of signals, where there is little that may be called.
  static void say(int signal) {
    for (std::size_t rank = 0; rank < most_ranks; ++rank) {
      const char* const call = ranks_[rank].call;
      if (!call) continue;
      const long process = ranks_[rank].process;
      const bool dead = process != 0 && ::kill(static_cast<pid_t>(process), 0) != 0;
      std::array<char, 24> number{};
      std::to_chars(number.data(), number.data() + number.size(), rank);
      write("rank ");
      write(number.data());
      write(dead ? " has died while it ran " : " was running ");
      write(call);
      write("\n");
    }
    // mpirun passes on what it has read when the last rank is gone, and no more: so wait until it has read
    // this.
    int unread = 0;
    for (int looks = 500; looks > 0 && ::ioctl(STDERR_FILENO, FIONREAD, &unread) == 0 && unread > 0; --looks)
      ::poll(nullptr, 0, 1);
    ::raise(signal);  // again, now that it does what it does by default
  }

  static void write(std::string_view text) noexcept {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  }
};

}  // namespace concurrent::detail
