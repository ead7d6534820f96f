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
    todo("10.1", "ForgetfulFuture::set_result");
  }

  /// Calls `callback` with the result as soon as there is one; at once if there is one already.
  void add_done_callback(std::function<void(int)> callback) {
    todo("10.1", "ForgetfulFuture::add_done_callback");
  }

  // For 10.1: members of ForgetfulFuture.
};

}  // namespace concurrent
