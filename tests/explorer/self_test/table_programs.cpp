#include "table_programs.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace self_test {
namespace {

/// A queue whose pop() asks `if` where it has to ask `while`: another consumer may come first.
void item_stolen() {
  std::mutex mutex;
  std::condition_variable not_empty;
  std::deque<int> items;
  const auto push = [&](int item) {
    std::lock_guard lock(mutex);
    items.push_back(item);
    not_empty.notify_one();
  };
  const auto pop = [&] {
    std::unique_lock lock(mutex);
    if (items.empty()) not_empty.wait(lock);
    check(!items.empty());
    items.pop_front();
  };
  std::jthread a(pop), b(pop);
  push(1);
  push(2);
}

/// The same with one consumer: only a wake-up for no reason shows it.
void woken_for_no_reason() {
  std::mutex mutex;
  std::condition_variable condition;
  bool ready = false;
  std::jthread waiter([&] {
    std::unique_lock lock(mutex);
    if (!ready) condition.wait(lock);
    check(ready);
  });
  std::lock_guard lock(mutex);
  ready = true;
  condition.notify_one();
}

/// A pool that wakes one of its workers when it is destroyed.
class PoolThatWakesOne {
 public:
  explicit PoolThatWakesOne(int workers) {
    for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
  }
  ~PoolThatWakesOne() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_one();
    for (std::thread& worker : workers_) worker.join();
  }
  void post(std::function<void()> job) {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopped_ = false;
  std::vector<std::thread> workers_;
};

void one_of_two_woken() {
  std::atomic<int> ran = 0;
  {
    PoolThatWakesOne pool(2);
    for (int i = 0; i < 3; ++i) pool.post([&] { ++ran; });
  }
  check(ran == 3);
}

/// The flag is atomic, so there is no data race; but it is not set under the lock of the one who waits.
void flag_without_lock() {
  std::mutex mutex;
  std::condition_variable condition;
  std::atomic<bool> ready = false;
  std::jthread waiter([&] {
    std::unique_lock lock(mutex);
    while (!ready) condition.wait(lock);
  });
  ready = true;
  condition.notify_all();
}

/// Each transfer locks the account that it takes from, and then the other.
void two_locks() {
  struct Account {
    std::mutex mutex;
    int money = 100;
  };
  const auto transfer = [](Account& from, Account& to, int amount) {
    std::lock_guard first(from.mutex);
    std::lock_guard second(to.mutex);
    from.money -= amount;
    to.money += amount;
  };
  Account x, y;
  std::jthread a([&] { transfer(x, y, 10); });
  std::jthread b([&] { transfer(y, x, 20); });
}

/// That the task has begun is asked under the lock; what it gives is read without.
void plain_result() {
  std::mutex mutex;
  bool started = false;
  int result = 0;
  std::jthread worker([&] {
    {
      std::lock_guard lock(mutex);
      started = true;
    }
    result = 49;
  });
  const auto has_started = [&] {
    std::lock_guard lock(mutex);
    return started;
  };
  while (!has_started()) std::this_thread::yield();
  [[maybe_unused]] const volatile int copy = result;
}

/// The value is written before the flag is set, but a relaxed store does not say so.
void relaxed_publication() {
  struct State {
    std::atomic<bool> ready = false;
    int value = 0;
  };
  const auto state = std::make_shared<State>();
  std::jthread producer([state] {
    state->value = 42;
    state->ready.store(true, std::memory_order_relaxed);
    state->ready.notify_one();
  });
  state->ready.wait(false, std::memory_order_acquire);
  check(state->value == 42);
}

/// All is atomic, and in the wrong order.
void ready_before_value() {
  std::atomic<bool> ready = false;
  std::atomic<int> value = 0;
  std::jthread producer([&] {
    ready = true;
    value = 42;
  });
  while (!ready) std::this_thread::yield();
  check(value == 42);
}

/// A deque for stealing, whose pop() takes the last item without a compare-exchange.
class Deque {
 public:
  void push(int item) {
    const long bottom = bottom_.load(std::memory_order_relaxed);
    at(bottom).store(item, std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_release);
  }
  std::optional<int> pop() {
    const long bottom = bottom_.load(std::memory_order_relaxed) - 1;
    bottom_.store(bottom);
    if (top_.load() <= bottom) return at(bottom).load(std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return std::nullopt;
  }
  std::optional<int> steal() {
    long top = top_.load();
    if (top >= bottom_.load()) return std::nullopt;
    const int item = at(top).load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(top, top + 1)) return std::nullopt;
    return item;
  }

 private:
  std::atomic<int>& at(long index) { return items_[static_cast<std::size_t>(index) % items_.size()]; }

  std::atomic<long> top_ = 0, bottom_ = 0;
  std::array<std::atomic<int>, 8> items_{};
};

void last_item_twice() {
  Deque deque;
  std::array<std::atomic<int>, 3> taken{};
  const auto count = [&](std::optional<int> item) {
    if (item) ++taken[static_cast<std::size_t>(*item)];
    return item.has_value();
  };
  deque.push(1);
  deque.push(2);
  {
    std::jthread thief([&] {
      count(deque.steal());
      count(deque.steal());
    });
    count(deque.pop());
    count(deque.pop());
  }
  while (count(deque.pop())) {
  }
  check(taken[1] == 1 && taken[2] == 1);
}

/// A pool of detached threads that notify it when it may be gone already.
class PoolOfDetachedThreads {
 public:
  void run(std::function<void()> job) {
    {
      std::lock_guard lock(mutex_);
      ++running_;
    }
    std::thread([this, job = std::move(job)] {
      job();
      {
        std::lock_guard lock(mutex_);
        --running_;
      }
      idle_.notify_all();
    }).detach();
  }
  ~PoolOfDetachedThreads() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
};

void pool_gone_too_soon() {
  const auto ran = std::make_shared<std::atomic<int>>(0);
  auto pool = std::make_unique<PoolOfDetachedThreads>();
  pool->run([ran] { ++*ran; });
  pool.reset();
  check(*ran == 1);
}

/// Between asking whether the result is there and leaving the callback, the result comes.
class Future {
 public:
  void set_result(int value) {
    std::vector<std::function<void(int)>> callbacks;
    {
      std::lock_guard lock(mutex_);
      result_ = value;
      callbacks.swap(callbacks_);
    }
    for (const auto& callback : callbacks) callback(value);
  }
  void add_done_callback(std::function<void(int)> callback) {
    if (const auto value = result()) return callback(*value);
    std::lock_guard lock(mutex_);
    callbacks_.push_back(std::move(callback));
  }

 private:
  std::optional<int> result() {
    std::lock_guard lock(mutex_);
    return result_;
  }

  std::mutex mutex_;
  std::optional<int> result_;
  std::vector<std::function<void(int)>> callbacks_;
};

void callback_forgotten() {
  Future future;
  std::atomic<int> calls = 0;
  {
    std::jthread worker([&] { future.set_result(5); });
    future.add_done_callback([&](int) { ++calls; });
  }
  check(calls == 1);
}

constexpr auto programs = std::to_array<Program>({{"if: item stolen", item_stolen},
                                                  {"if: spurious wake-up", woken_for_no_reason},
                                                  {"notify_one for all", one_of_two_woken},
                                                  {"flag without lock", flag_without_lock},
                                                  {"AB/BA", two_locks},
                                                  {"plain int", plain_result},
                                                  {"relaxed publication", relaxed_publication},
                                                  {"ready before value", ready_before_value},
                                                  {"last item twice", last_item_twice},
                                                  {"pool gone too soon", pool_gone_too_soon},
                                                  {"callback forgotten", callback_forgotten}});

}  // namespace

std::span<const Program> typical_bugs() { return programs; }

}  // namespace self_test
