#pragma once

// What the tests of chapter 02 share.

#include "executor.hpp"

#include <utility>

#include "gate.hpp"
#include "testing.hpp"

using concurrent::Executor;
using concurrent::InlineExecutor;
using concurrent::Job;
using concurrent::ManualExecutor;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using course::AtEnd;
using course::Counted;
using course::Gate;
using course::Log;
using course::what;

/// A ManualExecutor that can be told to refuse work, or to destroy it unrun.
class Moody : public Executor {
 public:
  enum Mood { queues, refuses, drops };

  void post(Job job) override {
    if (++posts > accepts || mood == refuses) throw concurrent::BrokenExecutor("out of gas");
    if (mood == queues) jobs.post(std::move(job));
  }
  void shutdown(concurrent::ShutdownOptions options) override { jobs.shutdown(options); }

  Mood mood = queues;
  int accepts = 1'000'000;  // and refuses what comes after
  int posts = 0;
  ManualExecutor jobs;
};
