// Fails: Step7_*
#pragma once

#include <sys/epoll.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
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

namespace asyncio {

enum class Ready : std::uint8_t { to_read, to_write };

class EpollSelector final : public Selector {
  using Key = std::pair<int, Ready>;

 public:
  EpollSelector()
      : kernel_(concurrent::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        bell_(detail::event_counter()) {
    if (!tell(EPOLL_CTL_ADD, bell_.get(), EPOLLIN)) fail();
  }
  ~EpollSelector() override { close(); }

  void select(std::optional<Duration> timeout) override {
    std::array<epoll_event, 64> events{};
    const int count = detail::epoll_wait_for(kernel_.get(), events, timeout);
    if (count < 0) {
      if (errno != EINTR) fail();
      return;
    }
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      if (fd == bell_.get()) {
        detail::reset_count(fd);
      } else if (!signals_.empty() && fd == detail::signal_counter().get()) {
        signals_.collect(ready_);
      } else {
        const bool broken = (what & (EPOLLERR | EPOLLHUP)) != 0;
        if (broken || (what & EPOLLIN) != 0) push({fd, Ready::to_read});
        if (broken || (what & EPOLLOUT) != 0) push({fd, Ready::to_write});
      }
    }
  }
  void wake() override { detail::count_up(bell_.get()); }
  TimePoint now() override { return std::chrono::steady_clock::now(); }
  ReadyQueue found() override { return std::move(ready_); }

  void close() noexcept override {
    while (!waiting_.empty()) {
      const Key key = waiting_.begin()->first;
      unwatch(key.first, key.second);
    }
    signals_.clear();
    ready_ = {};
  }

  void watch(int fd, Ready ready, Ref<Operation> node) {
    struct Drop {
      Ref<Operation>& node;
      ~Drop() {
        if (node) node->drop();
      }
    };
    const Drop drop{node};
    std::vector<Ref<Operation>> old;
    old.reserve(2);
    const Key key{fd, ready};
    const Key sibling{fd, ready == Ready::to_read ? Ready::to_write : Ready::to_read};
    const bool was_there = waiting_.contains(key);
    if (!was_there) waiting_[key] = nullptr;
    const auto sibling_place = waiting_.find(sibling);
    const bool has_sibling = sibling_place != waiting_.end();
    const std::uint32_t all = EPOLLIN | EPOLLOUT;
    bool is_new = !was_there && !has_sibling;
    bool good = is_new || tell(EPOLL_CTL_MOD, fd, has_sibling ? all : bit(ready));
    if (!good && errno == ENOENT) is_new = true;
    if (is_new) good = tell(EPOLL_CTL_ADD, fd, bit(ready));
    if (!good) {
      const int error = errno;
      if (!was_there) waiting_.erase(key);
      throw std::system_error(error, std::generic_category(), "epoll_ctl");
    }
    if (was_there) old.push_back(waiting_[key]);
    if (is_new && has_sibling) {
      old.push_back(sibling_place->second);
      waiting_.erase(sibling_place);
    }
    waiting_[key] = std::exchange(node, nullptr);
    for (const Ref<Operation>& gone : old) gone->cancel();
  }

  bool unwatch(int fd, Ready ready) noexcept {
    const auto place = waiting_.find({fd, ready});
    if (place == waiting_.end()) return false;
    const Ref<Operation> node = place->second;
    waiting_.erase(place);
    const Ready other = ready == Ready::to_read ? Ready::to_write : Ready::to_read;
    if (waiting_.contains({fd, other}))
      tell(EPOLL_CTL_MOD, fd, bit(other));
    else
      tell(EPOLL_CTL_DEL, fd, 0);
    node->cancel();
    return true;
  }

  void handle_signal(int number, Ref<Operation> node) {
    ReadyQueue owner;
    owner.push(std::move(node));
    if (!hears_signals_ && !tell(EPOLL_CTL_ADD, detail::signal_counter().get(), EPOLLIN | EPOLLET)) fail();
    hears_signals_ = true;
    try {
      signals_.add(number, owner.pop());
    } catch (...) {
      hear_no_more();
      throw;
    }
  }
  bool forget_signal(int number) noexcept {
    const bool was_there = signals_.remove(number);
    hear_no_more();
    return was_there;
  }

 private:
  [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "epoll"); }
  static std::uint32_t bit(Ready ready) noexcept { return ready == Ready::to_read ? EPOLLIN : EPOLLOUT; }
  void hear_no_more() noexcept {
    if (!hears_signals_ || !signals_.empty()) return;
    tell(EPOLL_CTL_DEL, detail::signal_counter().get(), 0);
    hears_signals_ = false;
  }
  void push(const Key& key) {
    if (const auto place = waiting_.find(key); place != waiting_.end()) ready_.push(place->second);
  }
  bool tell(int what, int fd, std::uint32_t events) noexcept {
    if (::getpid() != process_) {
      errno = EPERM;
      return false;
    }
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return ::epoll_ctl(kernel_.get(), what, fd, &event) == 0;
  }

  const pid_t process_ = ::getpid();
  const concurrent::Fd kernel_;
  const concurrent::Fd bell_;
  std::map<Key, Ref<Operation>> waiting_;
  SignalHandlers signals_;
  bool hears_signals_ = false;
  ReadyQueue ready_;
};

}  // namespace asyncio
