#pragma once

#include <mpi.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace concurrent {

/// A message as it came: from which rank, of which kind, and its bytes.
struct MpiMessage {
  int rank = 0;
  int tag = 0;
  std::string bytes;
};

/// The processes that mpirun has started together, the ranks, of which this is one. Messages go from rank to
/// rank, each with a tag, an int that says of which kind it is; those from one rank to another arrive in
/// their order. Any thread may use it.
class MpiWorld {
 public:
  /// Returns the one world of this process; starts MPI at the first call.
  static MpiWorld& get() {
    static MpiWorld world;
    return world;
  }
  MpiWorld(const MpiWorld&) = delete;
  MpiWorld& operator=(const MpiWorld&) = delete;

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  /// Returns the name of the machine.
  [[nodiscard]] const std::string& host() const noexcept { return host_; }

  /// So many bytes a message may have: MPI counts them in an int. (A test may have them be fewer.)
  static inline std::size_t most_bytes = std::numeric_limits<int>::max();

  /// @throws std::length_error if a message of so many bytes is larger than MPI can send
  static void check_size(std::size_t size) {
    if (size > most_bytes)
      throw std::length_error("a message of MPI has at most " + std::to_string(most_bytes) + " bytes, not " +
                              std::to_string(size));
  }

  /// Sends a message. Returns when `bytes` may be used again; a large message waits until the other rank
  /// takes it. @throws std::length_error if it is larger than MPI can send
  void send(int rank, int tag, std::span<const char> bytes) {
    check_size(bytes.size());
    std::lock_guard lock(mutex_);
    MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_CHAR, rank, tag, MPI_COMM_WORLD);
  }

  /// Takes the next message, from any rank, if one has come.
  std::optional<MpiMessage> try_receive() {
    std::lock_guard lock(mutex_);
    int found = 0;
    MPI_Message handle;
    MPI_Status status;
    MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &handle, &status);
    if (!found) return std::nullopt;
    int size = 0;
    MPI_Get_count(&status, MPI_CHAR, &size);
    MpiMessage message{status.MPI_SOURCE, status.MPI_TAG, std::string(static_cast<std::size_t>(size), '\0')};
    MPI_Mrecv(message.bytes.data(), size, MPI_CHAR, &handle, MPI_STATUS_IGNORE);
    return message;
  }

  /// Ends MPI for this process, once. All ranks must do so: it waits for the others.
  void end() noexcept {
    if (!std::exchange(ended_, true)) MPI_Finalize();
  }

 private:
  MpiWorld() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    if (provided < MPI_THREAD_SERIALIZED)
      throw std::runtime_error("this MPI cannot be used by one thread after another (MPI_THREAD_SERIALIZED)");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    int length = 0;
    MPI_Get_processor_name(name.data(), &length);
    host_.assign(name.data(), static_cast<std::size_t>(length));
  }
  /// A worker that ends before it was told to would wait here for the others, and they for it. mpirun ends
  /// them all when one goes without a word. (To say it by MPI_Abort would be the same; but if two ranks do,
  /// mpirun 4.1 may hang.)
  ~MpiWorld() {
    if (rank_ > 0 && !ended_) std::_Exit(EXIT_FAILURE);
    end();
  }

  std::mutex mutex_;  // MPI wants one thread at a time
  int rank_ = 0;
  int size_ = 1;
  std::string host_;
  bool ended_ = false;
};

}  // namespace concurrent
