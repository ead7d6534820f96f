#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "operation.hpp"
#include "ref.hpp"
#include "selector.hpp"
#include "todo.hpp"

namespace asyncio {

class TimerHeap;

/// An operation that is due at a time.
class Timer : public Operation {
 public:
  /// Returns the time at which it is due, on the loop's clock.
  [[nodiscard]] TimePoint when() const noexcept { return when_; }

  void cancel() noexcept override;

 protected:
  explicit Timer(TimePoint when) noexcept : Operation(RefCount::local), when_(when) {}

 private:
  friend TimerHeap;

  const TimePoint when_;
  TimerHeap* heap_ = nullptr;  // that it waits in
};

/// The timers that are not due yet, the earliest first; of those for the same time, the one that came first.
/// A heap in which each entry has four children: half as deep as one with two, and brothers are neighbours in
/// memory. It owns a reference to each timer. For one thread.
class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// Counts the timers, with those that were cancelled and are still here.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Returns the time of the earliest. There must be one.
  [[nodiscard]] TimePoint next() const noexcept { return entries_.front().when; }

  /// Adds `timer`.
  /// @throws std::bad_alloc if memory runs out; the timer is dropped then
  void push(Ref<Timer> timer) {
    try {
      entries_.push_back({timer->when(), pushed_++, timer.get()});
    } catch (...) {
      timer->drop();
      throw;
    }
    timer->heap_ = this;
    static_cast<void>(timer.release());
    rise(entries_.size() - 1);
  }

  /// Takes out the earliest. There must be one.
  Ref<Timer> pop() {
    Ref<Timer> timer = take(entries_.front());
    entries_.front() = entries_.back();
    entries_.pop_back();
    if (!entries_.empty()) sink(0);
    return timer;
  }

  /// Moves all that are due at `now` to the end of `due`, in order. If that is more than a sixteenth of all,
  /// it stops popping, for sorting the rest costs less. If memory runs out, some that are due stay here.
  /// @throws std::bad_alloc if it runs out for all of them
  void take_due(TimePoint now, std::vector<Ref<Timer>>& due) {
    if (empty() || next() > now) return;
    std::size_t few = size() / 16 + 1;
    due.reserve(due.size() + few);  // before the first leaves the heap
    for (; !empty() && next() <= now; --few) {
      if (few == 0) return take_many(now, due);
      due.push_back(pop());
    }
  }

  /// Drops cancelled timers: those that are in front, and all if there are more than 100 timers and more than
  /// half of them are cancelled.
  void drop_cancelled() {
    if (entries_.size() > 100 && cancelled_ > entries_.size() / 2) compact();
    while (cancelled_ > 0 && entries_.front().timer->cancelled()) pop();
  }

  /// Drops all.
  void clear() {
    for (const Entry& entry : std::exchange(entries_, {})) take(entry)->drop();
  }

 private:
  friend Timer;

  struct Entry {
    TimePoint when;
    std::uint64_t number;  // equal times are first come, first served
    Timer* timer;          // with a reference: a plain pointer, for entries move about in the heap

    bool operator<(const Entry& other) const noexcept {
      return when != other.when ? when < other.when : number < other.number;
    }
  };

  static constexpr std::size_t children = 4;

  /// The entry at `place` is in order with all but those above it: moves it up.
  void rise(std::size_t place) {
    // <exercise 8.3 TimerHeap::rise>
    const Entry entry = entries_[place];
    while (place > 0) {
      const std::size_t parent = (place - 1) / children;
      if (!(entry < entries_[parent])) break;
      entries_[place] = entries_[parent];
      place = parent;
    }
    entries_[place] = entry;
    // </exercise>
  }

  /// The entry at `place` is in order with all but those below it: moves it down.
  void sink(std::size_t place) {
    // <exercise 8.3 TimerHeap::sink>
    const Entry entry = entries_[place];
    for (;;) {
      const std::size_t begin = children * place + 1;
      if (begin >= entries_.size()) break;
      const std::size_t end = std::min(begin + children, entries_.size());
      std::size_t first = begin;
      for (std::size_t child = begin + 1; child < end; ++child)
        if (entries_[child] < entries_[first]) first = child;
      if (!(entries_[first] < entry)) break;
      entries_[place] = entries_[first];
      place = first;
    }
    entries_[place] = entry;
    // </exercise>
  }

  /// Drops all that are cancelled, and makes a heap of the rest.
  void compact() {
    erase_cancelled();
    heapify();
  }

  /// Takes out all that are due, when they are many: to sort them costs less than to pop one after another.
  void take_many(TimePoint now, std::vector<Ref<Timer>>& due) {
    erase_cancelled();
    const auto later =
        std::ranges::partition(entries_, [now](const Entry& entry) { return entry.when <= now; });
    try {
      due.reserve(due.size() + static_cast<std::size_t>(later.begin() - entries_.begin()));
    } catch (const std::bad_alloc&) {
      return heapify();  // the few that were popped have room
    }
    std::sort(entries_.begin(), later.begin());
    for (auto entry = entries_.begin(); entry != later.begin(); ++entry) due.push_back(take(*entry));
    entries_.erase(entries_.begin(), later.begin());
    heapify();
  }

  void erase_cancelled() {
    std::erase_if(entries_, [this](const Entry& entry) {
      if (!entry.timer->cancelled()) return false;
      take(entry);
      return true;
    });
  }

  /// Makes a heap of entries in any order.
  void heapify() {
    for (std::size_t place = entries_.size(); place-- > 0;) sink(place);
  }

  /// Takes over the reference of an entry, which leaves.
  Ref<Timer> take(const Entry& entry) noexcept {
    entry.timer->heap_ = nullptr;
    if (entry.timer->cancelled()) --cancelled_;
    return Ref<Timer>::adopt(entry.timer);
  }

  std::vector<Entry> entries_;
  std::uint64_t pushed_ = 0;
  std::size_t cancelled_ = 0;  // of those that are here
};

inline void Timer::cancel() noexcept {
  if (heap_ && !cancelled()) ++heap_->cancelled_;
  Operation::cancel();
}

}  // namespace asyncio
