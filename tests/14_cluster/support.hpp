#pragma once

// What the tests of chapter 14 share.

#include "mpi_executor.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <ostream>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "testing.hpp"

using concurrent::BrokenMpiPool;
using concurrent::ExecutorShutdown;
using concurrent::FunctionNotFound;
using concurrent::Future;
using concurrent::FutureState;
using concurrent::MpiPoolExecutor;
using concurrent::RemoteError;

extern "C" void grader_not_written(const char* message);

namespace concurrent {

/// Has GoogleTest print a tag by its name.
inline void PrintTo(MpiTag tag, std::ostream* out) {
  constexpr std::array names{"call",   "prepare", "end",       "hello",
                             "result", "error",   "not_found", "other_program"};
  const auto number = static_cast<std::size_t>(tag);
  *out << "MpiTag::" << (number < names.size() ? names[number] : "?");
}

}  // namespace concurrent

/// What a program has done: its exit status, or 128 and the number of the signal that ended it, and all that
/// it has written.
struct Ran {
  int status = 0;
  std::string output;

  [[nodiscard]] bool says(std::string_view text) const { return output.find(text) != std::string::npos; }
};

/// Tells the grader if a rank has met a part that is not written.
inline void note_unwritten(const Ran& ran) {
  const auto end = ran.output.find(" is not written yet: see ");
  if (end == std::string::npos) return;
  const auto begin = ran.output.find_last_of("\n\"", end) + 1;
  grader_not_written(ran.output.substr(begin, ran.output.find_first_of("\n\"", end) - begin).c_str());
}

/// Runs a command of the shell. Open MPI keeps memory until its end, and takes locks in more than one order:
/// that is not for the sanitizers to tell.
inline Ran run(const std::string& command) {
  FILE* const pipe = ::popen(("exec 2>&1; export ASAN_OPTIONS=\"$ASAN_OPTIONS:detect_leaks=0\" "
                              "TSAN_OPTIONS=\"$TSAN_OPTIONS:detect_deadlocks=0\"; " +
                              command)
                                 .c_str(),
                             "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run: " + command);
  Ran ran;
  for (std::array<char, 4096> piece{};
       const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe);)
    ran.output.append(piece.data(), size);
  const int status = ::pclose(pipe);
  ran.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  note_unwritten(ran);
  return ran;
}

/// How long the ranks of a test may take, in seconds: a little less than the grader lets it take, so that
/// they can still say what they were at.
constexpr std::string_view most_seconds =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "55";
#else
    "7.5";
#endif

/// Runs a program in so many ranks. By default Open MPI first looks for other ways to send messages than
/// these, for 0.2 s a start.
inline Ran mpirun(int ranks, const std::string& program) {
  return run("timeout --signal=TERM --kill-after=2.2 " + std::string(most_seconds) +
             " mpirun --allow-run-as-root --oversubscribe --mca btl self,vader "
             "--mca btl_vader_single_copy_mechanism none --mca pml ob1 -n " +
             std::to_string(ranks) + " " + program);
}

/// Returns the command that runs the test that calls it, by itself.
inline std::string this_test() {
  const auto& test = *testing::UnitTest::GetInstance()->current_test_info();
  std::array<char, 4096> program{};
  [[maybe_unused]] const auto size = ::readlink("/proc/self/exe", program.data(), program.size() - 1);
  return std::string(program.data()) +
         " --gtest_brief=1 --gtest_color=no --gtest_filter=" + test.test_suite_name() + "." + test.name();
}

/// True in a program that mpirun has started.
inline bool is_rank() { return std::getenv("OMPI_COMM_WORLD_RANK") != nullptr; }

/// Returns the output of ranks without what mpirun and GoogleTest say around a failure, and without
/// addresses.
inline std::string without_noise(const std::string& output) {
  std::istringstream lines(output);
  std::string rest;
  for (std::string line; std::getline(lines, line);) {
    const std::string_view text(line);
    if (const auto signal = text.find(" Signal: "); text.starts_with("[") && signal != text.npos)
      rest += line.substr(signal + 1) + "\n";
    const auto begins = [&](std::string_view noise) { return text.starts_with(noise); };
    constexpr std::array noise{"[",
                               "mpirun: Forwarding signal",
                               "-----",
                               "Primary job ",
                               "a non-zero exit code.",
                               "mpirun detected that ",
                               "the job to be terminated.",
                               "  Process name: ",
                               "  Exit code: ",
                               " 1 FAILED TEST"};
    if (!line.empty() && std::ranges::none_of(noise, begins)) rest += line + "\n";
  }
  return rest;
}

/// Reports what has failed in the ranks of a test, at the place of the first failure if the ranks name one.
inline void report(const Ran& ran) {
  if (ran.status == 0) return;
  constexpr int timed_out = 124;  // of the command timeout
  const std::string said =
      (ran.status == timed_out ? "the ranks had not ended after " + std::string(most_seconds) + " seconds:\n"
                               : "in the ranks:\n") +
      without_noise(ran.output);
  const auto end = said.find(": Failure\n"), begin = said.rfind('\n', end) + 1,
             colon = said.rfind(':', end - 1);
  if (end == said.npos || colon == said.npos || colon < begin)
    ADD_FAILURE() << said;
  else
    ADD_FAILURE_AT(said.substr(begin, colon - begin).c_str(), std::atoi(said.c_str() + colon + 1)) << said;
}

/// Runs the test that calls it once more, in so many ranks, and reports what failed there.
/// @returns true in those ranks: there the test goes on
inline bool in_ranks(int ranks) {
  if (is_rank()) return true;
  report(mpirun(ranks, this_test()));
  return false;
}

/// A pipe with a name, at which a call in another rank waits until it is let go. Make it behind the pool: at
/// its end it lets go whoever still waits.
class Fifo {
 public:
  Fifo() : name_("/tmp/cluster_test_" + std::to_string(::getpid())) {
    ::unlink(name_.c_str());
    if (::mkfifo(name_.c_str(), 0600) != 0) throw std::runtime_error("cannot make " + name_);
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() {
    const int both_ends =
        ::open(name_.c_str(), O_RDWR | O_NONBLOCK);  // whoever waits for a writer has seen one
    ::unlink(name_.c_str());
    ::close(both_ends);
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Waits until a call waits here, and lets it go.
  void let_go(const std::string& word = "go") const { run("echo -n " + word + " > " + name_); }

 private:
  const std::string name_;
};

/// A word to all ranks that no call carries: it is given, or not yet. Its end takes it back.
class Sign {
 public:
  Sign() { ::unlink(name().c_str()); }
  Sign(const Sign&) = delete;
  Sign& operator=(const Sign&) = delete;
  ~Sign() { ::unlink(name().c_str()); }

  void give() const { ::close(::open(name().c_str(), O_CREAT | O_WRONLY, 0600)); }
  /// Waits, in any rank of this machine, until the sign is given.
  static void wait() {
    while (::access(name().c_str(), F_OK) != 0) ::usleep(100);
  }

 private:
  /// The ranks of a machine have one parent.
  static std::string name() { return "/tmp/cluster_test_sign_" + std::to_string(::getppid()); }
};

/// A call that waits. @returns the word that let it go
inline std::string wait_at(const std::string& fifo) { return run("cat " + fifo).output; }

/// Returns where this process has toupper(); null if nowhere.
inline auto function_of_a_library() {
  return reinterpret_cast<int (*)(int)>(::dlsym(RTLD_DEFAULT, "toupper"));
}

/// Calls a function so many times. @returns what the calls give
template <class F>
auto results_of(MpiPoolExecutor& pool, F fn, int times) {
  std::vector<decltype(pool.submit(fn))> futures;
  for (int i = 0; i < times; ++i) futures.push_back(pool.submit(fn));
  std::vector<std::invoke_result_t<F>> results;
  for (const auto& future : futures) results.push_back(future.result());
  return results;
}

inline int twice(int number) { return 2 * number; }

/// Returns which rank runs it.
inline int rank() { return std::atoi(std::getenv("OMPI_COMM_WORLD_RANK")); }

/// Waits for the future. @returns its result, if that is an int, or its error, as a text
template <class T>
std::string outcome(const Future<T>& future) {
  try {
    if constexpr (std::is_void_v<T>) return future.result(), "void";
    if constexpr (std::is_same_v<T, int>) return std::to_string(future.result());
    return static_cast<void>(future.result()), "value";
  } catch (const RemoteError& error) {
    return error.type() + ": " + error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// A function whose name the tests can find in the program, and replace by another.
struct OnlyInTheFirstProgram {
  int operator()(int number) const { return 2 * number; }
};

/// Returns the host on which all ranks of a test are.
inline const std::string& this_host() { return concurrent::MpiWorld::get().host(); }

/// Runs this test with rank 0 as it is, and as rank 1 a copy of the program in which OnlyInTheFirstProgram,
/// which it has to use, has another name.
inline Ran beside_another_program() {
  const std::string test = this_test();
  const std::string program = test.substr(0, test.find(' ')),
                    other = "/tmp/other_" + std::to_string(::getpid());
  run("sed s/OnlyInTheFirstProgram/OnlyInTheOtherProgram/g " + program + " >" + other + " && chmod +x " +
      other);
  // Not as `mpirun … : …`, which ends in a crash of mpirun's own in Open MPI 5.0.7.
  const Ran ran =
      mpirun(2, "sh -c 'program=" + program + "; [ $OMPI_COMM_WORLD_RANK = 0 ] || program=" + other +
                    "; exec $program" + test.substr(test.find(' ')) + "'");
  run("rm " + other);
  return ran;
}
