#pragma once

#include <atomic>
#include <semaphore>

namespace course {

/// Keeps threads in pass() until a test has seen what it wanted, and opens it for all of them.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { open(); }

  /// Says that this thread has come, and blocks it until the gate is open.
  void pass() {
    entered_.release();
    opened_.wait(false);
  }
  /// Returns a job that passes.
  auto job() {
    return [this] { pass(); };
  }
  /// Blocks until one thread more has come.
  void wait_until_entered() { entered_.acquire(); }
  /// Lets all threads through, those that have come and those that will. Any thread may call it, and again.
  void open() {
    opened_ = true;
    opened_.notify_all();
  }

 private:
  std::counting_semaphore<> entered_{0};
  std::atomic<bool> opened_ = false;
};

/// Opens a gate however a test ends. Declare it after the executor, which joins its workers at its own end.
class OpenAtTheEnd {
 public:
  explicit OpenAtTheEnd(Gate& gate) : gate_(gate) {}
  OpenAtTheEnd(const OpenAtTheEnd&) = delete;
  OpenAtTheEnd& operator=(const OpenAtTheEnd&) = delete;
  ~OpenAtTheEnd() { gate_.open(); }

 private:
  Gate& gate_;
};

}  // namespace course
