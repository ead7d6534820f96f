// The rows of chapter 13 on what people use at work: Boost.Beast on Asio, Node's http, aiohttp.

#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "python_peer.hpp"
#include "wrk_rows.hpp"

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
using net::ip::tcp;
using nlohmann::json;
using Tell = std::function<void(int)>;

// ---- Boost.Beast, as in its example of an asynchronous server, with one thread

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

http::response<http::string_body> answer_to(const http::request<http::string_body>& request) {
  http::response<http::string_body> response{http::status::ok, request.version()};
  if (request.method() == http::verb::get && request.target() == "/healthz") {
    response.body() = json{{"status", "ok"}}.dump() + "\n";
  } else if (request.method() == http::verb::post && request.target() == "/run") {
    static std::int64_t jobs = 0;
    const json asked = json::parse(request.body(), nullptr, false);
    if (asked.is_object() && asked.value("kind", "") == "empty") {
      const std::int64_t now = now_ms();
      response.body() =
          json{{"id", ++jobs},        {"kind", "empty"},   {"args", json::object()}, {"state", "done"},
               {"result", nullptr},   {"error", nullptr},  {"worker", nullptr},      {"deadline_ms", nullptr},
               {"submitted_ms", now}, {"started_ms", now}, {"finished_ms", now}}
              .dump() +
          "\n";
    } else {
      response.result(http::status::bad_request);
    }
  } else {
    response.result(http::status::not_found);
  }
  response.set(http::field::content_type, "application/json");
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  return response;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket&& socket) : stream_(std::move(socket)) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(1 << 20);
    stream_.expires_after(std::chrono::seconds(30));
    http::async_read(stream_, buffer_, *parser_,
                     beast::bind_front_handler(&Session::on_read, shared_from_this()));
  }

 private:
  void on_read(beast::error_code error, std::size_t) {
    if (error) return;
    response_ = answer_to(parser_->get());
    http::async_write(stream_, response_, beast::bind_front_handler(&Session::on_write, shared_from_this()));
  }
  void on_write(beast::error_code error, std::size_t) {
    if (!error && response_.keep_alive()) read();
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

auto beast_server() {
  return std::make_unique<bench::ServerProcess>([](const Tell& tell) {
    net::io_context context{1};
    tcp::acceptor acceptor(context, {net::ip::address_v4::loopback(), 0});
    accept(acceptor);
    tell(acceptor.local_endpoint().port());
    context.run();
  });
}

// ---- Servers that are programs

/// A server that is a script.
class Script {
 public:
  Script(const std::string& interpreter, const std::string& path) : peer_({path}, interpreter) {
    port_ = std::stoi(peer_.ask("port"));
  }
  [[nodiscard]] int port() const noexcept { return port_; }

 private:
  bench::PythonPeer peer_;
  int port_ = 0;
};

/// The first of these commands that works; nothing if none does.
std::optional<std::string> first_of(std::initializer_list<std::string> programs, const std::string& check) {
  for (const std::string& each : programs)
    if (std::system((each + " " + check + " >/dev/null 2>&1").c_str()) == 0) return each;
  return std::nullopt;
}

}  // namespace

void bench::rows() {
  server_rows("Beast on Asio", beast_server);
  if (const auto node = first_of({"node", "nodejs"}, "--version"))
    server_rows("Node's http",
                [node] { return std::make_unique<Script>(*node, "bench/13_server/peers.js"); });
  else
    std::fputs("not compared with Node's http: there is no node here\n", stderr);
  if (const auto python = first_of({"python3", "/usr/bin/python3"}, "-c 'import aiohttp'"))
    server_rows("aiohttp",
                [python] { return std::make_unique<Script>(*python, "bench/13_server/peers.py"); });
  else
    std::fputs("not compared with aiohttp: no python3 here has it\n", stderr);
}
