#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "event.hpp"
#include "http_message.hpp"
#include "read_request.hpp"
#include "router.hpp"
#include "stream_errors.hpp"
#include "streams.hpp"
#include "timeout.hpp"
#include "todo.hpp"
#include "watchdog.hpp"

namespace asyncio::http {

/// The part of a server that its connections share.
struct Service {
  const Router& router;
  Limits limits = {};
  Duration idle_time = std::chrono::seconds(30);  ///< a connection that waits so long for a request is closed
  Duration request_time = std::chrono::seconds(10);  ///< a request that takes so long to come is a 408
  bool draining = false;                             ///< each connection is closed behind its next answer
  /// Told of each answer, and of the request, null if that could not be read; the time is what it took.
  std::function<void(const Request*, const Response&, Duration, const StreamWriter&)> observer = {};
  std::size_t connections = 0;              ///< that are open
  std::size_t active = 0;                   ///< requests that were read, and whose answer was not taken yet
  std::map<int, std::size_t> answers = {};  ///< how many were given, by their status
  Event progress{};                         ///< set whenever a request is active no longer
};

namespace detail {

/// Counts up, as long as it lives. Given, not an exercise.
class ScopedCount {
 public:
  explicit ScopedCount(std::size_t& count) noexcept : count_(count) { ++count_; }
  ScopedCount(const ScopedCount&) = delete;
  ScopedCount& operator=(const ScopedCount&) = delete;
  ~ScopedCount() { --count_; }

 private:
  std::size_t& count_;
};

/// Ends a connection: the client sees the end of what was sent, and gets a while to read that and to close
/// its end. (To close a socket in which bytes are left that nobody has read resets it, and an answer on its
/// way would be lost.) Given, not an exercise.
inline Coro<> end_connection(const Service& service, StreamReader reader, StreamWriter writer) {
  // It may still send, and is to see the answer: unless it is lost, the connection is as good as any.
  if (!writer.is_closing()) reader.set_exception(nullptr);
  Watchdog watchdog(get_running_loop(), [&] { writer.abort(); });
  watchdog.set(std::min<Duration>(service.request_time, std::chrono::seconds(1)));
  try {
    writer.write_eof();
    while (!(co_await reader.read(65536)).empty()) {
    }
  } catch (const std::exception&) {  // it has gone
  }
  writer.close();
}

/// Calls the handler. What it throws is our fault, and a 500: the loop's exception handler is told, and the
/// client is not. Given, not an exercise.
inline Coro<Response> answer_to(const Service& service, Exchange& exchange) {
  try {
    Response response = co_await service.router.dispatch(exchange);
    // A field that cannot be sent is an error of the handler.
    if (!response.headers.empty() || response.content_type.find_first_of("\r\n") != std::string::npos)
      std::ignore = to_bytes({.content_type = response.content_type, .headers = response.headers}, nullptr);
    co_return response;
  } catch (const Error& error) {
    co_return error_response(error.status(), error.what());
  } catch (const std::exception&) {
    get_running_loop().call_exception_handler(
        {.message = "Unhandled exception in a handler", .exception = std::current_exception()});
  }
  co_return error_response(500, "the server has failed");
}

/// Writes an answer, counts it, and tells the observer. Given, not an exercise.
/// @param request what is answered; null if that could not be read
/// @param time from when the request had been read until now
inline void write_answer(Service& service, const Request* request, const Response& response, Duration time,
                         StreamWriter writer) {
  writer.write(to_bytes(response, request));
  ++service.answers[response.status];
  if (service.observer) service.observer(request, response, time, writer);
}

// <exercise 2.2 members your choice, if you want any>
/// A request is being answered, as long as this lives.
class ActiveRequest {
 public:
  explicit ActiveRequest(Service& service) noexcept : service_(service) { ++service_.active; }
  ActiveRequest(const ActiveRequest&) = delete;
  ActiveRequest& operator=(const ActiveRequest&) = delete;
  ~ActiveRequest() {
    --service_.active;
    service_.progress.set();
  }

 private:
  Service& service_;
};
// </exercise>

/// Answers the requests of a connection, one after the other, until there are no more or an answer is to be
/// the last; or until the client has gone, or takes too long. It does not close the connection.
inline Coro<> serve_requests(Service& service, StreamReader reader, StreamWriter writer) {
  // <exercise 2.2 serve_requests>
  EventLoop& loop = get_running_loop();
  bool reading = true;
  // What waits for the client is told that the time is over: by the reader, or by the end of the connection.
  Watchdog watchdog(loop, [&] {
    if (reading)
      reader.set_exception(std::make_exception_ptr(TimeoutError("the client takes too long")));
    else
      writer.abort();
  });
  bool more = true;
  while (more) {
    std::optional<Exchange> exchange;
    Response response;
    bool idle = true;
    reading = true;
    watchdog.set(service.idle_time);
    try {
      if (reader.buffered() == 0 && !reader.at_eof())
        co_await reader.state()->wait_for_data("serve_connection");
      idle = false;
      watchdog.set(service.request_time);
      std::optional<Request> request = co_await read_request(reader, writer, service.limits);
      if (!request) break;
      exchange.emplace(Exchange{std::move(*request), reader});
    } catch (const Error& error) {
      response = error_response(error.status(), error.what());
    } catch (const TimeoutError&) {
      if (idle) break;
      response = error_response(408, "the request takes too long");
    } catch (const std::system_error&) {
      break;  // the client has gone
    }
    watchdog.off();
    const ActiveRequest busy(service);
    const TimePoint begun = loop.time();
    if (exchange)
      response = co_await answer_to(service, *exchange);
    else
      response.close = true;
    const Request* const request = exchange ? &exchange->request : nullptr;
    if (response.stream || service.draining || (request && !request->keep_alive)) response.close = true;
    more = !response.close;
    reading = false;
    watchdog.set(service.request_time);
    write_answer(service, request, response, loop.time() - begun, writer);
    try {
      if (response.stream && request->method != "HEAD") {
        watchdog.off();
        co_await response.stream(writer);
      } else {
        co_await writer.drain();
      }
    } catch (const std::system_error&) {
      break;
    } catch (const TimeoutError&) {
      // The reader's, of a request that took too long: its answer is out.
    }
  }
  // </exercise>
  co_return;
}

}  // namespace detail

/// Serves a connection, and closes it. A client that goes is no error.
inline Coro<> serve_connection(Service& service, StreamReader reader, StreamWriter writer) {
  const detail::ScopedCount connected(service.connections);
  co_await detail::serve_requests(service, reader, writer);
  co_await detail::end_connection(service, reader, writer);
}

}  // namespace asyncio::http
