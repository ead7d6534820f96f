// An echo server on one thread, and the ten thousand clients that it holds.

#include <echo_server.hpp>  // yours or the reference's: "echo_server.hpp" would always be the one in this folder

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fd.hpp"
#include "recipe.hpp"

using namespace concurrent;
using asyncio::EchoServer;
using asyncio::EpollSelector;
using asyncio::EventLoop;
using asyncio::listen_tcp;

namespace {

/// Lets the process open as many descriptors as the system allows. @returns how many
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  checked(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

/// What this process has in memory, in bytes.
double memory() {
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Clients in a process of their own, for descriptors are counted by the process. Each connects, says hello
/// once, gets it back, and keeps silent.
class Clients {
 public:
  Clients(std::uint16_t port, int count) : process_(checked(::fork(), "fork")) {
    if (process_ == 0) ::_exit(run(port, count));
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  ~Clients() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

 private:
  static int run(std::uint16_t port, int count) noexcept try {
    ::signal(SIGINT, SIG_IGN);  // Ctrl-C is for the server, which ends them then
    std::vector<Fd> all;
    for (int i = 0; i < count; ++i) all.push_back(hello(port));
    for (;;) ::pause();
  } catch (const std::exception& error) {
    print_line(std::string("a client: ") + error.what());
    return 1;
  }

  static Fd hello(std::uint16_t port) {
    Fd fd = asyncio::connect_tcp("127.0.0.1", port);
    ::fcntl(fd.get(), F_SETFL, 0);  // a client may wait
    const std::string text = "hello";
    checked(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), "send");
    std::array<char, 5> answer{};
    if (::recv(fd.get(), answer.data(), answer.size(), MSG_WAITALL) != 5)
      throw std::runtime_error("hello was not answered");
    return fd;
  }

  const pid_t process_;
};

class Service {
 public:
  explicit Service(std::uint16_t port) : server_(loop_, listen_tcp(port, {.backlog = 1'000})) {
    for (const int signal : {SIGINT, SIGTERM}) loop_.add_signal_handler(signal, [this] { interrupted(); });
    print_line("An echo server at 127.0.0.1:" + std::to_string(server_.port()) + ", on one thread.");
  }
  ~Service() { print_line("Connections in all: " + std::to_string(server_.accepted())); }

  /// Holds `wanted` connections, each of which has said hello once, and tells what they take.
  void hold(int wanted) {
    const double before = memory();
    const auto begin = loop_.time();
    const Clients clients(server_.port(), wanted);
    loop_.call_soon([&] { wait_for(static_cast<std::size_t>(wanted)); });
    loop_.run_forever();
    const std::chrono::duration<double> took = loop_.time() - begin;
    const auto held = static_cast<double>(server_.connections());
    print_line("Open connections: " + column(held, 0, 0) + ", after " + column(took.count(), 0, 2) +
               " seconds.");
    if (held > 0)
      print_line("The process has grown by " + column((memory() - before) / held, 0, 0) + " bytes for each.");
  }

  /// Serves until SIGINT.
  void serve() {
    if (interrupted_) return;
    const std::string port = std::to_string(server_.port());
    print_line("Try it:  nc 127.0.0.1 " + port + "  or  curl telnet://127.0.0.1:" + port +
               "\nCtrl-C ends it.");
    std::fflush(stdout);
    loop_.run_forever();
  }

 private:
  void interrupted() {
    interrupted_ = true;
    print_line("Interrupted.");
    loop_.stop();
  }

  /// Looks every 10 ms whether all are there, or no more come for two seconds.
  void wait_for(std::size_t wanted) {
    quiet_ = server_.connections() > seen_ ? 0 : quiet_ + 1;
    seen_ = server_.connections();
    if (seen_ >= wanted || quiet_ == 200) return loop_.stop();
    loop_.call_later(std::chrono::milliseconds(10), [=, this] { wait_for(wanted); });
  }

  EventLoop loop_{std::make_unique<EpollSelector>()};
  EchoServer server_;
  bool interrupted_ = false;
  std::size_t seen_ = 0;
  int quiet_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::int64_t clients = 10'000;
  std::int64_t port = 0;
  bool serve = false;
  const RecipeOptions options(
      "An echo server on one thread, which holds many silent connections.",
      {{"--clients", "connections to hold (default 10000; 0 for none)", clients, 0, 1'000'000},
       {"--port", "where to listen (default 0: any that is free)", port, 0, 65'535},
       {"--serve", "go on until Ctrl-C, for clients of yours", serve}});
  return recipe(argc, argv, options, [&] {
    const std::size_t descriptors = raise_descriptor_limit();
    if (static_cast<std::size_t>(clients) + 50 > descriptors)
      throw std::invalid_argument("a process may open " + std::to_string(descriptors) +
                                  " descriptors here: say --clients with fewer");
    Service service(static_cast<std::uint16_t>(port));
    if (clients > 0) service.hold(static_cast<int>(clients));
    if (serve) service.serve();
  });
}
