#pragma once

#include <fcntl.h>
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
    watch_counter(wake_counter_.get(), EPOLLIN);
  }
  ~EpollSelector() override { close(); }

  /// Waits. What is ready then can be had from found(): each callback once, and none that was removed.
  /// @throws std::system_error if the system refuses to wait; the next select() waits as ever
  void select(std::optional<Duration> timeout) override {
    // <exercise 2.1 EpollSelector::select>
    const int count = detail::epoll_wait_for(epoll_.get(), events_, timeout);
    if (count < 0 && errno == EINTR) return;  // a signal came: nothing was found, and the loop comes again
    concurrent::checked(count, "epoll_pwait2");
    for (int i = 0; i < count; ++i) dispatch(events_[static_cast<std::size_t>(i)]);
    // </exercise>
  }

  void wake() override { detail::count_up(wake_counter_.get()); }

  TimePoint now() override { return std::chrono::steady_clock::now(); }

  ReadyQueue found() override { return std::exchange(found_, {}); }

  /// Removes all that watch() added, and the handlers of signals.
  void close() noexcept override {
    // <exercise 2.1 quiet EpollSelector::close>
    for (std::size_t fd = 0; fd < files_.size(); ++fd) {
      if (files_[fd].reader) unwatch(static_cast<int>(fd), Ready::to_read);
      if (files_[fd].writer) unwatch(static_cast<int>(fd), Ready::to_write);
    }
    // </exercise>
    handlers_.clear();
    found_ = {};
  }

  /// Has `node` called whenever `fd` is ready. If there was another for it, that one is removed.
  /// @throws std::system_error if there is no such file, or it cannot be watched, as one on a disk cannot;
  /// then `node` is dropped, and all else is as it was, also who waited for a closed file of this number
  void watch(int fd, Ready ready, Ref<Operation> node) {
    // <exercise 2.1 EpollSelector::watch>
    ReadyQueue owner;  // which drops it if this throws
    owner.push(std::move(node));
    const auto number = static_cast<std::size_t>(fd);
    if (number >= files_.size()) {
      concurrent::checked(::fcntl(fd, F_GETFD), "fcntl");  // no memory for a number that is no file's
      files_.resize(number + 1);
    }
    File& file = files_[number];
    const bool is_new = add_interest(fd, file, event_of(ready));
    const Ref<Operation> before = std::exchange(file.node(ready), owner.pop());
    const Ref<Operation> other = is_new ? std::exchange(file.node(other_than(ready)), nullptr) : nullptr;
    // Last, since their ends may call anything, watch() as well.
    if (before) before->cancel();
    if (other) other->cancel();
    // </exercise>
  }

  /// Removes what watch() added, and destroys the callback. @returns false if there was nothing
  bool unwatch(int fd, Ready ready) noexcept {
    // <exercise 2.1 EpollSelector::unwatch>
    if (fd < 0 || static_cast<std::size_t>(fd) >= files_.size()) return false;
    File& file = files_[static_cast<std::size_t>(fd)];
    const Ref<Operation> node = std::exchange(file.node(ready), nullptr);
    if (!node) return false;
    reduce_interest(fd, file, file.events & ~event_of(ready));
    node->cancel();  // last: see watch()
    return true;
    // </exercise>
  }

  /// Has `node` called when signal `number` comes, as SignalHandlers::add() says.
  void handle_signal(int number, Ref<Operation> node) {
    ReadyQueue owner;  // which drops it if this throws
    owner.push(std::move(node));
    if (!watches_signals_) watch_counter(detail::signal_counter().get(), EPOLLIN | EPOLLET);
    watches_signals_ = true;
    try {
      handlers_.add(number, owner.pop());
    } catch (...) {
      forget_unused_counter();
      throw;
    }
  }
  bool forget_signal(int number) noexcept {
    const bool was_there = handlers_.remove(number);
    forget_unused_counter();
    return was_there;
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  // <exercise 2.1 members your choice>
  /// The nodes that wait for a file.
  struct File {
    Ref<Operation> reader;
    Ref<Operation> writer;
    std::uint32_t events = 0;  // that epoll watches for us

    Ref<Operation>& node(Ready ready) noexcept { return ready == Ready::to_read ? reader : writer; }
  };

  static constexpr Ready other_than(Ready ready) noexcept {
    return ready == Ready::to_read ? Ready::to_write : Ready::to_read;
  }
  static constexpr std::uint32_t event_of(Ready ready) noexcept {
    return ready == Ready::to_read ? EPOLLIN : EPOLLOUT;
  }

  /// Adds to found_ what waits for `event`.
  void dispatch(const epoll_event& event) {
    if (event.data.fd == wake_counter_.get()) return detail::reset_count(wake_counter_.get());
    if (!handlers_.empty() && event.data.fd == detail::signal_counter().get())
      return handlers_.collect(found_);
    const File& file = files_[static_cast<std::size_t>(event.data.fd)];
    constexpr std::uint32_t for_all = EPOLLERR | EPOLLHUP;
    if (file.reader && (event.events & (EPOLLIN | for_all)) != 0) found_.push(file.reader);
    if (file.writer && (event.events & (EPOLLOUT | for_all)) != 0) found_.push(file.writer);
  }

  /// Has epoll watch for `event`, too. If it refuses, all is as it was.
  /// @returns true if the file is new to epoll: whatever waited for this number waited for a file that was
  /// closed
  bool add_interest(int fd, File& file, std::uint32_t event) {
    if (file.events != 0) {
      const std::uint32_t events = file.events | event;
      if (control(EPOLL_CTL_MOD, fd, events) == 0) {
        file.events = events;
        return false;
      }
      if (errno != ENOENT) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    concurrent::checked(control(EPOLL_CTL_ADD, fd, event), "epoll_ctl");
    file.events = event;
    return true;
  }

  /// Has epoll watch for `events`, which may be none. If the file was closed already, there is nothing to do.
  void reduce_interest(int fd, File& file, std::uint32_t events) noexcept {
    control(events != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, fd, events);
    file.events = events;
  }

  std::vector<File> files_;  // by descriptor
  // </exercise>

  /// Forgets the counter of the signals unless there are handlers.
  void forget_unused_counter() noexcept {
    if (!watches_signals_ || !handlers_.empty()) return;
    control(EPOLL_CTL_DEL, detail::signal_counter().get(), 0);
    watches_signals_ = false;
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

  /// Watches a counter: by level, as all files are, or by edge (EPOLLET), as that of the signals has to be.
  void watch_counter(int fd, std::uint32_t events) {
    concurrent::checked(control(EPOLL_CTL_ADD, fd, events), "epoll_ctl");
  }

  const pid_t owner_ = ::getpid();
  const concurrent::Fd epoll_;
  const concurrent::Fd wake_counter_;
  SignalHandlers handlers_;
  bool watches_signals_ = false;
  ReadyQueue found_;
  std::array<epoll_event, 256> events_;
};

}  // namespace asyncio
