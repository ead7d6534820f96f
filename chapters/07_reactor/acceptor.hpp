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
    resume();
  }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() {
    retry_.cancel();
    again_->cancel();
    loop_.remove_reader(listener_.get());
  }

  [[nodiscard]] const Fd& listener() const noexcept { return listener_; }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  void resume() {
    loop_.add_reader(listener_.get(), [this] { take_all(); });
  }

  /// Takes the connections that are there, and pauses if the system has no room for another.
  void take_all() {
    todo("5.1", "Acceptor::take_all");
  }

  /// Watches the listener no more for a while, and reports the exception that is being handled. The listener
  /// stays ready: without a pause the loop would try again and again, and do nothing else.
  void pause() {
    todo("5.1", "Acceptor::pause");
  }

  /// Goes on; or if the listener cannot be watched, pauses once more.
  void end_pause() {
    todo("5.1", "Acceptor::end_pause");
  }

  /// Ends a pause in the next pass, when the loop's run_soon() gets it, which cannot fail. It is made before
  /// anything is, so that there is memory for it.
  class ResumeAccepting final : public Operation {
   public:
    explicit ResumeAccepting(Acceptor& acceptor) : Operation(RefCount::local), acceptor_(acceptor) {}
    void run() override { acceptor_.end_pause(); }
    void drop() noexcept override {}
    [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(ResumeAccepting); }

   private:
    Acceptor& acceptor_;
  };

  static bool out_of_room(const std::system_error& error) {
    const int number = error.code().value();
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
  }

  EventLoop& loop_;
  const Fd listener_;
  Callback on_connection_;
  const AcceptOptions options_;
  TimerHandle retry_;
  const Ref<Operation> again_ = NodePool::make_apart<ResumeAccepting>(*this);
};

}  // namespace asyncio
