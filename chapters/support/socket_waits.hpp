#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <vector>

#include "epoll_selector.hpp"
#include "event_loop.hpp"
#include "service.hpp"

namespace asyncio::detail {

/// Knows for which files tasks of a loop wait. A service of the loop.
class SocketWaits final : public Service {
 public:
  /// For use_service().
  explicit SocketWaits(EventLoop& loop) noexcept : Service(loop) {}

  /// Notes that a task waits for `fd`. @returns false if another one does
  /// @throws std::system_error if there can be no such file
  [[nodiscard]] bool begin(int fd, Ready ready) {
    if (fd < 0) throw std::system_error(EBADF, std::generic_category(), "wait for a socket");
    if (static_cast<std::size_t>(fd) >= waits_.size()) waits_.resize(static_cast<std::size_t>(fd) + 1);
    bool& waits = place(fd, ready);
    if (waits) return false;
    return waits = true;
  }
  /// Notes that it waits no more.
  void end(int fd, Ready ready) noexcept { place(fd, ready) = false; }

  void close() noexcept override {}

 private:
  ~SocketWaits() override = default;

  bool& place(int fd, Ready ready) {
    return waits_[static_cast<std::size_t>(fd)][ready == Ready::to_read ? 0 : 1];
  }

  std::vector<std::array<bool, 2>> waits_;
};

}  // namespace asyncio::detail
