#pragma once

#include <array>
#include <csignal>
#include <cstdint>

/// The messages from a test process to its supervisor. The channel is a SOCK_SEQPACKET socket pair: each
/// message is a packet. The test greets, and gets a secret back that each later message must carry, so that a
/// submission is found out if it writes to every descriptor that it finds. Code in the same process can still
/// read the secret from memory, which no grader can prevent without a second process for the learner's code;
/// but that is work, and leaves traces in the source.
namespace grader {

inline constexpr const char* channel_variable =
    "GRADER_CHANNEL";                     ///< the environment holds the descriptor's number
inline constexpr int channel_lost = 113;  ///< exit status of a test that has lost its channel

using Secret = std::array<unsigned char, 16>;

enum class Kind : std::uint8_t {
  hello,        ///< no payload; answered with the Secret
  begin,        ///< "Suite.Name"
  failure,      ///< "file:line", a line break, GoogleTest's message
  not_written,  ///< the message of a todo(), when it throws
  uncaught,     ///< "type: what()" of the exception that ends the process
  note,         ///< a text that the report shows although the test passes
  diagram,      ///< a piece of a picture (SVG); the pieces in order make the whole
  crash,        ///< Trace of the thread that got the signal
  thread,       ///< Trace: the answer to dump_signal()
  end,          ///< End; answered with one byte, once the other threads are gone
};

struct Header {
  Secret secret;
  Kind kind;
};

/// The stack of a thread: addresses in the executable, relative to its load address, innermost first.
struct Trace {
  static constexpr int most = 64;
  std::int32_t thread = 0;
  std::int32_t signal = 0;
  std::int32_t size = 0;
  std::array<std::uint64_t, most> addresses{};
};

/// GoogleTest's verdict at the end of the run.
struct End {
  bool passed = false;
  bool skipped = false;
  bool heard = false;  ///< the listener got the messages that it sent to itself through GoogleTest, before
                       ///< and after the test
  std::int32_t tests_run = 0;
};

/// Stands in the message of a std::bad_alloc that the test itself has brought about.
inline constexpr const char* lets_memory_run_out = "the test lets memory run out";

inline constexpr std::size_t longest_message = 32 * 1024;

/// The signal that makes a thread send its Trace.
inline int dump_signal() { return SIGRTMAX - 5; }

}  // namespace grader
