#include "echo_server.hpp"
#include "reactor.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <semaphore>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using asyncio::Acceptor;
using asyncio::connect_tcp;
using asyncio::EchoServer;
using asyncio::EpollSelector;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Fd;
using asyncio::listen_tcp;
using asyncio::local_port;
using asyncio::NodePool;
using asyncio::Operation;
using asyncio::Ready;
using asyncio::ReadyQueue;
using concurrent::checked;
using course::Counted;
using course::open_descriptors;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

// ---- What the system is asked for. These stand in front of the library's; weak, and the numbers inline, for
// the file is compiled in two halves.

inline std::atomic<int> looks = 0;                // how often epoll was asked
inline std::atomic<int> received = 0;             // how often recv() was called
inline std::atomic<int> sent = 0;                 // how often send() was called
inline std::atomic<int> aborted_connections = 0;  // so many are to have gone when accept4() comes
inline std::atomic<int> most_descriptors =
    -1;  // with so many open accept4() finds none; below 0 for no limit

// UndefinedBehaviorSanitizer, which comes with AddressSanitizer, opens a pipe to look at an object, and
// without a descriptor it raises an alarm.
constexpr bool limit_is_real = NodePool::recycles;

template <class F>
F* library(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

extern "C" [[gnu::weak]] int epoll_pwait2(int fd, epoll_event* events, int size, const timespec* timeout,
                                          const sigset_t* mask) {
  static const auto real =
      library<int(int, epoll_event*, int, const timespec*, const sigset_t*)>("epoll_pwait2");
  ++looks;
  return real(fd, events, size, timeout, mask);
}

extern "C" [[gnu::weak]] int epoll_wait(int fd, epoll_event* events, int size, int milliseconds) {
  static const auto real = library<int(int, epoll_event*, int, int)>("epoll_wait");
  ++looks;
  return real(fd, events, size, milliseconds);
}

extern "C" [[gnu::weak]] ssize_t recv(int fd, void* room, std::size_t size, int flags) {
  static const auto real = library<ssize_t(int, void*, std::size_t, int)>("recv");
  ++received;
  return real(fd, room, size, flags);
}

extern "C" [[gnu::weak]] ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  static const auto real = library<ssize_t(int, const void*, std::size_t, int)>("send");
  ++sent;
  return real(fd, bytes, size, flags);
}

extern "C" [[gnu::weak]] int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static const auto real = library<int(int, sockaddr*, socklen_t*, int)>("accept4");
  if (aborted_connections > 0) {
    --aborted_connections;
    errno = ECONNABORTED;
    return -1;
  }
  if (most_descriptors >= 0 && open_descriptors() >= most_descriptors) {
    errno = EMFILE;
    return -1;
  }
  return real(fd, address, size, flags);
}

namespace {

// ---- Sockets of the tests

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Waits until `fd` is ready for `events`.
void wait_for(const Fd& fd, short events) {
  pollfd one{.fd = fd.get(), .events = events, .revents = 0};
  checked(::poll(&one, 1, -1), "poll");
}

/// A pair of connected ends, which do not wait.
std::pair<Fd, Fd> socket_pair() {
  std::array<int, 2> ends{};
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// The end of a pipe to read from, and the one to write to.
std::pair<Fd, Fd> make_pipe() {
  std::array<int, 2> ends{};
  checked(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

void put(const Fd& fd, std::string_view text) {
  checked(::write(fd.get(), text.data(), text.size()), "write");
}

/// Takes what is there.
std::string get(const Fd& fd) {
  std::array<char, 4096> room{};
  const ssize_t size = ::read(fd.get(), room.data(), room.size());
  return std::string(room.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
}

/// Writes until there is no room.
std::size_t fill(const Fd& fd) {
  const std::vector<char> block(4096);
  std::size_t written = 0;
  for (ssize_t size = 0; (size = ::write(fd.get(), block.data(), block.size())) > 0;)
    written += static_cast<std::size_t>(size);
  return written;
}

/// When it is closed, the peer is told so by a reset.
void reset_when_closed(const Fd& fd) {
  const linger option{.l_onoff = 1, .l_linger = 0};
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &option, sizeof option), "setsockopt");
}

/// How much a client takes before it reads.
enum class Buffer { normal, tiny };

/// A client that waits, as most do.
Fd client_of(std::uint16_t port, Buffer buffer = Buffer::normal) {
  Fd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (buffer == Buffer::tiny) {
    // Segments have to be smaller still, or TCP waits for the window to open further, 200 ms at a time.
    const int segment = 536;
    const int room = 4096;
    checked(::setsockopt(fd.get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), "setsockopt");
    checked(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room), "setsockopt");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  checked(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  return fd;
}

void send_all(const Fd& fd, std::string_view text) {
  while (!text.empty())
    text.remove_prefix(
        static_cast<std::size_t>(checked(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), "send")));
}

std::string receive_exactly(const Fd& fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t part = ::recv(fd.get(), text.data() + have, size - have, 0);
    if (part <= 0) break;
    have += static_cast<std::size_t>(part);
  }
  text.resize(have);
  return text;
}

/// A text in which nothing repeats for long.
std::string long_text(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  return text;
}

/// At the end there are as many descriptors as at the beginning.
class NoneIsLeftOpen {
 public:
  ~NoneIsLeftOpen() { EXPECT_EQ(open_descriptors(), descriptors_) << "descriptors"; }

 private:
  const int descriptors_ = open_descriptors();
};

/// As long as it lives, the process may open `more` descriptors and no more.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(int more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    if (!limit_is_real) {
      most_descriptors = open_descriptors() + more;
      return;
    }
    rlimit limit = before_;
    std::vector<Fd> all;
    for (int i = 0; i < more; ++i) all.emplace_back(checked(::dup(0), "dup"));
    limit.rlim_cur = static_cast<rlim_t>(all.back().get()) + 1;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~DescriptorLimit() { lift(); }
  void lift() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
    most_descriptors = -1;
  }

 private:
  rlimit before_{};
};

template <class F>
std::error_code code_of(F&& call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

template <class F>
std::string error_of(F&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing is thrown";
}

// ---- Loops of the tests

/// A loop with an EpollSelector.
struct EpollLoop {
  EventLoop loop{std::make_unique<EpollSelector>()};

  void run_once() {
    loop.stop();
    loop.run_forever();
  }
};

/// Something scheduled that logs its name each time, and its end.
class Named final : public Operation {
 public:
  Named(Log& log, char name) : Operation(asyncio::RefCount::local), log_(log), name_(name) {}
  void run() override { log_.push_back(std::string(1, name_)); }
  void drop() noexcept override { log_.push_back(std::string("no more ") + name_); }
  const std::type_info& type() const noexcept override { return typeid(Named); }

 private:
  Log& log_;
  char name_;
};

/// A selector, and what it has found.
struct Found {
  Log log;  // nodes write to it at their end
  EpollSelector selector;

  Named& make(char name) { return NodePool::make_apart<Named>(log, name); }
  void watch(const Fd& fd, Ready ready, char name) { selector.watch(fd.get(), ready, make(name)); }
  /// Looks once; @returns the names of what was found, in order of the alphabet
  Log look(std::optional<asyncio::Duration> timeout = asyncio::Duration::zero()) {
    log.clear();
    selector.select(timeout);
    ReadyQueue found = selector.found();
    while (Operation* node = found.pop()) {
      node->run();
      NodePool::release(*node);
    }
    std::ranges::sort(log);
    return log;
  }
};

/// A listener whose connections have little room for what is sent.
Fd listen_with_little_room() {
  Fd fd = listen_tcp(0);
  const int least = 1;
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least), "setsockopt");
  return fd;
}

/// An echo server on a thread of its own.
class RunningServer {
 public:
  RunningServer() : thread_([this] { run(); }) { ready_.acquire(); }
  ~RunningServer() {
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
  }

  std::uint16_t port() const { return port_; }

  /// What `ask` returns on the loop's thread.
  template <class F>
  auto on_the_loop(F ask) {
    decltype(ask(std::declval<EchoServer&>())) answer{};
    std::binary_semaphore answered(0);
    loop_.call_soon_threadsafe([&] {
      answer = ask(*server_);
      answered.release();
    });
    answered.acquire();
    return answer;
  }
  std::size_t connections() {
    return on_the_loop([](EchoServer& server) { return server.connections(); });
  }
  void wait_until_there_are(std::size_t count) {
    while (connections() != count) std::this_thread::yield();
  }

 private:
  void run() {
    EchoServer server(loop_, listen_with_little_room());
    server_ = &server;
    port_ = server.port();
    ready_.release();
    loop_.run_forever();
  }

  EventLoop loop_{std::make_unique<EpollSelector>()};
  EchoServer* server_ = nullptr;
  std::uint16_t port_ = 0;
  std::binary_semaphore ready_{0};
  std::jthread thread_;
};

/// Sends until the server takes no more. @returns how many bytes
std::size_t send_without_reading(const Fd& client, RunningServer& server) {
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const std::string block(65'536, 'x');
  std::size_t taken = 0;
  for (int full = 0; full < 20; server.connections()) {
    const ssize_t size = ::send(client.get(), block.data(), block.size(), MSG_NOSIGNAL);
    full = size < 0 ? full + 1 : 0;
    taken += size < 0 ? 0 : static_cast<std::size_t>(size);
  }
  ::fcntl(client.get(), F_SETFL, 0);
  return taken;
}

}  // namespace

// Step 1: sockets.

TEST(Step1_Sockets, AClientAndAServerTalk) {
  const NoneIsLeftOpen none_is_left_open;
  const Fd listener = listen_tcp(0);
  const Fd client = connect_tcp("127.0.0.1", local_port(listener));
  wait_for(client, POLLOUT);
  asyncio::finish_connect(client);
  wait_for(listener, POLLIN);
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  EXPECT_EQ(asyncio::send(client, bytes_of("hello")), 5u);
  wait_for(*server, POLLIN);
  std::array<std::byte, 16> room{};
  EXPECT_EQ(asyncio::receive(*server, room), 5u);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(room.data()), 5), "hello");
}

TEST(Step1_Sockets, AHostIsANumberOrLocalhost) {
  const Fd listener = listen_tcp(0);
  EXPECT_TRUE(connect_tcp("localhost", local_port(listener)));
  EXPECT_THROW(connect_tcp("no.such.host", local_port(listener)), std::invalid_argument);
  EXPECT_EQ(code_of([&] { listen_tcp(local_port(listener)); }), std::errc::address_in_use);
}

TEST(Step1_Sockets, NothingIsThereYet) {
  const Fd listener = listen_tcp(0);
  EXPECT_FALSE(asyncio::accept(listener));
  const auto [here, there] = socket_pair();
  std::array<std::byte, 16> room{};
  EXPECT_EQ(asyncio::receive(here, room), std::nullopt);
}

TEST(Step1_Sockets, TheEndIsNoBytes) {
  auto [here, there] = socket_pair();
  there.close();
  std::array<std::byte, 16> room{};
  EXPECT_EQ(asyncio::receive(here, room), 0u);
}

TEST(Step1_Sockets, SendHandsOverAsMuchAsThereIsRoomFor) {
  const auto [here, there] = socket_pair();
  const std::string text = long_text(1 << 20);
  const std::optional<std::size_t> size = asyncio::send(here, bytes_of(text));
  ASSERT_TRUE(size);
  EXPECT_LT(*size, text.size());
  fill(here);
  EXPECT_EQ(asyncio::send(here, bytes_of(text)), std::nullopt);
}

TEST(Step1_Sockets, APeerThatHasGoneIsAnErrorAndNoSignal) {
  ::signal(SIGPIPE, SIG_DFL);
  auto [here, there] = socket_pair();
  there.close();
  EXPECT_EQ(code_of([&] { asyncio::send(here, bytes_of("hello")); }), std::errc::broken_pipe);
}

TEST(Step1_Sockets, AResetIsAnError) {
  const Fd listener = listen_tcp(0);
  Fd client = client_of(local_port(listener));
  wait_for(listener, POLLIN);
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  reset_when_closed(client);
  client.close();
  wait_for(*server, POLLIN);
  std::array<std::byte, 16> room{};
  EXPECT_EQ(code_of([&] { asyncio::receive(*server, room); }), std::errc::connection_reset);
}

TEST(Step1_Sockets, AConnectionThatIsRefusedSaysSo) {
  Fd listener = listen_tcp(0);
  const std::uint16_t port = local_port(listener);
  listener.close();
  EXPECT_EQ(code_of([&] {  // at once, or later
              const Fd client = connect_tcp("127.0.0.1", port);
              wait_for(client, POLLOUT);
              asyncio::finish_connect(client);
            }),
            std::errc::connection_refused);
}

TEST(Step1_Sockets, ConnectionsDoNotWaitAndAreForThisProgramOnly) {
  const Fd listener = listen_tcp(0);
  const Fd client = connect_tcp("127.0.0.1", local_port(listener));
  wait_for(listener, POLLIN);
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  for (const Fd* fd : {&client, &*server}) {
    EXPECT_NE(::fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST(Step1_Sockets, AConnectionThatHasGoneBeforeIsPassedOver) {
  const Fd listener = listen_tcp(0);
  aborted_connections = 2;
  EXPECT_FALSE(asyncio::accept(listener));
  EXPECT_EQ(aborted_connections, 0);
}

TEST(Step1_Sockets, WithoutADescriptorAcceptSaysSo) {
  const Fd listener = listen_tcp(0);
  const Fd client = client_of(local_port(listener));
  DescriptorLimit limit(1);
  const Fd last(checked(::dup(0), "dup"));
  EXPECT_EQ(code_of([&] { asyncio::accept(listener); }), std::errc::too_many_files_open);
  limit.lift();
  EXPECT_TRUE(asyncio::accept(listener)) << "the connection still waits";
}

// Step 2: the selector.

TEST(Step2_Epoll, AFileIsFoundWhenThereIsSomethingToRead) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  EXPECT_EQ(found.look(), Log{});
  put(there, "hello");
  const int descriptors = open_descriptors();
  EXPECT_EQ(found.look(), Log{"r"});
  EXPECT_EQ(open_descriptors(), descriptors) << "without signal handlers there is no counter for signals";
}

TEST(Step2_Epoll, ItIsFoundAgainAsLongAsThereIs) {
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  put(there, "hello");
  EXPECT_EQ(found.look(), Log{"r"});
  EXPECT_EQ(found.look(), Log{"r"}) << "nobody has read it";
  get(here);
  EXPECT_EQ(found.look(), Log{});
}

TEST(Step2_Epoll, WhoeverWantsToReadAndToWriteIsToldApart) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'w');
  EXPECT_EQ(found.look(), Log{"w"});
  put(there, "hello");
  EXPECT_EQ(found.look(), (Log{"r", "w"}));
  fill(here);
  EXPECT_EQ(found.look(), Log{"r"});
}

TEST(Step2_Epoll, OneOfTwoIsRemoved) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'w');
  EXPECT_TRUE(found.selector.unwatch(here.get(), Ready::to_write));
  EXPECT_EQ(found.look(), Log{"r"});
  EXPECT_TRUE(found.selector.unwatch(here.get(), Ready::to_read));
  EXPECT_EQ(found.look(), Log{});
}

TEST(Step2_Epoll, WhatWasRemovedEndsNoSleep) {
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'r');
  found.watch(here, Ready::to_write, 'w');
  found.selector.unwatch(here.get(), Ready::to_read);
  fill(here);
  for (int round = 0; round < 2; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(found.look(5ms), Log{});
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms) << "epoll still watches what was removed";
    found.selector.unwatch(here.get(), Ready::to_write);
  }
}

TEST(Step2_Epoll, UnwatchSaysWhetherThereWasOne) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  EXPECT_FALSE(found.selector.unwatch(here.get(), Ready::to_read));
  EXPECT_FALSE(found.selector.unwatch(-1, Ready::to_read));
  EXPECT_FALSE(found.selector.unwatch(1'000'000, Ready::to_read));
  found.watch(here, Ready::to_read, 'r');
  EXPECT_FALSE(found.selector.unwatch(here.get(), Ready::to_write));
  EXPECT_TRUE(found.selector.unwatch(here.get(), Ready::to_read));
  EXPECT_FALSE(found.selector.unwatch(here.get(), Ready::to_read));
}

TEST(Step2_Epoll, ASecondWatchReplacesTheFirst) {  // AIO-99
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'a');
  found.watch(here, Ready::to_read, 'b');
  EXPECT_EQ(found.log, Log{"no more a"});
  EXPECT_EQ(found.look(), Log{"b"});
}

TEST(Step2_Epoll, AHangUpAndAnErrorReachWhoeverWaits) {
  for (const Ready ready : {Ready::to_read, Ready::to_write}) {
    Found found;
    auto [hung_up, writer] = make_pipe();
    auto [reader, broken] = make_pipe();
    fill(broken);
    found.watch(hung_up, ready, 'h');
    found.watch(broken, ready, 'b');
    EXPECT_EQ(found.look(), Log{});
    writer.close();
    reader.close();
    EXPECT_EQ(found.look(), (Log{"b", "h"})) << (ready == Ready::to_read ? "readers" : "writers");
  }
}

TEST(Step2_Epoll, AFileThatWasClosedMayStillBeRemoved) {
  Found found;
  auto [here, there] = socket_pair();
  const int number = here.get();
  found.watch(here, Ready::to_read, 'r');
  here.close();
  EXPECT_TRUE(found.selector.unwatch(number, Ready::to_read));
  EXPECT_EQ(found.log, Log{"no more r"});
}

TEST(Step2_Epoll, ANumberMayBeThatOfAnotherFileNow) {
  for (const bool removed : {true, false}) {
    Found found;
    auto [first, first_peer] = socket_pair();
    auto [second, second_peer] = socket_pair();
    found.watch(first, Ready::to_read, 'a');
    if (removed) found.selector.unwatch(first.get(), Ready::to_read);
    checked(::dup2(second.get(), first.get()), "dup2");  // closes the first
    found.watch(first, Ready::to_read, 'b');
    put(second_peer, "hello");
    EXPECT_EQ(found.look(), Log{"b"}) << (removed ? "removed before it was closed" : "closed, not removed");
  }
}

TEST(Step2_Epoll, WhatCannotBeWatchedIsRefused) {
  Found found;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  found.watch(here, Ready::to_read, 'r');
  const Fd file(checked(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  EXPECT_EQ(code_of([&] { found.watch(file, Ready::to_read, 'f'); }), std::errc::operation_not_permitted);
  EXPECT_EQ(code_of([&] { found.selector.watch(-1, Ready::to_read, found.make('n')); }),
            std::errc::bad_file_descriptor);
  EXPECT_EQ(code_of([&] { found.selector.watch(9'999, Ready::to_read, found.make('n')); }),
            std::errc::bad_file_descriptor);
  EXPECT_EQ(found.log, (Log{"no more f", "no more n", "no more n"})) << "what is refused is destroyed";
  EXPECT_FALSE(found.selector.unwatch(file.get(), Ready::to_read));
  EXPECT_EQ(found.look(), Log{"r"});
}

TEST(Step2_Epoll, AWakeUpEndsTheSelectAndIsUsedUp) {  // AIO-13
  Found found;
  found.selector.wake();
  EXPECT_EQ(found.look(std::nullopt), Log{}) << "it comes before the sleep";
  found.selector.wake();
  found.selector.wake();
  found.look(std::nullopt);
  const auto begin = std::chrono::steady_clock::now();
  found.look(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms) << "nobody has woken it again";
}

TEST(Step2_Epoll, ASleepIsNeverTooShort) {  // AIO-05
  Found found;
  for (const auto timeout : {1ns, 999'999ns, 1'500'000ns, 20'000'000ns}) {
    const auto begin = std::chrono::steady_clock::now();
    found.look(timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, timeout);
  }
}

TEST(Step2_Epoll, AnInterruptionIsNoError) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
  Found found;
  std::atomic<bool> interrupted = false;
  std::jthread other([&, thread = ::pthread_self()] {
    while (!interrupted) {
      ::pthread_kill(thread, SIGUSR1);
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(error_of([&] { found.look(std::nullopt); }), "nothing is thrown");
  interrupted = true;
}

TEST(Step2_Epoll, ALoopSleepsForItsTimers) {  // AIO-05
  EpollLoop e;
  const auto begin = e.loop.time();
  e.loop.call_later(5ms, [&] { e.loop.stop(); });
  looks = 0;
  e.loop.run_forever();
  EXPECT_GE(e.loop.time() - begin, 5ms);
  EXPECT_LE(looks, 3) << "it sleeps, and does not look again and again";
}

TEST(Step2_Epoll, ALoopIsWokenByAnotherThread) {  // AIO-13
  EpollLoop e;
  std::jthread other([&] {
    course::wait_until_others_block();
    e.loop.call_soon_threadsafe([&] { e.loop.stop(); });
  });
  e.loop.run_forever();
}

TEST(Step2_Epoll, ABusyLoopSeldomAsksTheSystem) {
  EpollLoop e;
  int left = 6'400;
  std::function<void()> again = [&] {
    if (--left > 0)
      e.loop.call_soon(std::ref(again));
    else
      e.loop.stop();
  };
  e.loop.call_soon(std::ref(again));
  looks = 0;
  e.loop.run_forever();
  EXPECT_GE(looks, 90);
  EXPECT_LE(looks, 110) << "once in 64 callbacks";
}

// Step 3: readers and writers.

TEST(Step3_Watch, AReaderIsCalledWheneverThereIsSomethingToRead) {  // AIO-99
  EpollLoop e;
  const auto [here, there] = socket_pair();
  Log log;
  e.loop.add_reader(
      here.get(), [&](const Fd& fd, const std::string& name) { log.push_back(name + " " + get(fd)); },
      std::cref(here), std::string("a reader of many words"));
  for (const char* text : {"a", "b"}) {
    put(there, text);
    e.run_once();
    e.run_once();
  }
  EXPECT_EQ(log, (Log{"a reader of many words a", "a reader of many words b"}));
}

TEST(Step3_Watch, AWriterIsCalledWheneverThereIsRoom) {  // AIO-99
  EpollLoop e;
  const auto [here, there] = socket_pair();
  int calls = 0;
  e.loop.add_writer(here.get(), [&] { ++calls; });
  e.run_once();
  e.run_once();
  EXPECT_EQ(calls, 2);
  fill(here);
  e.run_once();
  EXPECT_EQ(calls, 2);
}

TEST(Step3_Watch, ALoopThatSleepsIsWokenByAFile) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  e.loop.add_reader(here.get(), [&] { e.loop.stop(); });
  std::jthread other([&] {
    course::wait_until_others_block();
    put(there, "hello");
  });
  e.loop.run_forever();
}

TEST(Step3_Watch, AReaderMayRemoveItself) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  std::atomic<int> alive = 0;
  int alive_after_it = 0;
  e.loop.add_reader(here.get(), [&, counted = Counted(alive)] {
    EXPECT_TRUE(e.loop.remove_reader(here.get()));
    alive_after_it = alive;
  });
  e.run_once();
  EXPECT_EQ(alive_after_it, 1) << "what runs is not destroyed";
  EXPECT_EQ(alive, 0);
  e.run_once();
}

TEST(Step3_Watch, AReaderMayReplaceItself) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  Log log;
  e.loop.add_reader(here.get(), [&, name = std::string("first, which is a long name")] {
    e.loop.add_reader(here.get(), [&] { log.push_back("second"); });
    log.push_back(name);
  });
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, (Log{"first, which is a long name", "second"}));
}

TEST(Step3_Watch, OneMayRemoveAnotherThatIsReadyInTheSamePass) {  // AIO-99
  EpollLoop e;
  const auto [a, a_peer] = socket_pair();
  const auto [b, b_peer] = socket_pair();
  put(a_peer, "hello");
  put(b_peer, "hello");
  int calls = 0;
  e.loop.add_reader(a.get(), [&] { ++calls, e.loop.remove_reader(b.get()); });
  e.loop.add_reader(b.get(), [&] { ++calls, e.loop.remove_reader(a.get()); });
  e.run_once();
  EXPECT_EQ(calls, 1) << "whichever comes first, the other is not called any more";
}

TEST(Step3_Watch, AFileMayBeClosedAndItsNumberUsedAgainInTheSamePass) {
  EpollLoop e;
  auto [a, a_peer] = socket_pair();
  auto [b, b_peer] = socket_pair();
  const std::array<int, 2> numbers{a.get(), b.get()};
  put(a_peer, "hello");
  put(b_peer, "hello");
  Log log;
  std::optional<std::pair<Fd, Fd>> fresh;
  const auto first = [&](Fd& other) {
    log.push_back("first");
    const int number = other.get();
    e.loop.remove_reader(number);
    other.close();
    fresh = socket_pair();  // takes the lowest number that is free
    ASSERT_EQ(fresh->first.get(), number);
    e.loop.add_reader(number, [&] { log.push_back("fresh " + get(fresh->first)); });
  };
  e.loop.add_reader(a.get(), [&] { e.loop.remove_reader(numbers[0]), first(b); });
  e.loop.add_reader(b.get(), [&] { e.loop.remove_reader(numbers[1]), first(a); });
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, Log{"first"}) << "what was ready was the old file";
  put(fresh->second, "news");
  e.run_once();
  EXPECT_EQ(log, (Log{"first", "fresh news"}));
}

TEST(Step3_Watch, WhatAReaderThrowsGoesToTheHandlerAndItStays) {  // AIO-16
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  int told = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++told; });
  e.loop.add_reader(here.get(), [] { throw std::runtime_error("no"); });
  e.run_once();
  e.run_once();
  EXPECT_EQ(told, 2);
}

TEST(Step3_Watch, ABusyLoopStillSeesFiles) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  int passes = 0;
  std::function<void()> again = [&] {
    if (++passes < 100'000) e.loop.call_soon(std::ref(again));
  };
  e.loop.call_soon(std::ref(again));
  e.loop.add_reader(here.get(), [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_LE(passes, 100) << "a file waits for 64 callbacks, not for ever";
}

TEST(Step3_Watch, OfManyFilesNoneIsForgotten) {
  EpollLoop e;
  std::vector<std::pair<Fd, Fd>> pairs;
  int calls = 0;
  for (int i = 0; i < 400; ++i) {
    const auto& [here, there] = pairs.emplace_back(socket_pair());
    put(there, "hello");
    e.loop.add_reader(here.get(), [&calls, fd = here.get()] {
      std::array<char, 8> room{};
      calls += ::read(fd, room.data(), room.size()) == 5;
    });
  }
  for (int pass = 0; pass < 4; ++pass) e.run_once();
  EXPECT_EQ(calls, 400);
}

TEST(Step3_Watch, WhatIsReadyWhenTheLoopStopsIsCalledOnce) {  // AIO-08
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  int calls = 0;
  e.loop.add_reader(here.get(), [&] { ++calls, get(here); });
  e.run_once();
  e.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step3_Watch, CloseDropsReadersAndTakesNoMore) {  // AIO-12, AIO-99
  const NoneIsLeftOpen none_is_left_open;
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  std::atomic<int> alive = 0;
  int calls = 0;
  e.loop.add_reader(here.get(), [&, counted = Counted(alive)] { ++calls; });
  e.loop.add_writer(here.get(), [counted = Counted(alive)] {});
  e.run_once();
  EXPECT_EQ(calls, 1);
  e.loop.close();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(error_of([&] { e.loop.add_reader(here.get(), [] {}); }), "Event loop is closed");
  EXPECT_FALSE(e.loop.remove_reader(here.get()));
  EXPECT_FALSE(e.loop.remove_writer(here.get()));
}

TEST(Step3_Watch, CloseDropsReadersThatHaveThrown) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  put(there, "hello");
  std::atomic<int> alive = 0;
  e.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  e.loop.add_reader(here.get(), [counted = Counted(alive)] { throw std::runtime_error("no"); });
  e.run_once();
  e.loop.close();
  EXPECT_EQ(alive, 0) << "what has thrown is not running any more";
}

TEST(Step3_Watch, TheEndOfALoopDropsReaders) {
  std::atomic<int> alive = 0;
  const auto [here, there] = socket_pair();
  {
    EpollLoop e;
    e.loop.add_reader(here.get(), [counted = Counted(alive)] {});
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Watch, AReaderThatIsDestroyedMayRemoveOthers) {
  EpollLoop e;
  const auto [a, a_peer] = socket_pair();
  const auto [b, b_peer] = socket_pair();
  struct Remover {
    EventLoop* loop;
    int fd;
    Remover(EventLoop& loop, int fd) : loop(&loop), fd(fd) {}
    Remover(Remover&& other) noexcept : loop(std::exchange(other.loop, nullptr)), fd(other.fd) {}
    ~Remover() {
      if (loop) loop->remove_reader(fd);
    }
  };
  e.loop.add_reader(a.get(), [remover = Remover(e.loop, b.get())] {});
  e.loop.add_reader(b.get(), [remover = Remover(e.loop, a.get())] {});
  EXPECT_TRUE(e.loop.remove_reader(a.get()));
  EXPECT_FALSE(e.loop.remove_reader(b.get()));
}

TEST(Step3_Watch, OnlyALoopWithAnEpollSelectorHasReaders) {
  EventLoop loop;
  const auto [here, there] = socket_pair();
  EXPECT_THROW(loop.add_reader(here.get(), [] {}), std::logic_error);
  EXPECT_THROW(loop.remove_reader(here.get()), std::logic_error);
}

TEST(Step3_Watch, InDebugModeOtherThreadsAreRefused) {  // AIO-14
  EpollLoop e;
  e.loop.set_debug(true);
  const auto [here, there] = socket_pair();
  std::string refused_add;
  std::string refused_remove;
  e.loop.call_soon([&] {
    std::jthread([&] {
      refused_add = error_of([&] { e.loop.add_reader(here.get(), [] {}); });
      refused_remove = error_of([&] { e.loop.remove_reader(here.get()); });
    }).join();
    e.loop.stop();
  });
  e.loop.run_forever();
  EXPECT_TRUE(refused_add.starts_with("Non-thread-safe operation")) << refused_add;
  EXPECT_TRUE(refused_remove.starts_with("Non-thread-safe operation")) << refused_remove;
}

TEST(Step3_Watch, ToReadAndToAnswerAllocatesNothing) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  e.loop.add_reader(here.get(), [&] { get(here).size(); });
  const auto round = [&] {
    put(there, "hello");
    e.run_once();
  };
  round();
  EXPECT_EQ(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            0u);
}

// Step 4: signals.

namespace {

bool is_default(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

}  // namespace

TEST(Step4_Signals, ASignalIsACallbackOfTheLoop) {  // AIO-119
  EpollLoop e;
  Log log;
  e.loop.add_signal_handler(
      SIGUSR1, [&](const std::string& name) { log.push_back(name); }, "user 1");
  e.loop.call_soon([&] {
    ::raise(SIGUSR1);
    log.push_back("raised");
  });
  e.run_once();
  e.run_once();
  EXPECT_EQ(log, (Log{"raised", "user 1"}));
  ::raise(SIGUSR1);
  e.run_once();
  EXPECT_EQ(log.size(), 3u) << "the handler stays";
}

TEST(Step4_Signals, ItWakesALoopThatSleepsWhicheverThreadGetsIt) {  // AIO-119
  EpollLoop e;
  e.loop.add_signal_handler(SIGUSR1, [&] { e.loop.stop(); });
  std::jthread other([&] {
    course::wait_until_others_block();
    ::raise(SIGUSR1);  // this thread
  });
  e.loop.run_forever();
}

TEST(Step4_Signals, SignalsThatComeTogetherAreOne) {
  EpollLoop e;
  int first = 0;
  int second = 0;
  e.loop.add_signal_handler(SIGUSR1, [&] { ++first; });
  e.loop.add_signal_handler(SIGUSR2, [&] { ++second; });
  for (int i = 0; i < 3; ++i) ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  e.run_once();
  e.run_once();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  ::raise(SIGUSR2);
  e.run_once();
  EXPECT_EQ(first, 1) << "it has not come again";
  EXPECT_EQ(second, 2);
}

TEST(Step4_Signals, ASecondHandlerReplacesTheFirst) {  // AIO-119
  EpollLoop e;
  std::atomic<int> alive = 0;
  Log log;
  e.loop.add_signal_handler(SIGUSR1, [&, counted = Counted(alive)] { log.push_back("first"); });
  e.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("second"); });
  EXPECT_EQ(alive, 0);
  ::raise(SIGUSR1);
  e.run_once();
  EXPECT_EQ(log, Log{"second"});
}

TEST(Step4_Signals, RemovingItRestoresTheDefault) {  // AIO-119
  EpollLoop e;
  std::atomic<int> alive = 0;
  EXPECT_FALSE(e.loop.remove_signal_handler(SIGUSR1));
  e.loop.add_signal_handler(SIGUSR1, [counted = Counted(alive)] {});
  EXPECT_FALSE(is_default(SIGUSR1));
  EXPECT_TRUE(e.loop.remove_signal_handler(SIGUSR1));
  EXPECT_TRUE(is_default(SIGUSR1));
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(e.loop.remove_signal_handler(SIGUSR1));
}

TEST(Step4_Signals, AfterARemovalOthersAreStillHandled) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGUSR1, [] {});
  e.loop.remove_signal_handler(SIGUSR1);
  e.loop.add_signal_handler(SIGUSR2, [&] { ++calls; });
  e.loop.add_signal_handler(SIGUSR1, [] {});
  e.loop.remove_signal_handler(SIGUSR1);
  ::raise(SIGUSR2);
  e.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step4_Signals, WhatHasComeBeforeARemovalIsForgotten) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  ::raise(SIGUSR1);
  e.loop.remove_signal_handler(SIGUSR1);
  e.loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  e.run_once();
  EXPECT_EQ(calls, 0);
}

TEST(Step4_Signals, AHandlerMayRemoveItself) {
  EpollLoop e;
  int calls = 0;
  e.loop.add_signal_handler(SIGUSR1, [&] { ++calls, e.loop.remove_signal_handler(SIGUSR1); });
  ::raise(SIGUSR1);
  e.run_once();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(is_default(SIGUSR1));
}

TEST(Step4_Signals, CloseRemovesAll) {  // AIO-12, AIO-119
  EpollLoop e;
  e.loop.add_signal_handler(SIGUSR1, [] {});
  e.loop.add_signal_handler(SIGUSR2, [] {});
  e.loop.close();
  EXPECT_TRUE(is_default(SIGUSR1));
  EXPECT_TRUE(is_default(SIGUSR2));
  EXPECT_EQ(error_of([&] { e.loop.add_signal_handler(SIGUSR1, [] {}); }), "Event loop is closed");
}

TEST(Step4_Signals, NotEverySignalCanBeCaught) {  // AIO-119
  EpollLoop e;
  EXPECT_THROW(e.loop.add_signal_handler(0, [] {}), std::invalid_argument);
  EXPECT_THROW(e.loop.add_signal_handler(100'000, [] {}), std::invalid_argument);
  EXPECT_EQ(error_of([&] { e.loop.add_signal_handler(SIGKILL, [] {}); }), "sig 9 cannot be caught");
  EXPECT_FALSE(e.loop.remove_signal_handler(SIGKILL));
}

TEST(Step4_Signals, OfTwoLoopsTheLastThatAskedIsTold) {
  EpollLoop a;
  EpollLoop b;
  Log log;
  a.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("a"); });
  b.loop.add_signal_handler(SIGUSR1, [&] { log.push_back("b"); });
  ::raise(SIGUSR1);
  a.run_once();
  b.run_once();
  EXPECT_EQ(log, Log{"b"});
  EXPECT_TRUE(a.loop.remove_signal_handler(SIGUSR1));
  EXPECT_FALSE(is_default(SIGUSR1)) << "it is not a's any more";
  ::raise(SIGUSR1);
  b.run_once();
  EXPECT_EQ(log, (Log{"b", "b"}));
}

TEST(Step4_Signals, ASignalLeavesErrnoAlone) {
  EpollLoop e;
  e.loop.add_signal_handler(SIGUSR1, [] {});
  asyncio::detail::signal_counter_fd = -1;  // so that the handler meets an error
  errno = EDOM;
  asyncio::detail::on_signal(SIGUSR1);
  const int error = errno;
  EXPECT_EQ(error, EDOM) << "errno is to be what it was before";
}

// Step 5: the acceptor.

namespace {

/// A loop that accepts, and what it has got.
struct Accepting {
  EpollLoop e;
  std::vector<Fd> connections;
  Log log;
  Acceptor acceptor;

  explicit Accepting(const asyncio::AcceptOptions& options = {})
      : acceptor(
            e.loop, listen_tcp(0), [this](Fd fd) { connections.push_back(std::move(fd)); }, options) {
    e.loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      log.push_back(context.message);
      try {
        std::rethrow_exception(context.exception);
      } catch (const std::exception& error) {
        log.push_back(error.what());
      }
    });
  }
  std::uint16_t port() const { return local_port(acceptor.listener()); }
  std::vector<Fd> clients(int count) {
    std::vector<Fd> all;
    for (int i = 0; i < count; ++i) all.push_back(client_of(port()));
    return all;
  }
};

}  // namespace

TEST(Step5_Acceptor, EachConnectionIsHandedOver) {  // AIO-117
  const NoneIsLeftOpen none_is_left_open;
  Accepting accepting;
  const std::vector<Fd> clients = accepting.clients(7);
  accepting.e.run_once();
  ASSERT_EQ(accepting.connections.size(), 7u) << "all that wait, in one pass";
  put(clients[3], "hello");
  wait_for(accepting.connections[3], POLLIN);
  EXPECT_EQ(get(accepting.connections[3]), "hello") << "in the order in which they came";
}

TEST(Step5_Acceptor, AfterSoManyAtATimeTheLoopDoesSomethingElse) {  // AIO-117
  Accepting accepting({.at_a_time = 3});
  const std::vector<Fd> clients = accepting.clients(7);
  for (const std::size_t expected : {3u, 6u, 7u, 7u}) {
    accepting.e.run_once();
    EXPECT_EQ(accepting.connections.size(), expected);
  }
}

TEST(Step5_Acceptor, WithoutADescriptorItPausesAndSpinsNot) {  // AIO-117
  Accepting accepting({.pause = 20ms});
  const std::vector<Fd> clients = accepting.clients(3);
  DescriptorLimit limit(1);
  accepting.e.run_once();
  EXPECT_EQ(accepting.connections.size(), 1u);
  ASSERT_EQ(accepting.log.size(), 2u);
  EXPECT_EQ(accepting.log[0], "accept() is out of resources");
  EXPECT_EQ(accepting.log[1], "accept: Too many open files");
  looks = 0;
  const auto begin = accepting.e.loop.time();
  accepting.e.loop.call_later(30ms, [&] { accepting.e.loop.stop(); });
  accepting.e.loop.run_forever();
  EXPECT_LE(looks, 6) << "it sleeps meanwhile";
  EXPECT_EQ(accepting.log.size(), 4u) << "one more try in 30 ms";
  limit.lift();
  while (accepting.connections.size() < 3) {
    accepting.e.loop.call_later(5ms, [&] { accepting.e.loop.stop(); });
    accepting.e.loop.run_forever();
  }
  EXPECT_GE(accepting.e.loop.time() - begin, 40ms) << "each pause takes its time";
}

TEST(Step5_Acceptor, WhatTheCallbackThrowsIsTheLoopsAffair) {
  EpollLoop e;
  int told = 0;
  int connections = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++told; });
  const Acceptor acceptor(e.loop, listen_tcp(0), [&](Fd) {
    ++connections;
    throw std::system_error(EMFILE, std::generic_category(), "not from accept()");
  });
  const Fd a = client_of(local_port(acceptor.listener()));
  const Fd b = client_of(local_port(acceptor.listener()));
  e.run_once();
  e.run_once();
  EXPECT_EQ(connections, 2) << "it goes on at once";
  EXPECT_EQ(told, 2);
}

TEST(Step5_Acceptor, OtherErrorsAreTheLoopsAffairToo) {
  EpollLoop e;
  Log log;
  e.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { log.push_back(context.message); });
  auto [reader, writer] = socket_pair();
  const Acceptor acceptor(e.loop, std::move(reader), [](Fd) {});
  put(writer, "this is no listener");
  e.run_once();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_TRUE(log[0].starts_with("Exception in callback")) << log[0];
}

TEST(Step5_Acceptor, ItsEndIsTheEndOfItsListener) {
  const NoneIsLeftOpen none_is_left_open;
  EpollLoop e;
  std::optional<Acceptor> acceptor;
  int connections = 0;
  acceptor.emplace(
      e.loop, listen_tcp(0), [&](Fd) { ++connections; }, asyncio::AcceptOptions{.pause = 1ms});
  e.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  const std::uint16_t port = local_port(acceptor->listener());
  const Fd client = client_of(port);
  {
    const DescriptorLimit limit(1);
    const Fd last(checked(::dup(0), "dup"));
    e.run_once();  // and so it pauses
  }
  acceptor.reset();
  e.loop.call_later(5ms, [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_EQ(connections, 0);
  EXPECT_EQ(code_of([&] { client_of(port); }), std::errc::connection_refused);
}

// Step 6: the echo server.

TEST(Step6_Echo, WhatComesGoesBack) {
  const NoneIsLeftOpen none_is_left_open;
  RunningServer server;
  const Fd client = client_of(server.port());
  for (const char* text : {"hello", "world"}) {
    send_all(client, text);
    EXPECT_EQ(receive_exactly(client, 5), text);
  }
}

TEST(Step6_Echo, ConnectionsAreApart) {
  RunningServer server;
  std::vector<Fd> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(client_of(server.port()));
  for (std::size_t i = 0; i < clients.size(); ++i) send_all(clients[i], std::to_string(1000 + i));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(receive_exactly(clients[i], 4), std::to_string(1000 + i));
  EXPECT_EQ(server.connections(), 200u);
}

TEST(Step6_Echo, AMillionBytesThroughATinyBuffer) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  const std::string text = long_text(1'000'000);
  std::jthread sender([&] { send_all(client, text); });
  EXPECT_TRUE(receive_exactly(client, text.size()) == text);
}

TEST(Step6_Echo, WhoSendsNoMoreStillGetsAll) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  const std::string text = long_text(300'000);
  std::jthread sender([&] {
    send_all(client, text);
    ::shutdown(client.get(), SHUT_WR);
  });
  EXPECT_TRUE(receive_exactly(client, text.size() + 1) == text) << "and then the end";
}

TEST(Step6_Echo, WhoDoesNotReadIsNotReadFrom) {
  RunningServer server;
  const Fd client = client_of(server.port());
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const std::string block(65'536, 'x');
  std::size_t taken = 0;
  const auto other_is_served = [&] {
    const Fd other = client_of(server.port());
    send_all(other, "hello");
    return receive_exactly(other, 5) == "hello";
  };
  for (int full = 0; full < 20;) {  // as long as the server's end takes more
    const ssize_t size = ::send(client.get(), block.data(), block.size(), MSG_NOSIGNAL);
    if (size > 0) {
      taken += static_cast<std::size_t>(size);
      full = 0;
      ASSERT_LT(taken, 100'000'000u) << "the server keeps what the client does not read";
    } else {
      ++full;
      ASSERT_TRUE(other_is_served());
    }
  }
  ::fcntl(client.get(), F_SETFL, 0);
  EXPECT_EQ(receive_exactly(client, taken).size(), taken) << "in the end all of it comes";
}

TEST(Step6_Echo, AConnectionThatHasEndedIsNotWatchedAnyMore) {
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  Fd client = client_of(server.port());
  const int number = Fd(checked(::dup(0), "dup")).get();  // the lowest that is free
  e.run_once();
  ASSERT_EQ(server.connections(), 1u);
  const Fd copy(checked(::dup(number), "dup"));  // as a child process has: epoll forgets nothing by itself
  client.close();
  e.run_once();
  EXPECT_EQ(server.connections(), 0u);
  EXPECT_FALSE(e.loop.remove_reader(number)) << "its callback is of a connection that is gone";
  looks = 0;
  e.loop.call_later(20ms, [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_LE(looks, 3) << "it is forgotten before it is closed, or epoll tells of it for ever";
}

TEST(Step6_Echo, AResetEndsOneConnectionOnly) {
  const NoneIsLeftOpen none_is_left_open;
  RunningServer server;
  const Fd other = client_of(server.port());
  Fd client = client_of(server.port());
  send_all(client, "hello");
  receive_exactly(client, 5);
  server.wait_until_there_are(2);
  reset_when_closed(client);
  client.close();
  server.wait_until_there_are(1);
  send_all(other, "hello");
  EXPECT_EQ(receive_exactly(other, 5), "hello");
}

TEST(Step6_Echo, AResetOfWhoDoesNotReadEndsItToo) {
  const NoneIsLeftOpen none_is_left_open;
  RunningServer server;
  Fd client = client_of(server.port(), Buffer::tiny);
  send_without_reading(client, server);
  reset_when_closed(client);
  client.close();
  server.wait_until_there_are(0);
}

TEST(Step6_Echo, BytesThatWaitDoNotKeepTheLoopBusy) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  send_without_reading(client, server);
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms) << "there is no room for the rest";
}

TEST(Step6_Echo, WhenAllIsSentTheLoopSleeps) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  const std::size_t size = send_without_reading(client, server);
  EXPECT_EQ(receive_exactly(client, size).size(), size);
  server.connections();  // it has had its turn since
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms)
      << "there is nothing to write any more, and always room for it";
}

TEST(Step6_Echo, WhatHasBeenSentTakesNoMemory) {
  EpollLoop e;
  EchoServer server(e.loop, listen_with_little_room());
  const Fd client = client_of(server.port(), Buffer::tiny);
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const auto send_and_then_read = [&, text = long_text(65'536)] {
    std::size_t size = 0;
    for (ssize_t part = 0; (part = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL)) > 0;) {
      size += static_cast<std::size_t>(part);
      e.run_once();
    }
    for (std::array<char, 65'536> room{}; size > 0; e.run_once()) {
      const ssize_t part = ::recv(client.get(), room.data(), room.size(), 0);
      size -= part < 0 ? 0 : static_cast<std::size_t>(part);
    }
  };
  for (int i = 0; i < 3; ++i) send_and_then_read();
  EXPECT_GT(course::allocations_in(send_and_then_read), 0u) << "the memory of a rest that was sent is kept";
}

TEST(Step6_Echo, AtTheLimitOfDescriptorsOthersAreServed) {
  EpollLoop e;
  int told = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++told; });
  EchoServer server(e.loop, listen_tcp(0));
  const Fd first = client_of(server.port());
  const Fd second = client_of(server.port());
  const DescriptorLimit limit(1);
  e.run_once();
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(told, 1);
  send_all(first, "hello");
  e.run_once();
  EXPECT_EQ(receive_exactly(first, 5), "hello");
}

TEST(Step6_Echo, TheEndOfTheServerEndsItsConnections) {
  const NoneIsLeftOpen none_is_left_open;
  EpollLoop e;
  std::optional<EchoServer> server;
  server.emplace(e.loop, listen_tcp(0));
  const Fd client = client_of(server->port());
  send_all(client, "hello");
  e.run_once();
  e.run_once();
  EXPECT_EQ(receive_exactly(client, 5), "hello");
  server.reset();
  EXPECT_EQ(receive_exactly(client, 1), "") << "the end";
  e.run_once();
}

TEST(Step6_Echo, AMessageCostsOneReadAndOneWriteAndNoAllocation) {
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  const Fd client = client_of(server.port());
  const auto round = [&] {
    put(client, "hello");
    e.run_once();
  };
  round();
  round();
  received = sent = 0;
  looks = 0;
  EXPECT_EQ(course::allocations_in(round), 0u);
  EXPECT_EQ(received, 1);
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(looks, 1);
}
