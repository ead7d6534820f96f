#pragma once

#include <pthread.h>

#include <string>
#include <utility>

namespace concurrent {

namespace detail {
inline thread_local std::string thread_name = "main";
}

/// Returns the current thread's name, in full. "main" unless set_thread_name() was called. Python:
/// `threading.current_thread().name`.
inline const std::string& thread_name() { return detail::thread_name; }

/// Names the current thread, also for debuggers and `top`, where the kernel keeps the last 15 characters
/// only.
inline void set_thread_name(std::string name) {
  const std::string shown = name.size() > 15 ? name.substr(name.size() - 15) : name;
  pthread_setname_np(pthread_self(), shown.c_str());
  detail::thread_name = std::move(name);
}

}  // namespace concurrent
