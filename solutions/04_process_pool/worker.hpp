#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "fd.hpp"
#include "packet.hpp"
#include "remote_call.hpp"
#include "todo.hpp"

namespace concurrent::detail {

/// A worker of a pool of processes: takes calls, one at a time, and sends their outcomes.
class Worker {
 public:
  /// @param tasks where calls come from: all workers read there, and each call comes to one of them
  /// @param results where answers go
  Worker(const Fd& tasks, const Fd& results) noexcept : tasks_(tasks), results_(results) {}

  /// Calls `initializer`, if there is one, then makes calls until no more can come, or until there have been
  /// `max_calls`.
  /// @returns the status to exit with
  int run(const std::function<void()>& initializer, std::optional<int> max_calls) {
    if (!prepare(initializer)) return 1;
    // <exercise 5.2 Worker::run>
    Receiver receiver;
    for (int made = 0; !max_calls || made < *max_calls; ++made) {
      const auto call = receiver.receive(tasks_);
      if (!call) break;
      answer(*call);
    }
    send_packet(results_, {.type = PacketType::leaving, .number = static_cast<std::uint32_t>(::getpid())},
                {});
    return 0;
    // </exercise>
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  /// Calls the initializer, if there is one. @returns false if it failed; that has been reported then
  bool prepare(const std::function<void()>& initializer) {
    if (!initializer) return true;
    const Answer outcome = answer_of(initializer);
    if (outcome.type == PacketType::result) return true;
    send_packet(results_, {.type = PacketType::broken}, outcome.bytes);
    return false;
  }

  // <exercise 5.2 members your choice, if you want any>
  void answer(const Packet& call) {
    const auto run = function_named<RunCall>(call.header().function);
    const auto send = [&](const Answer& answer) {
      send_packet(results_, {answer.type, call.header().number}, answer.bytes);
    };
    const Answer last = answer_of([&] { send(call.read(run)); });
    if (last.type == PacketType::error) send(last);
  }
  // </exercise>

  const Fd& tasks_;
  const Fd& results_;
};

}  // namespace concurrent::detail
