// Chapter 04, step 5: workers.

#include "sanitizers.hpp"
#include "support.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

using concurrent::detail::ForkServer;
using concurrent::detail::Header;
using concurrent::detail::Worker;
using concurrent::detail::WorkerExit;
using course::open_descriptors;

namespace {

/// Raises in the worker the signal of Ctrl-C.
int interrupt_yourself() { return std::raise(SIGINT); }

bool is_alive(pid_t process) { return ::kill(process, 0) == 0; }

/// Blocks until a worker has ended, and returns which.
WorkerExit next_exit(ForkServer& server) {
  course::wait_for(server.fd());
  return server.next_exit().value_or(WorkerExit{});
}

/// A server whose workers do the work of a Worker.
class Crew {
 public:
  explicit Crew(std::optional<int> most = std::nullopt, const std::function<void()>& initializer = {})
      : Crew(packet_sockets(), packet_sockets(), most, initializer) {}

  ForkServer& server() noexcept { return server_; }

  template <class F, class... Args>
  void call(std::uint32_t number, F fn, const Args&... args) {
    const auto run = &concurrent::detail::run_call<F, Args...>;
    send_packet(tasks_, {.number = number, .function = concurrent::detail::name_of(run)},
                to_bytes(concurrent::detail::name_of_callable(fn), args...));
  }
  /// No call will come any more.
  void close() { tasks_.close(); }

  /// Blocks until there is a packet. @returns its header; one without number if a worker ended instead
  Header receive() {
    std::array<pollfd, 2> wanted{{{results_.get(), POLLIN, 0}, {server_.fd().get(), POLLIN, 0}}};
    while (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
    const auto packet = receiver_.receive(results_, MSG_DONTWAIT);
    if (!packet) return {};
    packet->read([&](std::span<const char> bytes) { body_.assign(bytes.begin(), bytes.end()); });
    return packet->header();
  }
  const Bytes& body() const noexcept { return body_; }

 private:
  using Sockets = std::pair<Fd, Fd>;
  Crew(Sockets tasks, Sockets results, std::optional<int> most, const std::function<void()>& initializer)
      : tasks_(std::move(tasks.first)),
        results_(std::move(results.first)),
        server_({tasks.second.get(), results.second.get()},
                [&] { return Worker(tasks.second, results.second).run(initializer, most); }) {}

  Fd tasks_, results_;
  ForkServer server_;
  Receiver receiver_;
  Bytes body_;
};

}  // namespace

TEST(Step5_Workers, AWorkerAnswersCalls) {
  const NothingIsLeft nothing_is_left;
  Crew crew;
  crew.server().start();
  for (const int number : {1, 2, 3}) {
    crew.call(static_cast<std::uint32_t>(number), &twice, number);
    const Header header = crew.receive();
    EXPECT_EQ(header.type, PacketType::result);
    EXPECT_EQ(header.number, static_cast<std::uint32_t>(number));
    EXPECT_EQ(crew.body(), to_bytes(2 * number));
  }
}

TEST(Step5_Workers, EachIsAProcessOfItsOwn) {
  const Gate gate;
  Crew crew;
  std::set<Bytes> processes{to_bytes(process())};
  for (std::uint32_t number = 0; number < 3; ++number) crew.server().start();
  for (std::uint32_t number = 0; number < 3; ++number)
    crew.call(number, [] {
      sem_post(&shared.entered);
      while (sem_wait(&shared.gate) != 0) continue;
      return process();
    });
  for (int i = 0; i < 3; ++i) sem_wait(&shared.entered);
  for (int i = 0; i < 3; ++i) sem_post(&shared.gate);
  for (int i = 0; i < 3; ++i) {
    crew.receive();
    processes.insert(crew.body());
  }
  EXPECT_EQ(processes.size(), 4u);
}

TEST(Step5_Workers, WhenNoMoreCallsCanComeItLeaves) {
  Crew crew;
  crew.server().start();
  crew.call(1, &twice, 21);
  crew.close();
  EXPECT_EQ(crew.receive().type, PacketType::result) << "a call that was sent before is still answered";
  const Header header = crew.receive();
  EXPECT_EQ(header.type, PacketType::leaving);
  const WorkerExit ended = next_exit(crew.server());
  EXPECT_EQ(ended.process, static_cast<pid_t>(header.number));
  EXPECT_EQ(ended.status, 0);
}

TEST(Step5_Workers, AfterTheMostCallsItLeaves) {
  Crew crew(2);
  crew.server().start();
  for (std::uint32_t number = 1; number <= 3; ++number) crew.call(number, &process);
  EXPECT_EQ(crew.receive().type, PacketType::result);
  const Bytes first = crew.body();
  EXPECT_EQ(crew.receive().type, PacketType::result);
  EXPECT_EQ(crew.body(), first);
  EXPECT_EQ(crew.receive().type, PacketType::leaving);
  EXPECT_EQ(next_exit(crew.server()).status, 0);
  crew.server().start();
  EXPECT_EQ(crew.receive().number, 3u);
  EXPECT_NE(crew.body(), first) << "the third call is the next worker's";
}

TEST(Step5_Workers, AnAnswerThatCannotBeSentIsAnError) {
  Crew crew;
  crew.server().start();
  crew.call(1, [] {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 100'000;
    setrlimit(RLIMIT_FSIZE, &limit);
    return std::string(1 << 20, 'x');
  });
  const Header header = crew.receive();
  EXPECT_EQ(header.type, PacketType::error);
  EXPECT_EQ(header.number, 1u);
  EXPECT_EQ(std::get<0>(from_bytes<std::string, std::string>(crew.body())), "std::system_error");
}

TEST(Step5_Workers, ACallThatCannotBeReadIsAnError) {
  const bool limited = !asyncio::address_sanitizer;  // which needs descriptors of its own
  Crew crew;
  crew.server().start();
  const auto leave_no_descriptor = [](bool limited) {
    const int lowest = ::dup(0);
    ::close(lowest);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(lowest);
    if (limited) setrlimit(RLIMIT_NOFILE, &limit);
  };
  crew.call(1, leave_no_descriptor, limited);
  EXPECT_EQ(crew.receive().type, PacketType::result);
  crew.call(
      2, [](std::string) {}, std::string(100'000, 'x'));
  const Header header = crew.receive();
  EXPECT_EQ(header.number, 2u) << "the worker must outlive it";
  EXPECT_EQ(header.type, limited ? PacketType::error : PacketType::result);
  crew.call(3, &twice, 21);
  EXPECT_EQ(crew.receive().number, 3u);
}

TEST(Step5_Workers, AnInitializerRunsOnceBeforeTheFirstCall) {
  const Gate gate;
  Crew crew({}, [] { shared.calls += 10; });
  crew.server().start();
  for (const std::uint32_t number : {1u, 2u}) {
    crew.call(number, &count_call, 0);
    crew.receive();
  }
  EXPECT_EQ(shared.calls, 12);
}

TEST(Step5_Workers, AnInitializerThatFailsEndsTheWorker) {
  Crew crew({}, [] { throw std::out_of_range("far"); });
  crew.server().start();
  EXPECT_EQ(crew.receive().type, PacketType::broken);
  EXPECT_EQ(crew.body(), to_bytes(std::string("std::out_of_range"), std::string("far")));
  EXPECT_EQ(next_exit(crew.server()).text().substr(0, 7), "worker ");
}

TEST(Step5_Workers, HowItEndedIsReported) {
  const NothingIsLeft nothing_is_left;
  ForkServer server({}, [] { return 3; });
  server.start();
  const WorkerExit ended = next_exit(server);
  EXPECT_EQ(ended.text(), "worker " + std::to_string(ended.process) + " exited with status 3");
  ForkServer other({}, [] { return ::kill(::getpid(), SIGKILL); });
  other.start();
  const WorkerExit killed = next_exit(other);
  EXPECT_EQ(killed.text(), "worker " + std::to_string(killed.process) + " was killed by signal 9 (Killed)");
}

TEST(Step5_Workers, AllThatEndTogetherAreReported) {
  const Gate gate;
  ForkServer server({}, [] { return Gate::pass(0); });
  std::set<pid_t> ended;
  for (int i = 0; i < 8; ++i) server.start();
  for (int i = 0; i < 8; ++i) sem_wait(&shared.entered);
  server.signal(SIGKILL);
  for (int i = 0; i < 8; ++i) ended.insert(next_exit(server).process);
  EXPECT_EQ(ended.size(), 8u);
}

TEST(Step5_Workers, ASignalReachesEachWorker) {
  const Gate gate;
  ForkServer server({}, [] { return Gate::pass(0); });
  for (int i = 0; i < 3; ++i) server.start();
  for (int i = 0; i < 3; ++i) sem_wait(&shared.entered);
  server.signal(SIGTERM);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(next_exit(server).text().contains("signal 15"));
}

TEST(Step5_Workers, StoppingKillsThemAndWaits) {
  const NothingIsLeft nothing_is_left;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // whom the server leaves behind is ours
  Gate gate;
  ForkServer server({}, [] {
    std::signal(SIGTERM, SIG_IGN);
    shared.process = ::getpid();
    return Gate::pass(0);
  });
  for (int i = 0; i < 4; ++i) server.start();
  gate.wait_until_entered(4);
  EXPECT_TRUE(is_alive(shared.process));
  server.stop();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "an orphan or a zombie is left";
  EXPECT_FALSE(is_alive(shared.process));
  server.stop();
}

TEST(Step5_Workers, WhenTheProgramDiesTheyDieToo) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that we see it
  const Gate gate;
  const pid_t program = ::fork();
  if (program == 0) {
    ForkServer server({}, [] { return Gate::pass(0); });
    server.start();
    while (true) ::pause();
  }
  sem_wait(&shared.entered);
  ::kill(program, SIGKILL);
  int gone = 0;
  while (::waitpid(-1, nullptr, 0) > 0) ++gone;
  EXPECT_GE(gone, 2) << "the program and its server; a worker may be the server's to wait for";
}

TEST(Step5_Workers, WhenTheServerDiesTheyDieToo) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Gate gate;
  ForkServer server({}, [] { return Gate::pass(::kill(::getppid(), SIGKILL)); });
  server.start();
  course::wait_for(server.fd());
  EXPECT_EQ(server.next_exit().value_or(WorkerExit{}).process, -1) << "the server is gone";
  int gone = 0;
  while (::waitpid(-1, nullptr, 0) > 0) ++gone;
  EXPECT_EQ(gone, 2) << "it, and its worker";
}

TEST(Step5_Workers, AWorkerWhoseServerDiedBeforeItCouldAskDiesToo) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Gate gate;
  static int forks = 0;  // so far, from the test down to this process; 1 in the server, 2 in a worker
  static bool its_server_dies = false;
  static const int is_registered = ::pthread_atfork(nullptr, nullptr, [] {
    if (++forks != 2 || !its_server_dies) return;
    const pid_t server = ::getppid();
    ::kill(server, SIGKILL);
    while (::getppid() == server) ::sched_yield();
  });
  ASSERT_EQ(is_registered, 0);
  its_server_dies = true;
  ForkServer server({}, [] { return ++shared.calls, 0; });
  its_server_dies = false;
  server.start();
  int gone = 0;
  while (::waitpid(-1, nullptr, 0) > 0) ++gone;
  EXPECT_EQ(gone, 2) << "the server, and its worker";
  EXPECT_EQ(shared.calls, 0) << "the worker took somebody else for its server, and went to work";
}

TEST(Step5_Workers, TheyHaveNoneOfTheProgramsDescriptors) {
  std::vector<std::pair<Fd, Fd>> many;
  for (int i = 0; i < 20; ++i) many.push_back(packet_sockets());
  ForkServer server({many.back().first.get()}, [] { return open_descriptors(); });
  server.start();
  // 0, 1, 2, the one that is kept, the folder itself, and the server's two.
  EXPECT_LE(WEXITSTATUS(next_exit(server).status), 7);
}

TEST(Step5_Workers, WhatTheProgramHadNotPrintedYetIsPrintedOnce) {
  testing::internal::CaptureStdout();
  std::printf("program ");
  {
    ForkServer server({}, [] { return std::printf("worker "), 0; });
    server.start();
    next_exit(server);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "program worker ");
}

TEST(Step5_Workers, HandlersOfTheProgramAreNotTheirs) {
  const Gate gate;
  std::signal(SIGTERM, [](int) {});
  ForkServer server({}, [] { return Gate::pass(0); });
  server.start();
  sem_wait(&shared.entered);
  server.signal(SIGTERM);
  EXPECT_TRUE(next_exit(server).text().contains("signal 15"));
  std::signal(SIGTERM, SIG_DFL);
}

TEST(Step5_Workers, AnInterruptIsForTheProgramToHandle) {
  Crew crew;
  crew.server().start();
  crew.call(1, &interrupt_yourself);
  EXPECT_EQ(crew.receive().number, 1u);
}
