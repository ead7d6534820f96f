// The main function of every test binary. By hand, it is GoogleTest's own; started by the grader, it reports
// to it.

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "main/channel.hpp"
#include "main/last_words.hpp"
#include "main/listener.hpp"

/// Defined if the tests explore schedules: passes the message to the process that started this schedule.
/// @returns true if it has done so
extern "C" [[gnu::weak]] bool explore_not_written(const char* message);

/// Asked by ThreadSanitizer for what it is not to tell. Who frees an exception last is decided by a count
/// inside the standard library, which it does not see: so the memory seems to be freed while another thread
/// reads the text.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release";
}

namespace {

/// The message of a todo() in a process that the test has forked, which cannot speak to the grader itself.
struct FromChild {
  std::atomic<bool> taken;
  char message[grader::longest_message];
};
FromChild* from_child = nullptr;  // in memory that all processes of the test share

int child_has_said() noexcept { return SIGRTMIN + 7; }

void tell_parent(const char* message) noexcept {
  std::fprintf(stderr, "%s\n", message);
  if (from_child == nullptr || from_child->taken.exchange(true)) return;
  std::strncpy(from_child->message, message, sizeof from_child->message - 1);
  kill(channel::owner, child_has_said());  // the test may be waiting for an answer of this process
}

/// Makes room for the message of a forked process, and installs the handler that passes it on.
void listen_to_children() noexcept {
  void* const shared =
      mmap(nullptr, sizeof(FromChild), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return;
  from_child = static_cast<FromChild*>(shared);
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    channel::send(grader::Kind::not_written, std::string_view(from_child->message));
  };
  sigaction(child_has_said(), &action, nullptr);
}

}  // namespace

/// Called by todo(): the first part that is not written explains whatever happens afterwards.
extern "C" void grader_not_written(const char* message) {
  if (explore_not_written != nullptr && explore_not_written(message)) return;
  if (channel::is_open())
    channel::send(grader::Kind::not_written, message);
  else
    tell_parent(message);
}

/// Sends a text or a picture for the report, which shows them even if the test passes.
extern "C" void grader_note(const char* text) {
  channel::send(grader::Kind::note, text);
  if (!channel::is_open()) std::puts(text);
}
extern "C" void grader_diagram(const char* svg) {
  for (std::string_view rest = svg; !rest.empty();) {
    const std::string_view piece = rest.substr(0, grader::longest_message);
    channel::send(grader::Kind::diagram, piece);
    rest.remove_prefix(piece.size());
  }
}

/// Stands before the system's, which calls no function at the end. A sanitizer has its own.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
extern "C" void _exit(int status) {
  if (channel::is_open()) last_words::on_exit();
  for (;;) syscall(SYS_exit_group, status);
}
extern "C" void _Exit(int status) noexcept { _exit(status); }
#endif

namespace {

/// Opens the channel before any static object of the test or the submission is constructed, so that none of
/// them sees the channel's number in the environment.
[[gnu::constructor(101)]] void connect() {
  if (std::getenv(grader::channel_variable) == nullptr) return;
  last_words::install();
  // ThreadSanitizer starts a thread of its own with the first one. Start it now, so that it does not count as
  // left by the test.
  if (last_words::sanitized()) std::thread([] {}).join();
  channel::open();
  listen_to_children();
}

/// Reports the result of the test, and waits until the grader has seen that no other thread is left.
void report(const grader::End& end) {
  last_words::told = true;
  channel::send_value(grader::Kind::end, end);
  char go = 0;
  channel::receive(&go, 1);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!channel::is_open()) return RUN_ALL_TESTS();

  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto* listener = new Listener;  // owned by GoogleTest from here on
  listeners.Append(listener);
  const int status = RUN_ALL_TESTS();
  report(listener->end());
  return status;
}
