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
#include "todo.hpp"

namespace asyncio {

/// Options of an Acceptor.
struct AcceptOptions {
  int at_a_time = 100;                       ///< connections, before the loop does something else
  Duration pause = std::chrono::seconds(1);  ///< when the system has no room for another
};

/// A call that the loop makes in the next pass, when its run_soon() gets it, which cannot fail: the call has
/// had its memory since it was made.
class CallInReserve final : public Operation {
 public:
  explicit CallInReserve(std::move_only_function<void()> fn)
      : Operation(RefCount::local), fn_(std::move(fn)) {}
  void run() override { fn_(); }
  void drop() noexcept override {}
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(CallInReserve); }

 private:
  std::move_only_function<void()> fn_;
};

/// Takes the connections of a listener, as long as it lives. It must not outlive the loop.
/// Python: what `loop.create_server` does.
class Acceptor {
 public:
  using Callback = std::move_only_function<void(Fd)>;

  /// @param on_connection gets each connection; it must not destroy the acceptor
  /// @throws std::invalid_argument if at_a_time is less than 1; otherwise as add_reader()
  Acceptor(EventLoop& loop, Fd listener, Callback on_connection, const AcceptOptions& options = {})
      : loop_(loop),
        listener_(std::move(listener)),
        on_connection_(std::move(on_connection)),
        options_(options) {
    if (options.at_a_time < 1)
      throw std::invalid_argument("at_a_time must be at least 1, not " + std::to_string(options.at_a_time));
    // <exercise 5.1 Acceptor>
    resume();
    // </exercise>
  }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() {
    // <exercise 5.1 quiet Acceptor::~Acceptor>
    retry_.cancel();
    again_->cancel();
    loop_.remove_reader(listener_.get());
    // </exercise>
  }

  [[nodiscard]] const Fd& listener() const noexcept { return listener_; }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  // <exercise 5.1 members your choice>
  void resume() {
    loop_.add_reader(listener_.get(), [this] { take_all(); });
  }

  /// Takes the connections that are there, and pauses if the system has no room for another.
  void take_all() {
    for (int i = 0; i < options_.at_a_time; ++i) {
      std::optional<Fd> connection;
      try {
        connection = accept(listener_);
      } catch (const std::system_error& error) {
        if (!out_of_room(error)) throw;
        return pause();
      }
      if (!connection) return;
      on_connection_(*std::move(connection));
    }
  }

  /// Watches the listener no more for a while, and reports the exception that is being handled. The listener
  /// stays ready: without a pause the loop would try again and again, and do nothing else.
  void pause() {
    // First what may fail: without a timer, the listener must not be forgotten.
    retry_ = loop_.call_later(options_.pause, [this] { end_pause(); });
    loop_.remove_reader(listener_.get());
    loop_.call_exception_handler(
        {.message = "accept() is out of resources", .exception = std::current_exception(), .handle = {}});
  }

  /// Goes on; or if the listener cannot be watched, pauses once more.
  void end_pause() {
    try {
      resume();
    } catch (...) {
      try {
        pause();
      } catch (...) {
        loop_.run_soon(again_);  // nothing else will ever call this, and nobody can be told without memory
      }
    }
  }

  TimerHandle retry_;  // of a pause
  const Ref<Operation> again_ = NodePool::make_apart<CallInReserve>([this] { end_pause(); });
  // </exercise>

  /// True for the errors that say that there is no room for another connection.
  static bool out_of_room(const std::system_error& error) {
    const int number = error.code().value();
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
  }

  EventLoop& loop_;
  const Fd listener_;
  Callback on_connection_;
  const AcceptOptions options_;
};

}  // namespace asyncio
