#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "sanitizers.hpp"
#include "operation.hpp"

namespace asyncio {

namespace detail {

/// Memory for nodes of one size, to be used again. Each node knows the list that it will go back to.
struct FreeList {
  struct Block {
    Block* next;
  };

  Block* first = nullptr;
  NodePool* pool = nullptr;
};

}  // namespace detail

/// Makes what a loop schedules, and keeps the memory for the next one: in steady state nothing is allocated,
/// and nodes that are made one after another are neighbours. It gives nothing back before its end, and lives
/// as long as its owner or one of its nodes: a handle may outlive the loop. For one thread.
/// Given, not an exercise.
class NodePool {
  struct Retire {
    void operator()(NodePool* pool) const noexcept { pool->retire(); }
  };

 public:
  /// Whether memory is kept.
  static constexpr bool recycles = !address_sanitizer;

  using Owner = std::unique_ptr<NodePool, Retire>;
  static Owner create() { return Owner(new NodePool); }
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  /// Makes a Node, with one reference.
  template <class Node, class... Args>
  Node& make(Args&&... arguments) {
    static_assert(alignof(Node) <= block);
    constexpr std::size_t size_class = (sizeof(Node) - 1) / block;
    if constexpr (!recycles || size_class >= classes) {
      return make_apart<Node>(std::forward<Args>(arguments)...);
    } else {
      detail::FreeList& list = free_[size_class];
      void* const memory =
          list.first ? std::exchange(list.first, list.first->next) : fresh((size_class + 1) * block);
      Node& node = *std::construct_at(static_cast<Node*>(memory), std::forward<Args>(arguments)...);
      node.home_ = &list;
      return node;
    }
  }

  /// Makes a Node in memory of its own: any thread may make it, and any thread may release it.
  template <class Node, class... Args>
  static Node& make_apart(Args&&... arguments) {
    static_assert(alignof(Node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return *new Node(std::forward<Args>(arguments)...);
  }

  /// Gives back a reference. If it was the last, the node, which has been run or dropped, makes room for the
  /// next one.
  static void release(Operation& node) noexcept {
    if (!node.unref()) return;
    detail::FreeList* const list = node.home_;
    if (node.survives_run_) node.destroy();
    if (!list) return ::operator delete(&node);
    list->first = std::construct_at(reinterpret_cast<detail::FreeList::Block*>(&node), list->first);
    NodePool* const pool = list->pool;
    if (pool->live_nodes_ > 0 && --pool->live_nodes_ == 0) delete pool;
  }

  /// Cancels `node`, and gives back a reference.
  static void forget(Operation& node) noexcept {
    node.cancel();
    release(node);
  }

 private:
  static constexpr std::size_t block = 16;  // sizes are rounded up to a multiple of it
  static constexpr std::size_t classes = 16;

  NodePool() {
    for (detail::FreeList& list : free_) list.pool = this;
  }
  ~NodePool() = default;

  void* fresh(std::size_t size) {
    void* const memory = memory_.allocate(size, block);
    ++made_;
    return memory;
  }

  /// The owner goes. To count the nodes that are left only now spares make() and release() the counting.
  void retire() noexcept {
    live_nodes_ = made_;
    for (const detail::FreeList& list : free_)
      for (const auto* free = list.first; free; free = free->next) --live_nodes_;
    if (live_nodes_ == 0) delete this;
  }

  std::array<detail::FreeList, classes> free_;
  std::size_t made_ = 0;        // nodes that have memory here, free or not
  std::size_t live_nodes_ = 0;  // nodes that are left when the owner has gone
  std::pmr::monotonic_buffer_resource memory_{4096};
};

}  // namespace asyncio
