#pragma once

// What the tests of chapter 13 share.

#include "event.hpp"
#include "http_message.hpp"
#include "job_kinds.hpp"
#include "streams.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "descriptors.hpp"
#include "gate.hpp"
#include "testing.hpp"

using asyncio::Coro;
using asyncio::create_task;
using asyncio::EventLoop;
using asyncio::Fd;
using asyncio::get_running_loop;
using asyncio::sleep;
using asyncio::Streams;
using asyncio::Task;
using asyncio::jobs::Json;
using asyncio::jobs::Kinds;
using course::Log;
using course::NoDescriptorIsLeft;
using namespace std::chrono_literals;
namespace http = asyncio::http;

/// Makes a loop that watches files, and runs what `main()` gives on it. What the loop's exception handler is
/// told comes into `told`. A test that takes too long fails, and says how things stand.
struct EpollLoop {
  Log told;
  std::function<std::string()> stands = [] { return "it has not come to its end"; };
  EventLoop loop{std::make_unique<asyncio::EpollSelector>()};

  EpollLoop();

  void run(const std::function<Coro<>()>& main);
  /// @returns the result of what `main()` gives
  template <class F>
  auto result_of(F main) {
    std::optional<decltype(loop.run_until_complete(main()))> result;
    run([&]() -> Coro<> { result = co_await main(); });
    return *std::move(result);
  }

 private:
  asyncio::TimerHandle give_up_later();
};

/// Lets the loop run for so many passes, and look at its files in each.
Coro<> passes(int count);

/// Waits until `condition()` holds, pass after pass.
Coro<> until(std::function<bool()> condition);

/// An answer, as a client reads it.
struct Reply {
  int status = 0;  ///< 0: the connection has ended instead, and the test has failed
  http::Headers headers = {};
  std::string body = {};

  /// Returns a header field; nothing if there is none, or there are several.
  [[nodiscard]] std::string header(std::string_view name) const;
  /// Returns what the body says; null if that is no JSON.
  [[nodiscard]] Json json() const;
};

/// A client that sends what it likes.
class Client {
 public:
  explicit Client(Fd fd) : fd_(std::move(fd)) {}
  /// Connects to a server on this machine.
  explicit Client(std::uint16_t port);

  void send(std::string_view bytes) const;
  /// Sends no more, but goes on reading.
  void end() const;
  /// Leaves.
  void leave() { fd_.close(); }
  /// Waits for an answer. @param head its body does not come
  Coro<Reply> reply(bool head = false);
  /// Waits until the other side ends the connection, and returns all that comes before.
  Coro<std::string> rest();
  /// Waits until `text` has come, and returns all up to its end.
  Coro<std::string> up_to(std::string text);
  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }

 private:
  /// Takes what has come. @returns false if that is the end
  bool take_some();

  Fd fd_;
  std::string bytes_;
  bool ended_ = false;
};

/// Makes the streams of a server's end, and a client at the other.
std::pair<Streams, Client> connection();

/// Writes requests down.
std::string get(std::string_view target);
std::string request(std::string_view method, std::string_view target, std::string_view body = {});
std::string post(std::string_view target, std::string_view body);
/// Writes down the job that a client asks for.
std::string job(std::string_view kind, std::string_view args = "{}", int deadline_ms = 0);
std::string square(int number);

/// A folder for files, which goes with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Kinds whose jobs do as tests say. "hold" waits on a thread until released() or stopped, "spin" computes
/// until its process is killed, "square" and "fail" and "crash" are what they say, "now" and "broken" run on
/// the loop. "garbled" fails with an error that is no UTF-8, and what "throw_one" throws is no
/// std::exception.
/// "deaf" is like "hold", but cannot be stopped.
Kinds test_kinds();
/// Lets so many jobs of the kinds "hold" and "deaf" end.
void release(int count);
/// Waits until so many of them have begun, since the last call.
Coro<> held(int count);
