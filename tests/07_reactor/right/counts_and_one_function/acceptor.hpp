#pragma once

#include <cerrno>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>

#include "event_loop.hpp"
#include "node_pool.hpp"
#include "operation.hpp"
#include "ref.hpp"
#include "sockets.hpp"

namespace asyncio {

struct AcceptOptions {
  int at_a_time = 100;
  Duration pause = std::chrono::seconds(1);
};

class Acceptor {
 public:
  using Callback = std::move_only_function<void(Fd)>;

  Acceptor(EventLoop& loop, Fd listener, Callback on_connection, const AcceptOptions& options = {})
      : loop_(loop), listener_(std::move(listener)), fn_(std::move(on_connection)), options_(options) {
    if (options.at_a_time < 1)
      throw std::invalid_argument("at_a_time must be at least 1, not " + std::to_string(options.at_a_time));
    watch(true);
  }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() {
    watch(false);
    timer_.cancel();
    spare_->cancel();
  }

  [[nodiscard]] const Fd& listener() const noexcept { return listener_; }

 private:
  /// The node of the next pass, for when there is no memory for another.
  struct Spare final : Operation {
    explicit Spare(Acceptor& acceptor) : Operation(RefCount::local), acceptor(acceptor) {}
    void run() override { acceptor.go_on(); }
    void drop() noexcept override {}
    [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Spare); }
    Acceptor& acceptor;
  };

  void watch(bool yes) {
    if (yes)
      loop_.add_reader(listener_.get(), [this] { ready(); });
    else
      loop_.remove_reader(listener_.get());
  }

  /// Returns what the system gives; nothing also if it has no room, which is in `refused` then.
  std::optional<Fd> next(std::exception_ptr& refused) {
    try {
      return accept(listener_);
    } catch (const std::system_error& error) {
      for (const int number : {EMFILE, ENFILE, ENOBUFS, ENOMEM})
        if (error.code().value() == number) refused = std::current_exception();
      if (!refused) throw;
      return std::nullopt;
    }
  }

  void ready() {
    std::exception_ptr refused;
    for (int left = options_.at_a_time; left-- > 0;) {
      std::optional<Fd> connection = next(refused);
      if (refused) return pause(refused);
      if (!connection) return;
      fn_(*std::move(connection));
    }
  }

  void pause(const std::exception_ptr& why) {
    timer_ = loop_.call_later(options_.pause, [this] { go_on(); });
    watch(false);
    loop_.call_exception_handler({.message = "accept() is out of resources", .exception = why, .handle = {}});
  }

  void go_on() {
    std::exception_ptr why;
    try {
      return watch(true);
    } catch (...) {
      why = std::current_exception();
    }
    try {
      pause(why);
    } catch (...) {
      loop_.run_soon(spare_);
    }
  }

  EventLoop& loop_;
  const Fd listener_;
  Callback fn_;
  const AcceptOptions options_;
  TimerHandle timer_;
  const Ref<Operation> spare_ = NodePool::make_apart<Spare>(*this);
};

}  // namespace asyncio
