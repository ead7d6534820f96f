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
  EXPECT_EQ(stderr_of([&] { v.run_once(); }), "") << "what the handler is told is its business";
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

TEST(Step6_Exceptions, ACallbackThatThrowsIsDestroyedBeforeTheNextRunsThoughSomebodyHasItsHandle) {
  for (const bool debug : {false, true}) {
    VirtualLoop v;
    std::atomic<int> alive = 0;
    int seen = -1;
    v.loop.set_debug(debug);
    v.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    const Handle handle = v.loop.call_soon([counted = Counted(alive)] { throw 1; });
    v.loop.call_soon([&] { seen = alive; });
    v.run_once();
    EXPECT_EQ(seen, 0);
  }
}

TEST(Step6_Exceptions, WhatIsNoStdExceptionIsWrittenToo) {  // AIO-16
  VirtualLoop v;
  v.loop.call_soon([] { throw 7; });
  const std::string text = stderr_of([&] { v.run_once(); });
  EXPECT_TRUE(text.starts_with("Exception in callback ")) << text;
  v.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) { throw 7; });
  v.loop.call_soon([] { throw 7; });
  const std::string handlers = stderr_of([&] { v.run_once(); });
  EXPECT_TRUE(handlers.starts_with("Unhandled error in exception handler")) << handlers;
}

TEST(Step6_Exceptions, TheHandlerStaysForTheNext) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    log.push_back(what(context.exception));
    if (log.size() == 1) throw std::runtime_error("handler");
  });
  for (const char* error : {"first", "second"})
    v.loop.call_soon([error] { throw std::runtime_error(error); });
  EXPECT_EQ(stderr_of([&] { v.run_once(); }), "Unhandled error in exception handler: handler\n");
  EXPECT_EQ(log, (Log{"first", "second"}));
}

TEST(Step6_Exceptions, AHandlerMayTakeItselfAway) {  // AIO-16
  VirtualLoop v;
  int told = 0;
  v.loop.set_exception_handler([&](EventLoop& loop, const ExceptionContext&) {
    loop.set_exception_handler({});
    ++told;
  });
  for (int i = 0; i < 2; ++i) v.loop.call_soon([] { throw std::runtime_error("lost"); });
  EXPECT_TRUE(stderr_of([&] { v.run_once(); }).ends_with(": lost\n"));
  EXPECT_EQ(told, 1);
}

TEST(Step6_Exceptions, ACallbackThatCancelsItselfAndThrowsIsToldOf) {  // AIO-16
  VirtualLoop v;
  Handle handle;
  v.note_reports();
  handle = v.loop.call_soon([&] {
    handle.cancel();
    throw std::runtime_error("cancelled itself");
  });
  v.run_once();
  ASSERT_EQ(v.log.size(), 1u);
  EXPECT_TRUE(v.log[0].ends_with(": cancelled itself")) << v.log[0];
}

TEST(Step6_Exceptions, WithoutMemoryToTellOfAnExceptionTheLoopGoesOn) {  // AIO-16
  for (const bool debug : {false, true}) {
    const int ran_out = course::until_memory_suffices([debug](course::Memory& memory) {
      VirtualLoop v;
      bool told = false;
      int next = 0;
      v.loop.set_debug(debug);
      v.loop.set_exception_handler(
          [&told, large = std::string(100, ' ')](EventLoop&, const ExceptionContext&) { told = true; });
      v.loop.call_soon([&] {
        v.clock.advance(1s);
        throw 7;
      });
      v.loop.call_soon([&] { ++next; });
      bool passed = false;
      const std::string text = stderr_of([&] { passed = memory.suffices_for([&] { v.run_once(); }); });
      EXPECT_TRUE(passed) << "the pass ends with an exception of its own";
      EXPECT_EQ(next, 1) << "the rest of the pass runs";
      EXPECT_TRUE(told || text.contains("Exception in callback ")) << text;
    });
    EXPECT_GT(ran_out, 0);
  }
}
