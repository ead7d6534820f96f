#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "archive.hpp"
#include "function_table.hpp"
#include "mpi_world.hpp"
#include "program.hpp"
#include "remote_call.hpp"
#include "todo.hpp"

namespace concurrent {

/// The kinds of messages between rank 0 and the others.
enum class MpiTag : int {
  call,           ///< to a worker: a CallHeader, and what its RunCall reads
  prepare,        ///< to a worker: a CallHeader, and the initializer's place in the program
  end,            ///< to a worker: the program ends; nothing else
  hello,          ///< from a worker: a WorkerInfo
  result,         ///< from a worker: the value
  error,          ///< from a worker: an exception, its type and its text
  not_found,      ///< from a worker: nothing else
  other_program,  ///< from a worker: nothing else
};

/// The head of the message of a call.
struct CallHeader {
  CallId id = 0;
  std::uint64_t program = 0;  ///< the identity of the only program that it is for; 0: any

  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, program);
  }
};

/// Where a worker is.
struct WorkerInfo {
  std::int64_t process = 0;
  std::string host;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(process, host);
  }
};

/// A worker's message in answer to a call.
struct MpiAnswer {
  MpiTag tag = MpiTag::error;
  Bytes bytes;
};

/// Does what a message asks for, a `call` or a `prepare`. @returns what is to be said to rank 0
inline MpiAnswer answer_to(const MpiMessage& message) {
  // <exercise 2.1 answer_to>
  const std::span<const char> bytes(message.bytes);
  const auto [header] = from_bytes<CallHeader>(bytes);
  if (header.program != 0 && header.program != detail::program_identity()) return {MpiTag::other_program, {}};
  const auto rest = bytes.subspan(sizeof header);
  detail::Answer answer;
  if (static_cast<MpiTag>(message.tag) == MpiTag::prepare) {
    answer = detail::answer_of(
        [&] { detail::function_named<void (*)()>(std::get<0>(from_bytes<std::int64_t>(rest)))(); });
  } else {
    const FunctionTable::Entry* const function = FunctionTable::get().find(header.id);
    if (!function || !function->run) return {MpiTag::not_found, {}};
    answer = function->run(rest);
  }
  return {answer.type == detail::PacketType::result ? MpiTag::result : MpiTag::error,
          std::move(answer.bytes)};
  // </exercise>
}

/// Returns the answer, or an error in the place of one that is too large to be sent.
inline MpiAnswer sendable(MpiAnswer answer) {
  // <exercise 3.1 sendable>
  try {
    MpiWorld::check_size(answer.bytes.size());
    return answer;
  } catch (const std::length_error&) {
    const auto [type, what] = detail::current_error();
    return {MpiTag::error, to_bytes(type, what)};
  }
  // </exercise>
}

// <exercise 3.1 members your choice, if you want any>
namespace detail {

/// Waits for something that nobody will announce, so that one has to look for it again and again. At first it
/// looks without a pause, for most answers come soon; then it sleeps between the looks, longer the longer it
/// has waited: what it waits for is seen late by a quarter of that time, and by 10 ms at most.
class Backoff {
 public:
  using Clock = std::chrono::steady_clock;

  /// True once it has looked for a while without a pause: from now on it sleeps.
  [[nodiscard]] bool sleeps() const noexcept { return sleeps_; }

  /// Waits a little, to look again then.
  void wait() {
    const auto now = Clock::now();
    if (since_ == Clock::time_point()) since_ = now;
    const auto waited = now - since_;
    sleeps_ = waited > most_looking;
    if (!sleeps_) return std::this_thread::yield();
    std::this_thread::sleep_for(std::min<Clock::duration>(waited / 4, std::chrono::milliseconds(10)));
  }

  /// Begins anew, after something has come.
  void reset() noexcept { *this = {}; }

 private:
  static constexpr auto most_looking = std::chrono::microseconds(200);

  Clock::time_point since_{};  // the clock's beginning: it has not looked yet
  bool sleeps_ = false;
};

}  // namespace detail
// </exercise>

/// Works, in any rank but 0, until rank 0 says that the program ends.
inline void work(MpiWorld& world) {
  // <exercise 3.1 work>
  const auto say = [&](MpiAnswer answer) {
    answer = sendable(std::move(answer));
    world.send(0, static_cast<int>(answer.tag), answer.bytes);
  };
  say({MpiTag::hello, to_bytes(WorkerInfo{::getpid(), world.host()})});
  for (detail::Backoff backoff;;) {
    const auto message = world.try_receive();
    if (!message) {
      backoff.wait();
      continue;
    }
    if (static_cast<MpiTag>(message->tag) == MpiTag::end) return;
    say(answer_to(*message));
    backoff.reset();
  }
  // </exercise>
}

}  // namespace concurrent
