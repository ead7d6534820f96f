#include "support.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>

template class nlohmann::basic_json<>;

EpollLoop::EpollLoop() {
  loop.set_exception_handler([this](EventLoop&, const asyncio::ExceptionContext& context) {
    told.push_back(context.message + ": " + course::what(context.exception));
    if (told.back().find("is not written yet") != std::string::npos) loop.stop();  // nothing else will come
  });
}

void EpollLoop::run(const std::function<Coro<>()>& main) {
  struct AtTheEnd {
    asyncio::TimerHandle timer;
    ~AtTheEnd() { timer.cancel(); }
  };
  const AtTheEnd limit{give_up_later()};
  loop.run_until_complete(main());
}

asyncio::TimerHandle EpollLoop::give_up_later() {
  // Before the grader does, which could only say where the threads are.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const auto most = 50s;
#else
  const auto most = 7s;
#endif
  return loop.call_later(most, [this] {
    ADD_FAILURE() << "it takes too long: " << stands();
    loop.stop();
  });
}

Coro<> passes(int count) {
  for (int i = 0; i < count; ++i) co_await sleep(1ns);
}

Coro<> until(std::function<bool()> condition) {
  while (!condition()) co_await passes(1);
}

std::string Reply::header(std::string_view name) const {
  std::string found;
  int count = 0;
  for (const auto& [key, value] : headers)
    if (http::same_name(key, name)) found = value, ++count;
  return count == 1 ? found : std::string();
}

Json Reply::json() const {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_discarded()) return json;
  if (status != 0) ADD_FAILURE() << "the answer is no JSON: " << body;
  return nullptr;
}

Client::Client(std::uint16_t port) : fd_(asyncio::connect_tcp("127.0.0.1", port)) {
  course::wait_for(fd_, POLLOUT);
}

void Client::send(std::string_view bytes) const {
  ASSERT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

void Client::end() const { ::shutdown(fd_.get(), SHUT_WR); }

bool Client::take_some() {
  std::array<char, 65536> room;
  const ssize_t size = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (size > 0) bytes_.append(room.data(), static_cast<std::size_t>(size));
  if (size == 0 || (size < 0 && errno != EAGAIN)) ended_ = true;
  return !ended_;
}

Coro<std::string> Client::up_to(std::string text) {
  std::size_t found = 0;
  while ((found = bytes_.find(text)) == bytes_.npos) {
    if (!take_some() && bytes_.find(text) == bytes_.npos) co_return std::string();
    co_await passes(1);
  }
  std::string taken = bytes_.substr(0, found + text.size());
  bytes_.erase(0, taken.size());
  co_return taken;
}

Coro<std::string> Client::rest() {
  while (take_some()) co_await passes(1);
  co_return std::exchange(bytes_, {});
}

Coro<Reply> Client::reply(bool head) {
  Reply reply;
  const std::string text = co_await up_to("\r\n\r\n");
  if (text.empty()) {
    ADD_FAILURE() << "the connection was closed without an answer";
    co_return reply;
  }
  reply.status = std::atoi(text.c_str() + 9);
  for (std::size_t at = text.find("\r\n") + 2; at + 2 < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    const std::size_t colon = text.find(": ", at);
    reply.headers.emplace_back(text.substr(at, colon - at), text.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  const std::string length = reply.header("Content-Length");
  if (head || length.empty()) co_return reply;
  const std::size_t size = std::stoul(length);
  while (bytes_.size() < size && take_some()) co_await passes(1);
  reply.body = bytes_.substr(0, size);
  bytes_.erase(0, size);
  co_return reply;
}

std::pair<Streams, Client> connection() {
  std::array<int, 2> ends{};
  concurrent::checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
                      "socketpair");
  Streams streams = asyncio::make_streams(Fd(ends[0]));
  return {std::move(streams), Client(Fd(ends[1]))};
}

std::string get(std::string_view target) { return request("GET", target); }
std::string request(std::string_view method, std::string_view target, std::string_view body) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n");
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text.append("\r\n").append(body);
}
std::string post(std::string_view target, std::string_view body) {
  std::string text(request("POST", target, body));
  return text.insert(text.find("Host"), "Content-Type: application/json\r\n");
}
std::string job(std::string_view kind, std::string_view args, int deadline_ms) {
  std::string text = "{\"kind\":\"" + std::string(kind) + "\",\"args\":" + std::string(args);
  if (deadline_ms > 0) text += ",\"deadline_ms\":" + std::to_string(deadline_ms);
  return text + "}";
}
std::string square(int number) { return job("square", "{\"number\":" + std::to_string(number) + "}"); }

TemporaryFolder::TemporaryFolder()
    : path_((std::filesystem::temp_directory_path() / "server-XXXXXX").string()) {
  if (!::mkdtemp(path_.data())) throw std::system_error(errno, std::generic_category(), "mkdtemp");
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

namespace {

std::mutex mutex;  // guards the rest
std::condition_variable_any changed;
int begun = 0;
int released = 0;

Json hold(const Json& args, std::stop_token stop) {
  std::unique_lock lock(mutex);
  ++begun;
  if (!changed.wait(lock, stop, [] { return released > 0; })) return "stopped";
  --released;
  return args;
}
Json deaf(const Json& args, std::stop_token) { return hold(args, {}); }
Json spin(const Json&) {
  while (true) std::this_thread::yield();
}
Json squared(const Json& args) {
  const int number = args.at("number");
  return number * number;
}
Json fail(const Json&) { throw std::runtime_error("it fails"); }
Json crash(const Json&) { std::_Exit(3); }
Json pid(const Json&) { return ::getpid(); }
Json niceness(const Json&) { return ::getpriority(PRIO_PROCESS, 0); }
Json now(const Json& args) { return args; }
Json broken(const Json&) { throw std::runtime_error("it is broken"); }
Json throw_one(const Json&) { throw 1; }
Json throw_one_on_a_thread(const Json&, std::stop_token) { throw 1; }
Json garbled(const Json&) { throw std::runtime_error("no \xff text"); }
Json wait_and_fail(const Json&, std::stop_token) { throw std::runtime_error("it fails on a thread"); }

}  // namespace

Kinds test_kinds() {
  using namespace asyncio::jobs;
  return {{"hold", waiting<hold>()},
          {"deaf", waiting<deaf>()},
          {"spin", computing<spin>()},
          {"square", computing<squared>([](const Json& args) {
             if (!args.contains("number")) throw std::invalid_argument("square needs a number");
           })},
          {"fail", computing<fail>()},
          {"crash", computing<crash>()},
          {"pid", computing<pid>()},
          {"niceness", computing<niceness>()},
          {"now", on_loop<now>()},
          {"broken", on_loop<broken>()},
          {"throw_one", on_loop<throw_one>()},
          {"throw_one_on_a_thread", waiting<throw_one_on_a_thread>()},
          {"garbled", on_loop<garbled>()},
          {"wait_and_fail", waiting<wait_and_fail>()}};
}

void release(int count) {
  const std::lock_guard lock(mutex);
  released += count;
  changed.notify_all();
}

Coro<> held(int count) {
  while (true) {
    {
      const std::lock_guard lock(mutex);
      if (begun >= count) {
        begun -= count;
        break;
      }
    }
    co_await passes(1);
  }
}
