#pragma once

#include <utility>

#include "node_pool.hpp"
#include "operation.hpp"
#include "todo.hpp"

namespace asyncio {

/// What is to run, in order: a list whose links are the nodes themselves, so nothing is allocated. It owns a
/// reference to each node in it. For one thread at a time.
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
    while (first_) {
      Operation& node = *std::exchange(first_, first_->next_);
      node.drop();
      NodePool::release(node);
    }
  }

  [[nodiscard]] bool empty() const noexcept { return !first_; }

  /// Adds `node` at the end, and takes over a reference to it.
  void push(Operation& node) noexcept {
    // TODO 1.1: Nothing follows the node. It follows last_, or is first_ if there is
    // none; and it is last_ now.
    todo("1.1", "ReadyQueue::push");
  }

  /// Takes out the first node, with its reference. @returns null if the queue is empty
  Operation* pop() noexcept {
    // TODO 1.2: Return first_, and let the one after it be first_. Of an empty queue,
    // null.
    todo("1.2", "ReadyQueue::pop");
  }

  /// Takes out `node`, wherever it is, with its reference: in as many steps as there are nodes before it.
  /// @returns whether it was there
  bool remove(Operation& node) noexcept {
    Operation* before = nullptr;
    for (Operation* found = first_; found; before = std::exchange(found, found->next_)) {
      if (found != &node) continue;
      (before ? before->next_ : first_) = node.next_;
      if (last_ == &node) last_ = before;
      return true;
    }
    return false;
  }

  /// Moves all nodes of `other` to the end, however many there are, in a few steps.
  void append(ReadyQueue&& other) noexcept {
    // TODO 1.3: If other is not empty, its first_ is added as push() adds a node, but
    // last_ is the other's. Then other is empty.
    todo("1.3", "ReadyQueue::append");
  }

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;  // says something only if there is a first_
};

}  // namespace asyncio
