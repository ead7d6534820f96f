#include "supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

namespace grader {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 100ms;           // between two checks of the limits
constexpr auto grace = 250ms;          // given to threads and processes that are about to end
constexpr auto answer_time = 3s;       // given to threads to send their traces
constexpr auto not_written_time = 1s;  // given to a test after a todo(), which may make it wait
constexpr int most_patience = 2;       // times the limit, if other programs keep the test off the processor
constexpr std::size_t kept_output = 64 * 1024;
constexpr std::size_t longest_note = 64 * 1024;
constexpr std::size_t largest_diagram = 1024 * 1024;

void make_pipe(Fd& read_end, Fd& write_end) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  read_end = Fd(ends[0]);
  write_end = Fd(ends[1]);
  fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
}

void make_channel(Fd& ours, Fd& theirs) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::runtime_error("cannot make a channel");
  ours = Fd(ends[0]);
  theirs = Fd(ends[1]);
}

template <class T>
std::optional<T> value_of(std::string_view payload) {
  if (payload.size() != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

}  // namespace

Evidence Supervisor::run(const Fd& binary, const std::string& path, const std::string& test) {
  start(binary, path, test);
  while (!ended_) {
    wait_for_news();
    read_channel();
    read_output();
    reap();
    check_limits();
  }
  read_channel();
  read_output();
  if (seen_.stop == Stop::none) settle_processes();
  sandbox_.kill_all();
  seen_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  return std::move(seen_);
}

void Supervisor::start(const Fd& binary, const std::string& path, const std::string& test) {
  if (getrandom(secret_.data(), secret_.size(), 0) != static_cast<ssize_t>(secret_.size()))
    throw std::runtime_error("cannot make a secret");
  Fd their_output, their_channel;
  make_pipe(output_, their_output);
  make_channel(channel_, their_channel);
  started_ = Clock::now();
  deadline_ = started_ + limits_.time;
  next_look_ = started_ + tick;
  test_ = fork();
  if (test_ < 0) throw std::runtime_error("cannot start a process");
  if (test_ == 0) sandbox_.become(binary, path, test, their_output, their_channel);
  exit_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, test_, 0)));
}

void Supervisor::wait_for_news() {
  std::array<pollfd, 3> news{
      {{channel_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {exit_.get(), POLLIN, 0}}};
  const auto most = exit_ ? tick : 5ms;  // without a descriptor that tells of its end, check often
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
  poll(news.data(), news.size(),
       static_cast<int>(std::clamp(left, 5ms, std::chrono::milliseconds(most)).count()));
}

void Supervisor::read_output() {
  std::array<char, 64 * 1024> buffer;
  while (output_) {
    const ssize_t got = read(output_.get(), buffer.data(), buffer.size());
    if (got < 0) break;
    if (got == 0) return output_.reset();
    printed_ += static_cast<std::uint64_t>(got);
    const std::size_t room = kept_output - std::min(kept_output, seen_.output.size());
    seen_.output.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
    if (printed_ > limits_.output) return stop(Stop::output);
  }
}

void Supervisor::read_channel() {
  std::string buffer(sizeof(Header) + longest_message, '\0');
  while (channel_) {
    const ssize_t got = recv(channel_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
      if (errno != EAGAIN && errno != EINTR) channel_.reset();
      return;
    }
    if (got == 0) return channel_.reset();
    const auto size = static_cast<std::size_t>(got);
    const auto header = value_of<Header>(std::string_view(buffer).substr(0, std::min(size, sizeof(Header))));
    const bool greeting = header && header->kind == Kind::hello && !seen_.greeted;
    if (!greeting && (!header || header->secret != secret_)) {
      seen_.forged = true;
      continue;
    }
    hear(header->kind, std::string_view(buffer).substr(sizeof(Header), size - sizeof(Header)));
  }
}

void Supervisor::hear(Kind kind, std::string_view payload) {
  switch (kind) {
    case Kind::hello:
      seen_.greeted = true;
      threads_at_start_ = std::max<std::size_t>(1, threads_of(test_).size());
      if (send(channel_.get(), secret_.data(), secret_.size(), MSG_NOSIGNAL) < 0) channel_.reset();
      return;
    case Kind::begin:
      seen_.began = payload;
      return;
    case Kind::failure: {
      const std::size_t end = std::min(payload.find('\n'), payload.size());
      if (seen_.failures.size() < 50)
        seen_.failures.push_back({std::string(payload.substr(0, end)),
                                  std::string(payload.substr(std::min(end + 1, payload.size())))});
      return;
    }
    case Kind::not_written:
      if (!seen_.not_written.empty()) return;
      seen_.not_written = payload;
      deadline_ = std::min<Clock::time_point>(deadline_, Clock::now() + not_written_time);
      return;
    case Kind::uncaught:
      seen_.uncaught = payload;
      return;
    case Kind::note:
      if (seen_.note.size() + payload.size() <= longest_note) seen_.note += payload;
      return;
    case Kind::diagram:
      if (seen_.diagram.size() + payload.size() <= largest_diagram) seen_.diagram += payload;
      return;
    case Kind::crash:
      if (const auto trace = value_of<Trace>(payload); trace && !seen_.crash) seen_.crash = identify(*trace);
      return;
    case Kind::thread:
      if (const auto trace = value_of<Trace>(payload)) answers_[trace->thread] = *trace;
      return;
    case Kind::end:
      seen_.end = value_of<End>(payload);
      settle_threads();
      return;
  }
  seen_.forged = true;
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t child = 0; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (child != test_) continue;  // one that the test has left behind
    ended_ = true;
    seen_.status = status;
  }
}

void Supervisor::check_limits() {
  if (ended_) return;
  if (Clock::now() >=
      deadline_ + std::min(starved(test_), most_patience * std::chrono::nanoseconds(limits_.time)))
    return stop(Stop::time);
  if (Clock::now() < next_look_) return;
  next_look_ = Clock::now() + tick;
  if (processor_time() > limits_.time) return stop(Stop::processor);
  if (descendants_of(getpid()).size() > limits_.processes) return stop(Stop::processes);
}

std::chrono::nanoseconds Supervisor::processor_time() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(test_, &clock) != 0 || clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Lets a test that has ended exit, once its other threads are gone.
void Supervisor::settle_threads() {
  const auto until = Clock::now() + grace;
  std::size_t threads = 0;
  while ((threads = threads_of(test_).size()) > threads_at_start_ && Clock::now() < until) usleep(500);
  if (threads <= threads_at_start_) {
    const char go = 1;
    if (send(channel_.get(), &go, 1, MSG_NOSIGNAL) < 0) channel_.reset();
    return;
  }
  seen_.threads_left = threads - threads_at_start_;
  ask_threads();
  std::erase_if(seen_.stuck, [](const Stuck& thread) { return thread.number == 1; });
  kill(test_, SIGKILL);
}

void Supervisor::settle_processes() {
  const auto until = Clock::now() + grace;
  const auto children_left = [] {
    pid_t child = 0;
    while ((child = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    return child == 0;
  };
  while (children_left() && Clock::now() < until) usleep(500);
  if (children_left()) seen_.processes_left = descendants_of(getpid());
}

void Supervisor::stop(Stop why) {
  if (ended_ || seen_.stop != Stop::none || seen_.threads_left > 0) return;
  seen_.stop = why;
  if (why == Stop::time || why == Stop::processor) ask_threads();
  kill(test_, SIGKILL);
  while (!ended_ && waitpid(test_, &seen_.status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
}

/// Collects the traces of all threads. A thread that blocks all signals does not answer.
void Supervisor::ask_threads() {
  const auto threads = threads_of(test_);
  std::size_t asked = 0;
  for (const Task& thread : threads) {
    if (!seen_.greeted || blocks_signal(test_, thread.id, dump_signal()))
      continue;  // without a greeting there is no handler yet
    asked += syscall(SYS_tgkill, test_, thread.id, dump_signal()) == 0;
  }
  const auto until = Clock::now() + answer_time;
  while (channel_ && answers_.size() < asked && Clock::now() < until) {
    pollfd news{channel_.get(), POLLIN, 0};
    poll(&news, 1, 20);
    read_channel();
  }
  for (std::size_t i = 0; i < threads.size(); ++i) {
    Stuck thread{.number = static_cast<int>(i) + 1, .task = threads[i], .trace = std::nullopt};
    if (const auto answer = answers_.find(threads[i].id); answer != answers_.end())
      thread.trace = answer->second;
    seen_.stuck.push_back(thread);
  }
}

/// Finds the thread that sent the trace, and its number in the order of their start.
Stuck Supervisor::identify(const Trace& trace) const {
  const auto threads = threads_of(test_);
  const auto found =
      std::find_if(threads.begin(), threads.end(), [&](const Task& t) { return t.id == trace.thread; });
  if (found == threads.end()) return {.number = 0, .task = {}, .trace = trace};
  return {.number = static_cast<int>(found - threads.begin()) + 1, .task = *found, .trace = trace};
}

}  // namespace grader
