#include "descriptors.hpp"

#include <filesystem>
#include <iterator>

int course::open_descriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

void course::wait_for(const concurrent::Fd& fd, short events) {
  pollfd wanted{.fd = fd.get(), .events = events, .revents = 0};
  while (::poll(&wanted, 1, -1) < 0) continue;  // a signal came
}
