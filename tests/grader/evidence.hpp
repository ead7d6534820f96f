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

/// The limit for which the supervisor ended a test.
enum class Stop { none, time, processor, output, processes };

/// A thread of a test that was stopped; without a trace if it did not answer.
struct Stuck {
  int number = 0;  ///< 1 is the main thread
  Task task;
  std::optional<Trace> trace;
};

/// All that the supervisor saw of one test.
struct Evidence {
  std::string began;  ///< "Suite.Name", once the test began
  std::vector<Failure> failures;
  std::string not_written;  ///< the message of the first todo() that the test met
  std::optional<std::string> uncaught;
  std::string note;     ///< a text that the report shows although the test passes
  std::string diagram;  ///< SVG
  std::optional<Stuck> crash;
  std::optional<End> end;
  bool greeted = false;
  bool forged = false;  ///< a message without the secret came over the channel

  Stop stop = Stop::none;
  std::vector<Stuck> stuck;          ///< the threads when it was stopped, or those left at the end
  std::size_t threads_left = 0;      ///< when the test had ended
  std::vector<Task> processes_left;  ///< when the process had ended
  int status = 0;                    ///< the exit status, as from wait()
  std::string output;                ///< what the test printed, or the beginning of that
  double seconds = 0;
};

}  // namespace grader
