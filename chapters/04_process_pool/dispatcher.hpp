#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "call_table.hpp"
#include "errors.hpp"
#include "executor_base.hpp"
#include "fd.hpp"
#include "fork_server.hpp"
#include "packet.hpp"
#include "remote_call.hpp"
#include "ring.hpp"
#include "todo.hpp"
#include "worker.hpp"

namespace concurrent::detail {

/// The parent's side of a pool of processes: hands out calls, takes answers, notices when a worker dies.
///
/// Calls are sent through one socket that all workers read, so the kernel gives each to a worker that is
/// free. Only a few more are in flight than there are workers, because a call in flight can no longer be
/// cancelled. The thread that posts a call sends it if it is its turn; else the pool's own thread does, which
/// also takes the answers.
class Dispatcher {
 public:
  Dispatcher(std::size_t max_workers, const std::function<void()>& initializer,
             std::optional<int> max_tasks_per_child)
      : Dispatcher(max_workers, initializer, max_tasks_per_child, packet_sockets(), packet_sockets()) {}
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  ~Dispatcher() {
    shutdown({});
    thread_.join();
  }

  /// Takes a call, and sends it at once if it is its turn and there is room.
  /// @throws BrokenProcessPool if the pool is broken
  /// @throws ExecutorShutdown after shutdown()
  void post(Call call) {
    todo("7.1", "Dispatcher::post");
  }

  /// Takes no more calls. Those queued still run, unless they are to be cancelled; then the workers end, and
  /// the pool's own thread. May be called again, by any thread.
  /// @throws Error if the pool's own thread would wait for itself: in a callback of a future
  void shutdown(ShutdownOptions options) {
    if (options.wait && std::this_thread::get_id() == thread_.get_id())
      throw Error("a callback on the pool's own thread cannot wait for the pool to end");
    todo("6.1", "Dispatcher::shutdown");
  }

  /// Sends `signal` to all workers, also to those that are about to start.
  void signal_workers(int signal) {
    std::lock_guard lock(mutex_);
    if (!stopping_) server_.signal(signal);
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only ProcessPoolExecutor.

  using Sockets = std::pair<Fd, Fd>;  // our end, the workers' end

  Dispatcher(std::size_t max_workers, const std::function<void()>& initializer,
             std::optional<int> max_tasks_per_child, Sockets tasks, Sockets results)
      : max_workers_(max_workers),
        tasks_(std::move(tasks.first)),
        results_(std::move(results.first)),
        wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
        in_flight_(max_workers + prefetch_limit),
        server_({tasks.second.get(), results.second.get()},
                [&] { return Worker(tasks.second, results.second).run(initializer, max_tasks_per_child); }) {
    // Only now, after the server was forked: beside a thread that may hold a lock, nothing should be forked.
    thread_ = std::thread([this] { run(); });
  }

  // For 7.1: members of your choice.

  // ---- For any thread, without the lock ----

  /// Sends calls that are in flight now. If there is no room, waits for it: step 8 shows what that does.
  void send(const std::vector<OutgoingCall>& calls) {
    for (const OutgoingCall& outgoing : calls) send_packet(tasks_, outgoing.header, outgoing.arguments);
  }

  // ---- The pool's own thread ----

  void run() {
    std::exception_ptr reason;
    try {
      while (!may_end()) handle_events(wait_for_events());
    } catch (...) {
      reason = std::current_exception();
    }
    end(reason);
  }

  /// True if nothing is left to do for the pool's own thread, which asks before it sleeps.
  bool may_end() {
    std::lock_guard lock(mutex_);
    if (!closed_ || !queue_.empty() || in_flight_.size() > 0) return false;
    todo("6.1", "Dispatcher::may_end");
  }

  /// Waits until there is something to do. @returns true if workers may have ended
  bool wait_for_events() {
    std::array<pollfd, 3> wanted{
        {{server_.fd().get(), POLLIN, 0}, {results_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    uninterrupted([&] { return ::poll(wanted.data(), wanted.size(), -1); });
    std::uint64_t ignored = 0;
    if (wanted[2].revents) uninterrupted([&] { return ::read(wake_.get(), &ignored, sizeof ignored); });
    return wanted[0].revents != 0;
  }

  void wake() noexcept {
    const std::uint64_t one = 1;
    uninterrupted([&] { return ::write(wake_.get(), &one, sizeof one); });
  }

  void handle_events(bool of_ends) {
    std::vector<WorkerExit> ended;
    while (of_ends) {
      const auto next = server_.next_exit();
      if (next) ended.push_back(*next);
      of_ends = next && next->process >= 0;
    }
    receive_answers();  // only after the exits: a worker has sent everything before it ended
    for (const WorkerExit& worker : ended) note_exit(worker);
    send_more();
  }

  /// Sends what can be sent now, after answers and ends of workers.
  void send_more() {
    // 7.1, Dispatcher::send_more: empty until step 7.
  }

  /// Receives everything that the workers have sent by now.
  void receive_answers() {
    for (std::size_t most = in_flight_.capacity() + max_workers_; most > 0; --most) {
      const auto packet = receiver_.receive(results_, MSG_DONTWAIT);
      if (!packet) return;
      switch (packet->header().type) {
        case PacketType::leaving:
          leaving_.insert(static_cast<pid_t>(packet->header().number));
          break;
        case PacketType::broken:
          packet->read([](std::span<const char> bytes) {
            const auto [type, what] = from_bytes<std::string, std::string>(bytes);
            throw BrokenProcessPool("the initializer of a worker failed: " + type + ": " + what);
          });
          break;
        default:
          finish_call(*packet);
      }
    }
  }

  /// Finishes the future of the call that this is the answer to.
  void finish_call(const Packet& answer) {
    todo("7.1", "Dispatcher::finish_call");
  }

  /// Notes that a worker has ended. @throws BrokenProcessPool if it had not announced it
  void note_exit(const WorkerExit& worker) {
    if (leaving_.erase(worker.process) > 0) {
      std::lock_guard lock(mutex_);
      --workers_;
      return;
    }
    throw BrokenProcessPool(worker.text() + ": the pool is broken");
  }

  /// Ends the pool's own thread. @param reason why the pool is broken; null: all is done
  void end(std::exception_ptr reason) noexcept {
    if (reason) mark_broken(std::move(reason));
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    server_.stop();
    std::lock_guard lock(mutex_);
    stopped_ = true;
    has_stopped_.notify_all();
  }

  /// Fails all calls, those queued and in flight now, and those to come.
  void mark_broken(std::exception_ptr reason) {
    todo("9.1", "Dispatcher::mark_broken");
  }

  static constexpr std::size_t prefetch_limit = 16;  // calls in flight beyond one for each worker

  const std::size_t max_workers_;
  const Fd tasks_;
  const Fd results_;
  const Fd wake_;

  std::mutex mutex_;  // guards all down to stopped_
  std::condition_variable has_stopped_;
  Ring<Call> queue_;
  CallTable in_flight_;
  std::size_t workers_ = 0;  // running, or asked for
  bool closed_ = false;
  // For 6.1: members of your choice, if you want any.
  std::exception_ptr broken_;
  bool stopping_ = false;
  bool stopped_ = false;

  ForkServer server_;
  Receiver receiver_;        // used by the pool's own thread
  std::set<pid_t> leaving_;  // likewise
  std::thread thread_;
};

}  // namespace concurrent::detail
