#pragma once

// Ten downloads, simulated: what the three ways to write them have in common.

#include <task.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "timeline.hpp"

namespace downloads {

using asyncio::Coro;
using asyncio::Duration;
using asyncio::EventLoop;

inline constexpr std::size_t files = 10;
inline constexpr int at_once = 3;        // as many lines to the server
inline constexpr int most_attempts = 3;  // of each file

/// What has become of a file.
struct Row {
  int attempts = 0;
  std::string outcome;  // empty until it is known
  bool operator==(const Row&) const = default;
};
using Table = std::array<Row, files>;

/// What has to be done, and where the time is written down.
class Job {
 public:
  /// @param full the number of the file that does not fit on the disk any more; 0 if all do
  Job(std::uint32_t seed, Duration unit, std::int64_t full, concurrent::Timeline& timeline, std::string way)
      : seed_(seed), unit_(unit), full_(full), timeline_(timeline), way_(std::move(way)) {}

  /// An attempt that takes longer is given up.
  [[nodiscard]] Duration patience() const { return unit_ * 5 / 2; }
  /// Before another attempt.
  [[nodiscard]] Duration pause() const { return unit_ / 2; }

  /// What the server makes of an attempt. It is the same each time.
  struct Answer {
    Duration time;
    int size = 0;  // 0: the connection was reset
  };
  [[nodiscard]] Answer answer(std::size_t file, int attempt) const {
    std::seed_seq seeds{seed_, static_cast<std::uint32_t>(file), static_cast<std::uint32_t>(attempt)};
    std::mt19937 random(seeds);
    const auto luck = random() % 100;
    const Duration time = unit_ * static_cast<int>(5 + random() % 16) / 10;
    const int size = static_cast<int>(100 + random() % 900);
    if (luck < 55) return {time, size};
    if (luck < 80) return {time, 0};
    return {100 * unit_, 0};  // it hangs
  }

  /// Writes a file that has come to the disk. @throws std::runtime_error if that is full
  void store(std::size_t file) const {
    if (static_cast<std::int64_t>(file) + 1 == full_) throw std::runtime_error("the disk is full");
  }

  /// The attempt, in the timeline: it ends with the object, in vain unless it has succeeded.
  class Record {
   public:
    Record(const Job& job, int line, std::size_t file)
        : job_(job), line_(line), file_(file), begin_(Clock::now()) {}
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;
    ~Record() {
      job_.timeline_.add({.name = std::to_string(file_ + 1),
                          .lane = job_.way_ + ", line " + std::to_string(line_ + 1),
                          .begin = begin_ - job_.start_,
                          .end = Clock::now() - job_.start_,
                          .activity = activity_});
    }
    void succeeded() { activity_ = concurrent::Activity::computing; }

   private:
    const Job& job_;
    const int line_;
    const std::size_t file_;
    const std::chrono::steady_clock::time_point begin_;
    concurrent::Activity activity_ = concurrent::Activity::waiting;
  };

 private:
  using Clock = std::chrono::steady_clock;

  std::uint32_t seed_;
  Duration unit_;
  std::int64_t full_;
  concurrent::Timeline& timeline_;
  std::string way_;
  Clock::time_point start_ = Clock::now();
};

struct ConnectionReset : std::runtime_error {
  ConnectionReset() : std::runtime_error("connection reset") {}
};

/// Downloads a file. @returns its size, in KB @throws ConnectionReset
inline Coro<int> download(const Job& job, int line, std::size_t file, int attempt) {
  Job::Record record(job, line, file);
  const Job::Answer answer = job.answer(file, attempt);
  co_await asyncio::sleep(answer.time);
  if (answer.size == 0) throw ConnectionReset();
  record.succeeded();
  co_return answer.size;
}

/// The same, without coroutines: a download that calls back with the size, or 0. It is cancelled when it
/// goes.
class Download {
 public:
  Download(EventLoop& loop, const Job& job, int line, std::size_t file, int attempt,
           std::function<void(int size)> done)
      : record_(job, line, file) {
    const Job::Answer answer = job.answer(file, attempt);
    timer_ = loop.call_later(answer.time, [this, size = answer.size, done = std::move(done)] {
      if (size > 0) record_.succeeded();
      done(size);
    });
  }
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;
  ~Download() { timer_.cancel(); }

 private:
  Job::Record record_;
  asyncio::TimerHandle timer_;
};

/// How many lines of a source file are code; nothing if it cannot be read.
inline std::optional<int> lines_of_code(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    std::string_view code = line;
    code.remove_prefix(std::min(code.find_first_not_of(' '), code.size()));
    const bool other = code.empty() || code.starts_with('#') || code.starts_with("//") ||
                       code.starts_with("using ") || code.starts_with("namespace ") ||
                       code.starts_with("}  // namespace");
    if (!other) ++count;
  }
  return count;
}

}  // namespace downloads
