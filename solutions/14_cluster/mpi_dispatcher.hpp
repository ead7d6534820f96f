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
    // <exercise 4.1 MpiDispatcher::MpiDispatcher>
    std::lock_guard lock(mutex_);
    thread_ = std::thread([this] { run(); });  // first: if it cannot start, no worker has been told anything
    for (const int rank : cluster_.workers())
      if (takes_in(rank)) welcome(rank);
    // </exercise>
  }
  MpiDispatcher(const MpiDispatcher&) = delete;
  MpiDispatcher& operator=(const MpiDispatcher&) = delete;
  /// Takes no more calls, and returns when those that it has taken are over.
  ~MpiDispatcher() {
    // <exercise 4.1 quiet MpiDispatcher::~MpiDispatcher>
    close();
    thread_.join();
    // </exercise>
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
    // <exercise 4.1 MpiDispatcher::post>
    std::lock_guard lock(mutex_);
    if (broken_) std::rethrow_exception(broken_);
    if (closed_) throw ExecutorShutdown();
    queue_.push_back(std::move(call));
    hand_out();
    wake_.notify_one();
    // </exercise>
  }

  /// Takes no more calls.
  /// @throws Error if the pool's own thread would wait for itself: in a callback of a future
  void shutdown(ShutdownOptions options) {
    // <exercise 7.1 MpiDispatcher::shutdown>
    if (options.wait && std::this_thread::get_id() == thread_.get_id())
      throw Error("a callback on the pool's own thread cannot wait for the pool to end");
    close();
    Ring<Call> dropped;
    if (options.cancel_futures) {
      std::lock_guard lock(mutex_);
      dropped.swap(queue_);
    }
    while (!dropped.empty()) dropped.take_front().state->cancel();
    if (!options.wait) return;
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopped_; });
    // </exercise>
  }

 private:
  // <exercise 4.1 members MpiDispatcher>
  /// Takes no more calls, and lets the pool's own thread end when all is done.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    wake_.notify_all();
  }

  // ---- For any thread, under the lock ----

  /// Takes in a worker that is there: it is idle, or has the initializer to call first.
  void welcome(int rank) {
    if (!initializer_) return idle_.push_back(rank);
    prepare(rank);
    ++busy_;
  }

  /// Sends calls to idle workers, as long as there are both. A call that was cancelled is dropped.
  void hand_out() {
    while (!queue_.empty() && !idle_.empty()) {
      Call call = queue_.take_front();
      if (!call.state->start()) continue;
      const int rank = idle_.back();
      idle_.pop_back();
      ++busy_;
      send(call, rank);
      in_flight_[static_cast<std::size_t>(rank)] = std::move(call);
    }
  }

  [[nodiscard]] bool may_end() const noexcept { return closed_ && queue_.empty() && busy_ == 0; }

  // ---- The pool's own thread ----

  /// Takes messages until the pool has been shut down and all is done.
  void run() {
    Backoff backoff;
    for (std::unique_lock lock(mutex_); !may_end();) {
      if (backoff.sleeps() && queue_.empty() && busy_ == 0) {
        wake_.wait(lock);
        backoff.reset();
      }
      lock.unlock();
      const auto message = cluster_.try_receive();
      if (!message) backoff.wait();
      lock.lock();
      if (!message) continue;
      take(*message, lock);
      backoff.reset();
    }
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }

  /// Handles a message from a worker.
  /// @param lock of mutex_: held before and after, and released while a future is finished
  void take(const MpiMessage& message, std::unique_lock<std::mutex>& lock) {
    const MpiTag tag = static_cast<MpiTag>(message.tag);
    if (tag == MpiTag::hello) {
      cluster_.note_hello(message);
      if (takes_in(message.rank)) welcome(message.rank);
      return hand_out();
    }
    Call call = std::exchange(in_flight_[static_cast<std::size_t>(message.rank)], {});
    --busy_;
    if (!call.state && tag != MpiTag::result) {
      lock.unlock();
      mark_broken(message);
      return lock.lock();
    }
    idle_.push_back(message.rank);
    note_idle(message.rank);
    hand_out();
    if (!call.state) return;
    lock.unlock();
    finish(call, message);
    call = {};  // a result that nobody wants any more is destroyed here, and not under the lock
    lock.lock();
  }
  // </exercise>

  /// Breaks the pool: a worker could not run the initializer, and this is its answer.
  void mark_broken(const MpiMessage& message) {
    // <exercise 6.1 MpiDispatcher::mark_broken>
    std::string why = " runs another program";
    if (static_cast<MpiTag>(message.tag) == MpiTag::error) {
      const auto [type, what] = from_bytes<std::string, std::string>(message.bytes);
      why = " has failed in the initializer: " + type + ": " + what;
    }
    Ring<Call> dropped;
    {
      std::lock_guard lock(mutex_);
      broken_ = std::make_exception_ptr(BrokenMpiPool(cluster_.name_of(message.rank) + why));
      dropped.swap(queue_);
    }
    while (!dropped.empty()) dropped.take_front().state->try_fail(broken_);
    // </exercise>
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

  // <exercise 4.1 members MpiDispatcher>
  std::mutex mutex_;  // guards all that follows
  std::condition_variable wake_;
  Ring<Call> queue_;
  std::vector<int> idle_;  // the ranks that have nothing to do
  std::vector<Call> in_flight_ =
      std::vector<Call>(static_cast<std::size_t>(max_workers_) + 1);  // at the rank of the worker that has it
  int busy_ = 0;  // workers that have a call, or the initializer, to answer
  bool closed_ = false;
  bool stopped_ = false;  // run() has come to its end
  std::exception_ptr broken_;

  std::thread thread_;
  // </exercise>
};

}  // namespace concurrent::detail
