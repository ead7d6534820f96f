// Chapter 13, step 2: which function answers what.

#include "router.hpp"

#include "support.hpp"

using http::Exchange;
using http::Response;
using http::Router;

namespace {

Coro<Response> text(std::string body) {
  co_return Response{.body = std::move(body), .content_type = "text/plain"};
}

/// Routes for all tests.
Router routes() {
  Router router;
  router.add("GET", "/", [](Exchange&) { return text("home"); });
  router.add("GET", "/jobs", [](Exchange&) { return text("all"); });
  router.add("POST", "/jobs", [](Exchange& exchange) { return text("new " + exchange.request.body); });
  router.add("GET", "/jobs/{id}", [](Exchange& exchange) { return text("job " + exchange.parameter("id")); });
  router.add("DELETE", "/jobs/{id}", [](Exchange&) { return text("gone"); });
  router.add("POST", "/run", [](Exchange&) { return text("ran"); });
  router.add("OPTIONS", "/own", [](Exchange&) { return text("its own"); });
  router.add("GET", "/a/{x}/b/{y}",
             [](Exchange& e) { return text(e.parameter("x") + "+" + e.parameter("y")); });
  return router;
}

/// Returns what is answered to a request, without a connection.
Response ask(std::string method, std::string path) {
  EpollLoop e;
  const Router router = routes();
  return e.result_of([&]() -> Coro<Response> {
    Exchange exchange{.request = {.method = std::move(method), .path = std::move(path), .body = "body"},
                      .reader = asyncio::StreamReader()};
    co_return co_await router.dispatch(exchange);
  });
}
std::string body(std::string method, std::string path) {
  return ask(std::move(method), std::move(path)).body;
}
std::string allowed(const Response& response) {
  for (const auto& [name, value] : response.headers)
    if (name == "Allow") return value;
  return "";
}

}  // namespace

TEST(Step2_Routes, APathHasAHandlerForEachMethod) {
  EXPECT_EQ(body("GET", "/jobs"), "all");
  EXPECT_EQ(body("POST", "/jobs"), "new body");
  EXPECT_EQ(body("GET", "/"), "home");
}

TEST(Step2_Routes, APartOfAPathMayBeAParameter) {
  EXPECT_EQ(body("GET", "/jobs/17"), "job 17");
  EXPECT_EQ(body("DELETE", "/jobs/17"), "gone");
  EXPECT_EQ(body("GET", "/a/1/b/2"), "1+2");
}

TEST(Step2_Routes, AParameterIsOnePartAndNotEmpty) {
  EXPECT_EQ(ask("GET", "/jobs/").status, 404);
  EXPECT_EQ(ask("GET", "/jobs/1/2").status, 404);
}

TEST(Step2_Routes, AnUnknownPathIs404) {
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("POST", "/job").status, 404);
  EXPECT_EQ(ask("OPTIONS", "/nothing").status, 404);
}

TEST(Step2_Routes, AMethodThatAPathDoesNotHaveIs405AndItIsSaidWhichItHas) {
  const Response response = ask("PUT", "/jobs/17");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(allowed(response), "HEAD, GET, DELETE, OPTIONS");
  const Response head = ask("HEAD", "/run");
  EXPECT_EQ(head.status, 405);
  EXPECT_EQ(allowed(head), "POST, OPTIONS") << "HEAD is answered where GET is";
}

TEST(Step2_Routes, AHandlerSeesTheParametersOfItsOwnPattern) {
  EpollLoop e;
  Router router;
  router.add("GET", "/jobs/{id}", [](Exchange&) { return text("seen"); });
  router.add("GET", "/{place}/all", [](Exchange&) { return text("all"); });
  router.add("PUT", "/jobs/{name}", [](Exchange&) { return text("named"); });
  Exchange exchange{.request = {.method = "PUT", .path = "/jobs/all"},
                    .reader = asyncio::StreamReader(),
                    .parameters = {{"of another", "request"}}};
  EXPECT_EQ(e.result_of([&] { return router.dispatch(exchange); }).body, "named");
  EXPECT_EQ(exchange.parameters, (http::Headers{{"name", "all"}}));
}

TEST(Step2_Routes, HeadIsAnsweredAsGet) {
  EXPECT_EQ(ask("HEAD", "/jobs").status, 200);
  EXPECT_EQ(body("HEAD", "/jobs/3"), "job 3");
}

TEST(Step2_Routes, OptionsSaysWhatIsAllowed) {
  const Response response = ask("OPTIONS", "/jobs");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(allowed(response), "HEAD, GET, POST, OPTIONS");
  EXPECT_EQ(body("OPTIONS", "/own"), "its own") << "there is a route for it";
}
