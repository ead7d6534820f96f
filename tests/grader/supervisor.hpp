#pragma once

#include <chrono>
#include <map>
#include <string>

#include "evidence.hpp"
#include "fd.hpp"
#include "options.hpp"
#include "sandbox.hpp"

namespace grader {

/// Runs one test and watches it, in a process of its own that adopts whatever processes the test leaves
/// behind.
class Supervisor {
 public:
  Supervisor(const Sandbox& sandbox, const Limits& limits) : sandbox_(sandbox), limits_(limits) {}

  /// @param binary open for execution; `path` is its name
  Evidence run(const Fd& binary, const std::string& path, const std::string& test);

 private:
  using Clock = std::chrono::steady_clock;

  void start(const Fd& binary, const std::string& path, const std::string& test);
  void wait_for_news();
  void read_output();
  void read_channel();
  void hear(Kind kind, std::string_view payload);
  void reap();
  void check_limits();
  void settle_threads();
  void settle_processes();
  void stop(Stop why);
  void ask_threads();
  [[nodiscard]] Stuck identify(const Trace& trace) const;
  [[nodiscard]] std::chrono::nanoseconds processor_time() const;

  const Sandbox& sandbox_;
  const Limits& limits_;
  Evidence seen_;
  Secret secret_{};
  Fd channel_, output_, exit_;
  pid_t test_ = 0;
  bool ended_ = false;
  std::uint64_t printed_ = 0;
  std::size_t threads_at_start_ = 1;
  std::map<pid_t, Trace> answers_;
  Clock::time_point started_, deadline_, next_look_;
};

}  // namespace grader
