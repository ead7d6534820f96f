#pragma once

// A right solution: it walks pattern and path side by side.

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
    routes_.push_back({std::move(method), std::string(pattern), std::move(handler)});
  }

  /// Answers the request of the exchange, and sets the parameters of its path. The router outlives the
  /// answer.
  Coro<Response> dispatch(Exchange& exchange) const {
    const std::string& asked = exchange.request.method;
    std::string allow;
    for (const Route& route : routes_) {
      const auto parameters = match(route.pattern, exchange.request.path);
      if (!parameters) continue;
      if (route.method == asked || (route.method == "GET" && asked == "HEAD")) {
        exchange.parameters = *parameters;
        return route.handler(exchange);
      }
      allow += route.method == "GET" ? "HEAD, GET, " : route.method + ", ";
    }
    return otherwise(asked, std::move(allow));
  }

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
  };

  static std::string_view next_part(std::string_view& rest) {
    rest.remove_prefix(1);
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(part.size());
    return part;
  }
  static std::optional<Parameters> match(std::string_view pattern, std::string_view path) {
    Parameters parameters;
    while (!pattern.empty() && !path.empty()) {
      const std::string_view wanted = next_part(pattern), part = next_part(path);
      if (wanted.size() > 2 && wanted.front() == '{' && !part.empty())
        parameters.emplace_back(wanted.substr(1, wanted.size() - 2), part);
      else if (wanted != part)
        return std::nullopt;
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parameters;
  }
  static Coro<Response> otherwise(std::string asked, std::string allow) {
    if (allow.empty()) co_return error_response(404, "nothing is here");
    Response response = error_response(405, "this cannot be done here");
    if (asked == "OPTIONS") response = Response{.status = 204};
    response.headers.push_back({"Allow", allow + "OPTIONS"});
    co_return response;
  }

  std::vector<Route> routes_;
};

}  // namespace asyncio::http
