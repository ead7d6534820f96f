#pragma once

// For the tests that ask what a call says about itself. It stands in MPI's place, so one source of a program
// has it.

#include "mpi_worker.hpp"

#include <mpi.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>

/// The last call that rank 0 has sent.
class Sent {
 public:
  static void note(int tag, std::span<const char> bytes) {
    if (static_cast<concurrent::MpiTag>(tag) == concurrent::MpiTag::call &&
        bytes.size() >= sizeof(concurrent::CallHeader))
      program_ = std::get<0>(concurrent::from_bytes<concurrent::CallHeader>(bytes)).program;
  }

  /// Says in which program it may be made.
  static std::string to_whom() {
    if (program_ == 0) return "to any program";
    return program_ == concurrent::detail::program_identity() ? "to this program" : "to no program";
  }

 private:
  static inline std::atomic<std::uint64_t> program_ = 1;
};

extern "C" int MPI_Send(const void* bytes, int count, MPI_Datatype type, int rank, int tag, MPI_Comm world) {
  Sent::note(tag, {static_cast<const char*>(bytes), static_cast<std::size_t>(count)});
  return PMPI_Send(bytes, count, type, rank, tag, world);
}
