#pragma once

// The downloads with a TaskGroup and timeout().

#include <composition.hpp>

#include <cstddef>
#include <source_location>
#include <string>

#include "downloads.hpp"

namespace downloads::by_group {

using namespace asyncio;

/// @returns what becomes of the file
inline Coro<std::string> fetch(const Job& job, int line, std::size_t file, int& attempts) {
  for (;;) {
    std::string why;
    try {
      co_return co_await timeout(job.patience(), [&]() -> Coro<std::string> {
        const int size = co_await download(job, line, file, ++attempts);
        job.store(file);
        co_return std::to_string(size) + " KB";
      });
    } catch (const TimeoutError&) {
      why = "timed out";
    } catch (const ConnectionReset& error) {
      why = error.what();
    }
    if (attempts == most_attempts) co_return why;
    co_await sleep(job.pause());
  }
}

inline Coro<> work(const Job& job, int line, std::size_t& next, Table& table) {
  while (next < files) {
    const std::size_t file = next++;
    table[file].outcome = co_await fetch(job, line, file, table[file].attempts);
  }
}

inline Coro<> run(const Job& job, Table& table) {
  std::size_t next = 0;
  co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < at_once; ++i) group.create_task(work(job, i, next, table));
    co_return;
  });
}

inline const std::string source = std::source_location::current().file_name();

}  // namespace downloads::by_group
