#pragma once

#include <memory>
#include <utility>

#include "reactor.hpp"
#include "task.hpp"

namespace asyncio {

/// Makes a loop that watches files: what run() uses in programs that include this chapter.
inline std::unique_ptr<EventLoop> new_epoll_loop() {
  return std::make_unique<EventLoop>(std::make_unique<EpollSelector>());
}

/// Runs a program as chapter 09's run() does, on a loop that watches files, unless a loop_factory says
/// otherwise. Of the two, the compiler takes this one for a Coro, because it says more of what it takes.
/// Python: `asyncio.run`, whose loops watch files always.
/// @returns what main returns
/// @throws what it throws; std::runtime_error if a loop is running on this thread
template <class T>
T run(Coro<T> main, RunOptions options = {}) {
  if (!options.loop_factory) options.loop_factory = new_epoll_loop;
  return run<Coro<T>>(std::move(main), std::move(options));
}

}  // namespace asyncio
