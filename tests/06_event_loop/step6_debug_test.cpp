// Chapter 06, step 6: debug mode: slow callbacks, and calls from the wrong thread.

#include "support.hpp"

#include <stdexcept>
#include <thread>

TEST(Step6_Debug, ASlowCallbackIsTold) {  // AIO-15
  struct Slow {
    VirtualTimeSelector& clock;
    void operator()() const { clock.advance(123ms); }
  };
  VirtualLoop v;
  v.loop.set_debug(true);
  EXPECT_TRUE(v.loop.get_debug());
  v.loop.call_soon(Slow{v.clock});
  const std::string text = stderr_of([&] { v.run_once(); });
  EXPECT_TRUE(text.starts_with("Executing ")) << text;
  EXPECT_NE(text.find("Slow"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(" took 0.123 seconds\n")) << text;
}

TEST(Step6_Debug, SlowIsWhatTakesTheDurationOrMore) {  // AIO-15
  VirtualLoop v;
  v.loop.set_debug(true);
  EXPECT_EQ(v.loop.slow_callback_duration, 100ms);
  v.loop.slow_callback_duration = 50ms;
  const auto told_of = [&](Duration time) {
    v.loop.call_soon([&, time] { v.clock.advance(time); });
    return !stderr_of([&] { v.run_once(); }).empty();
  };
  EXPECT_FALSE(told_of(50ms - 1ns));
  EXPECT_TRUE(told_of(50ms));
  v.loop.set_debug(false);
  EXPECT_FALSE(told_of(1h));
}

TEST(Step6_Debug, ExceptionsAreHandledInDebugModeToo) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_debug(true);
  v.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { log.push_back(what(context.exception)); });
  v.loop.call_soon([&] {
    v.clock.advance(1s);
    throw std::runtime_error("slow and wrong");
  });
  v.loop.call_soon([&] { log.push_back("next"); });
  EXPECT_FALSE(stderr_of([&] { v.run_once(); }).empty());
  EXPECT_EQ(log, (Log{"slow and wrong", "next"}));
}

TEST(Step6_Debug, OtherThreadsAreRefused) {  // AIO-14
  VirtualLoop v;
  v.loop.set_debug(true);
  const std::string refusal = "Non-thread-safe operation invoked on an event loop other than the current one";
  Log log;
  v.loop.call_soon([&] {
    std::jthread([&] {
      log.push_back(error_of([&] { v.loop.call_soon(nothing); }));
      log.push_back(error_of([&] { v.loop.call_later(1s, nothing); }));
      log.push_back(error_of([&] { v.loop.call_at(at(1s), nothing); }));
      log.push_back(error_of([&] { v.loop.call_soon_threadsafe(nothing); }));
      EXPECT_THROW(v.loop.call_soon(nothing), std::runtime_error);
    }).join();
    log.push_back(error_of([&] { v.loop.call_soon(nothing); }));
  });
  v.run_once();
  EXPECT_EQ(log, (Log{refusal, refusal, refusal, "nothing", "nothing"}));
}

TEST(Step6_Debug, AnyThreadMayPrepareALoopThatDoesNotRun) {  // AIO-14
  VirtualLoop v;
  v.loop.set_debug(true);
  v.loop.call_soon(nothing);
  v.run_once();
  std::string error;
  std::jthread([&] { error = error_of([&] { v.loop.call_soon(nothing); }); }).join();
  EXPECT_EQ(error, "nothing");
}

TEST(Step6_Debug, TheHandlerIsToldTheSameInDebugMode) {  // AIO-16
  struct Faulty {
    void operator()() const { throw std::runtime_error("no"); }
  };
  VirtualLoop v;
  v.loop.set_debug(true);
  int told = 0;
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    ++told;
    EXPECT_TRUE(context.message.starts_with("Exception in callback ")) << context.message;
    EXPECT_NE(context.message.find("Faulty"), std::string::npos) << context.message;
    EXPECT_TRUE(context.handle);
  });
  v.loop.call_soon(Faulty());
  v.loop.call_later(0s, Faulty());
  v.loop.call_soon_threadsafe(Faulty());
  v.run_once();
  EXPECT_EQ(told, 3);
}

TEST(Step6_Debug, ABusyLoopLooksAtItsSelectorInDebugModeToo) {  // AIO-05
  RecordedLoop r;
  r.loop.set_debug(true);
  int left = 640;
  const std::function<void()> link = [&] {
    if (--left == 0) return r.loop.stop();
    r.loop.call_soon(std::ref(link));
  };
  r.loop.call_soon(std::ref(link));
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts.size(), 9u) << "every 64 callbacks";
}
