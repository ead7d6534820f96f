// Chapter 13, step 1: a request, from bytes, and an answer, to bytes.

#include "read_request.hpp"

#include "support.hpp"

using http::read_request;
using http::Request;
using http::Response;
using http::to_bytes;

namespace {

/// Reads one request of what a client sends, who ends then. @returns "400", say, for one that is refused;
/// else what `show(request)` says, and "nothing" if there is none
std::string read(std::string text, std::string (*show)(const Request&), http::Limits limits = {}) {
  EpollLoop e;
  return e.result_of([&]() -> Coro<std::string> {
    auto [streams, client] = connection();
    client.send(text);
    client.end();
    std::string result;
    try {
      const std::optional<Request> request = co_await read_request(streams.reader, streams.writer, limits);
      result = request ? show(*request) : "nothing";
    } catch (const http::Error& error) {
      result = std::to_string(error.status());
    }
    co_return result;
  });
}
std::string status(std::string text, http::Limits limits = {}) {
  return read(
      std::move(text), [](const Request&) { return std::string("200"); }, limits);
}
std::string body(std::string text) {
  return read(std::move(text), [](const Request& request) { return request.body; });
}

}  // namespace

TEST(Step1_Requests, MethodTargetAndHeadersAreThere) {
  EXPECT_EQ(read("GET /jobs/7?wait_ms=5&a=b HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
                 [](const Request& r) {
                   return r.method + " " + r.path + " " + r.query + " " + r.target + " " +
                          std::string(r.header("accept")) + " " + r.parameter("a").value_or("none");
                 }),
            "GET /jobs/7 wait_ms=5&a=b /jobs/7?wait_ms=5&a=b text/html b");
}

TEST(Step1_Requests, TheBodyIsAsLongAsItSays) {
  EXPECT_EQ(body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello, and more"), "hello");
  EXPECT_EQ(body(get("/")), "");
}

TEST(Step1_Requests, ABodyMayComeInChunks) {
  EXPECT_EQ(body("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n2\r\n, "
                 "\r\n0\r\n\r\n"),
            "hello, ");
}

TEST(Step1_Requests, ItMayComeByteByByte) {
  EpollLoop e;
  const std::string text = request("POST", "/slow", "some words");
  const auto read = e.result_of([&]() -> Coro<std::string> {
    auto [streams, client] = connection();
    Task<std::optional<Request>> reading = create_task(read_request(streams.reader, streams.writer));
    for (const char c : text) {
      EXPECT_FALSE(reading.done());
      client.send({&c, 1});
      co_await passes(3);
    }
    const std::optional<Request> request = co_await reading;
    co_return request->path + " " + request->body;
  });
  EXPECT_EQ(read, "/slow some words");
}

TEST(Step1_Requests, WhatFollowsIsTheNextRequest) {
  EpollLoop e;
  e.run([&]() -> Coro<> {
    auto [streams, client] = connection();
    client.send(request("POST", "/one", "1") + get("/two") + get("/three"));
    for (const char* path : {"/one", "/two", "/three"}) {
      const std::optional<Request> request = co_await read_request(streams.reader, streams.writer);
      EXPECT_TRUE(request.has_value());
      if (!request) co_return;
      EXPECT_EQ(request->path, path);
    }
    client.end();
    const std::optional<Request> last = co_await read_request(streams.reader, streams.writer);
    EXPECT_FALSE(last.has_value());
  });
}

TEST(Step1_Requests, TheEndBeforeARequestIsNoError) { EXPECT_EQ(status(""), "nothing"); }

TEST(Step1_Requests, TheEndInARequestIsAnError) {
  EXPECT_EQ(status("GET / HT"), "400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\n"), "400");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell"), "400");
}

TEST(Step1_Requests, AClientThatIsLostIsNoRequest) {
  for (const std::string came : {"GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    EpollLoop e;
    e.run([&]() -> Coro<> {
      auto [streams, client] = connection();
      client.send(came);
      co_await until([&streams = streams, &came] { return streams.reader.buffered() == came.size(); });
      streams.reader.set_exception(std::make_exception_ptr(std::runtime_error("it is lost")));
      std::string error;
      try {
        co_await read_request(streams.reader, streams.writer);
      } catch (const std::runtime_error& caught) {
        error = caught.what();
      }
      EXPECT_EQ(error, "it is lost") << came;
    });
  }
}

TEST(Step1_Requests, WhatIsNoRequestIsRefused) {
  EXPECT_EQ(status("hello\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), "505");
}

TEST(Step1_Requests, TwoLengthsAreRefused) {
  EXPECT_EQ(
      status(
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "400");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
            "400");
}

TEST(Step1_Requests, AHeaderHasALimit) {
  const std::string long_one = "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + std::string(300, 'c') + "\r\n\r\n";
  EXPECT_EQ(status(long_one, {.header = 400}), "200");
  EXPECT_EQ(status(long_one, {.header = 200}), "431");
}

TEST(Step1_Requests, ABodyHasALimit) {
  const std::string chunks =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n";
  EXPECT_EQ(status(request("POST", "/", "0123456789"), {.body = 10}), "200");
  EXPECT_EQ(status(request("POST", "/", "0123456789"), {.body = 9}), "413");
  EXPECT_EQ(status(chunks, {.body = 10}), "200");
  EXPECT_EQ(status(chunks, {.body = 9}), "413");
}

TEST(Step1_Requests, ALargeBodyComesWhole) {
  EpollLoop e;
  const std::string large(500'000, 'x');
  e.run([&]() -> Coro<> {
    auto [streams, client] = connection();
    const std::string text = request("POST", "/", large);
    Task<std::optional<Request>> reading = create_task(read_request(streams.reader, streams.writer));
    for (std::size_t at = 0; at < text.size(); at += 10'000) {
      client.send(text.substr(at, 10'000));
      co_await passes(2);
    }
    const std::optional<Request> request = co_await reading;
    EXPECT_EQ(request->body, large);
  });
}

TEST(Step1_Requests, AClientThatAsksFirstIsToldToGoOn) {
  EpollLoop e;
  e.run([&]() -> Coro<> {
    auto [streams, client] = connection();
    Task<std::optional<Request>> reading = create_task(read_request(streams.reader, streams.writer));
    client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    const Reply interim = co_await client.reply();
    EXPECT_EQ(interim.status, 100);
    client.send("ok");
    const std::optional<Request> request = co_await reading;
    EXPECT_EQ(request->body, "ok");
    streams.writer.close();
    EXPECT_EQ(co_await client.rest(), "") << "it is told once";
  });
}

TEST(Step1_Requests, AClientThatAsksFirstMayBeGoneWhenItIsTold) {
  for (const bool its_end_has_come : {false, true}) {
    EpollLoop e;
    e.run([&]() -> Coro<> {
      auto [streams, client] = connection();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
      client.leave();
      if (its_end_has_come) co_await until([&streams = streams] { return streams.reader.state()->eof(); });
      bool lost = false;
      std::string other_error;
      try {
        co_await read_request(streams.reader, streams.writer);
      } catch (const std::system_error&) {
        lost = true;
      } catch (const std::exception& error) {
        other_error = error.what();
      }
      EXPECT_TRUE(lost) << other_error;
    });
  }
}

TEST(Step1_Answers, AnAnswerIsItsStatusItsHeadersAndItsBody) {
  EXPECT_EQ(to_bytes({.status = 202, .body = "{}", .headers = {{"Location", "/jobs/1"}}}, nullptr),
            "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nLocation: /jobs/1\r\n\r\n{}");
}

TEST(Step1_Answers, TheLastAnswerSaysSo) {
  EXPECT_TRUE(to_bytes({.headers = {{"Retry-After", "1"}}, .close = true}, nullptr)
                  .ends_with("nosniff\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(to_bytes({}, nullptr).find("Connection"), std::string::npos);
}

TEST(Step1_Answers, HeadGetsTheLengthOfABodyThatDoesNotCome) {
  const Request head{.method = "HEAD"};
  const std::string text = to_bytes({.body = "four"}, &head);
  EXPECT_NE(text.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(Step1_Answers, WhatHasNoBodySaysNoLength) {
  const std::string text = to_bytes({.status = 204, .body = "x"}, nullptr);
  EXPECT_EQ(text.find("\r\nContent-"), text.npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(Step1_Answers, AStreamSaysNoLength) {
  const std::string text = to_bytes({.stream = [](asyncio::StreamWriter) -> Coro<> { co_return; }}, nullptr);
  EXPECT_EQ(text.find("Content-Length"), std::string::npos);
  EXPECT_NE(text.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
}

TEST(Step1_Answers, AHeaderIsOneLine) {
  for (const std::string end : {"\r", "\n"}) {
    EXPECT_THROW(to_bytes({.headers = {{"Location", "/" + end}}}, nullptr), std::invalid_argument);
    EXPECT_THROW(to_bytes({.headers = {{"A" + end, "/"}}}, nullptr), std::invalid_argument);
    EXPECT_THROW(to_bytes({.content_type = "text/html" + end}, nullptr), std::invalid_argument);
  }
  EXPECT_THROW(to_bytes({.headers = {{"Location", "/\r\nSet-Cookie: a=b"}}}, nullptr), std::invalid_argument);
  EXPECT_THROW(to_bytes({.headers = {{"A\nB", "/"}}}, nullptr), std::invalid_argument);
}
