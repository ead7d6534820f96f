#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "free_list.hpp"
#include "ref.hpp"
#include "sanitizers.hpp"

namespace asyncio {

class NodePool;

namespace detail {

/// The free memory of a NodePool for nodes of one size. Each node knows the list that its memory goes back
/// to.
struct NodeList : FreeList {
  NodePool* pool = nullptr;
};

}  // namespace detail

/// Makes the nodes of a loop, and keeps their memory for the next ones: in steady state nothing is allocated,
/// and nodes that are made one after another are neighbours. It lives as long as its owner or one of its
/// nodes, for a handle may outlive its loop, and frees nothing before. For one thread.
class NodePool {
  struct Close {
    void operator()(NodePool* pool) const noexcept { pool->close(); }
  };

 public:
  /// True if memory is kept.
  static constexpr bool recycles = !address_sanitizer;

  using Owner = std::unique_ptr<NodePool, Close>;
  static Owner create() { return Owner(new NodePool); }
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  /// Makes a Node.
  template <class Node, class... Args>
  [[nodiscard]] Ref<Node> make(Args&&... arguments) {
    static_assert(alignof(Node) <= block);
    constexpr std::size_t size_class = (sizeof(Node) - 1) / block;
    if constexpr (!recycles || size_class >= classes) {
      return make_apart<Node>(std::forward<Args>(arguments)...);
    } else {
      detail::NodeList& list = free_[size_class];
      void* const memory = list.empty() ? fresh((size_class + 1) * block) : list.pop();
      Node* node = nullptr;
      try {
        node = std::construct_at(static_cast<Node*>(memory), std::forward<Args>(arguments)...);
      } catch (...) {
        list.push(memory);
        throw;
      }
      node->home_ = &list;
      return Ref<Node>::adopt(node);
    }
  }

  /// Makes a Node in memory of its own: on any thread, and the last reference to it may go on any thread.
  template <class Node, class... Args>
  [[nodiscard]] static Ref<Node> make_apart(Args&&... arguments) {
    static_assert(alignof(Node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return Ref<Node>::adopt(new Node(std::forward<Args>(arguments)...));
  }

  /// Takes back the memory of a node, for the list that it came from; null if it stands apart.
  static void deallocate(void* node, detail::NodeList* list) noexcept {
    if (!list) return ::operator delete(node);
    list->push(node);
    NodePool* const pool = list->pool;
    if (pool->live_nodes_ > 0 && --pool->live_nodes_ == 0) delete pool;
  }

 private:
  static constexpr std::size_t block = 16;  // sizes are rounded up to a multiple of it
  static constexpr std::size_t classes = 32;

  NodePool() {
    for (detail::NodeList& list : free_) list.pool = this;
  }
  ~NodePool() = default;

  void* fresh(std::size_t size) {
    void* const memory = memory_.allocate(size, block);
    ++made_;
    return memory;
  }

  /// Counts the live nodes once, here, instead of on every make(). The last of them destroys the pool.
  void close() noexcept {
    live_nodes_ = made_;
    for (const detail::NodeList& list : free_) live_nodes_ -= list.size();
    if (live_nodes_ == 0) delete this;
  }

  std::array<detail::NodeList, classes> free_;
  std::size_t made_ = 0;        // nodes that have memory here, free or not
  std::size_t live_nodes_ = 0;  // when the owner has gone
  std::pmr::monotonic_buffer_resource memory_{4096};
};

}  // namespace asyncio
