#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "coro.hpp"
#include "event.hpp"
#include "todo.hpp"

namespace asyncio::jobs {

/// Tells all who listen what happens, as server-sent events. For the loop's thread.
class EventHub {
 public:
  /// One who listens. It listens until it goes.
  class Subscription {
   public:
    /// For EventHub.
    Subscription(std::size_t most_unread, std::function<void()> too_slow)
        : most_unread_(most_unread), too_slow_(std::move(too_slow)) {}

    /// Waits until there is something to tell, and returns all of it, as it is sent.
    /// @returns nothing once all is told and the hub closed, or the listener was too slow
    Coro<std::optional<std::string>> next() {
      // <exercise 8.1 EventHub::Subscription::next>
      while (unread_.empty() && !over_) {
        has_news_.clear();
        co_await has_news_.wait();
      }
      if (lost_ || unread_.empty()) co_return std::nullopt;
      co_return std::exchange(unread_, {});
      // </exercise>
      co_return std::nullopt;
    }

   private:
    friend class EventHub;

    /// Keeps events, until they are asked for.
    void add(std::string_view events) {
      // <exercise 8.1 EventHub::Subscription::add>
      if (over_) return;
      if (unread_.size() + events.size() > most_unread_) {
        over_ = lost_ = true;
        unread_.clear();
        if (too_slow_) too_slow_();
      } else {
        unread_ += events;
      }
      has_news_.set();
      // </exercise>
    }
    /// The hub was closed.
    void end() {
      // <exercise 8.1 EventHub::Subscription::end>
      over_ = true;
      has_news_.set();
      // </exercise>
    }

    const std::size_t most_unread_;
    const std::function<void()> too_slow_;
    // <exercise 8.1 members Subscription>
    std::string unread_;
    Event has_news_;
    bool over_ = false;
    bool lost_ = false;
    // </exercise>
  };

  /// @param most_unread so many bytes are kept for one who does not read them
  explicit EventHub(std::size_t most_unread = 256 * 1024) : most_unread_(most_unread) {}

  /// Listens from now on. @param too_slow called if the listener has too much unread
  [[nodiscard]] std::shared_ptr<Subscription> subscribe(std::function<void()> too_slow = {}) {
    std::erase_if(subscriptions_, [](const auto& one) { return one.expired(); });
    auto subscription = std::make_shared<Subscription>(most_unread_, std::move(too_slow));
    subscriptions_.push_back(subscription);
    if (closed_) subscription->end();
    return subscription;
  }

  /// Counts those who listen.
  [[nodiscard]] std::size_t subscribers() const noexcept {
    std::size_t count = 0;
    for (const auto& one : subscriptions_) count += one.expired() ? 0 : 1;
    return count;
  }

  /// Tells all who listen. @param data JSON, without the end of a line in it; or a function that returns it,
  /// which is not called if nobody listens
  template <class Data>
  void publish(std::string_view event, Data&& data) {
    if (subscriptions_.empty()) return;
    std::string text;
    if constexpr (std::is_invocable_v<Data>)
      text = format(event, data());
    else
      text = format(event, data);
    for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
      if (const auto one = at->lock()) {
        one->add(text);
        ++at;
      } else {
        at = subscriptions_.erase(at);
      }
    }
  }

  /// Writes an event down, as it is sent; each has the next number.
  std::string format(std::string_view event, std::string_view data) {
    std::string text = "id: " + std::to_string(++last_id_);
    text.append("\nevent: ").append(event).append("\ndata: ").append(data).append("\n\n");
    return text;
  }

  /// Nothing more will happen.
  void close() {
    closed_ = true;
    for (const auto& one : subscriptions_)
      if (const auto subscription = one.lock()) subscription->end();
  }

 private:
  const std::size_t most_unread_;
  std::list<std::weak_ptr<Subscription>> subscriptions_;
  std::uint64_t last_id_ = 0;
  bool closed_ = false;
};

}  // namespace asyncio::jobs
