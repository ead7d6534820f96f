#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fd.hpp"
#include "options.hpp"

namespace grader {

/// How tests are kept from the grader's processes and files.
enum class Isolation {
  namespaces,  ///< process and mount namespaces of their own: they see only themselves, and the repository is
               ///< read-only
  user,        ///< the grader is root, and each test is another user
  none,        ///< an ordinary user's processes all the same
};

/// Fork, exec and what a test is allowed, which depend on who runs the grader and on what the kernel lets it
/// do.
class Sandbox {
 public:
  /// @param wanted one of the names of Isolation, or empty for the strongest that works here
  /// @throws UsageError if the wanted one does not work
  Sandbox(const std::string& wanted, Limits limits);

  /// What tests can do here that they should not; empty if nothing.
  [[nodiscard]] std::string weakness() const;

  /// Like fork(), into new namespaces where there are any. The child is to call guard() first.
  [[nodiscard]] pid_t fork_supervisor() const;

  /// Called in the supervisor: what the test leaves becomes its child, it dies with the grader, and no test
  /// can look into it.
  void guard() const;

  /// Called in the test's process: becomes the test, limited.
  [[noreturn]] void become(const Fd& binary, const std::string& path, const std::string& test,
                           const Fd& output, const Fd& channel) const;

  /// Kills all that the calling supervisor has started, and reaps it.
  void kill_all() const;

 private:
  [[nodiscard]] bool works(Isolation isolation) const;
  [[nodiscard]] pid_t fork_into(Isolation isolation) const;
  [[nodiscard]] bool enter() const;
  void limit() const;
  void drop_privileges() const;

  Limits limits_;
  bool root_;
  uid_t user_;
  gid_t group_;
  Isolation isolation_ = Isolation::none;
};

/// The binary as something that any user can execute, wherever it lies.
Fd open_executable(const std::string& path);

}  // namespace grader
