#pragma once

#include <span>

/// Eleven bugs that learners make, as small as they can be. They are built three times: as they are, with
/// ThreadSanitizer, and for the explorer.
namespace self_test {

struct Program {
  const char* name;
  void (*run)();
};
std::span<const Program> typical_bugs();

/// Fails unless `holds`, which a program expects of itself. Each build has its own.
void check(bool holds);

}  // namespace self_test
