#pragma once

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coro.hpp"
#include "streams.hpp"

namespace asyncio::http {

/// Header fields, in their order.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// True if the two are the same but for the case of letters.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// A request that has come whole.
struct Request {
  std::string method = {};
  std::string target = {};  ///< as it came: "/jobs/7?wait_ms=100"
  std::string path = {};    ///< of the target, up to the '?'
  std::string query = {};   ///< what is behind the '?'
  Headers headers = {};
  std::string body = {};
  bool keep_alive = true;  ///< the client may send another one on this connection

  /// Returns the value of a header field, whatever the case of its name; nothing if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers)
      if (same_name(key, name)) return value;
    return {};
  }
  /// Returns a parameter of the query: of "a=1&b=2" that called "b" is "2".
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      if (pair.substr(0, pair.find('=')) == name)
        return std::string(pair.substr(std::min(pair.size(), name.size() + 1)));
    }
    return std::nullopt;
  }
};

/// An answer.
struct Response {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  Headers headers = {};  ///< beyond those that each answer has
  bool close = false;    ///< nothing follows on this connection
  /// Writes the body, bit by bit, in the place of `body`. Its end is the end of the connection.
  std::function<Coro<>(StreamWriter)> stream = {};
};

/// A request that cannot be served: the status says why. If it could not be read, the connection is closed
/// behind the answer, for nobody knows where the next request begins.
class Error : public std::runtime_error {
 public:
  Error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}

  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

/// The most that is taken of a request.
struct Limits {
  std::size_t header = 8192;   ///< bytes of the first line and the header fields; more is a 431
  std::size_t body = 1 << 20;  ///< bytes of the body; more is a 413
};

/// Returns the words that belong to a status.
inline std::string_view reason(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace asyncio::http
