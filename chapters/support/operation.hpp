#pragma once

#include <atomic>
#include <cstdint>
#include <typeinfo>

#include "node_pool.hpp"
#include "ref.hpp"

namespace asyncio {

/// The way in which the references to an Operation are counted.
enum class RefCount : std::uint8_t {
  local,   ///< only the loop's thread has them: counting costs next to nothing
  atomic,  ///< any thread may have them: it came through call_soon_threadsafe()
};

/// A node of a loop's queues: a callback, a timer, a task. It is a link of the queue itself, so that queueing
/// it allocates nothing. A queue owns one reference to each of its nodes, and so does each Handle. Whoever
/// takes it out of a queue runs it or drops it, once.
class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// Calls the callback, once, and destroys it, even if it throws.
  virtual void run() = 0;

  /// Destroys the callback uncalled, if it is still there.
  virtual void drop() noexcept = 0;

  /// Told at once that the future is done for which it waits, inside set_result(): it must not call what a
  /// program could notice. @returns what the loop is to run for it: `self`, another node, or nothing
  virtual Ref<Operation> notify(Ref<Operation> self) noexcept { return self; }

  /// Destroys what survives its run, a future or a task, when its reference count reaches zero.
  virtual void destroy() noexcept {}

  /// The type of the callback, for messages.
  [[nodiscard]] virtual const std::type_info& type() const noexcept = 0;

  /// Says that it is not to run. The callback is destroyed at once, or by the loop if any thread may cancel
  /// it.
  virtual void cancel() noexcept {
    cancelled_.store(true, std::memory_order_relaxed);
    if (counting_ == RefCount::local) drop();
  }
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  /// Increases the reference count.
  void ref() noexcept {
    if (counting_ == RefCount::local)
      ++references_;
    else
      std::atomic_ref(references_).fetch_add(1, std::memory_order_relaxed);
  }

  /// Decreases the reference count. At zero its memory is free: it has been run or dropped, so a callback has
  /// nothing left to destroy.
  void unref() noexcept {
    if (counting_ == RefCount::local
            ? --references_ != 0
            : std::atomic_ref(references_).fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    end();
  }

  /// True if the count is 1. Only for what is counted locally: RefCount::local.
  [[nodiscard]] bool has_one_ref() const noexcept { return references_ == 1; }

 protected:
  ~Operation() = default;
  /// Makes it with one reference, which NodePool::make() returns.
  /// @param survives_run true if something is left in it after it was run or dropped, for destroy()
  explicit Operation(RefCount counting, bool survives_run = false) noexcept
      : counting_(counting), survives_run_(survives_run) {}

  // As ref() and unref(), for those that are known to be counted locally: RefCount::local.
  void ref_local() noexcept { ++references_; }
  void unref_local() noexcept {
    if (--references_ == 0) end();
  }

 private:
  friend class ReadyQueue;
  friend class NodePool;

  /// The last reference has gone. Not inlined, so that unref() is.
  [[gnu::noinline]] void end() noexcept {
    detail::NodeList* const list = home_;
    if (survives_run_) destroy();
    NodePool::deallocate(this, list);
  }

  Operation* next_ = nullptr;
  detail::NodeList* home_ = nullptr;  // of its memory; none if it stands apart
  std::uint32_t references_ = 1;
  std::atomic<bool> cancelled_ = false;
  const RefCount counting_;
  const bool survives_run_;
};

}  // namespace asyncio
