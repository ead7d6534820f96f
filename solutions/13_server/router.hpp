#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_message.hpp"
#include "todo.hpp"

namespace asyncio::http {

/// A request that is being answered.
struct Exchange {
  Request request;
  StreamReader reader;                                               ///< what the client sends next
  std::vector<std::pair<std::string, std::string>> parameters = {};  ///< of the path: "/jobs/{id}"

  /// Returns a parameter of the path. @throws std::out_of_range if the path has none of that name
  [[nodiscard]] const std::string& parameter(std::string_view name) const {
    for (const auto& [key, value] : parameters)
      if (key == name) return value;
    throw std::out_of_range("no parameter " + std::string(name));
  }
};

/// Answers a request.
using Handler = std::function<Coro<Response>(Exchange&)>;

/// Returns an answer that says what is wrong, as JSON, whatever is in the message.
inline Response error_response(int status, std::string_view message) {
  using Json = nlohmann::json;
  return {.status = status,
          .body = Json{{"error", message}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

/// Knows which function answers what.
class Router {
 public:
  /// Answers requests with that method to paths of that pattern. A part of the pattern as "{id}" stands for
  /// any part of a path that is not empty.
  void add(std::string method, std::string_view pattern, Handler handler) {
    // <exercise 2.1 Router::add>
    routes_.push_back({std::move(method), parts_of(pattern), std::move(handler)});
    // </exercise>
  }

  /// Answers the request of the exchange, and sets the parameters of its path. The router outlives the
  /// answer.
  Coro<Response> dispatch(Exchange& exchange) const {
    // <exercise 2.1 Router::dispatch>
    const std::vector<std::string_view> path = parts_of_view(exchange.request.path);
    const std::string_view asked = exchange.request.method;
    const std::string_view method = asked == "HEAD" ? "GET" : asked;
    std::string allowed;
    for (const Route& route : routes_) {
      if (!matches(route, path)) continue;
      if (route.method == method) {
        exchange.parameters.clear();
        for (std::size_t i = 0; i < path.size(); ++i)
          if (is_parameter(route.parts[i]))
            exchange.parameters.emplace_back(route.parts[i].substr(1, route.parts[i].size() - 2), path[i]);
        return route.handler(exchange);
      }
      if (route.method == "GET") allowed += "HEAD, ";
      allowed += route.method + ", ";
    }
    if (allowed.empty()) return answer(error_response(404, "there is no such path"));
    allowed += "OPTIONS";
    Response response =
        asked == "OPTIONS" ? Response{.status = 204} : error_response(405, "not by this method");
    response.headers.emplace_back("Allow", allowed);
    return answer(std::move(response));
    // </exercise>
  }

 private:
  // <exercise 2.1 members Router>
  struct Route {
    std::string method;
    std::vector<std::string> parts;
    Handler handler;
  };

  /// Splits a path: of "/jobs/7" the parts are "jobs" and "7", and of "/" there is one, which is empty.
  static std::vector<std::string_view> parts_of_view(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
      path.remove_prefix(1);  // the '/'
      parts.push_back(path.substr(0, path.find('/')));
      path.remove_prefix(parts.back().size());
    }
    return parts;
  }
  static std::vector<std::string> parts_of(std::string_view path) {
    const auto views = parts_of_view(path);
    return {views.begin(), views.end()};
  }
  static bool is_parameter(std::string_view part) { return part.starts_with('{'); }
  static bool matches(const Route& route, const std::vector<std::string_view>& path) {
    return std::ranges::equal(route.parts, path, [](const std::string& part, std::string_view piece) {
      return is_parameter(part) ? !piece.empty() : part == piece;
    });
  }
  /// Makes a coroutine of an answer that is there.
  static Coro<Response> answer(Response response) { co_return response; }

  std::vector<Route> routes_;
  // </exercise>
};

}  // namespace asyncio::http
