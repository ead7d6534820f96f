#pragma once

#include <sched.h>

#include <stdexcept>

namespace bench {

/// While it lives, this thread runs on one core only, and so does whoever it starts: threads and processes.
/// To wake a thread on another core costs what the system makes of it, from run to run another time.
class OneCore {
 public:
  OneCore() {
    if (::sched_getaffinity(0, sizeof before_, &before_) != 0)
      throw std::runtime_error("sched_getaffinity failed");
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &before_)) CPU_SET(core, &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;
  ~OneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

}  // namespace bench
