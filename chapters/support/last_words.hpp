#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

namespace concurrent::detail {

/// Says at the program's end by SIGTERM what each rank was at. When a rank dies, mpirun ends the others with
/// that signal, and nobody else can say which call took the program with it.
class LastWords {
 public:
  /// The most ranks that it knows of.
  static constexpr std::size_t most_ranks = 4096;

  /// From now on it says its words.
  static void listen() {
    mouth_ = stderr_of_mpirun();
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
  static inline int mouth_ = STDERR_FILENO;

  /// Returns a descriptor of mpirun's own stderr, if mpirun has started this process: what it should pass on
  /// of a rank that it ends, it may drop. Otherwise this process's.
  static int stderr_of_mpirun() {
    const std::string parent = "/proc/" + std::to_string(::getppid());
    std::error_code none;
    if (std::filesystem::read_symlink(parent + "/exe", none).filename() != "orterun") return STDERR_FILENO;
    const int theirs = ::open((parent + "/fd/2").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    return theirs < 0 ? STDERR_FILENO : theirs;
  }

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
      write({"rank ", number.data(), dead ? " has died while it ran " : " was running ", call, "\n"});
    }
    ::raise(signal);  // again, now that it does what it does by default
  }

  /// Writes a line at once: mpirun may be writing, too.
  static void write(std::array<const char*, 5> parts) noexcept {
    std::array<::iovec, 5> pieces{};
    for (std::size_t i = 0; i < parts.size(); ++i)
      pieces[i] = {const_cast<char*>(parts[i]), std::char_traits<char>::length(parts[i])};
    [[maybe_unused]] const auto written = ::writev(mouth_, pieces.data(), static_cast<int>(pieces.size()));
  }
};

}  // namespace concurrent::detail
