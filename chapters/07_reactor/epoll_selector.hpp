#pragma once

#include <sys/epoll.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "epoll_wait.hpp"
#include "event_counter.hpp"
#include "fd.hpp"
#include "ready_queue.hpp"
#include "ref.hpp"
#include "selector.hpp"
#include "signal_handlers.hpp"
#include "todo.hpp"

namespace asyncio {

/// The events of a file that one can wait for.
enum class Ready : std::uint8_t {
  to_read,   ///< there are bytes, or a connection, or the end
  to_write,  ///< there is room
};

/// A Selector that waits for files and signals, too, with Linux's epoll: however many files it watches, to
/// wait costs only as much as happens. It is told of what *is* ready, again and again as long as that lasts
/// (level-triggered). Python: `selectors.EpollSelector`.
class EpollSelector final : public Selector {
 public:
  EpollSelector()
      : epoll_(concurrent::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        wake_counter_(detail::event_counter()) {
    watch_counter(wake_counter_.get());
  }
  ~EpollSelector() override { close(); }

  void select(std::optional<Duration> timeout) override {
    // TODO 2.1: Let detail::epoll_wait_for() fill events_. An interruption (EINTR)
    // has found nothing: the loop comes again. All other errors are thrown, as of "epoll_pwait2". Then
    // dispatch() each event.
    todo("2.1", "EpollSelector::select");
  }

  void wake() override {
    // TODO 2.2: Count up the wake_counter_, with detail::count_up().
    todo("2.2", "EpollSelector::wake");
  }

  TimePoint now() override { return std::chrono::steady_clock::now(); }

  ReadyQueue found() override { return std::exchange(found_, {}); }

  void close() noexcept override {
    for (std::size_t fd = 0; fd < files_.size(); ++fd) {
      if (files_[fd].reader) unwatch(static_cast<int>(fd), Ready::to_read);
      if (files_[fd].writer) unwatch(static_cast<int>(fd), Ready::to_write);
    }
    handlers_.clear();
    found_ = {};
  }

  /// Has `node` called whenever `fd` is ready. If there was another for it, that one is removed.
  /// @throws std::system_error if there is no such file, or it cannot be watched, as one on a disk cannot
  void watch(int fd, Ready ready, Ref<Operation> node) {
    ReadyQueue owner;  // which drops it if this throws
    owner.push(std::move(node));
    if (fd < 0) throw std::system_error(EBADF, std::generic_category(), "epoll_ctl");
    const auto number = static_cast<std::size_t>(fd);
    if (number >= files_.size()) files_.resize(number + 1);
    // TODO 2.4: For files_[number]: update_interest() to all events that are wanted
    // then. If that did not throw: keep what the owner pops instead of what was there, and cancel() that.
    todo("2.4", "EpollSelector::watch");
  }

  /// Removes what watch() added. @returns false if there was nothing
  bool unwatch(int fd, Ready ready) noexcept {
    if (fd < 0 || static_cast<std::size_t>(fd) >= files_.size()) return false;
    // TODO 2.5: If there is one, take it out, reduce_interest(), and at last
    // cancel() it.
    todo("2.5", "EpollSelector::unwatch");
  }

  /// Has `node` called when signal `number` comes, as SignalHandlers::add() says.
  void handle_signal(int number, Ref<Operation> node) {
    const bool first = handlers_.empty();
    handlers_.add(number, std::move(node));
    if (!first) return;
    try {
      watch_counter(detail::signal_counter().get());
    } catch (...) {
      handlers_.remove(number);
      throw;
    }
  }
  bool forget_signal(int number) noexcept {
    if (!handlers_.remove(number)) return false;
    if (handlers_.empty()) control(EPOLL_CTL_DEL, detail::signal_counter().get(), 0);
    return true;
  }

 private:
  /// The nodes that wait for a file.
  struct File {
    Ref<Operation> reader;
    Ref<Operation> writer;
    std::uint32_t events = 0;  // that epoll watches for us

    Ref<Operation>& node(Ready ready) noexcept { return ready == Ready::to_read ? reader : writer; }
  };

  static constexpr std::uint32_t event_of(Ready ready) noexcept {
    return ready == Ready::to_read ? EPOLLIN : EPOLLOUT;
  }

  /// Adds to found_ what waits for `event`.
  void dispatch(const epoll_event& event) {
    // TODO 2.3: If it is of the wake_counter_, that was all. If there are
    // handlers_, and it is of the signals, let them collect. Else find the file: push to found_ its reader if
    // there is something to read (EPOLLIN), its writer if there is room (EPOLLOUT), and both if the file is
    // broken (EPOLLERR) or hung up (EPOLLHUP).
    todo("2.3", "EpollSelector::dispatch");
  }

  /// Has epoll watch for `events`, which are more than none.
  void update_interest(int fd, File& file, std::uint32_t events) {
    // If the file was closed, epoll has forgotten it: the number is that of a new file now.
    const bool known = file.events != 0 && control(EPOLL_CTL_MOD, fd, events) == 0;
    if (!known) concurrent::checked(control(EPOLL_CTL_ADD, fd, events), "epoll_ctl");
    file.events = events;
  }

  /// Has epoll watch for `events`, which may be none. If the file was closed already, there is nothing to do.
  void reduce_interest(int fd, File& file, std::uint32_t events) noexcept {
    control(events != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, fd, events);
    file.events = events;
  }

  /// @returns 0, or -1 with errno. A child made by fork() shares the epoll with its parent, whose files it
  /// must not take out: there it always fails.
  int control(int what, int fd, std::uint32_t events) noexcept {
    if (::getpid() != owner_) {
      errno = EPERM;
      return -1;
    }
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return ::epoll_ctl(epoll_.get(), what, fd, &event);
  }

  /// Watches a counter. Epoll tells each time that it is counted up (edge-triggered), so nobody has to read
  /// it.
  void watch_counter(int fd) {
    concurrent::checked(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), "epoll_ctl");
  }

  const pid_t owner_ = ::getpid();
  const concurrent::Fd epoll_;
  const concurrent::Fd wake_counter_;
  std::vector<File> files_;  // by descriptor
  SignalHandlers handlers_;
  ReadyQueue found_;
  std::array<epoll_event, 256> events_;
};

}  // namespace asyncio
