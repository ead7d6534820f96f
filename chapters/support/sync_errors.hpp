#pragma once

#include "errors.hpp"

namespace asyncio {

/// The barrier was reset or aborted. Python: `asyncio.BrokenBarrierError`.
struct BrokenBarrierError : concurrent::Error {
  using concurrent::Error::Error;
};

/// put_nowait() found the queue full. Python: `asyncio.QueueFull`.
struct QueueFull : concurrent::Error {
  QueueFull() : Error("the queue is full") {}
};

/// get_nowait() found the queue empty. Python: `asyncio.QueueEmpty`.
struct QueueEmpty : concurrent::Error {
  QueueEmpty() : Error("the queue is empty") {}
};

/// The queue was shut down. Python: `asyncio.QueueShutDown`.
struct QueueShutDown : concurrent::Error {
  QueueShutDown() : Error("the queue was shut down") {}
};

}  // namespace asyncio
