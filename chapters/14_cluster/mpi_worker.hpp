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
  todo("2.1", "answer_to");
}

/// Returns the answer, or an error in the place of one that is too large to be sent.
inline MpiAnswer sendable(MpiAnswer answer) {
  todo("3.1", "sendable");
}

// For 3.1: members of your choice, if you want any.

/// Works, in any rank but 0, until rank 0 says that the program ends.
inline void work(MpiWorld& world) {
  todo("3.1", "work");
}

}  // namespace concurrent
