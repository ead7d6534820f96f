#pragma once

// The downloads, as chapter 06 would write them.

#include <event_loop.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <string>

#include "downloads.hpp"

namespace downloads::by_callbacks {

class Downloads {
 public:
  Downloads(EventLoop& loop, const Job& job, Table& table) : loop_(loop), job_(job), table_(table) {}

  void run() {
    for (int i = 0; i < at_once; ++i) {
      lines_[i].number = i;
      next_file(lines_[i]);
    }
    loop_.run_forever();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Line {
    int number = 0;
    std::size_t file = 0;
    std::optional<Download> download{};
    asyncio::Handle timer{};
  };

  void next_file(Line& line) {
    if (next_ < files) {
      line.file = next_++;
      attempt(line);
    } else if (++lines_at_end_ == at_once) {
      loop_.stop();
    }
  }

  void attempt(Line& line) {
    const int number = ++table_[line.file].attempts;
    line.download.emplace(loop_, job_, line.number, line.file, number, [this, &line](int size) {
      if (size > 0)
        succeeded(line, size);
      else
        failed(line, "connection reset");
    });
    line.timer = loop_.call_later(job_.patience(), [this, &line] { failed(line, "timed out"); });
  }

  void succeeded(Line& line, int size) {
    line.timer.cancel();
    line.download.reset();
    try {
      job_.store(line.file);
    } catch (...) {
      return give_up(std::current_exception());
    }
    table_[line.file].outcome = std::to_string(size) + " KB";
    next_file(line);
  }

  void failed(Line& line, const char* why) {
    line.timer.cancel();
    line.download.reset();
    if (table_[line.file].attempts < most_attempts) {
      line.timer = loop_.call_later(job_.pause(), [this, &line] { attempt(line); });
    } else {
      table_[line.file].outcome = why;
      next_file(line);
    }
  }

  void give_up(std::exception_ptr error) {
    error_ = error;
    for (Line& line : lines_) {
      line.timer.cancel();
      line.download.reset();
    }
    loop_.stop();
  }

  EventLoop& loop_;
  const Job& job_;
  Table& table_;
  std::array<Line, at_once> lines_;
  std::size_t next_ = 0;
  int lines_at_end_ = 0;
  std::exception_ptr error_;
};

inline const std::string source = std::source_location::current().file_name();

}  // namespace downloads::by_callbacks
