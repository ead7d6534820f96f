#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "ref.hpp"
#include "task_registry.hpp"

namespace asyncio {

/// The base of what the tasks of one loop share: locks, events, queues. It belongs to the loop of the first
/// task that waits for it, and has a name for people. For the loop's thread.
class SyncObject {
 public:
  SyncObject(const SyncObject&) = delete;
  SyncObject& operator=(const SyncObject&) = delete;

  /// Gives it a name, for the error that explains a hang.
  void set_name(std::string name) { name_ = std::move(name); }

  /// Returns its kind and its name: "Lock 'left fork'", or "Lock" if it has none.
  [[nodiscard]] std::string text() const {
    return name_.empty() ? std::string(kind_) : kind_ + (" '" + name_ + "'");
  }

  /// Returns the number of the task that holds it; 0 if none does, or nobody knows which.
  [[nodiscard]] std::size_t holder() const noexcept { return holder_; }

  /// Makes sure that it is used on one loop only: that of the first who waits.
  /// @throws std::runtime_error if `tasks` are those of another loop
  void bind(detail::TaskRegistry& tasks) {
    if (!tasks_) tasks_ = Ref(tasks);
    if (tasks_.get() != &tasks) throw std::runtime_error(text() + " is bound to a different event loop");
  }

 protected:
  explicit SyncObject(const char* kind) noexcept : kind_(kind) {}
  ~SyncObject() = default;

  void set_holder(std::size_t task) noexcept { holder_ = task; }

 private:
  const char* const kind_;
  std::string name_;
  std::size_t holder_ = 0;
  Ref<detail::TaskRegistry> tasks_;  // of the loop; null until somebody has waited
};

}  // namespace asyncio
