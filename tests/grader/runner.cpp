#include "runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <stdexcept>

#include "costs.hpp"
#include "judge.hpp"
#include "supervisor.hpp"
#include "text.hpp"

namespace grader {
namespace {

/// A supervisor at work, with our end of the pipe on which it sends its outcome.
struct Job {
  Result* result = nullptr;
  pid_t supervisor = 0;
  Fd pipe;
  std::string bytes;
};

/// Does all that happens in a supervisor's process.
[[noreturn]] void supervise(const Result& result, const Fd& binary, const Sandbox& sandbox,
                            const Limits& limits, const Fd& pipe) {
  sandbox.guard();
  const Test& test = *result.test;
  const std::string name = test.full_name();
  std::string bytes;
  try {
    Symbols symbols(test.binary, test.source);
    bytes = pack(judge(Supervisor(sandbox, limits).run(binary, test.binary, name), name, limits, symbols));
  } catch (const std::exception& error) {
    sandbox.kill_all();
    bytes = pack({.summary = std::string("could not be run: ") + error.what()});
  }
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t written = write(pipe.get(), rest.data(), rest.size());
    if (written <= 0 && errno != EINTR) break;
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  _exit(0);
}

class Runner {
 public:
  Runner(std::vector<Result>& results, const Sandbox& sandbox, const Options& options,
         const std::function<void(const Progress&)>& show)
      : results_(results),
        sandbox_(sandbox),
        limits_(options.limits),
        costs_(options.limits),
        show_(show),
        jobs_(count_jobs(options)) {}

  void run() {
    for (Result& result : results_) {
      if (!result.chapter->problem.empty()) {
        const std::string why = clean(result.chapter->explanation);
        const std::size_t first = std::min(why.find('\n'), why.size());
        result.outcome.summary = result.chapter->problem + ": " + why.substr(0, first);
        result.outcome.details =
            first_lines(std::string_view(why).substr(std::min(first + 1, why.size())), 6);
        ++done_;
      } else {
        waiting_.push_back(&result);
      }
    }
    std::reverse(waiting_.begin(), waiting_.end());
    while (!waiting_.empty() || running() > 0) {
      for (std::size_t slot = 0; slot < jobs_.size(); ++slot)
        if (jobs_[slot].result == nullptr && skip_hopeless()) start(slot);
      tell();
      read_news();
    }
  }

 private:
  static std::size_t count_jobs(const Options& options) {
    if (options.jobs > 0) return static_cast<std::size_t>(options.jobs);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 2;
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&cores)));
  }

  [[nodiscard]] std::size_t running() const {
    return static_cast<std::size_t>(
        std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.result != nullptr; }));
  }

  /// Takes from the queue what need not be run, because the tests before it tell enough. @returns false if
  /// none is left
  bool skip_hopeless() {
    while (!waiting_.empty()) {
      Result& next = *waiting_.back();
      const std::string why = costs_.objection(next);
      if (why.empty()) return true;
      next.outcome = {.summary = "not run: " + why};
      waiting_.pop_back();
      ++done_;
    }
    return false;
  }

  void start(std::size_t slot) {
    Job& job = jobs_[slot];
    job.result = waiting_.back();
    waiting_.pop_back();
    const std::string& path = job.result->test->binary;
    if (!binaries_.contains(path)) binaries_[path] = open_executable(path);
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
    job.pipe = Fd(ends[0]);
    const Fd theirs(ends[1]);
    job.bytes.clear();
    job.supervisor = sandbox_.fork_supervisor();
    if (job.supervisor < 0) throw std::runtime_error("cannot start a process");
    if (job.supervisor == 0) supervise(*job.result, binaries_[path], sandbox_, limits_, theirs);
  }

  void read_news() {
    std::vector<pollfd> news;
    for (const Job& job : jobs_) news.push_back({job.pipe.get(), POLLIN, 0});
    if (poll(news.data(), news.size(), 100) <= 0) return;
    for (std::size_t slot = 0; slot < jobs_.size(); ++slot) {
      if (news[slot].revents == 0) continue;
      std::array<char, 16 * 1024> buffer;
      Job& job = jobs_[slot];
      const ssize_t got = read(job.pipe.get(), buffer.data(), buffer.size());
      if (got > 0) job.bytes.append(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0) finish(job);
    }
  }

  void finish(Job& job) {
    waitpid(job.supervisor, nullptr, 0);
    job.pipe.reset();
    // A supervisor that sends no outcome was killed before it could.
    job.result->outcome = unpack(job.bytes).value_or(Outcome{.summary = "killed its parent"});
    costs_.add(*job.result);
    job.result = nullptr;
    ++done_;
    tell();
  }

  void tell() const {
    Progress progress{.done = done_, .all = results_.size(), .running = {}};
    for (const Job& job : jobs_)
      if (job.result != nullptr) progress.running.push_back(job.result);
    show_(progress);
  }

  std::vector<Result>& results_;
  const Sandbox& sandbox_;
  const Limits& limits_;
  Costs costs_;
  const std::function<void(const Progress&)>& show_;
  std::vector<Job> jobs_;
  std::vector<Result*> waiting_;  // the next one is at the back
  std::map<std::string, Fd> binaries_;
  std::size_t done_ = 0;
};

}  // namespace

void run_all(std::vector<Result>& results, const Sandbox& sandbox, const Options& options,
             const std::function<void(const Progress&)>& show) {
  Runner(results, sandbox, options, show).run();
}

}  // namespace grader
