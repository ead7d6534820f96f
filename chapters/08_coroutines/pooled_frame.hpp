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

  /// Memory for a frame of `size` bytes.
  static void* allocate(std::size_t size) {
    // TODO 7.1: If there is no list for the class_of(size), take the memory from
    // ::operator new. Otherwise take the list's first block out; if there is none, take fresh(…) memory, of
    // the size that all blocks of this class have. Once you have it, one more block of that list is out.
    // Return it.
    todo("7.1", "FramePool::allocate");
  }

  /// Takes back what allocate(size) gave, on whatever thread.
  static void deallocate(void* memory, std::size_t size) noexcept {
    // TODO 7.2: If there is no list for the class_of(size), or none of its blocks
    // is out, the memory goes to ::operator delete: it is too big, or more than this thread has ever needed.
    // Otherwise one fewer is out. Put the block at the front of the list (std::construct_at a Block there).
    todo("7.2", "FramePool::deallocate");
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
};

/// The base of a promise whose coroutine's frame comes from the FramePool: the compiler asks the promise for
/// memory, if it has an `operator new`.
struct PooledFrame {
  // TODO 7.3: Give it a static operator new, which returns what the FramePool
  // allocates, and a static operator delete with a size, noexcept, which gives it back. Until then frames
  // come from where everything else comes from.
  // 7.3: the members of PooledFrame.
};

}  // namespace asyncio
