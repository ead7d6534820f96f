#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "fd.hpp"
#include "options.hpp"

namespace grader {

/// The way in which tests are kept from the grader's processes and files.
enum class Isolation {
  namespaces,  ///< namespaces of their own: they see only their own processes, and what seclusion.hpp says
  user,        ///< the grader is root, and each test is another user
  none,        ///< tests are processes of the grader's own user
};

/// Starts tests isolated and limited, as well as the kernel and the grader's own rights allow.
class Sandbox {
 public:
  /// @param wanted one of the names of Isolation, or empty for the strongest that works here
  /// @throws UsageError if the wanted one does not work
  Sandbox(const std::string& wanted, Limits limits);

  /// Describes what tests can do here although they should not; empty if nothing.
  [[nodiscard]] std::string weakness() const;

  /// Forks, into new namespaces where they work. The child must call guard() first.
  [[nodiscard]] pid_t fork_supervisor() const;

  /// Prepares the supervisor's process: it adopts the processes that the test leaves, it dies with the
  /// grader, and no test can look into it.
  void guard() const;

  /// Turns the calling process into the test, under limits.
  [[noreturn]] void become(const Fd& binary, const std::string& path, const std::string& test,
                           const Fd& output, const Fd& channel) const;

  /// Kills and reaps all processes below the calling supervisor.
  void kill_all() const;

 private:
  [[nodiscard]] std::optional<int> what_works(Isolation isolation) const;
  [[nodiscard]] std::string weakness_of_processes() const;
  [[nodiscard]] pid_t fork_into(Isolation isolation) const;
  [[nodiscard]] bool enter() const;
  void limit() const;
  void drop_privileges() const;

  Limits limits_;
  bool root_;
  uid_t user_;
  gid_t group_;
  Isolation isolation_ = Isolation::none;
  int seclusion_ = 0;  ///< what a test has for itself, as far as the system allows
};

/// Opens a binary so that any user can execute it, wherever it lies.
Fd open_executable(const std::string& path);

}  // namespace grader
