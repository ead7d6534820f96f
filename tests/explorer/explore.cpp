#include "explore.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "diagram.hpp"
#include "replay.hpp"
#include "report.hpp"
#include "runtime/child.hpp"
#include "runtime/system.hpp"
#include "shared.hpp"
#include "story.hpp"

namespace explore {
namespace {

using runtime::Mode;

constexpr int most_attempts = 400;  // to shorten a schedule that fails

/// Explores one scenario, in child processes: a schedule may end in a crash or a deadlock.
class Explorer {
 public:
  Explorer(void (*scenario)(), const Options& options) : scenario_(scenario), options_(options) {
    shared_->search.length = 20;       // a guess at how long a schedule is
    shared_->journal.stacks_size = 1;  // 0 stands for none
  }

  Result run() {
    const double begin = runtime::system::seconds();
    Result result;
    const bool failed = search();
    result.schedules = shared_->schedules + (failed ? 1 : 0);
    result.steps = shared_->steps;
    result.exhausted = shared_->search.exhausted;
    const double end = runtime::system::seconds();
    result.seconds = end - begin;
    if (!failed) return result;
    result.failure = shared_->failure;
    shorten();
    draw(result);
    result.shortening_seconds = runtime::system::seconds() - end;
    return result;
  }

  /// Runs just one schedule.
  Result replay(const std::string& text) {
    Result result;
    result.schedules = 1;
    shared_->replay = from_text(text);
    if (!fails(Mode::replay)) return result;
    result.failure = shared_->failure;
    best_ = shared_->replay;
    draw(result);
    return result;
  }

 private:
  /// Runs schedules in a child process. @returns whether one has failed
  bool fails(Mode mode) {
    std::fflush(nullptr);  // else both processes write what is buffered
    shared_->failure = Failure::none;
    shared_->ran_to_its_end = false;
    shared_->message[0] = '\0';
    const pid_t child = fork();
    if (child < 0) throw std::bad_alloc();
    if (child == 0) runtime::run_schedules(scenario_, options_, mode, *shared_);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == runtime::all_well && shared_->ran_to_its_end)
      return false;
    if (shared_->failure == Failure::none) {  // it could not even say so
      shared_->failure = Failure::crash;
      std::snprintf(shared_->message.data(), shared_->message.size(), "the process has ended: %s",
                    WIFSIGNALED(status)         ? strsignal(WTERMSIG(status))
                    : WEXITSTATUS(status) == 98 ? "there is no memory for the explorer at its fixed addresses"
                                                : "somebody called exit()");
    }
    return true;
  }

  bool search() { return fails(Mode::search); }

  /// Takes back as many choices as possible, in chunks that get smaller, while the schedule fails the same
  /// way.
  void shorten() {
    best_ = shared_->made;
    const Failure wanted = shared_->failure;
    if (wanted == Failure::limit || wanted == Failure::not_written) return;
    int attempts = 0;
    for (int chunk = deviations(best_); chunk >= 1; chunk = chunk > 1 ? chunk / 2 : 0) {
      for (std::uint32_t from = 0; from < best_.size && attempts < most_attempts;) {
        if (best_.at[from] == 0) {
          ++from;
          continue;
        }
        Choices& fewer = shared_->replay;
        fewer = best_;
        int left = chunk;
        for (std::uint32_t i = from; i < fewer.size && left > 0; ++i)
          if (std::exchange(fewer.at[i], 0) != 0) --left;
        ++attempts;
        if (fails(Mode::replay) && shared_->failure == wanted &&
            deviations(shared_->made) < deviations(best_))
          best_ = shared_->made;
        else
          ++from;
      }
    }
  }

  void draw(Result& result) {
    shared_->replay = best_;
    fails(Mode::draw);
    result.message = shared_->message.data();
    result.replay = to_text(best_);
    if (result.failure == Failure::not_written) return;
    const Story story = tell(*shared_);
    result.report = report(story);
    result.diagram = diagram(story);
  }

  struct Unmap {
    void operator()(Shared* shared) const noexcept { munmap(shared, sizeof(Shared)); }
  };

  void (*scenario_)();
  Options options_;
  std::unique_ptr<Shared, Unmap> shared_{
      static_cast<Shared*>(runtime::system::memory(sizeof(Shared), 0, true))};
  Choices best_;
};

/// The n-th scenario of this test: one that explores several replays one of them.
int next_number() {
  static const testing::TestInfo* test = nullptr;
  static int number = 0;
  if (const auto* const now = testing::UnitTest::GetInstance()->current_test_info(); test != now) {
    test = now;
    number = 0;
  }
  return ++number;
}

/// `EXPLORE_REPLAY=12.1,3.2` or, for the second scenario of a test, `EXPLORE_REPLAY=2:12.1,3.2`.
const char* replay_asked(int number) {
  const char* const text = std::getenv("EXPLORE_REPLAY");
  if (text == nullptr || *text == '\0') return nullptr;
  const char* const colon = std::strchr(text, ':');
  if ((colon ? std::atoi(text) : 1) != number) return nullptr;
  return colon ? colon + 1 : text;
}

}  // namespace

std::string_view name(Failure failure) noexcept {
  switch (failure) {
    case Failure::none:
      return "none";
    case Failure::deadlock:
      return "deadlock";
    case Failure::stuck_thread:
      return "stuck thread";
    case Failure::data_race:
      return "data race";
    case Failure::use_after_free:
      return "use after free";
    case Failure::use_after_scope:
      return "use after scope";
    case Failure::misuse:
      return "misuse";
    case Failure::check_failed:
      return "failed check";
    case Failure::uncaught:
      return "uncaught exception";
    case Failure::crash:
      return "crash";
    case Failure::livelock:
      return "livelock";
    case Failure::not_written:
      return "not written";
    case Failure::limit:
      return "limit of the explorer";
  }
  return "?";
}

Result explore(void (*scenario)(), const Options& options) {
  const int number = next_number();
  Explorer explorer(scenario, options);
  const char* const asked = replay_asked(number);
  Result result = asked ? explorer.replay(asked) : explorer.run();
  if (number > 1 && !result.replay.empty()) result.replay = std::to_string(number) + ":" + result.replay;
  return result;
}

}  // namespace explore
