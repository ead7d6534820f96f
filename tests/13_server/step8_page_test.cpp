// Chapter 13, step 8: events, for those who watch.

#include "event_hub.hpp"

#include "support.hpp"

using asyncio::jobs::EventHub;

namespace {

void run(const std::function<Coro<>()>& main) {
  EpollLoop e;
  e.run(main);
}

}  // namespace

TEST(Step8_Events, AnEventIsALineOfDataAndHasTheNextNumber) {
  run([]() -> Coro<> {
    EventHub hub;
    EXPECT_EQ(hub.format("job", "{}"), "id: 1\nevent: job\ndata: {}\n\n");
    const auto one = hub.subscribe();
    hub.publish("job", [] { return std::string("{}"); });
    EXPECT_EQ(co_await one->next(), "id: 2\nevent: job\ndata: {}\n\n");
  });
}

TEST(Step8_Events, WhoListensHears) {
  run([]() -> Coro<> {
    EventHub hub;
    const auto one = hub.subscribe();
    hub.publish("job", "1");
    EXPECT_EQ(co_await one->next(), "id: 1\nevent: job\ndata: 1\n\n");
  });
}

TEST(Step8_Events, AllThatHasHappenedComesAtOnce) {
  run([]() -> Coro<> {
    EventHub hub;
    const auto one = hub.subscribe();
    hub.publish("a", "1");
    hub.publish("b", "2");
    EXPECT_EQ(co_await one->next(), "id: 1\nevent: a\ndata: 1\n\nid: 2\nevent: b\ndata: 2\n\n");
  });
}

TEST(Step8_Events, WhoListensWaitsForTheNext) {
  run([]() -> Coro<> {
    EventHub hub;
    const auto one = hub.subscribe();
    Task<std::optional<std::string>> next = create_task(one->next());
    co_await passes(2);
    EXPECT_FALSE(next.done());
    hub.publish("a", "1");
    EXPECT_EQ(co_await next, "id: 1\nevent: a\ndata: 1\n\n");
    Task<std::optional<std::string>> after = create_task(one->next());
    co_await passes(2);
    EXPECT_FALSE(after.done());
    hub.publish("a", "2");
    EXPECT_EQ(co_await after, "id: 2\nevent: a\ndata: 2\n\n");
  });
}

TEST(Step8_Events, AllWhoListenHearTheSame) {
  run([]() -> Coro<> {
    EventHub hub;
    const auto one = hub.subscribe();
    const auto two = hub.subscribe();
    hub.publish("a", "1");
    const auto by_one = co_await one->next();
    EXPECT_EQ(by_one, co_await two->next());
    EXPECT_EQ(hub.subscribers(), 2u);
  });
}

TEST(Step8_Events, WhoGoesIsForgotten) {
  run([]() -> Coro<> {
    EventHub hub;
    auto one = hub.subscribe();
    EXPECT_EQ(hub.subscribers(), 1u);
    one.reset();
    EXPECT_EQ(hub.subscribers(), 0u);
    const auto two = hub.subscribe();
    hub.publish("a", "1");
    EXPECT_TRUE((co_await two->next()).has_value());
    EXPECT_EQ(hub.subscribers(), 1u);
  });
}

TEST(Step8_Events, WhoIsTooSlowIsToldAndHearsNoMore) {
  run([]() -> Coro<> {
    EventHub hub(150);
    int told = 0;
    const auto slow = hub.subscribe([&] {
      if (++told < 10) hub.publish("b", std::string(30, 'y'));
    });
    const auto quick = hub.subscribe();
    for (int i = 0; i < 10; ++i) {
      hub.publish("a", std::string(30, 'x'));
      EXPECT_TRUE((co_await quick->next()).has_value());
    }
    EXPECT_EQ(told, 1);
    const auto end = co_await slow->next();
    EXPECT_FALSE(end.has_value());
  });
}

TEST(Step8_Events, WhoWaitsForWhatIsTooMuchGetsToKnowIt) {
  run([]() -> Coro<> {
    EventHub hub(10);
    const auto one = hub.subscribe();
    Task<std::optional<std::string>> next = create_task(one->next());
    co_await passes(2);
    hub.publish("a", std::string(30, 'x'));
    co_await passes(2);
    EXPECT_TRUE(next.done());
    if (!next.done()) co_return;
    EXPECT_FALSE(next.result().has_value());
  });
}

TEST(Step8_Events, WhatFitsExactlyIsKept) {
  run([]() -> Coro<> {
    const std::string text = EventHub().format("a", "1");
    EventHub hub(text.size());
    const auto one = hub.subscribe();
    hub.publish("a", "1");
    EXPECT_EQ(co_await one->next(), text);
  });
}

TEST(Step8_Events, AtTheEndTheRestIsHeard) {
  run([]() -> Coro<> {
    EventHub hub;
    const auto one = hub.subscribe();
    hub.publish("a", "1");
    hub.close();
    EXPECT_EQ(co_await one->next(), "id: 1\nevent: a\ndata: 1\n\n");
    hub.publish("a", "2");
    const auto end = co_await one->next();
    EXPECT_FALSE(end.has_value()) << "nothing happens after the end";
    const auto late = hub.subscribe();
    const auto nothing = co_await late->next();
    EXPECT_FALSE(nothing.has_value());
  });
}

TEST(Step8_Events, WhoWaitsGetsToKnowTheEnd) {
  run([]() -> Coro<> {
    EventHub hub;
    const auto one = hub.subscribe();
    Task<std::optional<std::string>> next = create_task(one->next());
    co_await passes(2);
    hub.close();
    const auto end = co_await next;
    EXPECT_FALSE(end.has_value());
  });
}
