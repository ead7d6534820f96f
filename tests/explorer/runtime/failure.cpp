#include "failure.hpp"

#include <cxxabi.h>
#include <sys/time.h>

#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "journal.hpp"
#include "system.hpp"
#include "world.hpp"

namespace explore::runtime {
namespace {

constexpr int seconds_for_a_schedule = 5;  // of processor time: a loop without any synchronisation ends here

Thread* leave() noexcept {
  Thread* const thread = current ? current : world->running;
  current = nullptr;
  return thread;
}

int number(const Thread* thread) noexcept { return thread ? thread->id + 1 : 0; }

void on_signal(int signal) {
  if (world->shared->failure != Failure::none) system::end_process(42);
  Thread* const thread = leave();
  if (signal == SIGPROF) {
    if (thread) journal::add(*thread, "is still running here");
    fail(Failure::livelock, "thread %d runs on and on and meets no other", number(thread));
  }
  if (thread) journal::add(*thread, "CRASHES");
  fail(Failure::crash, "thread %d crashes: %s", number(thread), strsignal(signal));
}

[[noreturn]] void on_terminate() {
  Thread* const thread = leave();
  if (thread) journal::add(*thread, "TERMINATES");
  const std::exception_ptr error = std::current_exception();
  if (!error)
    fail(Failure::uncaught,
         "thread %d calls std::terminate (is a std::thread destroyed that was not joined?)", number(thread));
  const char* what = "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  int status = 0;
  const std::type_info* const type = error.__cxa_exception_type();
  const char* const type_name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  fail(Failure::uncaught, "nobody catches the exception that thread %d throws: %s%s%s", number(thread),
       status == 0 ? type_name : type->name(), *what ? ": " : "", what);
}

}  // namespace

void fail(Failure failure, const char* format, ...) noexcept {
  current = nullptr;
  Shared& shared = *world->shared;
  shared.failure = failure;
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(shared.message.data(), shared.message.size(), format, arguments);
  va_end(arguments);
  journal::close();
  system::end_process(42);
}

void add_site(StackId stack, const char* format, ...) noexcept {
  Journal& journal = world->shared->journal;
  if (!world->drawing() || journal.sites_size == Journal::most_sites) return;
  Site& site = journal.sites[journal.sites_size++];
  site.stack = stack;
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(site.what.data(), site.what.size(), format, arguments);
  va_end(arguments);
}

void watch_for_crashes() noexcept {
  static char stack[1 << 16];
  const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&alternate, nullptr);
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPROF}) std::signal(signal, on_signal);
  std::set_terminate(on_terminate);
}

void start_watch() noexcept {
  const itimerval time{.it_interval = {}, .it_value = {.tv_sec = seconds_for_a_schedule, .tv_usec = 0}};
  setitimer(ITIMER_PROF, &time, nullptr);
}

}  // namespace explore::runtime
