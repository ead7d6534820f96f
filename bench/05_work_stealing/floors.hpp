#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "fine_grained.hpp"
#include "job_slots.hpp"
#include "row.hpp"

namespace bench {

/// The floor of jobs of which some take long: two threads, for there is work for two, and one counter that
/// says whose job is whose, for nobody knows before which of them are long. This thread is one of the two
/// when it has posted.
inline void skewed_jobs_by_hand() {
  row("a skewed job/floor: slots and a counter", skewed_jobs, [] {
    return warmed_up([slots = std::make_shared<JobSlots>(skewed_jobs)] {
      std::atomic<int> taken = 0;
      const auto work = [&] {
        for (int place; (place = taken++) < skewed_jobs;) slots->run(place);
      };
      slots->start_again();
      std::jthread worker(work);
      for (int i = 0; i < skewed_jobs; ++i) slots->post(skewed_job, i);
      work();
    });
  });
}

/// The floor of four that post: each has slots of its own, so that none disturbs another; one worker looks
/// into all.
inline void four_producers_by_hand() {
  using FourSlots = std::array<JobSlots, 4>;
  constexpr int each = many / 4;
  row("a job of four producers/floor: a store and a load", many, [] {
    return warmed_up([all = std::make_shared<FourSlots>(
                          FourSlots{JobSlots(each), JobSlots(each), JobSlots(each), JobSlots(each)})] {
      for (JobSlots& slots : *all) slots.start_again();
      std::jthread worker([&] {
        std::array<int, 4> ran{};
        for (int left = many; left > 0;) {
          const int before = left;
          for (std::size_t i = 0; i < ran.size(); ++i)
            while (ran[i] < each && (*all)[i].try_run(ran[i])) {
              ++ran[i];
              --left;
            }
          if (left == before) std::this_thread::yield();
        }
      });
      std::atomic<std::size_t> producers = 0;
      four_producers([&] {
        thread_local JobSlots* mine = nullptr;  // of a thread that lives for one batch
        if (!mine) mine = &(*all)[producers++];
        mine->post([](int) { empty_job(); }, 0);
      });
    });
  });
}

/// A call of fib() that another thread may run.
struct Branch {
  int n;
  long result = 0;
  std::atomic<bool> done = false;
};

/// The floor of fib(): a thread of two, with an array of its own for the branches that it will run itself,
/// unless the other asks for one. Every call must leave its second branch where it can be given away, and
/// look afterwards whether it has been; only this thread touches the array, so that takes no fence. Each
/// looks at each call whether the other asks, and gives the oldest branch, which is the largest.
class FibByHand {
 public:
  void with(FibByHand& other) { other_ = &other; }

  long fib(int n) {
    if (n < 2) return n;
    Branch second{n - 2};
    const std::size_t place = newest_;
    own_[newest_++] = &second;
    if (letter_.load(std::memory_order_relaxed) == &asked_)
      letter_.store(own_[oldest_++], std::memory_order_release);
    const long first = fib(n - 1);
    newest_ = place;
    if (oldest_ <= place) return first + fib(n - 2);
    oldest_ = place;
    Branch* unread = &second;
    if (letter_.compare_exchange_strong(unread, nullptr)) return first + fib(n - 2);
    while (!second.done.load(std::memory_order_acquire)) help();
    return first + second.result;
  }

  /// Asks the other for a branch, or runs what it has given.
  void help() {
    Branch* letter = other_->letter_.load(std::memory_order_acquire);
    if (letter == &asked_) return std::this_thread::yield();
    if (!other_->letter_.compare_exchange_strong(letter, letter ? nullptr : &asked_) || !letter) return;
    letter->result = fib(letter->n);
    letter->done.store(true, std::memory_order_release);
  }

 private:
  static inline Branch asked_{0};

  FibByHand* other_ = nullptr;
  std::array<Branch*, 4096> own_{};
  std::size_t oldest_ = 0, newest_ = 0;
  alignas(64) std::atomic<Branch*> letter_ = nullptr;
};

inline void fib_by_hand() {
  row("a call of fib(30)/floor: an array for each of two threads", fib_calls, [] {
    FibByHand one, other;
    one.with(other);
    other.with(one);
    std::atomic<bool> over = false;
    std::jthread helper([&] {
      while (!over.load(std::memory_order_relaxed)) other.help();
    });
    if (one.fib(fib_of) != 832'040) std::terminate();
    over.store(true, std::memory_order_relaxed);
  });
}

/// The floor of a tree of jobs: one worker, and its array, of which it takes what it has posted last. What is
/// counted of each job is part of the work, as in the other rows.
inline void tree_by_hand() {
  row("a tree of jobs/floor: an array", tree_jobs, [] {
    struct Worker {
      struct Job {
        void (*run)(Worker&, int);
        int height;
      };
      std::vector<Job> jobs;
      std::latch ran{tree_jobs};
      void (*posts)(Worker&, int) = nullptr;
    };
    constexpr auto grow = [](Worker& self, int height) {
      for (int i = 0; i < 2 && height > 0; ++i) self.jobs.push_back({self.posts, height - 1});
      self.ran.count_down();
    };
    Worker worker;
    worker.posts = grow;
    std::jthread thread([&] {
      worker.jobs.push_back({grow, tree_height});
      while (!worker.jobs.empty()) {
        const Worker::Job job = worker.jobs.back();
        worker.jobs.pop_back();
        job.run(worker, job.height);
      }
    });
    worker.ran.wait();
  });
}

}  // namespace bench
