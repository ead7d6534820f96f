#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "call_table.hpp"
#include "cluster.hpp"
#include "cluster_errors.hpp"
#include "executor_base.hpp"
#include "fd.hpp"
#include "function_table.hpp"
#include "last_words.hpp"
#include "mpi_worker.hpp"
#include "packet.hpp"
#include "remote_call.hpp"
#include "ring.hpp"
#include "todo.hpp"

namespace concurrent::detail {

/// Rank 0's side of a pool of ranks: hands out calls, and takes the answers.
///
/// A worker has one call at a time: so a call that is still here can be cancelled, and goes to whoever is
/// free first. The thread that posts a call sends it, if a worker is free; else the pool's own thread does,
/// which also takes the answers.
class MpiDispatcher {
 public:
  /// Takes the workers that there are into the pool; those that come later belong to it from their hello on.
  /// @param max_workers the ranks above it are not for this pool
  /// @param initializer each worker calls it before its first call; null: none
  /// @throws Error if another pool has the cluster
  /// @throws std::system_error if there is no thread for the pool. Then no worker has been told anything
  MpiDispatcher(Cluster& cluster, int max_workers, void (*initializer)())
      : cluster_(cluster), lease_(cluster), max_workers_(max_workers), initializer_(initializer) {
    todo("4.1", "MpiDispatcher::MpiDispatcher");
  }
  MpiDispatcher(const MpiDispatcher&) = delete;
  MpiDispatcher& operator=(const MpiDispatcher&) = delete;
  /// Takes no more calls, and returns when those that it has taken are over.
  ~MpiDispatcher() {
    // 4.1, MpiDispatcher::~MpiDispatcher: empty until step 4.
  }

  /// Takes a call. One that is too large to be sent fails.
  /// @throws BrokenMpiPool if the pool is broken
  /// @throws ExecutorShutdown after shutdown()
  void post(Call call) {
    try {
      MpiWorld::check_size(call.arguments.size());
    } catch (const std::length_error&) {
      call.state->try_fail(std::current_exception());
      return;
    }
    todo("4.1", "MpiDispatcher::post");
  }

  /// Takes no more calls.
  /// @throws Error if the pool's own thread would wait for itself: in a callback of a future
  void shutdown(ShutdownOptions options) {
    todo("7.1", "MpiDispatcher::shutdown");
  }

 private:
  // For 4.1: members of MpiDispatcher.

  /// Breaks the pool: a worker could not run the initializer, and this is its answer.
  void mark_broken(const MpiMessage& message) {
    todo("6.1", "MpiDispatcher::mark_broken");
  }

  // ---- Given ----

  /// True if that rank is for this pool.
  [[nodiscard]] bool takes_in(int rank) const noexcept { return rank <= max_workers_; }

  /// Sends the initializer to a worker, who answers with `result` if it has run.
  void prepare(int rank) {
    cluster_.send(rank, MpiTag::prepare,
                  to_bytes(CallHeader{.id = 0, .program = program_identity()}, name_of(initializer_)));
  }

  /// Sends a call to a worker: its arguments go, the rest of it stays. The last words have it from now on.
  void send(Call& call, int rank) {
    LastWords::note_call(rank, function_of(call).c_str());
    cluster_.send(rank, MpiTag::call, std::move(call.arguments));
  }

  /// Takes a worker's call back out of the last words.
  static void note_idle(int rank) noexcept { LastWords::note_call(rank, nullptr); }

  /// Finishes the future of a call with a worker's answer, and runs its callbacks.
  void finish(const Call& call, const MpiMessage& message) {
    switch (static_cast<MpiTag>(message.tag)) {
      case MpiTag::result:
        return call.finish(*call.state, Packet({.type = PacketType::result}, message.bytes, Fd()));
      case MpiTag::error:
        return call.finish(*call.state, Packet({.type = PacketType::error}, message.bytes, Fd()));
      default:
        return refuse(call, message);
    }
  }

  /// Fails a call that a worker could not make, and says which, and where, and why.
  void refuse(const Call& call, const MpiMessage& message) {
    const bool not_found = static_cast<MpiTag>(message.tag) == MpiTag::not_found;
    const std::string why = not_found ? " does not have the function "
                                      : " runs another program, to which this address means nothing: ";
    call.state->try_fail(
        std::make_exception_ptr(FunctionNotFound(cluster_.name_of(message.rank) + why + function_of(call))));
  }

  /// Returns the function's name, which stays.
  static const std::string& function_of(const Call& call) {
    return FunctionTable::get().name_of(static_cast<CallId>(call.function));
  }

  Cluster& cluster_;
  const Cluster::Lease lease_;
  const int max_workers_;
  void (*const initializer_)();
};

}  // namespace concurrent::detail
