#pragma once

#include <stdexcept>
#include <string>

/// The course's own `concurrent.futures`: everything that crosses threads and processes.
namespace concurrent {

/// The base of every error of this namespace, so that one `catch` takes them all.
/// Python: `concurrent.futures._base.Error`.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A BlockingQueue that is closed takes no more items. Python: `queue.ShutDown`.
struct Closed : Error {
  Closed() : Error("the queue is closed") {}
};

/// The future was cancelled before its work began. Python: `concurrent.futures.CancelledError`.
struct CancelledError : Error {
  CancelledError() : Error("the future was cancelled") {}
};

/// The result did not come in time; the work goes on. Python: `TimeoutError`.
struct TimeoutError : Error {
  using Error::Error;
};

/// The operation does not fit the future's state. Python: `concurrent.futures.InvalidStateError`.
struct InvalidStateError : Error {
  using Error::Error;
};

/// A promise was dropped while its work was running, so no result will ever come. C++:
/// `std::future_errc::broken_promise`.
struct BrokenPromise : Error {
  BrokenPromise() : Error("the promise was dropped before it had a result") {}
};

/// An executor can no longer do its work. Python: `concurrent.futures.BrokenExecutor`.
struct BrokenExecutor : Error {
  using Error::Error;
};

/// A pool of threads whose initializer failed. Python: `concurrent.futures.thread.BrokenThreadPool`.
struct BrokenThreadPool : BrokenExecutor {
  using BrokenExecutor::BrokenExecutor;
};

/// A pool of processes one of which ended before its time. Python:
/// `concurrent.futures.process.BrokenProcessPool`.
struct BrokenProcessPool : BrokenExecutor {
  using BrokenExecutor::BrokenExecutor;
};

/// Work came after `shutdown`. Python raises a bare `RuntimeError`.
struct ExecutorShutdown : Error {
  ExecutorShutdown() : Error("cannot schedule new work after shutdown") {}
};

}  // namespace concurrent
