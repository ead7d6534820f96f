#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>

#include "channel.hpp"
#include "last_words.hpp"

/// Passes GoogleTest's events on to the grader.
class Listener : public testing::EmptyTestEventListener {
 public:
  /// Returns the verdict, once all tests have run.
  [[nodiscard]] grader::End end() const {
    const auto& all = *testing::UnitTest::GetInstance();
    return {.passed = passed_ && all.Passed() && all.failed_test_count() == 0,
            .skipped = all.skipped_test_count() > 0,
            .heard = heard_ == 2,
            .tests_run = tests_run_};
  }

 private:
  void OnTestStart(const testing::TestInfo& test) override {
    channel::send(grader::Kind::begin, std::string(test.test_suite_name()) + "." + test.name());
    ++tests_run_;
    speak();
  }

  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (std::string_view(part.message()).find(word_) != std::string_view::npos) ++heard_;
    if (!part.failed() && !part.skipped()) return;
    if (reported_++ >= 20) return;
    const bool known = part.file_name() != nullptr && part.line_number() > 0;  // not of what a test throws
    const std::string place =
        known ? std::string(part.file_name()) + ":" + std::to_string(part.line_number()) : "";
    const std::string why = last_words::why_no_memory(part.message());
    channel::send(grader::Kind::failure, place + "\n" + part.message() + type_of_unknown(part.message()) +
                                             (why.empty() ? "" : "\n(" + why + ")"));
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    speak();
    passed_ = test.result()->Passed();
  }

  /// GoogleTest names an exception by its what(), and one without that not at all. It reports while it
  /// handles it.
  static std::string type_of_unknown(std::string_view message) {
    return message.starts_with("Unknown C++ exception") ? "\nIts type is " + last_words::current_type() + "."
                                                        : "";
  }

  /// Sends a message to this listener through GoogleTest. It does not arrive if a submission swallows what
  /// tests report.
  void speak() { SUCCEED() << word_; }

  const std::string word_ = std::to_string(reinterpret_cast<std::uintptr_t>(this));
  std::atomic<int> heard_ = 0;
  std::atomic<int> reported_ = 0;
  int tests_run_ = 0;
  bool passed_ = false;
};
