// Chapter 12, step 4: the end of a connection.

#include "stream_writer.hpp"

#include "support.hpp"

#include <optional>

using asyncio::make_streams;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;

namespace {

/// Runs `main(streams, far)` on a loop: the streams of a socket, and its peer. No descriptor is left open.
template <class F>
void with_streams(F main) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> { co_await main(make_streams(std::move(near)), far); });
  EXPECT_EQ(e.told, Log{});
}

/// Takes from `far` what comes, to the end.
Coro<std::string> take_all(const Fd& far) {
  std::string all;
  while (true) {
    all += get(far);
    if (at_end(far)) co_return all;
    co_await passes(1);
  }
}

}  // namespace

TEST(Step4_Close, WhatIsLeftIsSentFirst) {  // AIO-103
  with_streams([](Streams s, Fd& far) -> Coro<> {
    const std::string text = long_text(1'000'000);
    s.writer.write(text);
    s.writer.close();
    EXPECT_TRUE(s.writer.is_closing());
    const Task<> closed = create_task(s.writer.wait_closed());
    co_await passes(2);
    EXPECT_FALSE(closed.done()) << "most is not sent yet";
    EXPECT_TRUE(co_await take_all(far) == text);
    co_await closed;
    EXPECT_FALSE(s.writer.socket());
  });
}

TEST(Step4_Close, ClosedTwiceIsClosed) {  // AIO-103
  with_streams([](Streams s, Fd& far) -> Coro<> {
    s.writer.write("last words");
    s.writer.close();
    s.writer.close();
    co_await s.writer.wait_closed();
    s.writer.close();
    s.writer.abort();
    co_await s.writer.wait_closed();
    EXPECT_EQ(co_await take_all(far), "last words");
  });
}

TEST(Step4_Close, WhoHasEndedWhatItWritesMayCloseToo) {  // AIO-103 AIO-104
  with_streams([](Streams s, Fd& far) -> Coro<> {
    const std::string text = long_text(1'000'000);
    s.writer.write(text);
    s.writer.write_eof();
    s.writer.close();
    EXPECT_TRUE(co_await take_all(far) == text);
    co_await passes(3);
    EXPECT_FALSE(s.writer.socket()) << "all is sent, and it was to be closed then";
    s.writer.abort();
    co_await s.writer.wait_closed();
  });
}

TEST(Step4_Close, WhatIsWrittenLaterIsDropped) {  // AIO-104
  with_streams([](Streams s, Fd& far) -> Coro<> {
    const std::string text = long_text(1'000'000);
    s.writer.write(text);
    s.writer.close();
    s.writer.write("too late");
    s.writer.write_eof();
    EXPECT_TRUE(co_await take_all(far) == text);
    co_await s.writer.wait_closed();
    s.writer.write("later still");
  });
}

TEST(Step4_Close, AbortDropsWhatIsLeft) {  // AIO-103
  with_streams([](Streams s, Fd& far) -> Coro<> {
    s.writer.write("sent");
    co_await passes(2);
    fill(s.writer.socket());
    s.writer.write("not sent");
    s.writer.abort();
    EXPECT_TRUE(s.writer.is_closing());
    co_await s.writer.wait_closed();
    EXPECT_EQ(s.writer.get_write_buffer_size(), 0u);
    const std::string all = co_await take_all(far);
    EXPECT_TRUE(all.starts_with("sent"));
    EXPECT_EQ(all.find("not"), std::string::npos);
  });
}

TEST(Step4_Close, AbortEndsACloseThatTakesTooLong) {  // AIO-103
  with_streams([](Streams s, Fd& far) -> Coro<> {
    fill(s.writer.socket());
    s.writer.write("not sent");
    co_await s.writer.drain();
    s.writer.close();
    const Task<> closed = create_task(s.writer.wait_closed());
    co_await passes(3);
    EXPECT_FALSE(closed.done());
    s.writer.abort();
    co_await closed;
    EXPECT_EQ((co_await take_all(far)).find("not"), std::string::npos);
  });
}

TEST(Step4_Close, TheLastHandleCloses) {
  with_streams([](Streams s, Fd& far) -> Coro<> {
    std::optional<StreamWriter> writer = s.writer;
    s.writer.write("one");
    { const Streams gone = std::move(s); }
    co_await passes(3);
    EXPECT_EQ(get(far), "one");
    EXPECT_FALSE(at_end(far)) << "there is one more handle";
    writer->write("two");
    writer.reset();
    EXPECT_EQ(co_await take_all(far), "two") << "what was written is sent even so";
  });
}

TEST(Step4_Close, TheReaderIsAtItsEndThen) {  // AIO-113
  with_streams([](Streams s, Fd& far) -> Coro<> {
    const Task<std::string> read = create_task(s.reader.read(10));
    co_await passes(1);
    s.writer.write("bye");
    s.writer.close();
    EXPECT_EQ(co_await read, "");
    co_await s.writer.wait_closed();
    EXPECT_TRUE(s.reader.at_eof());
    EXPECT_EQ(co_await take_all(far), "bye");
  });
}

TEST(Step4_Close, ALoopOfWriteAndDrainSeesTheEnd) {  // AIO-106
  with_streams([](Streams s, Fd&) -> Coro<> {
    const auto writes = [](StreamWriter writer) -> Coro<> {
      while (true) {
        writer.write("on and on");
        co_await writer.drain();
      }
    };
    const Task<> task = create_task(writes(s.writer));
    co_await passes(1);
    s.writer.abort();
    const std::string error = co_await error_when(task);
    EXPECT_NE(error.find("Connection lost"), std::string::npos) << error;
    EXPECT_EQ(code_of([&] { task.result(); }), std::errc::connection_reset);
  });
}

TEST(Step4_Close, ADrainWhileItClosesLetsOthersRun) {  // AIO-106
  with_streams([](Streams s, Fd& far) -> Coro<> {
    fill(s.writer.socket());
    s.writer.write("rest");
    s.writer.close();
    const Task<> drained = create_task(s.writer.drain());
    co_await sleep(0s);
    EXPECT_FALSE(drained.done()) << "it lets a pass go by";
    co_await sleep(0s);
    co_await sleep(0s);
    EXPECT_TRUE(drained.done()) << "four bytes are no reason to wait";
    s.writer.set_write_buffer_limits({.high = 0});
    const Task<> waits = create_task(s.writer.drain());
    co_await passes(3);
    EXPECT_FALSE(waits.done()) << "writing is paused now, and the bytes are to be sent though it closes";
    EXPECT_FALSE((co_await take_all(far)).empty());
    co_await s.writer.wait_closed();
    EXPECT_EQ(co_await error_when(waits), "nothing");
  });
}

TEST(Step4_Close, WhatIsLostInThatPassIsLost) {  // AIO-106
  with_streams([](Streams s, Fd&) -> Coro<> {
    fill(s.writer.socket());
    s.writer.write("rest");
    s.writer.close();
    const Task<> drained = create_task(s.writer.drain());
    co_await sleep(0s);
    EXPECT_FALSE(drained.done()) << "it lets a pass go by";
    s.writer.abort();
    EXPECT_NE((co_await error_when(drained)).find("Connection lost"), std::string::npos);
  });
}

TEST(Step4_Close, DrainSaysWhatIsWrongWithTheReader) {  // AIO-106
  with_streams([](Streams s, Fd&) -> Coro<> {
    s.reader.set_exception(std::make_exception_ptr(std::runtime_error("not what was agreed")));
    EXPECT_EQ(co_await error_when(s.writer.drain()), "not what was agreed");
    s.writer.abort();
    EXPECT_EQ(co_await error_when(s.writer.drain()), "not what was agreed") << "which says more than a loss";
  });
}

TEST(Step4_Close, TheLoopHasForgottenTheFileBeforeItIsClosed) {  // AIO-103
  with_streams([](Streams s, Fd& far) -> Coro<> {
    EventLoop& loop = get_running_loop();
    const int number = s.writer.socket().get();
    const Fd same_file(checked(::dup(number), "dup"));  // as a process has it that was forked meanwhile
    fill(s.writer.socket());
    s.writer.write("waits for room");
    co_await s.writer.drain();
    s.writer.abort();
    EXPECT_FALSE(loop.remove_reader(number));
    EXPECT_FALSE(loop.remove_writer(number));
    // Now the number is another file's.
    auto [other, far_of_other] = socket_pair();
    const Fd next(checked(::dup2(other.get(), number), "dup2"));
    int calls = 0;
    loop.add_reader(number, [&] { ++calls; });
    get(far);
    put(far, "for the file that was there before");
    co_await passes(3);
    EXPECT_EQ(calls, 0) << "nothing has come to this one";
    loop.remove_reader(number);
  });
}

TEST(Step4_Close, AReaderThatIsFullForgetsAConnectionThatHasGone) {  // AIO-111
  with_streams([](Streams s, Fd&) -> Coro<> {
    co_await s.writer.drain();
    const StreamReader reader = s.reader;
    const std::string text = long_text(200'000);
    reader.feed_data(text);  // which is more than twice the limit: it tells the connection
    { const Streams gone = std::move(s); }
    std::vector<std::string> others;  // lie in its memory now
    for (std::size_t size = 64; size < 2'048; size += 8) others.emplace_back(size, 'x');
    EXPECT_TRUE(co_await reader.read(1'000'000) == text) << "and there is nobody to be told that it has room";
    EXPECT_TRUE(reader.at_eof());
  });
}

TEST(Step4_Close, WhoDrainsIsWokenWhenItIsClosed) {  // AIO-106
  with_streams([](Streams s, Fd&) -> Coro<> {
    fill(s.writer.socket());
    s.writer.set_write_buffer_limits({.high = 0});
    s.writer.write("full");
    const Task<> drained = create_task(s.writer.drain());
    co_await passes(2);
    EXPECT_FALSE(drained.done());
    s.writer.abort();
    EXPECT_EQ(co_await error_when(drained), "nothing") << "it was closed, and that is no error";
  });
}

TEST(Step4_Close, ACancelledWaitClosedLeavesTheOthers) {  // AIO-113
  with_streams([](Streams s, Fd& far) -> Coro<> {
    fill(s.writer.socket());
    s.writer.write("rest");
    s.writer.close();
    Task<> one = create_task(s.writer.wait_closed());
    const Task<> other = create_task(s.writer.wait_closed());
    co_await passes(2);
    one.cancel();
    EXPECT_EQ(co_await error_when(one), "cancelled");
    EXPECT_FALSE((co_await take_all(far)).empty());
    EXPECT_EQ(co_await error_when(other), "nothing");
  });
}

TEST(Step4_Close, WaitClosedWaitsForTheClose) {  // AIO-113
  with_streams([](Streams s, Fd& far) -> Coro<> {
    const Task<> closed = create_task(s.writer.wait_closed());
    s.writer.write("open");
    co_await passes(3);
    EXPECT_FALSE(closed.done());
    s.writer.close();
    co_await closed;
    EXPECT_EQ(co_await take_all(far), "open");
  });
}

TEST(Step4_Close, ALoopThatEndsClosesWhatIsOpen) {
  const NoDescriptorIsLeft none_is_left_open;
  auto [near, far] = socket_pair();
  auto [idle, far_of_idle] = socket_pair();
  std::optional<Streams> kept;
  {
    EpollLoop e;
    e.run([&, &near = near, &idle = idle]() -> Coro<> {
      const Streams closing = make_streams(std::move(near));
      kept = make_streams(std::move(idle));
      co_await passes(2);
      fill(closing.writer.socket());
      closing.writer.write("never sent");
      co_await error_when(closing.writer.drain());
    });
    EXPECT_FALSE(kept->writer.is_closing());
  }
  EXPECT_TRUE(at_end(far_of_idle));
  EXPECT_TRUE(kept->writer.is_closing()) << "its loop is gone";
  kept->writer.write("into the void");
  kept->writer.close();
  EXPECT_TRUE(kept->reader.at_eof());
  EXPECT_FALSE(kept->writer.socket());
}
