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
    todo("2.1", "Router::add");
  }

  /// Answers the request of the exchange, and sets the parameters of its path. The router outlives the
  /// answer.
  Coro<Response> dispatch(Exchange& exchange) const {
    todo("2.1", "Router::dispatch");
  }

 private:
  // For 2.1: members of Router.
};

}  // namespace asyncio::http
