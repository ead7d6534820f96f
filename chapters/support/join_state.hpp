#pragma once

#include <cstddef>
#include <span>
#include <typeinfo>
#include <utility>

#include "task.hpp"

namespace asyncio::detail {

/// A future that is done when others are, its children: that of gather(), that of wait(). It does not wait
/// for them as for a callback: each child tells it at once, in a few steps that nobody can notice. Only what
/// somebody can notice goes through the loop: once, this itself runs.
class JoinState : public FutureBase {
 public:
  /// Listens to one child. Children of the same JoinState stand side by side in one array.
  class Child final : public Operation {
   public:
    Child() noexcept : Operation(RefCount::local) {}
    ~Child() {
      if (join_ && !future_.done()) state().let_go(*this);
    }

    [[nodiscard]] FutureBase& state() const noexcept { return future_.state(); }

    // The array owns it: its reference count does not reach zero.
    void run() override {}
    void drop() noexcept override {}
    [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Child); }

   private:
    friend class JoinState;

    Ref<Operation> notify(Ref<Operation>) noexcept override {
      if (!join_->child_done(state()) || std::exchange(join_->queued_, true)) return nullptr;
      return Ref<Operation>(*join_);
    }

    JoinState* join_ = nullptr;
    AnyFuture future_{Ref<FutureBase>()};
  };

  using FutureBase::FutureBase;

  /// Runs when child_done() says so: what it does now can be noticed.
  void run() override = 0;

 protected:
  ~JoinState() = default;

  /// A child is done: this can be noticed by nobody. @returns true if this is to run soon; it does
  /// so once
  virtual bool child_done(FutureBase& child) noexcept = 0;

  /// Makes `futures` the children, and listens to those that are not done. @returns true if those that are
  /// done already are enough, as child_done() says
  bool listen(std::span<Child> children, std::span<AnyFuture> futures) noexcept {
    children_ = children;
    for (std::size_t i = 0; i < children.size(); ++i) {
      children[i].join_ = this;
      children[i].future_ = std::move(futures[i]);
      if (!children[i].state().done()) children[i].state().add_callback(Ref<Operation>(children[i]));
    }
    bool enough = false;
    for (const Child& child : children)
      if (child.state().done() && child_done(child.state())) enough = true;
    return enough;
  }

  [[nodiscard]] std::span<Child> children() const noexcept { return children_; }

 private:
  std::span<Child> children_;
  bool queued_ = false;
};

}  // namespace asyncio::detail
