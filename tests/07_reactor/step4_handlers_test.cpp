// Chapter 07, step 4: who calls collect(). The handlers themselves have a stand-in here.

#define SignalHandlers RealSignalHandlers
#include "signal_handlers.hpp"
#undef SignalHandlers

#include "ready_queue.hpp"

namespace asyncio {

/// Finds its one node whenever it is asked.
class SignalHandlers {
 public:
  [[nodiscard]] bool empty() const noexcept { return !node_; }
  void add(int, Ref<Operation> node) { node_ = std::move(node); }
  bool remove(int) noexcept { return std::exchange(node_, nullptr).get() != nullptr; }
  void collect(ReadyQueue& found) {
    if (node_) found.push(node_);
  }
  void clear() noexcept { node_ = nullptr; }

 private:
  Ref<Operation> node_;
};

}  // namespace asyncio

#include "support.hpp"

#include <fcntl.h>

#include <csignal>
#include <typeinfo>

namespace {

/// An operation that counts its calls.
class Counting final : public asyncio::Operation {
 public:
  explicit Counting(int& calls) : Operation(asyncio::RefCount::local), calls_(calls) {}
  void run() override { ++calls_; }
  void drop() noexcept override {}
  const std::type_info& type() const noexcept override { return typeid(Counting); }

 private:
  int& calls_;
};

}  // namespace

TEST(Step4_Signals, WhenTheCounterOfTheSignalsIsReadyTheSelectorAsksItsHandlers) {
  EXPECT_FALSE(asyncio::RealSignalHandlers().remove(SIGUSR1)) << "nobody has added one";
  const int counter = asyncio::detail::signal_counter().get();
  const auto [here, there] = socket_pair();
  const Fd higher(checked(::fcntl(here.get(), F_DUPFD_CLOEXEC, counter + 1), "fcntl"));
  int readers = 0, handlers = 0;
  EpollSelector selector;
  const auto look = [&] {
    selector.select(0s);
    asyncio::ReadyQueue found = selector.found();
    while (const asyncio::Ref<asyncio::Operation> node = found.pop()) node->run();
  };
  selector.watch(higher.get(), asyncio::Ready::to_read, asyncio::NodePool::make_apart<Counting>(readers));
  selector.handle_signal(SIGUSR1, asyncio::NodePool::make_apart<Counting>(handlers));
  asyncio::detail::count_up(counter);
  look();
  EXPECT_EQ(handlers, 1) << "an event of the counter is no file's: then select() asks handlers_";
  put(there, "hello");
  look();
  EXPECT_EQ(handlers, 1) << "nothing has come";
  EXPECT_EQ(readers, 1);
  asyncio::detail::count_up(counter);
  look();
  EXPECT_EQ(handlers, 2);
  EXPECT_EQ(readers, 2) << "files are found in the same look";
}
