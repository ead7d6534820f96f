#pragma once

// A right solution: a slot for each rank, and the calls in a std::deque.

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
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
    std::lock_guard lock(mutex_);
    thread_ = std::thread([this] { look_after(); });
    for (const int rank : cluster_.workers()) greet(rank);
  }
  MpiDispatcher(const MpiDispatcher&) = delete;
  MpiDispatcher& operator=(const MpiDispatcher&) = delete;
  /// Takes no more calls, and returns when those that it has taken are over.
  ~MpiDispatcher() {
    close(false);
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
    if (why_) std::rethrow_exception(why_);
    if (closed_) throw ExecutorShutdown();
    waiting_.push_back(std::move(call));
    give_out();
    news_.notify_one();
  }

  /// Takes no more calls.
  /// @throws Error if the pool's own thread would wait for itself: in a callback of a future
  void shutdown(ShutdownOptions options) {
    const bool by_itself = std::this_thread::get_id() == thread_.get_id();
    if (by_itself && options.wait) throw Error("a callback would wait for itself");
    for (const Call& call : close(options.cancel_futures)) call.state->cancel();
    if (!options.wait) return;
    std::unique_lock lock(mutex_);
    while (!over_) ended_.wait(lock);
  }

 private:
  enum class Doing { nothing_known, idle, prepares, calls };
  struct Slot {
    Doing doing = Doing::nothing_known;
    Call call;
  };

  std::deque<Call> close(bool drop) {
    std::lock_guard lock(mutex_);
    closed_ = true;
    news_.notify_one();
    std::deque<Call> dropped;
    if (drop) dropped.swap(waiting_);
    return dropped;
  }

  /// With the lock.
  void greet(int rank) {
    if (!takes_in(rank)) return;
    Slot& slot = slots_[static_cast<std::size_t>(rank)];
    if (initializer_ != nullptr) {
      prepare(rank);
      slot.doing = Doing::prepares;
    } else {
      slot.doing = Doing::idle;
    }
  }

  /// With the lock.
  void give_out() {
    for (std::size_t rank = 0; rank < slots_.size(); ++rank) {
      Slot& slot = slots_[rank];
      if (slot.doing != Doing::idle) continue;
      while (!waiting_.empty() && slot.doing == Doing::idle) {
        Call call = std::move(waiting_.front());
        waiting_.pop_front();
        if (!call.state->start()) continue;
        slot.doing = Doing::calls;
        send(call, static_cast<int>(rank));
        slot.call = std::move(call);
      }
    }
  }

  /// With the lock.
  [[nodiscard]] bool quiet() const {
    return waiting_.empty() && std::ranges::none_of(slots_, [](const Slot& slot) {
             return slot.doing == Doing::prepares || slot.doing == Doing::calls;
           });
  }

  void look_after() {
    Patience patience;
    std::unique_lock lock(mutex_);
    while (!closed_ || !quiet()) {
      if (quiet() && patience.is_long()) {
        news_.wait(lock);
        patience.found();
        continue;
      }
      lock.unlock();
      if (const auto message = cluster_.try_receive()) {
        hear(*message);
        patience.found();
      } else {
        patience.pause();
      }
      lock.lock();
    }
    over_ = true;
    ended_.notify_all();
  }

  /// Without the lock.
  void hear(const MpiMessage& message) {
    std::unique_lock lock(mutex_);
    if (message.tag == static_cast<int>(MpiTag::hello)) {
      cluster_.note_hello(message);
      greet(message.rank);
      return give_out();
    }
    Slot& slot = slots_[static_cast<std::size_t>(message.rank)];
    if (slot.doing == Doing::prepares && message.tag != static_cast<int>(MpiTag::result)) {
      slot.doing = Doing::nothing_known;
      lock.unlock();
      return mark_broken(message);
    }
    Call call = std::exchange(slot.call, {});
    if (slot.doing == Doing::calls) note_idle(message.rank);
    slot.doing = Doing::idle;
    give_out();
    lock.unlock();
    if (call.state) finish(call, message);
  }

  /// Breaks the pool: a worker could not run the initializer, and this is its answer. To be called on the
  /// pool's own thread, and not under a lock.
  void mark_broken(const MpiMessage& message) {
    std::string text = cluster_.name_of(message.rank);
    if (message.tag == static_cast<int>(MpiTag::error)) {
      const auto [type, what] = from_bytes<std::string, std::string>(message.bytes);
      text += ": the initializer has thrown " + type + ": " + what;
    } else {
      text += " runs another program";
    }
    std::unique_lock lock(mutex_);
    why_ = std::make_exception_ptr(BrokenMpiPool(text));
    const std::deque<Call> failed = std::exchange(waiting_, {});
    lock.unlock();
    for (const Call& call : failed) call.state->try_fail(why_);
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

  std::mutex mutex_;
  std::condition_variable news_;   // for the thread
  std::condition_variable ended_;  // for shutdown()
  std::deque<Call> waiting_;
  std::vector<Slot> slots_ = std::vector<Slot>(static_cast<std::size_t>(max_workers_) + 1);  // by rank
  std::exception_ptr why_;
  bool closed_ = false;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace concurrent::detail
