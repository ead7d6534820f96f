#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "scheduled.hpp"

namespace asyncio {

/// Makes what is scheduled, and keeps its memory for the next one: in steady state a loop allocates nothing.
/// It belongs to one loop, and only the loop's thread may use it. It gives nothing back before its end.
/// Given, not an exercise.
class NodePool {
 public:
  NodePool() = default;
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;
  ~NodePool() {
    for (Block*& first : free_)
      while (first) ::operator delete(std::exchange(first, first->next));
  }

  /// Makes a Node, with one reference.
  template <class Node, class... Args>
  Node& make(Args&&... arguments) {
    static_assert(alignof(Node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    constexpr std::size_t size_class = (sizeof(Node) - 1) / block;
    void* memory = nullptr;
    if constexpr (size_class < classes) {
      Block*& first = free_[size_class];
      memory = first ? std::exchange(first, first->next) : ::operator new((size_class + 1) * block);
    } else {
      memory = ::operator new(sizeof(Node));
    }
    Node& node = *std::construct_at(static_cast<Node*>(memory), std::forward<Args>(arguments)...);
    node.size_class_ = size_class < classes ? size_class : none;
    return node;
  }

  /// Makes a Node that the pool will not see again: for other threads.
  template <class Node, class... Args>
  static Node& make_apart(Args&&... arguments) {
    static_assert(alignof(Node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    void* memory = ::operator new(sizeof(Node));
    Node& node = *std::construct_at(static_cast<Node*>(memory), std::forward<Args>(arguments)...);
    node.size_class_ = none;
    return node;
  }

  /// Gives back a reference. If it was the last, the node's memory stays here.
  void release(Scheduled& node) noexcept {
    if (!node.let_go()) return;
    const std::uint8_t size_class = node.size_class_;
    std::destroy_at(&node);
    if (recycles && size_class < classes)
      free_[size_class] = std::construct_at(reinterpret_cast<Block*>(&node), free_[size_class]);
    else
      ::operator delete(&node);
  }

  /// Gives back a reference where no pool is at hand. If it was the last, the node's memory goes back to the
  /// system's.
  static void release_apart(Scheduled& node) noexcept {
    if (!node.let_go()) return;
    std::destroy_at(&node);
    ::operator delete(&node);
  }

 private:
  struct Block {
    Block* next;
  };

  static constexpr std::size_t block = 64;  // sizes are rounded up to a multiple of it
  static constexpr std::size_t classes = 4;
  static constexpr std::uint8_t none = 255;

  // AddressSanitizer sees a use after free only if the memory was freed.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool recycles = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  static constexpr bool recycles = false;
#else
  static constexpr bool recycles = true;
#endif
#else
  static constexpr bool recycles = true;
#endif

  std::array<Block*, classes> free_{};
};

}  // namespace asyncio
