#include "judge.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "text.hpp"

namespace grader {
namespace {

/// "SIGSEGV"
std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

/// "thread 2", "threads 2, 3 and 4"
std::string thread_list(const std::vector<int>& numbers) {
  std::string text = numbers.size() == 1 ? "thread " : "threads ";
  for (std::size_t i = 0; i < numbers.size(); ++i)
    text += (i == 0 ? "" : i + 1 == numbers.size() ? " and " : ", ") + std::to_string(numbers[i]);
  return text;
}

/// A line for each place where threads are: "thread 2 waits in BlockingQueue::pop, blocking_queue.hpp:41".
std::vector<std::string> where(const std::vector<Stuck>& stuck, Symbols& symbols) {
  std::vector<Trace> traces;
  for (const Stuck& thread : stuck)
    if (thread.trace) traces.push_back(*thread.trace);
  symbols.load(traces);

  struct Group {
    bool spins;
    bool silent;
    std::string place;
    std::vector<int> threads;
  };
  std::vector<Group> groups;
  for (const Stuck& thread : stuck) {
    Group group{.spins = thread.task.state == 'R',
                .silent = !thread.trace,
                .place = thread.trace ? symbols.place(*thread.trace) : "",
                .threads = {thread.number}};
    const auto same = [&](const Group& g) {
      return g.spins == group.spins && g.silent == group.silent && g.place == group.place;
    };
    if (const auto found = std::find_if(groups.begin(), groups.end(), same); found != groups.end())
      found->threads.push_back(thread.number);
    else
      groups.push_back(std::move(group));
  }
  std::vector<std::string> lines;
  for (const Group& group : groups) {
    const bool one = group.threads.size() == 1;
    const std::string verb = group.spins ? (one ? " spins" : " spin") : (one ? " waits" : " wait");
    const std::string place = group.silent          ? ", place unknown"
                              : group.place.empty() ? " in a library"
                                                    : " in " + group.place;
    lines.push_back(thread_list(group.threads) + verb + place);
  }
  return lines;
}

std::string joined(const std::string& what, const std::vector<std::string>& lines) {
  std::string text = lines.empty() ? what + " its threads are gone" : what;
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? " " : "\n") + lines[i];
  return text;
}

/// " in thread 2, in ThreadPool::post, thread_pool.hpp:41", as far as it is known.
std::string crash_place(const std::optional<Stuck>& crash, Symbols& symbols) {
  if (!crash || !crash->trace) return "";
  const std::string place = symbols.place(*crash->trace);
  return (crash->number > 1 ? " on thread " + std::to_string(crash->number) : "") +
         (place.empty() ? "" : " in " + place);
}

/// True if the trace is full of the same function.
bool endless_recursion(const std::optional<Stuck>& crash) {
  if (!crash || !crash->trace || crash->trace->size < Trace::most) return false;
  const auto& all = crash->trace->addresses;
  return std::count(all.begin(), all.end(), all[Trace::most / 2]) >= Trace::most / 8;
}

/// A sanitizer's report in what the test printed, from its headline on.
std::string sanitizer_report(const std::string& output) {
  std::size_t at = std::string::npos;
  for (const char* mark : {"WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                           "FATAL: ThreadSanitizer", "ThreadSanitizer:DEADLYSIGNAL",
                           "AddressSanitizer:DEADLYSIGNAL", "runtime error: "})
    at = std::min(at, output.find(mark));
  if (at == std::string::npos) return "";
  const std::size_t line = output.rfind('\n', at);
  return first_lines(clean(std::string_view(output).substr(line == std::string::npos ? 0 : line + 1)), 24);
}

bool is_out_of_memory(std::string_view text) {
  return text.find("std::bad_alloc") != std::string_view::npos &&
         text.find(lets_memory_run_out) == std::string_view::npos;
}

/// Returns the report of explore::survives() without the source of the scenario, which GoogleTest puts before
/// it. Empty if the message is of another kind.
std::string schedule_in(const std::string& message) {
  const std::string_view begin = "\n  Actual: false (", end = ")\nExpected: true";
  const std::size_t from = message.find(begin), to = message.rfind(end);
  if (!message.starts_with("Value of: explore::") || from == std::string::npos || to == std::string::npos)
    return "";
  return message.substr(from + begin.size(), to - from - begin.size());
}

std::string in_one_line(const std::string& text) {
  std::string line;
  for (const std::string& part : lines_of(text)) {
    const std::size_t start = part.find_first_not_of(' ');
    if (start != std::string::npos)
      line += (line.empty() ? "" : line.ends_with(':') ? " " : "; ") + part.substr(start);
  }
  return cut(line, 200);
}

std::string process_list(const std::vector<Task>& processes) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(processes.size(), 4); ++i)
    text += (i == 0 ? "" : ", ") + processes[i].name;
  return text + (processes.size() > 4 ? ", …" : "");
}

/// Judges the evidence on one test by one question after the other: the first that applies gives the verdict.
class Case {
 public:
  Case(const Evidence& seen, const std::string& name, const Limits& limits, Symbols& symbols)
      : seen_(seen),
        name_(name),
        limits_(limits),
        symbols_(symbols),
        report_(sanitizer_report(seen.output)) {}

  [[nodiscard]] bool passed() const {
    return seen_.end && seen_.end->passed && seen_.end->heard && seen_.end->tests_run == 1 &&
           !seen_.end->skipped && seen_.began == name_ && seen_.failures.empty() && !seen_.forged &&
           seen_.stop == Stop::none && seen_.threads_left == 0 && seen_.processes_left.empty() &&
           seen_.not_written.empty() && seen_.status == 0;
  }

  [[nodiscard]] std::string complaint() const {
    if (seen_.forged) return "wrote to the grader's channel";
    if (seen_.stop != Stop::none) return stopped();
    if (out_of_memory()) return "out of memory: more than " + bytes_text(limits_.memory.value_or(0));
    if (!seen_.failures.empty()) return failed();
    if (seen_.threads_left > 0) return threads_left();
    if (!report_.empty() && seen_.status != 0) return "failed under the sanitizer: " + sanitizer_headline();
    if (seen_.uncaught) return uncaught();
    if (WIFSIGNALED(seen_.status)) return crashed();
    if (!seen_.end) return ended_early();
    if (seen_.end->tests_run != 1)
      return "ran " + counted(static_cast<std::size_t>(seen_.end->tests_run), "test", "tests") +
             " of this name instead of one";
    if (!seen_.end->heard) return "keeps GoogleTest from reporting what tests find";
    if (seen_.status != 0)
      return "exited with status " + std::to_string(WEXITSTATUS(seen_.status)) + " after the test";
    if (!seen_.processes_left.empty())
      return "left " + counted(seen_.processes_left.size(), "process", "processes") +
             " running: " + process_list(seen_.processes_left);
    return "did not run as it should";
  }

  [[nodiscard]] std::string details() const {
    if (!report_.empty() && seen_.status != 0) return report_;
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(seen_.failures.size(), 3); ++i) {
      if (i > 0) text += "\n" + (seen_.failures[i].place.empty() ? "" : seen_.failures[i].place + "\n");
      const std::string schedule = schedule_in(seen_.failures[i].message);
      text += schedule.empty() ? first_lines(clean(seen_.failures[i].message), 20) : clean(schedule);
    }
    return text;
  }

 private:
  [[nodiscard]] bool out_of_memory() const {
    return limits_.memory && ((seen_.uncaught && is_out_of_memory(*seen_.uncaught)) ||
                              (!seen_.failures.empty() && is_out_of_memory(seen_.failures[0].message)));
  }

  [[nodiscard]] std::string failed() const {
    const std::string also = WIFSIGNALED(seen_.status) ? ", then " + crashed() : "";
    const std::string schedule = schedule_in(seen_.failures[0].message);
    // What an expectation says takes several lines, up to an empty one.
    const char* const end = schedule.starts_with("failed check") ? "\n\n" : "\n";
    if (!schedule.empty())
      return "failed: " + in_one_line(clean(schedule.substr(0, schedule.find(end)))) + also;
    return "failed: " + in_one_line(clean(seen_.failures[0].message)) + also;
  }

  [[nodiscard]] std::string stopped() const {
    const std::string time = time_text(limits_.time);
    switch (seen_.stop) {
      case Stop::output:
        return "flooded the output: more than " + bytes_text(limits_.output);
      case Stop::processes:
        return "started more than " + std::to_string(limits_.processes) + " processes";
      case Stop::processor:
        return joined("used more than " + time + " of processor time:", spinning());
      default:
        break;
    }
    const auto spins = [](const Stuck& thread) { return thread.task.state == 'R'; };
    if (seen_.began.empty()) return joined("hung before the test began:", where(seen_.stuck, symbols_));
    return joined(
        std::any_of(seen_.stuck.begin(), seen_.stuck.end(), spins) ? "hung, using the processor:" : "hung:",
        where(seen_.stuck, symbols_));
  }

  [[nodiscard]] std::vector<std::string> spinning() const {
    std::vector<Stuck> threads;
    for (const Stuck& thread : seen_.stuck)
      if (thread.task.state == 'R') threads.push_back(thread);
    return where(threads.empty() ? seen_.stuck : threads, symbols_);
  }

  [[nodiscard]] std::string threads_left() const {
    return joined("left " + counted(seen_.threads_left, "thread", "threads") + " running:",
                  where(seen_.stuck, symbols_));
  }

  [[nodiscard]] std::string sanitizer_headline() const {
    const std::string line = report_.substr(0, report_.find('\n'));
    const std::size_t start = line.find("Sanitizer: ");
    if (start == std::string::npos) return line;
    const std::string what = line.substr(start + 11);
    return what.substr(0, std::min(what.find(" on address"), what.find(" (pid=")));
  }

  [[nodiscard]] std::string uncaught() const {
    return "ended by an uncaught exception" + crash_place(seen_.crash, symbols_) + ": " +
           clean(*seen_.uncaught);
  }

  [[nodiscard]] std::string crashed() const {
    const int signal = WTERMSIG(seen_.status);
    if (signal == SIGXCPU) return "used too much processor time";
    if (signal == SIGXFSZ) return "wrote too large a file";
    if (signal == SIGKILL) return "was killed: SIGKILL, from itself or because the system ran out of memory";
    if (signal == SIGPIPE || signal == SIGALRM)
      return "ended by " + signal_name(signal) + crash_place(seen_.crash, symbols_);
    if (signal == SIGABRT) return "called abort()" + crash_place(seen_.crash, symbols_);
    const std::string what = endless_recursion(seen_.crash) ? " (the stack is full: endless recursion?)" : "";
    return "crashed: " + signal_name(signal) + what + crash_place(seen_.crash, symbols_);
  }

  [[nodiscard]] std::string ended_early() const {
    const int status = WEXITSTATUS(seen_.status);
    if (status == channel_lost && seen_.greeted) return "closed the grader's channel";
    if (status == 126 && !seen_.greeted) return "could not be started";
    return "called exit(" + std::to_string(status) + ")" + crash_place(seen_.crash, symbols_) +
           " before the test " + (seen_.began.empty() ? "began" : "ended");
  }

  const Evidence& seen_;
  const std::string& name_;
  const Limits& limits_;
  Symbols& symbols_;
  std::string report_;
};

}  // namespace

Outcome judge(const Evidence& seen, const std::string& name, const Limits& limits, Symbols& symbols) {
  const Case test(seen, name, limits, symbols);
  Outcome outcome{.output = clean(seen.output),
                  .note = clean(seen.note),
                  .diagram = seen.diagram,
                  .seconds = seen.seconds,
                  .began = !seen.began.empty()};
  if (test.passed()) {
    outcome.verdict = Verdict::passed;
    outcome.summary = "passed";
  } else if (!seen.not_written.empty()) {
    outcome.verdict = Verdict::not_written;
    outcome.summary = clean(seen.not_written);
  } else {
    outcome.summary = test.complaint();
    outcome.details = test.details();
    if (!seen.failures.empty()) outcome.place = seen.failures[0].place;
  }
  return outcome;
}

}  // namespace grader
