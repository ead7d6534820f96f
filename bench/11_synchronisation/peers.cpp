// The rows of chapter 11 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>
#include <asio/experimental/channel.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "python_peer.hpp"
#include "row.hpp"
#include "sync_rows.hpp"

namespace {

// ---- Asio's channel, on one thread

using Executor = asio::io_context::executor_type;
using Awaitable = asio::awaitable<void, Executor>;
using Channel = asio::experimental::basic_channel<Executor, asio::experimental::channel_traits<>,
                                                  void(asio::error_code, int)>;
constexpr asio::use_awaitable_t<Executor> use_awaitable;

Awaitable produce(Channel& channel, int items) {
  for (int i = 0; i < items; ++i) co_await channel.async_send(asio::error_code(), i, use_awaitable);
}

Awaitable consume(Channel& channel, int items) {
  for (int i = 0; i < items; ++i) co_await channel.async_receive(use_awaitable);
}

void channel_row(const std::string& group, int items, std::size_t room) {
  bench::row(group + "/asio::channel", items, [=] {
    return bench::warmed_up([=, context = std::make_shared<asio::io_context>(1)] {
      context->restart();
      Channel channel(context->get_executor(), room);
      asio::co_spawn(*context, produce(channel, items), asio::detached);
      asio::co_spawn(*context, consume(channel, items), asio::detached);
      context->run();
    });
  });
}

// ---- A mutex and a condition variable, between two threads

/// Two threads take turns.
void take_turns(int turns) {
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  const auto every_second = [&](int mine) {
    for (int i = 0; i < turns / 2; ++i) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return turn == mine; });
      turn = 1 - mine;
      lock.unlock();
      changed.notify_one();
    }
  };
  std::jthread other(every_second, 1);
  every_second(0);
}

}  // namespace

void bench::rows() {
  channel_row(queued, many_items, many_items);
  channel_row(queued_one, many_items, 1);
  row(handed_over + "/threads", many_hand_overs / 10, [] { take_turns(many_hand_overs / 10); });
  const auto python_row = [](const std::string& group, int items, const std::string& what) {
    row(group + "/Python's asyncio", items,
        [=] { return python_batch({"bench/11_synchronisation/peers.py"}, what, items); });
  };
  python_row(uncontended, many_locks / for_python, "uncontended");
  python_row(handed_over, many_hand_overs / for_python, "handed_over");
  python_row(queued, many_items / for_python, "queued");
  python_row(queued_one, many_items / for_python, "queued_one");
  python_row(permits, many_waiters, "permits");
  python_row(meeting, parties * rounds, "meeting");
}
