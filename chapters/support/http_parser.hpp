#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "http_message.hpp"

namespace asyncio::http {

/// Parses one request, from whatever pieces it comes in. It is Boost.Beast's parser, and what a server must
/// refuse beyond that: two lengths, two hosts, encodings that it does not know.
class RequestParser {
 public:
  explicit RequestParser(const Limits& limits = {}) : limits_(limits) {
    parser_.header_limit(static_cast<std::uint32_t>(limits.header));
    parser_.body_limit(limits.body);
    parser_.eager(true);
  }

  /// Takes bytes from the beginning of `bytes`; fewer than all if the request is complete, or if the rest is
  /// of no use before more has come: then hand it in again, with what has come behind it.
  /// @returns how many it has taken
  /// @throws Error if this is no request that can be served
  std::size_t put(std::string_view bytes) {
    boost::beast::error_code error;
    const std::size_t size = parser_.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (error == boost::beast::http::error::need_more) error = {};
    if (error) throw refused(error, bytes);
    // The parser has no limit for what surrounds the chunks of a body.
    taken_ += size;
    if (parser_.is_header_done() && taken_ > 2 * limits_.header + 8 * parser_.get().body().size())
      throw Error(413, "there is too much around the body");
    if (parser_.is_header_done() && !checked_) check();
    return size;
  }

  /// True once all of the request has come.
  [[nodiscard]] bool done() const noexcept { return checked_ && parser_.is_done(); }

  /// True, once, if the client waits for a "100 Continue" before it sends the body.
  [[nodiscard]] bool wants_continue() noexcept { return std::exchange(wants_continue_, false) && !done(); }

  /// Returns the request. Call it once, when it is done.
  [[nodiscard]] Request take() {
    auto message = parser_.release();
    request_.body = std::move(message.body());
    return std::move(request_);
  }

 private:
  /// True if the first line ends as that of a version that we do not speak.
  static bool has_other_version(std::string_view bytes) noexcept {
    const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
    if (line.size() < 9 || line.size() == bytes.size()) return false;
    const std::string_view end = line.substr(line.size() - 9);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return end.starts_with(" HTTP/") && digit(end[6]) && end[7] == '.' && digit(end[8]);
  }
  static Error refused(const boost::beast::error_code& code, std::string_view bytes) {
    using boost::beast::http::error;
    switch (static_cast<error>(code.value())) {
      case error::header_limit:
        return Error(431, "the header is too large");
      case error::body_limit:
        return Error(413, "the body is too large");
      case error::bad_version:
        if (has_other_version(bytes)) return Error(505, "the version of HTTP is not 1.0 or 1.1");
        [[fallthrough]];
      default:
        return Error(400, "this is no request: " + code.message());
    }
  }

  /// Looks at the header, which is complete.
  void check() {
    checked_ = true;
    const auto& message = parser_.get();
    const auto text = [](auto view) { return std::string(view.data(), view.size()); };
    if (message.version() != 10 && message.version() != 11)
      throw Error(505, "the version of HTTP is not 1.0 or 1.1");
    std::size_t hosts = 0;
    std::size_t lengths = 0;
    std::size_t encodings = 0;
    for (const auto& field : message) {
      request_.headers.emplace_back(text(field.name_string()), text(field.value()));
      const auto& [name, value] = request_.headers.back();
      if (same_name(name, "Host")) ++hosts;
      if (same_name(name, "Content-Length")) ++lengths;
      if (same_name(name, "Transfer-Encoding")) {
        ++encodings;
        if (!same_name(value, "chunked")) throw Error(501, "no Transfer-Encoding is known but chunked");
      }
      if (same_name(name, "Expect")) {
        if (!same_name(value, "100-continue")) throw Error(417, "no expectation is known but 100-continue");
        wants_continue_ = message.version() == 11;
      }
    }
    if (lengths + encodings > 1) throw Error(400, "the length of the body is said twice");
    if (encodings > 0 && message.version() == 10) throw Error(400, "HTTP/1.0 has no Transfer-Encoding");
    if (hosts > 1 || (hosts == 0 && message.version() == 11)) throw Error(400, "there must be one Host");
    request_.method = text(message.method_string());
    request_.target = text(message.target());
    // A client of HTTP/1.0 that keeps connections waits for their end, unless its answer says that it is
    // kept.
    request_.keep_alive = message.version() == 11 && message.keep_alive();
    set_path();
  }

  void set_path() {
    std::string_view target = request_.target;
    if (target.starts_with("http://")) {
      target.remove_prefix(std::min(target.size(), target.find('/', 7)));
      if (target.empty()) target = "/";
    }
    if (target == "*" && request_.method == "OPTIONS") target = "/";
    if (!target.starts_with('/')) throw Error(400, "the target is no path");
    request_.path = target.substr(0, target.find('?'));
    request_.query = target.substr(std::min(target.size(), request_.path.size() + 1));
  }

  boost::beast::http::request_parser<boost::beast::http::string_body> parser_;
  const Limits limits_;
  Request request_;
  std::size_t taken_ = 0;
  bool checked_ = false;
  bool wants_continue_ = false;
};

}  // namespace asyncio::http
