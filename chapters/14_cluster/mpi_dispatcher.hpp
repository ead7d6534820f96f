#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backoff.hpp"
#include "call_table.hpp"
#include "cluster.hpp"
#include "cluster_errors.hpp"
#include "executor_base.hpp"
#include "fd.hpp"
#include "function_table.hpp"
#include "last_words.hpp"
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
  /// @param initializer each worker calls it before its first call; null: none
  MpiDispatcher(Cluster& cluster, int max_workers, void (*initializer)())
      : cluster_(cluster),
        lease_(cluster),
        initializer_(initializer),
        in_flight_(static_cast<std::size_t>(max_workers) + 1) {
    std::lock_guard lock(mutex_);
    thread_ = std::thread([this] { run(); });  // first: if it cannot start, no worker has been told anything
    for (const int rank : cluster_.workers())
      if (takes_in(rank)) welcome(rank);
  }
  MpiDispatcher(const MpiDispatcher&) = delete;
  MpiDispatcher& operator=(const MpiDispatcher&) = delete;
  ~MpiDispatcher() {
    close();
    thread_.join();
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
    std::lock_guard lock(mutex_);
    if (broken_) std::rethrow_exception(broken_);
    if (closed_) throw ExecutorShutdown();
    queue_.push_back(std::move(call));
    hand_out();
    wake_.notify_one();
  }

  /// Takes no more calls.
  /// @throws Error if the pool's own thread would wait for itself: in a callback of a future
  void shutdown(ShutdownOptions options) {
    todo("7.1", "MpiDispatcher::shutdown");
  }

 private:
  /// Takes no more calls, and lets the pool's own thread end when all is done.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    wake_.notify_all();
  }

  // ---- For any thread, under the lock ----

  /// True if the pool has use for that rank.
  [[nodiscard]] bool takes_in(int rank) const noexcept {
    return static_cast<std::size_t>(rank) < in_flight_.size();
  }

  /// Takes in a worker that is there: it is idle, or has the initializer to call first.
  void welcome(int rank) {
    if (!initializer_) return idle_.push_back(rank);
    cluster_.send(rank, MpiTag::prepare,
                  to_bytes(CallHeader{.id = 0, .program = program_identity()}, name_of(initializer_)));
    ++busy_;
  }

  /// Sends calls to idle workers, as long as there are both. A call that was cancelled is dropped.
  void hand_out() {
    todo("4.1", "MpiDispatcher::hand_out");
  }

  [[nodiscard]] bool may_end() const noexcept { return closed_ && queue_.empty() && busy_ == 0; }

  // ---- The pool's own thread ----

  /// Takes messages until the pool has been shut down and all is done.
  void run() {
    todo("4.2", "MpiDispatcher::run");
  }

  /// Handles a message from a worker.
  /// @param lock of mutex_: held before and after, and released while a future is finished
  void take(const MpiMessage& message, std::unique_lock<std::mutex>& lock) {
    todo("4.3", "MpiDispatcher::take");
  }

  /// Finishes the future of a call with a worker's answer.
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
    todo("6.1", "MpiDispatcher::refuse");
  }

  /// Fails the calls that are queued, and those to come: a worker could not run the initializer.
  /// @param lock as for take()
  void mark_broken(const MpiMessage& message, std::unique_lock<std::mutex>& lock) {
    todo("6.2", "MpiDispatcher::mark_broken");
  }

  Cluster& cluster_;
  const Cluster::Lease lease_;
  void (*const initializer_)();

  std::mutex mutex_;  // guards all that follows
  std::condition_variable wake_;
  Ring<Call> queue_;
  std::vector<int> idle_;        // the ranks that have nothing to do
  std::vector<Call> in_flight_;  // at the rank of the worker that has it
  int busy_ = 0;                 // workers that have a call, or the initializer, to answer
  bool closed_ = false;
  bool stopped_ = false;  // run() has come to its end
  std::exception_ptr broken_;

  std::thread thread_;
};

}  // namespace concurrent::detail
