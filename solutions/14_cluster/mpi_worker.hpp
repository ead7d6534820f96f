#pragma once

#include <unistd.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "archive.hpp"
#include "backoff.hpp"
#include "function_table.hpp"
#include "mpi_world.hpp"
#include "program.hpp"
#include "remote_call.hpp"
#include "todo.hpp"

namespace concurrent {

/// The kinds of messages between rank 0 and the others.
enum class MpiTag : int {
  call,           ///< to a worker: a CallHeader, and what its RunCall reads
  prepare,        ///< to a worker: a CallHeader, and name_of(the initializer to be called)
  end,            ///< to a worker: the program ends
  hello,          ///< from a worker: who it is, a WorkerInfo
  result,         ///< from a worker: what the function returned
  error,          ///< from a worker: what it threw
  not_found,      ///< from a worker: its program has no such function
  other_program,  ///< from a worker: it runs another program, where an address means something else
};

/// The head of the message of a call.
struct CallHeader {
  CallId id = 0;
  std::uint64_t program = 0;  ///< the identity of the only program in which it means anything; 0: any

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

/// Does what a message of rank 0 asks for. @returns what is to be said to rank 0
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

/// Returns the answer, or an error in the place of one that is too large to be sent. Given, not an exercise.
inline MpiAnswer sendable(MpiAnswer answer) {
  try {
    MpiWorld::check_size(answer.bytes.size());
    return answer;
  } catch (const std::length_error&) {
    const auto [type, what] = detail::current_error();
    return {MpiTag::error, to_bytes(type, what)};
  }
}

/// Works, in any rank but 0, until rank 0 says that the program ends. An answer that is too large to be sent
/// becomes an error.
inline void work(MpiWorld& world) {
  const auto say = [&](MpiAnswer answer) {
    answer = sendable(std::move(answer));
    world.send(0, static_cast<int>(answer.tag), answer.bytes);
  };
  say({MpiTag::hello, to_bytes(WorkerInfo{::getpid(), world.host()})});
  // <exercise 3.1 work>
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
