#pragma once

// The downloads with gather() and wait_for().

#include <composition.hpp>

#include <cstddef>
#include <exception>
#include <source_location>
#include <string>
#include <vector>

#include "downloads.hpp"

namespace downloads::by_coroutines {

using namespace asyncio;

/// @returns what becomes of the file
inline Coro<std::string> fetch(const Job& job, int line, std::size_t file, int& attempts) {
  for (;;) {
    std::string why;
    try {
      const int size = co_await wait_for(download(job, line, file, ++attempts), job.patience());
      job.store(file);
      co_return std::to_string(size) + " KB";
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
  std::vector<Task<>> lines;
  for (int i = 0; i < at_once; ++i) lines.push_back(create_task(work(job, i, next, table)));
  std::exception_ptr error;
  try {
    co_await gather(lines);
  } catch (...) {
    error = std::current_exception();
  }
  // The others run on, and refer to what is here.
  if (error) {
    for (Task<>& line : lines) line.cancel();
    co_await gather(lines, {.return_exceptions = true});
    std::rethrow_exception(error);
  }
}

inline const std::string source = std::source_location::current().file_name();

}  // namespace downloads::by_coroutines
