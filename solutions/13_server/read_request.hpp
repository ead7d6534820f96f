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
  // <exercise 1.1 read_request>
  RequestParser parser(limits);
  const auto& state = reader.state();
  bool begun = false;
  while (true) {
    state->check();
    if (!state->bytes().empty()) {
      begun = true;
      const std::size_t taken = parser.put(state->bytes());
      // The parser has copied what it took.
      if (taken > 0) state->take(taken);
      if (parser.done()) co_return parser.take();
      if (parser.wants_continue()) {
        writer.write("HTTP/1.1 100 Continue\r\n\r\n");
        state->check();  // one who is found to have gone here has sent no bad request
      }
      // Of a body that is there already it may have taken the header alone.
      if (taken > 0 && !state->bytes().empty()) continue;
    }
    if (state->eof()) {
      if (begun) throw Error(400, "the request ends in its middle");
      co_return std::nullopt;
    }
    co_await state->wait_for_data("read_request");
  }
  // </exercise>
  co_return std::nullopt;
}

/// Writes down an answer, as it goes to the client.
/// @param request what is answered; null if that could not be read
/// @throws std::invalid_argument if a header field has the end of a line in it
inline std::string to_bytes(const Response& response, const Request* request) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text += reason(response.status);
  // <exercise 1.2 to_bytes>
  const auto is_one_line = [](std::string_view text) {
    return text.find('\r') == text.npos && text.find('\n') == text.npos;
  };
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!is_one_line(name) || !is_one_line(value))
      throw std::invalid_argument("a header field must be one line: " + std::string(name));
    text.append("\r\n").append(name).append(": ").append(value);
  };
  const bool bodiless = response.status == 204 || response.status < 200;
  if (!bodiless) {
    add("Content-Type", response.content_type);
    if (!response.stream) add("Content-Length", std::to_string(response.body.size()));
  }
  add("Cache-Control", "no-store");
  add("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) add(name, value);
  if (response.close) add("Connection", "close");
  text += "\r\n\r\n";
  if (!bodiless && !(request && request->method == "HEAD")) text += response.body;
  // </exercise>
  return text;
}

}  // namespace asyncio::http
