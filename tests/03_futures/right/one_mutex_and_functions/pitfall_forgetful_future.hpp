#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <optional>

namespace concurrent {

/// Wrong on purpose.
class ForgetfulFuture {
 public:
  void set_result(int value) {
    std::list<std::function<void(int)>> callbacks;
    {
      const std::lock_guard lock(mutex_);
      result_ = value;
      callbacks.splice(callbacks.end(), waiting_);
    }
    for (auto& callback : callbacks) callback(value);
  }

  void add_done_callback(std::function<void(int)> callback) {
    if (const std::optional<int> result = look()) {
      callback(*result);
    } else {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(callback);
    }
  }

 private:
  std::optional<int> look() {
    const std::lock_guard lock(mutex_);
    return result_;
  }

  std::mutex mutex_;
  std::optional<int> result_;
  std::list<std::function<void(int)>> waiting_;
};

}  // namespace concurrent
