#pragma once

#include <pthread.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "sanitizers.hpp"
#include "todo.hpp"

namespace asyncio {

/// Memory for the frames of coroutines, kept by each thread for its next ones: as much as it has needed at
/// its busiest, until it ends. A frame may be destroyed on another thread than the one that made it. Its
/// memory is that thread's then; but a thread that only destroys keeps nothing.
class FramePool {
 public:
  /// True if memory is kept.
  static constexpr bool recycles = !address_sanitizer;

  // <exercise 9.1 members FramePool>
  /// Memory for a frame of `size` bytes.
  static void* allocate(std::size_t size) {
    const std::size_t index = class_of(size);
    if (index >= classes) return ::operator new(size);
    List& list = lists_[index];
    void* const memory = list.first ? std::exchange(list.first, list.first->next) : fresh((index + 1) * step);
    ++list.out;  // not before there is memory: fresh() may throw
    return memory;
  }

  /// Takes back what allocate(size) gave, on whatever thread.
  static void deallocate(void* memory, std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (index >= classes || lists_[index].out == 0) return ::operator delete(memory);
    List& list = lists_[index];
    --list.out;
    list.first = std::construct_at(static_cast<Block*>(memory), list.first);
  }

 private:
  struct Block {
    Block* next;
  };
  /// The free blocks of one size.
  struct List {
    Block* first;
    std::size_t out;  // taken, and not given back: a thread may give back what another has taken
  };
  static constexpr std::size_t step = 32;  // sizes are rounded up to a multiple of it
  static constexpr std::size_t classes = recycles ? 16 : 0;

  /// The list for frames of `size` bytes; there is none if it is not below `classes`.
  static constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / step; }

  static void* fresh(std::size_t size) {
    ::pthread_setspecific(exit_.key, &lists_);
    return ::operator new(size);
  }

  /// Gives everything back when a thread ends: by a key of POSIX, whose destructor comes after those of all
  /// thread_local objects, which may still give back frames.
  struct ThreadExit {
    ThreadExit() {
      if (::pthread_key_create(&key, give_back) != 0) throw std::bad_alloc();
    }
    static void give_back(void*) noexcept {
      for (List& list : lists_)
        while (list.first) ::operator delete(std::exchange(list.first, list.first->next));
    }
    pthread_key_t key{};
  };

  // Without constructor and destructor: to find the lists takes no look whether they are there yet.
  static inline thread_local constinit std::array<List, recycles ? 16 : 1> lists_{};
  static inline const ThreadExit exit_;
  // </exercise>
};

/// The base of a promise whose coroutine's frame comes from the FramePool: the compiler asks the promise for
/// memory, if it has an `operator new`.
struct PooledFrame {
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { FramePool::deallocate(frame, size); }
};

}  // namespace asyncio
