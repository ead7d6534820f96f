#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "todo.hpp"

namespace concurrent {

/// A future that is wrong on purpose: it may forget a callback. Do not use it.
class ForgetfulFuture {
 public:
  /// Makes the future done, and calls the callbacks.
  void set_result(int value) {
    // <exercise 10.1 ForgetfulFuture::set_result>
    std::vector<Callback> callbacks;
    {
      std::lock_guard lock(mutex_);
      value_ = value;
      done_ = true;
      callbacks.swap(callbacks_);
    }
    for (Callback& callback : callbacks) callback(value);
    // </exercise>
  }

  /// Calls `callback` with the result as soon as there is one; at once if there is one already.
  void add_done_callback(std::function<void(int)> callback) {
    // <exercise 10.1 ForgetfulFuture::add_done_callback>
    bool done = false;
    {
      std::lock_guard lock(mutex_);
      done = done_;
    }
    if (done) return callback(value_);
    std::lock_guard lock(mutex_);
    callbacks_.push_back(std::move(callback));
    // </exercise>
  }

  // <exercise 10.1 members ForgetfulFuture>
 private:
  using Callback = std::function<void(int)>;

  std::mutex mutex_;
  bool done_ = false;
  int value_ = 0;
  std::vector<Callback> callbacks_;
  // </exercise>
};

}  // namespace concurrent
