#pragma once

// What the tests of nodes share.

#include "node_pool.hpp"
#include "operation.hpp"
#include "ready_queue.hpp"
#include "ref.hpp"

#include <string>
#include <typeinfo>

#include "support.hpp"

using asyncio::NodePool;
using asyncio::Operation;
using asyncio::ReadyQueue;
using asyncio::Ref;

/// An operation that logs its name.
class Named final : public Operation {
 public:
  Named(Log& log, char name, int& alive)
      : Operation(asyncio::RefCount::local), log_(log), name_(name), alive_(alive) {
    ++alive_;
  }
  void run() override {
    log_.push_back(std::string(1, name_));
    --alive_;
  }
  void drop() noexcept override { --alive_; }
  const std::type_info& type() const noexcept override { return typeid(Named); }

 private:
  Log& log_;
  char name_;
  int& alive_;
};

/// Makes nodes, and runs what comes out of a queue.
struct Nodes {
  const NodePool::Owner pool = NodePool::create();
  Log log;
  int alive = 0;

  Ref<Named> make(char name) { return pool->make<Named>(log, name, alive); }
  void run_all(ReadyQueue& queue) {
    while (const Ref<Operation> node = queue.pop()) node->run();
  }
  /// The end of a queue drops what is in it.
  static void drop_all(const ReadyQueue&) {}
};
