#pragma once

#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <utility>

#include "drop_reason.hpp"
#include "executor_base.hpp"

namespace concurrent {

namespace detail {

/// What the calls and the caller share; it lives as long as one of them needs it.
struct Crowd {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t still_out = 0;
  std::exception_ptr first;

  void comes_back(std::exception_ptr error) {
    {
      std::lock_guard lock(mutex);
      if (error && !first) first = error;
      --still_out;
    }
    changed.notify_all();
  }
};

template <class F, class Item>
class CallOnItem {
 public:
  CallOnItem(F& fn, Item item, const std::shared_ptr<Crowd>& crowd) : fn_(&fn), item_(std::move(item)) {
    std::lock_guard lock(crowd->mutex);
    ++crowd->still_out;
    crowd_ = crowd;
  }
  CallOnItem(CallOnItem&&) = default;
  ~CallOnItem() {
    if (!crowd_) return;
    item_.reset();
    crowd_->comes_back(DropReason::current_or_cancelled());
  }
  void operator()() {
    std::exception_ptr error;
    try {
      std::invoke(*fn_, **item_);
    } catch (...) {
      error = std::current_exception();
    }
    item_.reset();  // before it reports: the items may be gone after that
    std::exchange(crowd_, nullptr)->comes_back(error);
  }

 private:
  std::shared_ptr<Crowd> crowd_;
  F* fn_;
  std::optional<Item> item_;
};

}  // namespace detail

template <std::ranges::forward_range Items, class F>
requires std::invocable<F&, std::ranges::range_reference_t<Items>>
void parallel_for(Executor& executor, Items&& items, F fn) {
  const auto crowd = std::make_shared<detail::Crowd>();
  std::exception_ptr refusal;
  try {
    for (auto item = std::ranges::begin(items); item != std::ranges::end(items); ++item)
      executor.post(detail::CallOnItem(fn, item, crowd));
  } catch (...) {
    refusal = std::current_exception();
  }
  std::unique_lock lock(crowd->mutex);
  crowd->changed.wait(lock, [&] { return crowd->still_out == 0; });
  if (refusal) std::rethrow_exception(refusal);
  if (crowd->first) std::rethrow_exception(crowd->first);
}

}  // namespace concurrent
