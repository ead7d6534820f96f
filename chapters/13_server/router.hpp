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
    routes_.push_back({std::move(method), parts_of(pattern), std::move(handler)});
  }

  /// Finds the handler of the request, sets the exchange's parameters, and calls it. A path that has none is
  /// a 404; a method that this path does not have is a 405, and `Allow` says which it has. HEAD is answered
  /// as GET is, and OPTIONS by `Allow` alone.
  Coro<Response> dispatch(Exchange& exchange) const {
    todo("2.1", "Router::dispatch");
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

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
};

}  // namespace asyncio::http
