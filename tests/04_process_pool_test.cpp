#include "pitfall_careless_fork.hpp"
#include "process_pool.hpp"

#include <poll.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::BrokenProcessPool;
using concurrent::Bytes;
using concurrent::CancelledError;
using concurrent::ExecutorShutdown;
using concurrent::Fd;
using concurrent::from_bytes;
using concurrent::Future;
using concurrent::FutureState;
using concurrent::ProcessPoolExecutor;
using concurrent::RemoteError;
using concurrent::Sendable;
using concurrent::to_bytes;
using concurrent::detail::Answer;
using concurrent::detail::ForkServer;
using concurrent::detail::Header;
using concurrent::detail::Packet;
using concurrent::detail::packet_sockets;
using concurrent::detail::PacketType;
using concurrent::detail::Receiver;
using concurrent::detail::send_packet;
using concurrent::detail::State;
using concurrent::detail::Worker;
using concurrent::detail::WorkerExit;
using course::open_descriptors;
using namespace std::chrono_literals;

namespace {

/// What a test shares with the processes that it forks.
struct Shared {
  sem_t gate;
  sem_t entered;
  std::atomic<int> calls;
  std::atomic<pid_t> process;
};
Shared& shared = *static_cast<Shared*>(
    mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

/// Keeps calls in workers until they are told to go on. Make it before the pool.
class Gate {
 public:
  Gate() {
    sem_init(&shared.gate, 1, 0);
    sem_init(&shared.entered, 1, 0);
    shared.calls = 0;
  }
  ~Gate() { open(1'000); }

  /// Lets so many calls go on.
  void open(int calls) {
    while (calls-- > 0) sem_post(&shared.gate);
  }
  void wait_until_entered(int calls = 1) {
    while (calls > 0)
      if (sem_wait(&shared.entered) == 0) --calls;
  }

  /// For workers.
  static int pass(int number) {
    ++shared.calls;
    sem_post(&shared.entered);
    while (sem_wait(&shared.gate) != 0) continue;
    return number;
  }
};

int twice(int number) { return 2 * number; }
int process() { return ::getpid(); }

/// What Ctrl-C does to a worker that runs this.
int interrupt_yourself() { return std::raise(SIGINT); }
int count_call(int number) { return ++shared.calls, number; }

bool is_alive(pid_t process) { return ::kill(process, 0) == 0; }

/// At the end there are as many descriptors as at the beginning, and no child, neither alive nor a zombie.
class NothingIsLeft {
 public:
  ~NothingIsLeft() {
    EXPECT_EQ(open_descriptors(), descriptors_);
    EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) << "a child is left";
  }

 private:
  const int descriptors_ = open_descriptors();
};

/// What came of the future, as a text.
template <class T>
std::string outcome(const Future<T>& future) {
  try {
    if constexpr (std::is_void_v<T>) return future.result(), "void";
    if constexpr (std::is_same_v<T, int>) return std::to_string(future.result());
    return static_cast<void>(future.result()), "value";
  } catch (const BrokenProcessPool& error) {
    return std::string("broken: ") + error.what();
  } catch (const RemoteError& error) {
    return error.type() + ": " + error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
}

template <class Range>
auto to_vector(Range&& range) {
  std::vector<std::ranges::range_value_t<Range>> values;
  for (auto&& value : range) values.push_back(std::move(value));
  return values;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// A type that says itself how it is written.
struct Point {
  int x = 0, y = 0;
  bool operator==(const Point&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

/// Cannot be written.
struct Shy {
  template <class Archive>
  void save(Archive&) const {
    throw std::runtime_error("too shy");
  }
  template <class Archive>
  void load(Archive&) {}
};

/// Cannot be read.
struct Illegible {
  template <class Archive>
  void save(Archive& archive) const {
    archive(1);
  }
  template <class Archive>
  void load(Archive&) {
    throw std::runtime_error("illegible");
  }
};

}  // namespace

// Step 1: values as bytes.

TEST(Step1_Values, ValuesComeBackAsTheyWent) {
  const std::map<std::string, std::vector<int>> table{{"a", {1, 2}}, {"b", {}}};
  const auto [number, text, values, point] =
      from_bytes<int, std::string, std::map<std::string, std::vector<int>>, Point>(
          to_bytes(7, std::string("a\0b", 3), table, Point{3, 4}));
  EXPECT_EQ(number, 7);
  EXPECT_EQ(text, std::string("a\0b", 3));
  EXPECT_EQ(values, table);
  EXPECT_EQ(point, (Point{3, 4}));
}

TEST(Step1_Values, WhatCanOnlyBeMovedCrossesToo) {
  const auto [number] = from_bytes<std::unique_ptr<int>>(to_bytes(std::make_unique<int>(7)));
  EXPECT_EQ(*number, 7);
}

TEST(Step1_Values, NoValuesAreNoBytes) {
  EXPECT_EQ(to_bytes(), "");
  EXPECT_EQ(from_bytes<>(Bytes()), std::tuple<>());
}

TEST(Step1_Values, TooFewBytesAreAnError) {
  const Bytes bytes = to_bytes(1, 2);
  EXPECT_THROW((from_bytes<int, int>(std::span(bytes).first(6))), cereal::Exception);
}

TEST(Step1_Values, WhatTheirSerialisationThrowsComesOut) {
  EXPECT_THROW(to_bytes(Shy()), std::runtime_error);
  EXPECT_THROW(from_bytes<Illegible>(to_bytes(Illegible())), std::runtime_error);
}

TEST(Step1_Values, PointersAndReferencesCannotCross) {
  EXPECT_EQ(from_bytes<int>(to_bytes(7)), std::tuple(7));
  static_assert(Sendable<int> && Sendable<Point> && Sendable<std::vector<std::string>>);
  static_assert(!Sendable<int*> && !Sendable<int&> && !Sendable<std::reference_wrapper<int>>);
  static_assert(!Sendable<std::mutex> && !Sendable<std::function<void()>> && !Sendable<void>);
  static_assert(std::is_same_v<concurrent::Crossing<const char(&)[4]>, std::string>);
}

// Step 2: packets.

TEST(Step2_Packets, APacketArrivesWhole) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  EXPECT_TRUE(send_packet(a, {PacketType::error, 7, 11}, Bytes("text")));
  const auto packet = receiver.receive(b);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header().type, PacketType::error);
  EXPECT_EQ(packet->header().number, 7u);
  EXPECT_EQ(packet->header().function, 11);
  packet->read([](std::span<const char> bytes) { EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), "text"); });
}

TEST(Step2_Packets, TwoPacketsStayTwo) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  for (const std::size_t size : {5u, 0u, 32'768u}) send_packet(a, {}, Bytes(size, 'x'));
  for (const std::size_t size : {5u, 0u, 32'768u})
    receiver.receive(b)->read([&](std::span<const char> bytes) { EXPECT_EQ(bytes.size(), size); });
}

TEST(Step2_Packets, ALargeBodyTravelsInAFile) {
  const NothingIsLeft nothing_is_left;
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  Bytes large(3 << 20, '\0');
  std::iota(large.begin(), large.end(), 0);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(send_packet(a, {}, large));  // far more than a socket holds
    EXPECT_TRUE(send_packet(a, {}, Bytes("small")));
  }
  for (int i = 0; i < 20; ++i) {
    receiver.receive(b)->read(
        [&](std::span<const char> bytes) { EXPECT_TRUE(std::ranges::equal(bytes, large)); });
    receiver.receive(b)->read([](std::span<const char> bytes) { EXPECT_EQ(bytes.size(), 5u); });
  }
}

TEST(Step2_Packets, AFileThatFindsNoRoomIsAnError) {
  const auto [a, b] = packet_sockets();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{100'000, before.rlim_max};  // write() takes so much, and fails the next time
  setrlimit(RLIMIT_FSIZE, &little);
  EXPECT_THROW(send_packet(a, {}, Bytes(1 << 20, 'x')), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(send_packet(a, {}, Bytes(1 << 20, 'x')));
}

TEST(Step2_Packets, WithoutRoomItIsNotSent) {
  const auto [a, b] = packet_sockets();
  Receiver receiver;
  std::uint32_t sent = 0;
  while (send_packet(a, {.number = sent}, Bytes(20'000, 'x'), MSG_DONTWAIT)) ++sent;
  ASSERT_GT(sent, 2u);
  for (std::uint32_t number = 0; number < sent; ++number)
    EXPECT_EQ(receiver.receive(b, MSG_DONTWAIT)->header().number, number);
  EXPECT_FALSE(receiver.receive(b, MSG_DONTWAIT)) << "nothing more is there";
  EXPECT_TRUE(send_packet(a, {}, {}, MSG_DONTWAIT));
}

TEST(Step2_Packets, WhenAllSendersAreGoneThereIsNothing) {
  auto [a, b] = packet_sockets();
  Receiver receiver;
  send_packet(a, {.number = 7}, {});
  a.close();
  EXPECT_EQ(receiver.receive(b)->header().number, 7u);
  EXPECT_FALSE(receiver.receive(b));
}

TEST(Step2_Packets, AReceiverThatIsGoneIsAnErrorAndNoSignal) {
  std::signal(SIGPIPE, SIG_DFL);
  auto [a, b] = packet_sockets();
  b.close();
  EXPECT_THROW(send_packet(a, {}, {}), std::system_error);
}

// Step 3: calls by name.

namespace {

const auto from_name = [](auto function) {
  return concurrent::detail::function_named<decltype(function)>(concurrent::detail::name_of(function));
};

/// The answer to a call, made here.
template <class F, class... Args>
Answer call_here(F fn, const Args&... args) {
  return concurrent::detail::run_call<F, Args...>(
      to_bytes(concurrent::detail::name_of_callable(fn), args...));
}

/// What a future finishes with that gets this answer.
template <class T>
Future<T> finished_with(PacketType type, const Bytes& bytes) {
  const auto state = std::make_shared<State<T>>();
  state->start();
  concurrent::detail::finish_with<T>(*state, Packet({.type = type}, bytes, Fd()));
  return Future<T>(state);
}

}  // namespace

TEST(Step3_Calls, AFunctionIsFoundByItsName) {
  EXPECT_EQ(from_name(&twice)(21), 42);
  const Answer answer = call_here(&twice, 21);
  EXPECT_EQ(answer.type, PacketType::result);
  EXPECT_EQ(answer.bytes, to_bytes(42));
}

TEST(Step3_Calls, ALambdaWithoutCapturesIsItsType) {
  const Answer answer =
      call_here([](std::string a, int b) { return a + std::to_string(b); }, std::string("x"), 7);
  EXPECT_EQ(answer.type, PacketType::result);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("x7")));
}

TEST(Step3_Calls, ArgumentsAreMovedIn) {
  const Answer answer =
      call_here([](std::unique_ptr<int> number) { return *number; }, std::make_unique<int>(7));
  EXPECT_EQ(answer.bytes, to_bytes(7));
}

TEST(Step3_Calls, WhatReturnsNothingSendsNothing) {
  const Answer answer = call_here([] {});
  EXPECT_EQ(answer.type, PacketType::result);
  EXPECT_EQ(answer.bytes, "");
}

TEST(Step3_Calls, WhatIsThrownCrossesAsTypeAndText) {
  const Answer answer = call_here([](int) -> int { throw std::out_of_range("far"); }, 1);
  EXPECT_EQ(answer.type, PacketType::error);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("std::out_of_range"), std::string("far")));
}

TEST(Step3_Calls, AnythingCanBeThrown) {
  const Answer answer = call_here([] { throw 7; });
  EXPECT_EQ(answer.type, PacketType::error);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("int"), std::string("an exception of type int")));
}

TEST(Step3_Calls, AResultThatCannotBeWrittenIsAnError) {
  const Answer answer = call_here([] { return Shy(); });
  EXPECT_EQ(answer.type, PacketType::error);
  EXPECT_EQ(answer.bytes, to_bytes(std::string("std::runtime_error"), std::string("too shy")));
}

TEST(Step3_Calls, ArgumentsThatCannotBeReadAreAnError) {
  const auto run = concurrent::detail::run_call<decltype(&twice), int>;
  EXPECT_EQ(run(Bytes("short")).type, PacketType::error);
}

TEST(Step3_Calls, TheAnswerFinishesTheFuture) {
  EXPECT_EQ(outcome(finished_with<int>(PacketType::result, to_bytes(42))), "42");
  EXPECT_EQ(outcome(finished_with<void>(PacketType::result, {})), "void");
}

TEST(Step3_Calls, AnErrorBecomesARemoteError) {
  const Bytes bytes = to_bytes(std::string("std::out_of_range"), std::string("far"));
  EXPECT_EQ(outcome(finished_with<int>(PacketType::error, bytes)), "std::out_of_range: far");
  EXPECT_EQ(outcome(finished_with<void>(PacketType::error, bytes)), "std::out_of_range: far");
}

TEST(Step3_Calls, AResultThatCannotBeReadIsAnError) {
  EXPECT_EQ(outcome(finished_with<Illegible>(PacketType::result, to_bytes(1))), "illegible");
  EXPECT_THROW(finished_with<int>(PacketType::result, Bytes("x")).result(), cereal::Exception);
}

TEST(Step3_Calls, AnAnswerComesTooLateForADoneFuture) {
  EXPECT_EQ(outcome(finished_with<int>(PacketType::result, to_bytes(42))), "42");
  const auto state = std::make_shared<State<int>>();
  state->try_fail(std::make_exception_ptr(BrokenProcessPool("gone")));
  concurrent::detail::finish_with<int>(*state, Packet({.type = PacketType::result}, to_bytes(1), Fd()));
  EXPECT_EQ(outcome(Future<int>(state)), "broken: gone");
  concurrent::Promise<int> promise;
  promise.set_result(7);
  concurrent::detail::finish_with<int>(*promise.future().shared_state(),
                                       Packet({.type = PacketType::result}, to_bytes(1), Fd()));
  EXPECT_EQ(outcome(promise.future()), "7");
}

// Step 4: workers.

namespace {

/// Whether there is something to read before the test's time is up; the end of all who write counts too.
void wait_for(const Fd& fd) {
  pollfd wanted{fd.get(), POLLIN, 0};
  while (::poll(&wanted, 1, -1) < 0) continue;
}

/// The next worker that has ended.
WorkerExit next_exit(ForkServer& server) {
  wait_for(server.fd());
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

  /// The next packet; a header without number if a worker ended instead.
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

TEST(Step4_Workers, AWorkerAnswersCalls) {
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

TEST(Step4_Workers, EachIsAProcessOfItsOwn) {
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

TEST(Step4_Workers, WhenNoMoreCallsCanComeItLeaves) {
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

TEST(Step4_Workers, AfterTheMostCallsItLeaves) {
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

TEST(Step4_Workers, AnAnswerThatCannotBeSentIsAnError) {
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

TEST(Step4_Workers, AnInitializerRunsOnceBeforeTheFirstCall) {
  const Gate gate;
  Crew crew({}, [] { shared.calls += 10; });
  crew.server().start();
  for (const std::uint32_t number : {1u, 2u}) {
    crew.call(number, &count_call, 0);
    crew.receive();
  }
  EXPECT_EQ(shared.calls, 12);
}

TEST(Step4_Workers, AnInitializerThatFailsEndsTheWorker) {
  Crew crew({}, [] { throw std::out_of_range("far"); });
  crew.server().start();
  EXPECT_EQ(crew.receive().type, PacketType::broken);
  EXPECT_EQ(crew.body(), to_bytes(std::string("std::out_of_range"), std::string("far")));
  EXPECT_EQ(next_exit(crew.server()).text().substr(0, 7), "worker ");
}

TEST(Step4_Workers, HowItEndedIsReported) {
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

TEST(Step4_Workers, AllThatEndTogetherAreReported) {
  const Gate gate;
  ForkServer server({}, [] { return Gate::pass(0); });
  std::set<pid_t> ended;
  for (int i = 0; i < 8; ++i) server.start();
  for (int i = 0; i < 8; ++i) sem_wait(&shared.entered);
  server.signal(SIGKILL);
  for (int i = 0; i < 8; ++i) ended.insert(next_exit(server).process);
  EXPECT_EQ(ended.size(), 8u);
}

TEST(Step4_Workers, ASignalReachesEachWorker) {
  const Gate gate;
  ForkServer server({}, [] { return Gate::pass(0); });
  for (int i = 0; i < 3; ++i) server.start();
  for (int i = 0; i < 3; ++i) sem_wait(&shared.entered);
  server.signal(SIGTERM);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(contains(next_exit(server).text(), "signal 15"));
}

TEST(Step4_Workers, StoppingKillsThemAndWaits) {
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  ForkServer server({}, [] {
    shared.process = ::getpid();
    return Gate::pass(0);
  });
  server.start();
  sem_wait(&shared.entered);
  EXPECT_TRUE(is_alive(shared.process));
  server.stop();
  EXPECT_FALSE(is_alive(shared.process)) << "no orphan, and no zombie";
  server.stop();
}

TEST(Step4_Workers, WhenTheProgramDiesTheyDieToo) {
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

TEST(Step4_Workers, WhenTheServerDiesTheyDieToo) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Gate gate;
  ForkServer server({}, [] { return Gate::pass(::kill(::getppid(), SIGKILL)); });
  server.start();
  wait_for(server.fd());
  EXPECT_EQ(server.next_exit().value_or(WorkerExit{}).process, -1) << "the server is gone";
  int gone = 0;
  while (::waitpid(-1, nullptr, 0) > 0) ++gone;
  EXPECT_EQ(gone, 2) << "it, and its worker";
}

TEST(Step4_Workers, TheyHaveNoneOfTheProgramsDescriptors) {
  std::vector<std::pair<Fd, Fd>> many;
  for (int i = 0; i < 20; ++i) many.push_back(packet_sockets());
  ForkServer server({many.back().first.get()}, [] { return open_descriptors(); });
  server.start();
  // 0, 1, 2, the one that is kept, the folder itself, and the server's two.
  EXPECT_LE(WEXITSTATUS(next_exit(server).status), 7);
}

TEST(Step4_Workers, WhatTheProgramHadNotPrintedYetIsPrintedOnce) {
  testing::internal::CaptureStdout();
  std::printf("program ");
  {
    ForkServer server({}, [] { return std::printf("worker "), 0; });
    server.start();
    next_exit(server);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "program worker ");
}

TEST(Step4_Workers, HandlersOfTheProgramAreNotTheirs) {
  const Gate gate;
  std::signal(SIGTERM, [](int) {});
  ForkServer server({}, [] { return Gate::pass(0); });
  server.start();
  sem_wait(&shared.entered);
  server.signal(SIGTERM);
  EXPECT_TRUE(contains(next_exit(server).text(), "signal 15"));
  std::signal(SIGTERM, SIG_DFL);
}

TEST(Step4_Workers, AnInterruptIsForTheProgramToHandle) {
  Crew crew;
  crew.server().start();
  crew.call(1, &interrupt_yourself);
  EXPECT_EQ(crew.receive().number, 1u);
}

// Step 5: a pool begins and ends.

TEST(Step5_PoolLife, APoolThatDoesNothingStartsNoWorkerAndEnds) {
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  {
    ProcessPoolExecutor pool({.max_workers = 3, .initializer = [] { ++shared.calls; }});
    course::wait_until_others_block();
  }
  EXPECT_EQ(shared.calls, 0);
}

TEST(Step5_PoolLife, ShutdownMayBeCalledAgainAndFromManyThreads) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  pool.shutdown({.wait = false});
  {
    std::jthread other([&] { pool.shutdown(); });
    pool.shutdown();
  }
  pool.shutdown({.wait = false, .cancel_futures = true});
}

TEST(Step5_PoolLife, WhenShutdownReturnsNoProcessIsLeft) {
  ProcessPoolExecutor pool({.max_workers = 2});
  pool.shutdown();
  EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
}

TEST(Step5_PoolLife, NumbersBelowOneAreRefused) {  // CF-35, CF-55
  EXPECT_THROW(ProcessPoolExecutor({.max_workers = 0}), std::invalid_argument);
  EXPECT_THROW(ProcessPoolExecutor({.max_tasks_per_child = 0}), std::invalid_argument);
  try {
    ProcessPoolExecutor pool({.max_workers = -1});
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "max_workers must be at least 1, not -1");
  }
  ProcessPoolExecutor fine({.max_workers = 1});
}

// Step 6: calls.

namespace {

/// The process ids of three calls, one after another.
std::set<int> processes_of_three_calls(ProcessPoolExecutor& pool) {
  std::set<int> processes;
  for (int i = 0; i < 3; ++i) processes.insert(pool.submit(process).result());
  return processes;
}

[[maybe_unused]] int number_of_this_program = 1;

}  // namespace

TEST(Step6_Submit, ACallRunsInAnotherProcess) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_NE(pool.submit(process).result(), process());
  EXPECT_EQ(pool.submit([] { return ++number_of_this_program; }).result(), 2);
  EXPECT_EQ(number_of_this_program, 1) << "what it changes is its own";
}

TEST(Step6_Submit, FunctionsLambdasAndTextsCross) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  EXPECT_EQ(
      pool.submit([](const std::string& a, Point b) { return a + std::to_string(b.y); }, "text", Point{1, 2})
          .result(),
      "text2");
  EXPECT_EQ(outcome(pool.submit([](int) {}, 1)), "void");
  EXPECT_EQ(
      *pool.submit([](std::unique_ptr<int> number) { return number; }, std::make_unique<int>(7)).result(), 7);
}

TEST(Step6_Submit, WhatACallThrowsIsARemoteError) {  // CF-25, CF-49
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(outcome(pool.submit([](int) -> int { throw std::out_of_range("far"); }, 1)),
            "std::out_of_range: far");
  EXPECT_EQ(outcome(pool.submit([] { throw 7; })), "int: an exception of type int");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42") << "the worker lives on";
}

TEST(Step6_Submit, ManyCallsFromManyThreads) {
  ProcessPoolExecutor pool({.max_workers = 3});
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 250; ++i) futures.push_back(pool.submit(twice, i));
      for (int i = 0; i < 250; ++i)
        if (futures[static_cast<std::size_t>(i)].result() != 2 * i) ++wrong;
    });
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(Step6_Submit, IdleWorkersAreReused) {  // CF-48
  const Gate gate;
  {
    ProcessPoolExecutor pool({.max_workers = 3, .initializer = [] { ++shared.process; }});
    shared.process = 0;
    EXPECT_EQ(processes_of_three_calls(pool).size(), 1u);
  }
  EXPECT_EQ(shared.process, 1) << "worker for calls that came one after the other";
}

TEST(Step6_Submit, ThereAreNeverMoreWorkersThanTheMost) {  // CF-48
  const Gate gate;
  ProcessPoolExecutor pool({.max_workers = 2, .initializer = [] { ++shared.process; }});
  shared.process = 0;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(Gate::pass, i));
  sem_wait(&shared.entered);
  sem_wait(&shared.entered);
  for (int i = 0; i < 20; ++i) sem_post(&shared.gate);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i);
  EXPECT_EQ(shared.process, 2);
}

TEST(Step6_Submit, AFreeWorkerTakesTheNextCall) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 2});
  const auto slow = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i) << "none lies behind the slow one";
  EXPECT_FALSE(slow.done());
  gate.open(1);
}

TEST(Step6_Submit, ACallThatIsNotOutYetCanBeCancelled) {  // CF-45, CF-56
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 40; ++i) futures.push_back(pool.submit(count_call, i));
  EXPECT_FALSE(first.cancel());
  EXPECT_TRUE(futures.back().cancel());
  EXPECT_LE(std::ranges::count(futures, FutureState::running, &Future<int>::state), 17)
      << "no more are out than workers, and 16";
  gate.open(1);
  EXPECT_EQ(first.result(), 1);
  for (std::size_t i = 0; i + 1 < futures.size(); ++i) EXPECT_EQ(futures[i].result(), static_cast<int>(i));
  pool.shutdown();
  EXPECT_EQ(shared.calls, 40) << "the cancelled call did not run";
}

TEST(Step6_Submit, ACallIsSentBeforeTheCallbacksOfTheLastOneRun) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 16; ++i) futures.push_back(pool.submit(twice, i));
  const auto last = pool.submit(Gate::pass, 16);
  ASSERT_EQ(last.state(), FutureState::pending) << "no more are out than workers, and 16";
  first.add_done_callback([&](auto) {
    gate.wait_until_entered();  // by the last call, in its worker
    gate.open(1);
  });
  gate.open(1);
  EXPECT_EQ(last.result(), 16);
}

TEST(Step6_Submit, LargeValuesCrossBothWays) {  // CF-51
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  std::vector<Future<std::string>> futures;
  for (std::size_t i = 0; i < 20; ++i)
    futures.push_back(pool.submit([](std::string text) { return text + text; },
                                  std::string(1 << 19, static_cast<char>('a' + i))));
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_TRUE(futures[i].result() == std::string(1 << 20, static_cast<char>('a' + i)));
}

TEST(Step6_Submit, MoreThanTheSocketHoldsWaitsItsTurn) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 60; ++i)
    futures.push_back(pool.submit([](std::string text, int i) { return static_cast<int>(text.size()) + i; },
                                  std::string(30'000, 'x'), i));
  gate.open(1);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), 30'000 + i);
}

TEST(Step6_Submit, WaitingForRoomTakesNoProcessorTime) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 17; ++i) pool.submit([](std::string) {}, std::string(30'000, 'x'));
  course::wait_until_others_block();  // what there is room for has been sent
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms);
  gate.open(1);
}

TEST(Step6_Submit, AnArgumentThatCannotBeWrittenFailsThatCallAlone) {  // CF-52
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto shy = pool.submit([](Shy) {}, Shy());
  EXPECT_EQ(outcome(shy), "too shy");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step6_Submit, ValuesThatCannotBeReadFailTheirCallAlone) {  // CF-53
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(outcome(pool.submit([](Illegible) {}, Illegible())), "std::runtime_error: illegible");
  EXPECT_EQ(outcome(pool.submit([] { return Illegible(); })), "illegible");
  EXPECT_EQ(outcome(pool.submit([] { return Shy(); })), "std::runtime_error: too shy");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step6_Submit, ACallThatCannotBeSentFailsAlone) {
  ProcessPoolExecutor pool({.max_workers = 1});
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  const auto large = pool.submit([](std::string) {}, std::string(1 << 20, 'x'));
  EXPECT_THROW(large.result(), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step6_Submit, CallsThatCannotBeSentMakeRoomForOthers) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto first = pool.submit(Gate::pass, 1);
  gate.wait_until_entered();
  for (int i = 0; i < 16; ++i) pool.submit(twice, i);
  std::vector<Future<void>> large;
  for (int i = 0; i < 400; ++i) large.push_back(pool.submit([](std::string) {}, std::string(40'000, 'x')));
  const auto last = pool.submit(twice, 21);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  gate.open(1);
  for (const auto& future : large) EXPECT_THROW(future.result(), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(outcome(last), "42");
}

TEST(Step6_Submit, AResultTooLargeForMemoryFailsItsCallAlone) {
  ProcessPoolExecutor pool({.max_workers = 1});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they have memory without end, or none
  EXPECT_EQ(outcome(pool.submit([](std::size_t size) { return std::string(size, 'x').size(); },
                                std::size_t{1} << 60)),
            "std::bad_alloc: std::bad_alloc");
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  const rlimit little{100 << 20, before.rlim_max};  // for this process alone, and less than it has already
  setrlimit(RLIMIT_AS, &little);
  const auto large =
      pool.submit([](int size) { return std::string(static_cast<std::size_t>(size), 'x'); }, 150 << 20);
  const bool fits = !large.exception();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_FALSE(fits);
  EXPECT_THROW(large.result(), std::bad_alloc);
#endif
  EXPECT_EQ(outcome(pool.submit(twice, 21)), "42");
}

TEST(Step6_Submit, CallbacksRunHereAndMaySubmit) {
  ProcessPoolExecutor pool({.max_workers = 1});
  std::atomic<int> seen = 0;
  const auto promise = std::make_shared<concurrent::Promise<int>>();
  const Future<int> answer = promise->future();
  auto future = pool.submit(twice, 1);
  future.add_done_callback([&, promise](const Future<int>& done) {
    seen = process();
    auto next = pool.submit(twice, done.result());
    next.add_done_callback([promise](const Future<int>& last) { promise->set_result(last.result()); });
  });
  EXPECT_EQ(answer.result(), 4);
  EXPECT_EQ(seen, process());
}

TEST(Step6_Submit, EachWorkerIsInitialisedOnce) {  // CF-37
  const Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1, .initializer = [] { shared.calls += 10; }});
  EXPECT_EQ(pool.submit(count_call, 7).result(), 7);
  EXPECT_EQ(pool.submit(count_call, 8).result(), 8);
  EXPECT_EQ(shared.calls, 12);
}

TEST(Step6_Submit, AfterShutdownQueuedCallsStillRun) {  // CF-40, CF-41
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 2});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(Gate::pass, i));
  pool.shutdown({.wait = false});
  gate.open(50);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i);
}

TEST(Step6_Submit, AfterShutdownNoMoreAreTaken) {  // CF-39
  ProcessPoolExecutor pool({.max_workers = 1});
  pool.submit(twice, 1).result();
  pool.shutdown();
  EXPECT_THROW(pool.submit(twice, 1), ExecutorShutdown);
}

TEST(Step6_Submit, ShutdownCanCancelWhatIsNotOut) {  // CF-42
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(Gate::pass, i));
  gate.wait_until_entered();
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_GE(std::ranges::count(futures, FutureState::cancelled, &Future<int>::state), 33);
  gate.open(50);
  pool.shutdown();
  for (const auto& future : futures) EXPECT_TRUE(future.done());
  EXPECT_EQ(futures.front().result(), 0);
  EXPECT_EQ(std::ranges::count(futures, FutureState::finished, &Future<int>::state), shared.calls);
}

TEST(Step6_Submit, TheDestructorWaitsForAllCalls) {  // CF-43, CF-44
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  std::vector<Future<int>> futures;
  {
    ProcessPoolExecutor pool({.max_workers = 2});
    for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(count_call, i));
  }
  EXPECT_EQ(shared.calls, 100);
  for (const auto& future : futures) EXPECT_TRUE(future.done());
}

TEST(Step6_Submit, ACallbackCannotWaitForItsOwnPool) {
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto promise = std::make_shared<concurrent::Promise<std::string>>();
  const Future<std::string> answer = promise->future();
  pool.submit(twice, 1).add_done_callback([&pool, promise](auto) {
    try {
      pool.shutdown();
    } catch (const concurrent::Error& error) {
      promise->set_result(error.what());
    }
  });
  EXPECT_EQ(answer.result(), "a callback on the pool's own thread cannot wait for the pool to end");
}

TEST(Step6_Submit, AWorkerMayHaveAPoolOfItsOwn) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(
      pool.submit([] { return ProcessPoolExecutor({.max_workers = 1}).submit(twice, 21).result(); }).result(),
      42);
}

TEST(Step6_Submit, AWorkerIsReplacedAfterSoManyCalls) {  // CF-55
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 3});
  EXPECT_EQ(processes_of_three_calls(pool).size(), 1u);
  EXPECT_EQ(processes_of_three_calls(pool).size(), 1u);
  std::set<int> processes;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 30; ++i) futures.push_back(pool.submit(process));
  for (const auto& future : futures) processes.insert(future.result());
  EXPECT_EQ(processes.size(), 10u);
}

TEST(Step6_Submit, WorkersThatAreReplacedFinishAllBeforeTheEnd) {  // CF-55
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  {
    ProcessPoolExecutor pool({.max_workers = 2, .max_tasks_per_child = 1});
    for (int i = 0; i < 20; ++i) pool.submit(count_call, i);
  }
  EXPECT_EQ(shared.calls, 20);
}

TEST(Step6_Submit, WhenTheProgramDiesNoWorkerGoesOn) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Gate gate;
  const pid_t program = ::fork();
  if (program == 0) {
    ProcessPoolExecutor pool({.max_workers = 2});
    const auto a = pool.submit(Gate::pass, 1), b = pool.submit(Gate::pass, 2);
    while (true) ::pause();
  }
  sem_wait(&shared.entered);
  sem_wait(&shared.entered);
  ::kill(program, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) continue;  // ends when nobody is left
  EXPECT_EQ(errno, ECHILD);
}

// Step 7: what breaks.

namespace {

/// Kills its process while it is being written, after 1 MiB.
struct DiesWhileSent {
  template <class Archive>
  void save(Archive& archive) const {
    archive(std::string(1 << 20, 'x'));
    ::kill(::getpid(), SIGKILL);
  }
  template <class Archive>
  void load(Archive&) {}
};

bool is_broken(const std::string& outcome, const std::string& why) {
  return contains(outcome, "broken: worker ") && contains(outcome, why) &&
         contains(outcome, ": the pool is broken");
}

}  // namespace

TEST(Step7_Broken, AWorkerThatIsKilledBreaksEveryCall) {  // CF-50
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto worker = pool.submit(process).result();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(Gate::pass, i));
  gate.wait_until_entered();
  ::kill(worker, SIGKILL);
  for (const auto& future : futures)
    EXPECT_TRUE(is_broken(outcome(future), "was killed by signal 9 (Killed)"));
}

TEST(Step7_Broken, TheOtherWorkersAreKilledToo) {  // CF-50
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 3});
  const auto a = pool.submit(Gate::pass, 1), b = pool.submit(Gate::pass, 2);
  gate.wait_until_entered(2);
  EXPECT_TRUE(is_broken(outcome(pool.submit([] { ::_exit(3); })), "exited with status 3"));
  EXPECT_TRUE(is_broken(outcome(a), "exited with status 3"));
  EXPECT_TRUE(is_broken(outcome(b), "exited with status 3"));
  pool.shutdown();
  EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
}

TEST(Step7_Broken, AnIdleWorkerThatIsKilledBreaksThePool) {  // CF-50
  ProcessPoolExecutor pool({.max_workers = 1});
  ::kill(pool.submit(process).result(), SIGKILL);
  std::string what;
  try {
    what = outcome(pool.submit(twice, 1));
  } catch (const BrokenProcessPool& error) {
    what = std::string("broken: ") + error.what();
  }
  EXPECT_TRUE(is_broken(what, "was killed by signal 9"));
}

TEST(Step7_Broken, AnExitIsNoAnswer) {  // CF-50
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_TRUE(is_broken(outcome(pool.submit([] { ::_exit(0); })), "exited with status 0"));
}

TEST(Step7_Broken, AWorkerThatDiesWithAHalfWrittenResultBreaksThePool) {  // CF-51
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  const auto dies = pool.submit([] { return DiesWhileSent(); });
  std::vector<Future<std::string>> large;
  try {
    for (int i = 0; i < 20; ++i)
      large.push_back(pool.submit([](std::string text) { return text; }, std::string(1 << 20, 'x')));
  } catch (const BrokenProcessPool&) {  // so soon
  }
  EXPECT_THROW(dies.result(), BrokenProcessPool);
  for (const auto& future : large)
    EXPECT_TRUE(outcome(future) == "value" || is_broken(outcome(future), "signal 9"));
}

TEST(Step7_Broken, WhatAWorkerSentBeforeItDiedCounts) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto first = pool.submit(Gate::pass, 1);
  const auto second = pool.submit(twice, 21);
  const auto third = pool.submit([] { ::_exit(3); });
  gate.open(1);
  EXPECT_THROW(third.result(), BrokenProcessPool);
  EXPECT_EQ(outcome(first), "1");
  EXPECT_EQ(outcome(second), "42");
}

TEST(Step7_Broken, ABrokenPoolTakesNoCalls) {  // CF-50
  ProcessPoolExecutor pool({.max_workers = 1});
  const std::string why = outcome(pool.submit([] { ::_exit(3); }));
  try {
    pool.submit(twice, 1);
    ADD_FAILURE() << "the call was taken";
  } catch (const BrokenProcessPool& error) {
    EXPECT_EQ(std::string("broken: ") + error.what(), why);
  }
  pool.shutdown();
  EXPECT_THROW(pool.submit(twice, 1), BrokenProcessPool) << "also after shutdown";
}

TEST(Step7_Broken, AnInitializerThatFailsBreaksThePool) {  // CF-38
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2, .initializer = [] { throw std::out_of_range("far"); }});
  const auto future = pool.submit(twice, 1);
  EXPECT_EQ(outcome(future), "broken: the initializer of a worker failed: std::out_of_range: far");
  EXPECT_THROW(pool.submit(twice, 1), BrokenProcessPool);
}

TEST(Step7_Broken, AWorkerMayDieAfterShutdown) {  // CF-50
  const NothingIsLeft nothing_is_left;
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto worker = pool.submit(process).result();
  const auto running = pool.submit(Gate::pass, 1), queued = pool.submit(twice, 1);
  gate.wait_until_entered();
  pool.shutdown({.wait = false});
  ::kill(worker, SIGKILL);
  EXPECT_TRUE(is_broken(outcome(running), "signal 9"));
  EXPECT_TRUE(is_broken(outcome(queued), "signal 9"));
}

TEST(Step7_Broken, IfTheServerDiesThePoolIsBroken) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(outcome(pool.submit([] {
              ::kill(::getppid(), SIGKILL);
              while (true) ::pause();
            })),
            "broken: the process that starts the workers is gone: the pool is broken");
}

TEST(Step7_Broken, CallsThatNobodyIsLeftToReadAreBrokenToo) {
  for (int round = 0; round < 20; ++round) {
    ProcessPoolExecutor pool({.max_workers = 2});
    const pid_t server = pool.submit([] { return static_cast<int>(::getppid()); }).result();
    std::vector<Future<int>> futures;
    try {
      for (int i = 0; i < 1'000; ++i) {
        if (i == 10 * round) ::kill(server, SIGKILL);
        futures.push_back(pool.submit(twice, i));
      }
    } catch (const BrokenProcessPool&) {  // so soon
    }
    for (std::size_t i = 0; i < futures.size(); ++i) {
      const std::string came = outcome(futures[i]);
      ASSERT_TRUE(came == std::to_string(2 * i) || came.starts_with("broken: ")) << came;
    }
  }
}

TEST(Step7_Broken, ACallbackSeesABrokenPool) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  const auto refused = std::make_shared<concurrent::Promise<bool>>();
  const Future<bool> answer = refused->future();
  auto future = pool.submit([] { ::_exit(3); });
  future.add_done_callback([&pool, refused](auto) {
    try {
      pool.submit(twice, 1);
      refused->set_result(false);
    } catch (const BrokenProcessPool&) {
      refused->set_result(true);
    }
  });
  EXPECT_TRUE(answer.result());
}

TEST(Step7_Broken, TerminatedAndKilledPoolsAreBroken) {  // CF-57
  for (const auto& [end, why] : {std::pair(&ProcessPoolExecutor::terminate_workers, "signal 15"),
                                 std::pair(&ProcessPoolExecutor::kill_workers, "signal 9")}) {
    const NothingIsLeft nothing_is_left;
    Gate gate;
    ProcessPoolExecutor pool({.max_workers = 2});
    std::vector<Future<int>> futures;
    for (int i = 0; i < 40; ++i) futures.push_back(pool.submit(Gate::pass, i));
    gate.wait_until_entered(2);
    (pool.*end)();
    EXPECT_TRUE(is_broken(outcome(futures.front()), why));
    EXPECT_TRUE(futures.back().cancelled()) << "it was not out";
    EXPECT_THROW(pool.submit(twice, 1), concurrent::Error);
    pool.shutdown();
    (pool.*end)();
  }
}

TEST(Step7_Broken, APoolWithoutWorkersCanBeKilled) {  // CF-57
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  pool.kill_workers();
  EXPECT_THROW(pool.submit(twice, 1), ExecutorShutdown);
}

// Step 8: map.

namespace {

const std::vector<int> forty = [] {
  std::vector<int> numbers(40);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}();
const std::vector<int> doubled = [] {
  std::vector<int> numbers = forty;
  for (int& number : numbers) number *= 2;
  return numbers;
}();

}  // namespace

TEST(Step8_Map, ResultsComeInTheOrderOfTheItemsForAnyChunksize) {  // CF-54
  ProcessPoolExecutor pool({.max_workers = 2});
  for (const std::size_t chunksize : {1u, 6u, 40u, 50u})
    EXPECT_EQ(to_vector(pool.map(twice, forty, {.chunksize = chunksize})), doubled);
  EXPECT_TRUE(to_vector(pool.map(twice, std::vector<int>())).empty());
}

TEST(Step8_Map, AChunkIsOneCall) {
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
  const auto processes = to_vector(pool.map([](int) { return process(); }, forty, {.chunksize = 12}));
  EXPECT_EQ(processes.size(), 40u);
  EXPECT_EQ(std::set<int>(processes.begin(), processes.end()).size(), 4u);
  EXPECT_EQ(processes[0], processes[11]);
  EXPECT_NE(processes[11], processes[12]);
}

TEST(Step8_Map, AChunksizeOfZeroIsRefused) {  // CF-54
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_THROW(pool.map(twice, forty, {.chunksize = 0}), std::invalid_argument);
  EXPECT_THROW(pool.map(twice, forty, {.buffersize = 0}), std::invalid_argument);
  EXPECT_EQ(to_vector(pool.map(twice, forty)), doubled);
}

TEST(Step8_Map, AnyItemAndAnyResultThatCanCross) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(to_vector(pool.map([](const std::string& text) { return text + "!"; },
                               std::vector<const char*>{"a", "b"}, {.chunksize = 2})),
            (std::vector<std::string>{"a!", "b!"}));
  EXPECT_EQ(to_vector(pool.map([](int number) { return number % 2 == 0; }, std::views::iota(0, 4),
                               {.chunksize = 3})),
            (std::vector{true, false, true, false}));
  EXPECT_EQ(to_vector(pool.map([](int) {}, std::views::iota(0, 4), {.chunksize = 3})).size(), 4u);
}

TEST(Step8_Map, WhatACallThrowsComesInThePlaceOfItsChunk) {
  ProcessPoolExecutor pool({.max_workers = 2});
  auto results = pool.map([](int number) { return number == 7 ? throw std::out_of_range("far") : number; },
                          forty, {.chunksize = 5});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(results.next(), i);
  EXPECT_THROW(results.next(), RemoteError);
  EXPECT_FALSE(results.next()) << "that ends the range";
}

TEST(Step8_Map, ItemsMayBeReadOnceAndNoSoonerThanTheirChunk) {
  ProcessPoolExecutor pool({.max_workers = 1});
  int pulled = 0;
  auto items = concurrent::InputRange<int>([&]() -> std::optional<int> { return pulled++; });
  auto results = pool.map(twice, std::move(items), {.chunksize = 4, .buffersize = 2});
  EXPECT_EQ(pulled, 8) << "two chunks of items without end";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results.next(), 2 * i);
  EXPECT_LE(pulled, 28);
}

TEST(Step8_Map, TheTimeoutIsForTheWholeIteration) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto results = pool.map(Gate::pass, forty, {.timeout = 0s});
  EXPECT_THROW(results.next(), concurrent::TimeoutError);
  gate.open(40);
}

TEST(Step8_Map, ThePoolOfABrokenMapIsBroken) {
  ProcessPoolExecutor pool({.max_workers = 1});
  auto results =
      pool.map([](int number) { return number == 20 ? (::_exit(3), 0) : number; }, forty, {.chunksize = 10});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results.next(), i);
  EXPECT_THROW(results.next(), BrokenProcessPool);
  EXPECT_THROW(pool.map(twice, forty), BrokenProcessPool);
}

TEST(Step8_Map, AfterShutdownItIsRefused) {  // CF-39
  ProcessPoolExecutor pool({.max_workers = 1});
  pool.shutdown();
  EXPECT_THROW(pool.map(twice, forty), ExecutorShutdown);
}

// Step 9: break it.

namespace {

std::mutex log_mutex;

/// What a child finds; 0 to 3.
int what_a_child_finds() {
  int found = 0;
  if (!log_mutex.try_lock()) found += 1;
  if (course::live_threads() == 1) found += 2;
  return found;
}

int status_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST(Step9_BreakIt, TheChildExitsWithItsStatus) {
  const NothingIsLeft nothing_is_left;
  EXPECT_EQ(status_of(concurrent::fork_while_locked(log_mutex, [] { return 42; })), 42);
}

TEST(Step9_BreakIt, TheLockIsHeldForEverByAThreadThatIsNotThere) {
  EXPECT_EQ(status_of(concurrent::fork_while_locked(log_mutex, what_a_child_finds)), 3)
      << "1: the mutex is locked; 2: no other thread is there that could give it back";
}

TEST(Step9_BreakIt, InTheProgramAllGoesOn) {
  const pid_t child = concurrent::fork_while_locked(log_mutex, [] { return 0; });
  EXPECT_TRUE(log_mutex.try_lock());
  log_mutex.unlock();
  EXPECT_EQ(course::live_threads(), 1u);
  status_of(child);
}

TEST(Step9_BreakIt, AWorkerOfAPoolThatWasMadeBeforeIsNotHarmed) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(status_of(concurrent::fork_while_locked(log_mutex, what_a_child_finds)), 3);
  std::lock_guard lock(log_mutex);  // after the fork server was forked, before the worker is
  EXPECT_TRUE(pool.submit([] { return log_mutex.try_lock(); }).result());
}
