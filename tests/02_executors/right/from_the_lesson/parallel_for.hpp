// Fails: Step7_Costs.ALoopAllocatesNothingForAnItem

#pragma once

#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <ranges>
#include <utility>

#include "drop_reason.hpp"
#include "executor_base.hpp"

namespace concurrent {

namespace detail {

/// Counts the calls that have not ended, and keeps the first error. Shared by the caller and the calls, so
/// that a call may notify when the caller has gone.
class Party {
 public:
  void join() {
    std::lock_guard lock(mutex_);
    ++present_;
  }

  void fail(std::exception_ptr error) {
    std::lock_guard lock(mutex_);
    if (!first_error_) first_error_.swap(error);
  }

  void leave() {
    std::lock_guard lock(mutex_);
    if (--present_ == 0) over_.notify_all();
  }

  /// Waits until all have left. @returns the first error, which nobody else keeps then
  std::exception_ptr wait() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return present_ == 0; });
    return std::exchange(first_error_, nullptr);
  }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable over_;
  std::size_t present_ = 0;
  std::exception_ptr first_error_;
};

/// Belongs to the party while it lives. If the call was never made, that is an error.
class Guest {
 public:
  explicit Guest(std::shared_ptr<Party> party) : party_(std::move(party)) { party_->join(); }
  Guest(Guest&& other) noexcept : party_(std::move(other.party_)), called_(other.called_) {}
  ~Guest() {
    if (!party_) return;
    if (!called_) party_->fail(DropReason::current_or_cancelled());
    party_->leave();
  }

  template <class Call>
  void call(Call&& call) noexcept {
    called_ = true;
    try {
      call();
    } catch (...) {
      party_->fail(std::current_exception());
    }
  }

 private:
  std::shared_ptr<Party> party_;
  bool called_ = false;
};

/// The job of one item.
template <class F, class Iterator>
struct ItemCall {
  void operator()() {
    guest.call([this] { std::invoke(fn, *item); });
  }

  Guest guest;  // the first member: it goes last, when nothing of the caller's is left
  F& fn;
  Iterator item;
};

}  // namespace detail

/// Calls `fn(item)` for each item, each in a job of its own on `executor`, and returns when all have ended.
/// `fn` is shared by the calls, which may run at the same time. Python: `list(executor.map(fn, items))`.
///
/// The calling thread only waits. So do not call it from the executor's last free worker, nor on a
/// ManualExecutor that no other thread runs.
/// @throws what post() threw if the executor refused a job; else the first error of a call, in time: the
/// exception of `fn` or, if the executor destroyed a job unrun, the reason, which is CancelledError if it
/// gave none
template <std::ranges::forward_range Items, class F>
requires std::invocable<F&, std::ranges::range_reference_t<Items>>
void parallel_for(Executor& executor, Items&& items, F fn) {
  using Call = detail::ItemCall<F, std::ranges::iterator_t<Items>>;
  const auto party = std::make_shared<detail::Party>();
  std::exception_ptr refusal;
  try {
    const auto end = std::ranges::end(items);
    for (auto item = std::ranges::begin(items); item != end; ++item)
      executor.post(Call{detail::Guest(party), fn, item});
  } catch (...) {
    refusal = std::current_exception();
  }
  std::exception_ptr error = party->wait();
  if (refusal) error = std::move(refusal);
  if (error) std::rethrow_exception(std::move(error));
}

}  // namespace concurrent
