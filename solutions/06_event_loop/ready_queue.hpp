#pragma once

#include <utility>

#include "operation.hpp"
#include "ref.hpp"
#include "todo.hpp"

namespace asyncio {

/// A queue of nodes that are to run: a list whose links are the nodes themselves, so nothing is allocated. It
/// owns a reference to each node in it. For one thread at a time. Python: the deque `loop._ready`.
class ReadyQueue {
 public:
  ReadyQueue() = default;
  ReadyQueue(ReadyQueue&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  ReadyQueue& operator=(ReadyQueue&& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    return *this;
  }
  /// Drops what is left.
  ~ReadyQueue() {
    if (first_) drop_all();
  }

  [[nodiscard]] bool empty() const noexcept { return !first_; }

  /// Adds `node` at the end.
  void push(Ref<Operation> node) noexcept {
    // <exercise 8.1 ReadyQueue::push>
    Operation* const added = node.release();
    added->next_ = nullptr;
    (first_ ? last_->next_ : first_) = added;
    last_ = added;
    // </exercise>
  }

  /// Takes out the first node. @returns null if the queue is empty
  Ref<Operation> pop() noexcept {
    // <exercise 8.1 ReadyQueue::pop>
    Operation* const node = first_;
    if (node) first_ = node->next_;
    return Ref<Operation>::adopt(node);
    // </exercise>
  }

  /// Takes out `node`, wherever it is: in as many steps as there are nodes before it.
  /// @returns null if it was not there
  Ref<Operation> remove(Operation& node) noexcept {
    Operation* before = nullptr;
    for (Operation* found = first_; found; before = std::exchange(found, found->next_)) {
      if (found != &node) continue;
      (before ? before->next_ : first_) = node.next_;
      if (last_ == &node) last_ = before;
      return Ref<Operation>::adopt(&node);
    }
    return nullptr;
  }

  /// Moves all nodes of `other` to the end, however many there are, in a few steps.
  void append(ReadyQueue&& other) noexcept {
    // <exercise 8.1 ReadyQueue::append>
    if (other.empty()) return;
    (first_ ? last_->next_ : first_) = std::exchange(other.first_, nullptr);
    last_ = other.last_;
    // </exercise>
  }

 private:
  /// Not inlined: nearly always the queue is empty when it goes.
  [[gnu::noinline]] void drop_all() noexcept {
    while (const Ref<Operation> node = pop()) node->drop();
  }

  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

}  // namespace asyncio
