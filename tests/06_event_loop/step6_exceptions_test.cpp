// Chapter 06, step 6: exceptions that callbacks let out.

#include "support.hpp"

#include <stdexcept>

TEST(Step6_Exceptions, AnExceptionGoesToTheHandlerAndTheLoopLives) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
    EXPECT_EQ(&loop, &v.loop);
    EXPECT_TRUE(context.message.starts_with("Exception in callback ")) << context.message;
    EXPECT_TRUE(context.handle);
    log.push_back(what(context.exception));
  });
  v.loop.call_soon([] { throw std::runtime_error("first"); });
  v.loop.call_soon([&] { log.push_back("next"); });
  v.loop.call_soon([] { throw 7; });
  v.loop.call_later(0s, [] { throw std::runtime_error("timer"); });
  v.loop.call_soon_threadsafe([] { throw std::runtime_error("posted"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"first", "next", "7", "posted", "timer"}));
}

TEST(Step6_Exceptions, TheMessageNamesTheCallback) {  // AIO-16
  struct Faulty {
    void operator()(int) const { throw std::runtime_error("no"); }
  };
  VirtualLoop v;
  std::string message;
  v.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { message = context.message; });
  v.loop.call_soon(Faulty(), 1);
  v.run_once();
  EXPECT_NE(message.find("Faulty"), std::string::npos) << message;
}

TEST(Step6_Exceptions, WithoutAHandlerALineIsWritten) {  // AIO-16
  VirtualLoop v;
  v.loop.call_soon([] { throw std::runtime_error("lost"); });
  const std::string text = stderr_of([&] { v.run_once(); });
  EXPECT_TRUE(text.starts_with("Exception in callback ")) << text;
  EXPECT_TRUE(text.ends_with(": lost\n")) << text;
}

TEST(Step6_Exceptions, AnEmptyHandlerBringsBackTheDefault) {  // AIO-16
  VirtualLoop v;
  int calls = 0;
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++calls; });
  v.loop.set_exception_handler({});
  v.loop.call_soon([] { throw std::runtime_error("lost"); });
  EXPECT_TRUE(stderr_of([&] { v.run_once(); }).ends_with(": lost\n"));
  EXPECT_EQ(calls, 0);
}

TEST(Step6_Exceptions, WhatTheHandlerThrowsIsWrittenAndGoesNoFurther) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler(
      [](EventLoop&, const ExceptionContext&) { throw std::runtime_error("handler"); });
  v.loop.call_soon([] { throw std::runtime_error("callback"); });
  v.loop.call_soon([&] { log.push_back("next"); });
  EXPECT_EQ(stderr_of([&] { v.run_once(); }), "Unhandled error in exception handler: handler\n");
  EXPECT_EQ(log, Log{"next"});
}

TEST(Step6_Exceptions, AHandlerMayReplaceItself) {
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler([&, text = std::string("a text that is too long to lie in the string")](
                                   EventLoop& loop, const ExceptionContext&) {
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { log.push_back("second"); });
    log.push_back(text);
  });
  for (int i = 0; i < 2; ++i) v.loop.call_soon([] { throw 1; });
  v.run_once();
  EXPECT_EQ(log, (Log{"a text that is too long to lie in the string", "second"}));
}

TEST(Step6_Exceptions, AHandlerMayBeCalledByHand) {  // AIO-16
  VirtualLoop v;
  std::string seen;
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    seen = context.message;
    EXPECT_FALSE(context.exception);
    EXPECT_FALSE(context.handle);
  });
  v.loop.call_exception_handler({.message = "by hand"});
  EXPECT_EQ(seen, "by hand");
  v.loop.set_exception_handler({});
  EXPECT_EQ(stderr_of([&] { v.loop.call_exception_handler({.message = "by hand"}); }), "by hand\n");
}

TEST(Step6_Exceptions, ACallbackThatThrowsIsDestroyedToo) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  v.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  v.loop.call_soon([counted = Counted(alive)] { throw 1; });
  v.run_once();
  EXPECT_EQ(alive, 0);
}
