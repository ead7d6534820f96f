#pragma once

#include <optional>
#include <string>
#include <vector>

#include "processes.hpp"
#include "protocol.hpp"

namespace grader {

struct Failure {
  std::string place;  ///< file:line
  std::string message;
};

/// Why the supervisor ended a test.
enum class Stop { none, time, processor, output, processes };

/// A thread of the test when it was stopped; without a trace if it did not answer.
struct Stuck {
  int number = 0;  ///< 1 is the main thread
  Task task;
  std::optional<Trace> trace;
};

/// All that the supervisor saw of one test.
struct Evidence {
  std::string began;  ///< "Suite.Name", once the test began
  std::vector<Failure> failures;
  std::string not_written;  ///< the first thing that the test needs and that is not there yet
  std::optional<std::string> uncaught;
  std::string note;     ///< what a test that passes has to show
  std::string diagram;  ///< SVG
  std::optional<Stuck> crash;
  std::optional<End> end;
  bool greeted = false;
  bool forged = false;  ///< something without the secret came over the channel

  Stop stop = Stop::none;
  std::vector<Stuck> stuck;          ///< the threads when it was stopped, or those left at the end
  std::size_t threads_left = 0;      ///< when the test had ended
  std::vector<Task> processes_left;  ///< when the process had ended
  int status = 0;                    ///< as wait() gives it
  std::string output;                ///< what it printed, or the beginning of that
  double seconds = 0;
};

}  // namespace grader
