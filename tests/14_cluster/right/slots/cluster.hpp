#pragma once

// A right solution: a rank that is alone has an inbox.

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "errors.hpp"
#include "last_words.hpp"
#include "mpi_worker.hpp"
#include "mpi_world.hpp"

namespace concurrent::detail {

/// The ranks as rank 0 sees them, for as long as its program runs: pools come and go, and the workers stay.
/// Where there is no other rank, rank 0 is its own worker. One pool at a time uses it.
class Cluster {
 public:
  /// Returns the cluster to rank 0. Any other rank works in here until rank 0's program ends, and ends then,
  /// too.
  static Cluster& get() {
    MpiWorld& world = MpiWorld::get();
    if (world.rank() > 0) {
      static bool works = false;
      if (std::exchange(works, true))
        throw Error("a call cannot have a pool: its rank works for that of rank 0");
      work(world);
      world.end();
      std::exit(EXIT_SUCCESS);
    }
    static Cluster cluster(world);
    return cluster;
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Returns how many ranks can work.
  [[nodiscard]] int size() const noexcept { return alone() ? 1 : world_.size() - 1; }

  /// Returns the ranks that have said hello.
  [[nodiscard]] std::vector<int> workers() const {
    std::vector<int> ranks;
    for (std::size_t rank = 0; rank < infos_.size(); ++rank)
      if (infos_[rank]) ranks.push_back(static_cast<int>(rank));
    return ranks;
  }

  /// Notes who a worker is. Before that nobody knows of it: neither workers() nor name_of().
  void note_hello(const MpiMessage& hello) {
    auto& info = infos_[static_cast<std::size_t>(hello.rank)];
    info = std::get<0>(from_bytes<WorkerInfo>(hello.bytes));
    LastWords::note_process(hello.rank, info->host == world_.host() ? info->process : 0);
  }

  /// Returns how messages call a rank: "rank 2 on host node-a".
  [[nodiscard]] std::string name_of(int rank) const {
    return "rank " + std::to_string(rank) + " on host " + infos_[static_cast<std::size_t>(rank)]->host;
  }

  /// Sends a message to a worker. It does not wait for the call.
  void send(int rank, MpiTag tag, Bytes bytes) {
    if (rank > 0) return world_.send(rank, static_cast<int>(tag), bytes);
    std::lock_guard lock(inbox_mutex_);
    inbox_.push_back({0, static_cast<int>(tag), std::move(bytes)});
  }

  /// Takes the next message of a worker, if one has come. Where rank 0 is its own worker, it works here.
  std::optional<MpiMessage> try_receive() {
    if (!alone()) return world_.try_receive();
    MpiMessage message;
    {
      std::lock_guard lock(inbox_mutex_);
      if (inbox_.empty()) return std::nullopt;
      message = std::move(inbox_.front());
      inbox_.pop_front();
    }
    const MpiAnswer answer = sendable(answer_to(message));
    return MpiMessage{0, static_cast<int>(answer.tag), answer.bytes};
  }

  /// Has the cluster for one pool, as long as it lives. @throws Error if another pool has it
  class Lease {
   public:
    explicit Lease(Cluster& cluster) : cluster_(cluster) {
      if (cluster_.in_use_.exchange(true))
        throw Error("the ranks work for one pool at a time, and there is one already");
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { cluster_.in_use_ = false; }

   private:
    Cluster& cluster_;
  };

 private:
  explicit Cluster(MpiWorld& world) : world_(world), infos_(static_cast<std::size_t>(world.size())) {
    LastWords::listen();
    if (alone()) infos_[0] = WorkerInfo{::getpid(), world.host()};
  }
  /// Lets the workers go.
  ~Cluster() {
    for (int rank = 1; rank < world_.size(); ++rank) world_.send(rank, static_cast<int>(MpiTag::end), {});
  }

  [[nodiscard]] bool alone() const noexcept { return world_.size() == 1; }

  MpiWorld& world_;
  std::vector<std::optional<WorkerInfo>> infos_;  // of the ranks that have said hello
  std::atomic<bool> in_use_ = false;
  std::mutex inbox_mutex_;
  std::deque<MpiMessage> inbox_;
};

}  // namespace concurrent::detail
