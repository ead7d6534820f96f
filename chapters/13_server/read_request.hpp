#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "http_message.hpp"
#include "http_parser.hpp"
#include "streams.hpp"
#include "todo.hpp"

namespace asyncio::http {

/// Waits for a request, and returns it; nothing if the client has ended the connection, and no request has
/// begun.
/// @throws Error if it is no request, is too large, or the stream ends in its middle; what is wrong with the
/// stream
inline Coro<std::optional<Request>> read_request(StreamReader reader, StreamWriter writer,
                                                 Limits limits = {}) {
  todo("1.1", "read_request");
  co_return std::nullopt;
}

/// Writes down an answer, as it goes to the client.
/// @param request what is answered; null if that could not be read
/// @throws std::invalid_argument if a header field has the end of a line in it
inline std::string to_bytes(const Response& response, const Request* request) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text += reason(response.status);
  todo("1.2", "to_bytes");
  return text;
}

}  // namespace asyncio::http
