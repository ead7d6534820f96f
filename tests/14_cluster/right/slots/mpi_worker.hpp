#pragma once

// A right solution: it sleeps for a tenth of the time since the last message.

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
  const std::span<const char> all(message.bytes);
  const CallHeader header = std::get<0>(from_bytes<CallHeader>(all));
  if (header.program != 0 && header.program != detail::program_identity()) return {MpiTag::other_program, {}};
  const auto behind = all.last(all.size() - sizeof(CallHeader));
  detail::Answer answer;
  if (message.tag == static_cast<int>(MpiTag::call)) {
    const auto* const entry = FunctionTable::get().find(header.id);
    if (entry == nullptr || entry->run == nullptr) return {MpiTag::not_found, {}};
    answer = entry->run(behind);
  } else {
    answer = detail::run_call<void (*)()>(behind);
  }
  const bool fine = answer.type == detail::PacketType::result;
  return {fine ? MpiTag::result : MpiTag::error, std::move(answer.bytes)};
}

/// Returns the answer, or an error in the place of one that is too large to be sent.
inline MpiAnswer sendable(MpiAnswer answer) {
  detail::Answer too_large = detail::answer_of([&] { MpiWorld::check_size(answer.bytes.size()); });
  if (too_large.type == detail::PacketType::result) return answer;
  return {MpiTag::error, std::move(too_large.bytes)};
}

/// Pauses between two looks.
class Patience {
 public:
  [[nodiscard]] bool is_long() const { return quiet() > most_eager; }
  void found() { last_ = Clock::now(); }
  void pause() const {
    if (is_long())
      std::this_thread::sleep_for(std::min<Clock::duration>(quiet() / 10, std::chrono::milliseconds(5)));
    else
      std::this_thread::yield();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto most_eager = std::chrono::microseconds(300);

  [[nodiscard]] Clock::duration quiet() const { return Clock::now() - last_; }

  Clock::time_point last_ = Clock::now();
};

/// Works, in any rank but 0, until rank 0 says that the program ends.
inline void work(MpiWorld& world) {
  const auto tell = [&](MpiTag tag, const Bytes& bytes) { world.send(0, static_cast<int>(tag), bytes); };
  tell(MpiTag::hello, to_bytes(WorkerInfo{.process = ::getpid(), .host = world.host()}));
  Patience patience;
  while (true) {
    const auto message = world.try_receive();
    if (!message) {
      patience.pause();
    } else if (message->tag == static_cast<int>(MpiTag::end)) {
      return;
    } else {
      const MpiAnswer answer = sendable(answer_to(*message));
      tell(answer.tag, answer.bytes);
      patience.found();
    }
  }
}

}  // namespace concurrent
