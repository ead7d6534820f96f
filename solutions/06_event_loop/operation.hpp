#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <typeinfo>
#include <utility>

namespace asyncio {

class NodePool;
namespace detail {
struct FreeList;
}

/// Who may hold references to something scheduled.
enum class RefCount : std::uint8_t {
  local,   ///< only the thread of the loop: counting costs next to nothing
  atomic,  ///< it came through call_soon_threadsafe()
};

/// What a loop is to do: a callback that waits in a queue. It is a link of that queue itself, so that
/// queueing it allocates nothing. It lives as long as it has references: one from the queue, and one from
/// each Handle. Whoever takes it out of a queue runs it or drops it; then nothing is left in it to destroy.
/// Given, not an exercise.
class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// Calls the callback, once, and destroys it, even if it throws.
  virtual void run() = 0;

  /// Destroys the callback uncalled, if it is still there.
  virtual void drop() noexcept = 0;

  /// Destroys the rest, when the last reference has gone: of one that outlasts its callback.
  virtual void destroy() noexcept {}

  /// The type of the callback, for messages.
  [[nodiscard]] virtual const std::type_info& type() const noexcept = 0;

  /// It is not to run. The callback is destroyed at once, or by the loop if any thread may cancel it.
  virtual void cancel() noexcept {
    cancelled_.store(true, std::memory_order_relaxed);
    if (counting_ == RefCount::local) drop();
  }
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  /// One more reference.
  void ref() noexcept {
    if (counting_ == RefCount::local)
      ++references_;
    else
      std::atomic_ref(references_).fetch_add(1, std::memory_order_relaxed);
  }

  /// Whether there is but one. Not of what any thread may hold.
  [[nodiscard]] bool has_one_ref() const noexcept { return references_ == 1; }

  /// One reference fewer. @returns whether it was the last, so that this must be destroyed
  [[nodiscard]] bool unref() noexcept {
    if (counting_ == RefCount::local) return --references_ == 0;
    return std::atomic_ref(references_).fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 protected:
  ~Operation() = default;
  /// It has one reference, for the queue that it is made for.
  /// @param survives_run whether something is left in it when it was run or dropped: chapter 09's tasks
  explicit Operation(RefCount counting, bool survives_run = false) noexcept
      : counting_(counting), survives_run_(survives_run) {}

 private:
  friend class ReadyQueue;
  friend class NodePool;

  Operation* next_ = nullptr;
  detail::FreeList* home_ = nullptr;  // of its memory; none if it stands apart
  std::uint32_t references_ = 1;
  std::atomic<bool> cancelled_ = false;
  const RefCount counting_;
  const bool survives_run_;
};

/// A function and the arguments that it will be called with.
template <class F, class... Args>
struct Bound {
  using Function = F;
  F fn;
  [[no_unique_address]] std::tuple<Args...> args;

  void operator()() && {
    std::apply([this](Args&... values) { std::invoke(std::move(fn), std::move(values)...); }, args);
  }
  /// Leaves all as it is, to be called again.
  void operator()() & { std::apply(fn, args); }
};

/// Something scheduled that calls `Call`, a Bound. `Base` is Operation or Timer.
template <class Base, class Call>
class Callback final : public Base {
 public:
  template <class... BaseArgs>
  explicit Callback(Call call, BaseArgs... arguments) : Base(arguments...), call_(std::move(call)) {}

  /// The callback leaves first, so that cancel() during the call destroys nothing that runs.
  void run() override {
    Call call = std::move(*call_);
    call_.reset();
    std::move(call)();
  }
  void drop() noexcept override { call_.reset(); }
  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(typename Call::Function);
  }

 private:
  std::optional<Call> call_;
};

}  // namespace asyncio
