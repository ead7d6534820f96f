// Fails: Step8_*
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "condition.hpp"
#include "coro.hpp"
#include "sync_errors.hpp"

namespace asyncio {

// No state of the barrier: each round is an object that those who have come in share.
class Barrier : public SyncObject {
 public:
  explicit Barrier(std::ptrdiff_t parties) : SyncObject("Barrier"), parties_(parties) {
    if (parties < 1) throw std::invalid_argument("parties must be >= 1, and not " + std::to_string(parties));
  }

  [[nodiscard]] std::ptrdiff_t parties() const noexcept { return parties_; }
  [[nodiscard]] std::ptrdiff_t n_waiting() const noexcept { return round_->is_over ? 0 : round_->inside; }
  [[nodiscard]] bool broken() const noexcept { return broken_; }

  template <class Index = std::ptrdiff_t>
  Coro<Index> wait() {
    const auto held = co_await changed_.scoped();
    while (round_->is_over && !broken_) co_await changed_.wait();
    if (broken_) throw BrokenBarrierError("Barrier aborted");
    const std::shared_ptr<Round> mine = round_;
    const Index index = mine->inside++;
    std::exception_ptr error;
    try {
      if (mine->inside == parties_) end(true);
      while (!mine->is_over) co_await changed_.wait();
      if (!mine->is_full) throw BrokenBarrierError("Abort or reset of barrier");
    } catch (...) {
      error = std::current_exception();
    }
    --mine->inside;
    begin_anew();
    if (error) std::rethrow_exception(error);
    co_return index;
  }

  template <class Result = void>
  Coro<Result> reset() {
    const auto held = co_await changed_.scoped();
    broken_ = false;
    end(false);
    begin_anew();
  }

  template <class Result = void>
  Coro<Result> abort() {
    const auto held = co_await changed_.scoped();
    broken_ = true;
    end(false);
  }

 private:
  struct Round {
    std::ptrdiff_t inside = 0;
    bool is_over = false;
    bool is_full = false;
  };

  void end(bool is_full) {
    round_->is_over = true;
    round_->is_full = is_full;
    changed_.notify_all();
  }
  void begin_anew() {
    if (broken_ || !round_->is_over || round_->inside > 0) return;
    round_ = std::make_shared<Round>();
    changed_.notify_all();
  }

  const std::ptrdiff_t parties_;
  bool broken_ = false;
  std::shared_ptr<Round> round_ = std::make_shared<Round>();
  Condition changed_{*this};
};

}  // namespace asyncio
