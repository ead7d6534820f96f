#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "ref.hpp"

namespace asyncio {

class EventLoop;

/// A part of a loop that a later chapter brings: its tasks (09), its threads (10), its waits for sockets and
/// its connections (12). The word is Asio's.
/// There is one of each type in a loop, made by loop.use_service<S>() when it is first asked for. It is
/// counted, for it may outlive the loop, which has one reference. For the loop's thread.
class Service {
 public:
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Returns the loop; null once that is destroyed.
  [[nodiscard]] EventLoop* loop() const noexcept { return loop_; }

  /// Blocks until what works for the loop elsewhere has finished. The loop is open, and does not run.
  virtual void join() {}

  /// Drops what it would call, for the loop is closed. It may be told so twice.
  virtual void close() noexcept = 0;

  void ref() noexcept { ++references_; }
  void unref() noexcept {
    if (--references_ == 0) delete this;
  }

 protected:
  explicit Service(EventLoop& loop) noexcept : loop_(&loop) {}
  virtual ~Service() = default;

 private:
  friend class ServiceTable;

  EventLoop* loop_;
  std::size_t references_ = 1;
};

/// The services of one loop, in the order in which they were made. A service that stands on another one uses
/// that in its constructor, and so comes after it.
class ServiceTable {
 public:
  ServiceTable() = default;
  ServiceTable(const ServiceTable&) = delete;
  ServiceTable& operator=(const ServiceTable&) = delete;
  /// Tells the services that the loop is gone, the last one first, and lets them go.
  ~ServiceTable() {
    while (count_ > 0) {
      const Ref<Service> last = std::move(entries_[--count_].service);
      last->loop_ = nullptr;
    }
  }

  /// Returns the service of type S, which is made by `S(loop)` if there is none yet. The first one, nearly
  /// always the tasks, is found without a call: each future and each task asks for it.
  template <std::derived_from<Service> S>
  S& use(EventLoop& loop) {
    if (entries_[0].key == &key_of<S>) return static_cast<S&>(*entries_[0].service);
    return find_or_add<S>(loop);
  }

  /// Calls join() of each. Meanwhile others may come.
  void join() {
    for (std::size_t i = 0; i < count_; ++i) entries_[i].service->join();
  }
  /// Calls close() of each.
  void close() noexcept {
    for (std::size_t i = 0; i < count_; ++i) entries_[i].service->close();
  }

 private:
  static constexpr std::size_t most = 8;

  struct Entry {
    const char* key = nullptr;
    Ref<Service> service;
  };

  /// Has an address of its own for each type.
  template <class S>
  static inline char key_of = 0;

  template <class S>
  [[gnu::noinline]] S& find_or_add(EventLoop& loop) {
    for (std::size_t i = 0; i < count_; ++i)
      if (entries_[i].key == &key_of<S>) return static_cast<S&>(*entries_[i].service);
    Ref<Service> service = Ref<Service>::adopt(new S(loop));
    if (count_ == most) throw std::length_error("a loop has no room for so many services");
    Entry& entry = entries_[count_++];
    entry = {&key_of<S>, std::move(service)};
    return static_cast<S&>(*entry.service);
  }

  std::array<Entry, most> entries_;
  std::size_t count_ = 0;
};

}  // namespace asyncio
