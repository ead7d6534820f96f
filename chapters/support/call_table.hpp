#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "archive.hpp"
#include "packet.hpp"
#include "shared_state.hpp"

namespace concurrent::detail {

/// A call of a pool of processes: first queued, then in flight until its answer has come.
struct Call {
  std::shared_ptr<SharedState> state;
  void (*finish)(SharedState&, const Packet&) = nullptr;  ///< finishes the future with the answer
  std::int64_t function = 0;                              ///< the name of the function that runs it
  Bytes arguments;
};

/// A call as it crosses to a worker.
struct OutgoingCall {
  Header header;
  Bytes arguments;
  std::exception_ptr error = nullptr;  ///< why it cannot be sent; for whoever sends it
};

/// The calls in flight, each under a number of its own, by which its answer finds it. For one thread at a
/// time.
class CallTable {
 public:
  /// @param capacity how many calls there may be
  explicit CallTable(std::size_t capacity) : calls_(capacity) {
    for (std::size_t number = capacity; number-- > 0;)
      free_numbers_.push_back(static_cast<std::uint32_t>(number));
  }

  [[nodiscard]] std::size_t size() const noexcept { return calls_.size() - free_numbers_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return calls_.size(); }

  /// Keeps `call` under a free number. There must be room. @returns what is to be sent to a worker
  OutgoingCall add(Call call) {
    const std::uint32_t number = free_numbers_.back();
    free_numbers_.pop_back();
    OutgoingCall outgoing{{.number = number, .function = call.function}, std::move(call.arguments)};
    calls_[number] = std::move(call);
    return outgoing;
  }

  /// Takes out the call of that number, which is free again. Its state is null if take_all() took it.
  Call take(std::uint32_t number) {
    free_numbers_.push_back(number);
    return std::exchange(calls_[number], {});
  }

  /// Takes out all calls. Their numbers are still taken: answers to them may be on their way.
  std::vector<Call> take_all() {
    std::vector<Call> all;
    for (Call& call : calls_)
      if (call.state) all.push_back(std::exchange(call, {}));
    return all;
  }

 private:
  std::vector<Call> calls_;  // by number
  std::vector<std::uint32_t> free_numbers_;
};

}  // namespace concurrent::detail
