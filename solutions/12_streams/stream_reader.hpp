#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "byte_queue.hpp"
#include "ref.hpp"
#include "stream_errors.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// Options of a stream.
struct StreamOptions {
  /// Bytes of a line; and the reader holds about twice as many, before nothing more is taken from the peer.
  std::size_t limit = 65536;
};

namespace detail {

/// The end of a connection that can be told to bring nothing more for a while.
class FlowControl {
 public:
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

 protected:
  ~FlowControl() = default;
};

/// The bytes that have come and were not read yet, and what is known of those that will come. All handles of
/// a StreamReader share it.
class ReaderState {
 public:
  explicit ReaderState(std::size_t limit)
      : limit_(std::min(limit, std::numeric_limits<std::size_t>::max() / 2)) {  // so that it can be doubled
    if (limit == 0) throw std::invalid_argument("Limit cannot be <= 0");
  }
  ReaderState(const ReaderState&) = delete;
  ReaderState& operator=(const ReaderState&) = delete;

  void ref() noexcept { ++references_; }
  void unref() noexcept {
    if (--references_ == 0) delete this;
  }

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  /// Returns the bytes that wait to be read. They stay where they are until something is taken, or comes.
  [[nodiscard]] std::string_view bytes() const noexcept { return buffer_.bytes(); }
  /// True if no more bytes will come than there are.
  [[nodiscard]] bool eof() const noexcept { return eof_; }
  /// Returns what is wrong with the stream; null if nothing is.
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
  /// @throws what is wrong with the stream, if something is
  void check() const {
    if (error_) std::rethrow_exception(error_);
  }

  /// Counts the bytes that were taken so far, by whomever.
  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

  /// Removes the first `size` bytes. @returns them
  std::string take(std::size_t size) {
    std::string taken = buffer_.take(size);
    taken_ += size;
    resume_if_low();
    return taken;
  }

  // ---- For the one who reads from the peer.

  void feed_data(std::string_view bytes) {
    if (eof_) throw std::logic_error("feed_data after feed_eof");
    if (bytes.empty()) return;
    buffer_.append(bytes);
    wake();
    if (flow_ && !paused_ && buffer_.size() > 2 * limit_) {
      paused_ = true;
      flow_->pause_reading();
    }
  }
  void feed_eof() {
    eof_ = true;
    wake();
  }
  void set_exception(std::exception_ptr error) {
    error_ = std::move(error);
    wake();
  }
  /// @param flow who is told to pause and resume; null for nobody
  void set_flow(FlowControl* flow) noexcept { flow_ = flow; }

  /// Waits until more has come, or the end, or an error. @param who the function, for the message
  /// @throws what is wrong with the stream then; std::runtime_error if another task waits already
  template <class Waiter = Future<>>
  Coro<> wait_for_data(const char* who) {
    if (waiter_)
      throw std::runtime_error(std::string(who) +
                               "() called while another coroutine is already waiting for incoming data");
    struct Reset {
      std::optional<Waiter>& waiter;
      ~Reset() { waiter.reset(); }
    };
    resume();
    check();  // it is lost if it could not go on
    waiter_ = get_running_loop().create_future();
    const Reset reset{waiter_};
    co_await *waiter_;
    check();
  }

 private:
  ~ReaderState() = default;

  void wake() {
    if (waiter_ && !waiter_->done()) waiter_->set_result();
  }
  void resume_if_low() {
    if (buffer_.size() <= limit_) resume();
  }
  void resume() {
    if (!std::exchange(paused_, false)) return;
    if (flow_) flow_->resume_reading();
  }

  const std::size_t limit_;
  ByteQueue buffer_;
  std::size_t taken_ = 0;
  std::exception_ptr error_;
  std::optional<Future<>> waiter_;  // of the task that waits for more
  FlowControl* flow_ = nullptr;
  std::size_t references_ = 1;
  bool eof_ = false;
  bool paused_ = false;
};

/// Reads some bytes, for StreamReader::read().
template <class Reader>
Coro<std::string> read(Ref<Reader> reader, std::ptrdiff_t most) {
  reader->check();
  if (most == 0) co_return std::string();
  // <exercise 3.1 read>
  if (most < 0) {
    std::string all;
    while (true) {
      const std::string some = co_await read(reader, static_cast<std::ptrdiff_t>(reader->limit()));
      if (some.empty()) co_return all;
      all += some;
    }
  }
  // What has come may be gone when this task runs: another one has taken it.
  while (reader->bytes().empty() && !reader->eof()) co_await reader->wait_for_data("read");
  co_return reader->take(std::min(reader->bytes().size(), static_cast<std::size_t>(most)));
  // </exercise>
}

/// Reads so many bytes, for StreamReader::readexactly().
template <class Reader>
Coro<std::string> readexactly(Ref<Reader> reader, std::ptrdiff_t count) {
  if (count < 0) throw std::invalid_argument("readexactly size can not be less than zero");
  reader->check();
  const auto size = static_cast<std::size_t>(count);
  while (reader->bytes().size() < size) {
    if (reader->eof()) throw IncompleteReadError(reader->take(reader->bytes().size()), size);
    co_await reader->wait_for_data("readexactly");
  }
  co_return reader->take(size);
}

/// Reads up to the separator that ends first, for StreamReader::readuntil().
/// @param separators strings, none of them empty
template <class Reader, class Separators>
Coro<std::string> readuntil(Ref<Reader> reader, Separators separators) {
  std::size_t longest = 0;
  for (const std::string& separator : separators) {
    if (separator.empty()) throw std::invalid_argument("Separator should be at least one-byte string");
    longest = std::max(longest, separator.size());
  }
  if (longest == 0) throw std::invalid_argument("Separator should contain at least one element");
  reader->check();
  // <exercise 3.2 readuntil>
  std::size_t begin = 0;  // no separator starts before
  while (true) {
    const std::string_view bytes = reader->bytes();
    std::size_t start = std::string_view::npos;
    std::size_t end = std::string_view::npos;
    for (const std::string& separator : separators) {
      const std::size_t found = bytes.find(separator, begin);
      if (found == std::string_view::npos || found + separator.size() >= end) continue;
      start = found;
      end = found + separator.size();
    }
    if (start != std::string_view::npos) {
      if (start > reader->limit())
        throw LimitOverrunError("Separator is found, but chunk is longer than limit", start);
      co_return reader->take(end);
    }
    // The last bytes may be the beginning of a separator.
    begin = std::max(bytes.size() + 1, longest) - longest;
    if (begin > reader->limit())
      throw LimitOverrunError("Separator is not found, and chunk exceed the limit", begin);
    if (reader->eof()) throw IncompleteReadError(reader->take(bytes.size()), std::nullopt);
    const std::size_t taken = reader->taken();
    co_await reader->wait_for_data("readuntil");
    begin -= std::min(begin, reader->taken() - taken);  // another task may have taken some
  }
  // </exercise>
}

/// Reads a line, for StreamReader::readline().
template <class Reader>
Coro<std::string> readline(Ref<Reader> reader) {
  std::array<std::string, 1> newline = {"\n"};  // has a name: g++ 12 moves such a temporary byte by byte
  try {
    co_return co_await readuntil(reader, std::move(newline));
  } catch (const IncompleteReadError& error) {
    co_return error.partial;
  } catch (const LimitOverrunError& error) {
    // The line goes, if all of it is there; otherwise what is there of it.
    const bool ends = reader->bytes().substr(error.consumed).starts_with('\n');
    reader->take(ends ? error.consumed + 1 : reader->bytes().size());
    throw std::invalid_argument(error.what());
  }
}

}  // namespace detail

/// The bytes that come from a peer, over time. It is copied like a pointer. One task at a time may wait for
/// them. For the loop's thread. Python: `asyncio.StreamReader`.
class StreamReader {
 public:
  /// Makes one that no connection feeds: feed it yourself.
  /// @throws std::invalid_argument if the limit is 0
  explicit StreamReader(const StreamOptions& options = {})
      : state_(Ref<detail::ReaderState>::adopt(new detail::ReaderState(options.limit))) {}

  /// Waits until something has come, and returns it: at most `most` bytes. If that is negative, it reads to
  /// the end of the stream. At the end, it returns nothing.
  /// @throws what is wrong with the connection; std::runtime_error if another task is reading
  [[nodiscard]] Coro<std::string> read(std::ptrdiff_t most = -1) const { return detail::read(state_, most); }

  /// Waits until `size` bytes have come, and returns them. The limit does not matter.
  /// @throws IncompleteReadError if the stream ends before; std::invalid_argument if the size is negative;
  /// otherwise as read()
  [[nodiscard]] Coro<std::string> readexactly(std::ptrdiff_t size) const {
    return detail::readexactly(state_, size);
  }

  /// Waits for the end of a line, and returns the line with its '\n'; without one if the stream ends before.
  /// @throws std::invalid_argument if it is longer than the limit: then the line is gone, or what had come of
  /// it; otherwise as read()
  [[nodiscard]] Coro<std::string> readline() const { return detail::readline(state_); }

  /// Waits for `separator`, and returns all up to its end.
  /// @throws LimitOverrunError if there are more bytes than the limit before it, and they stay;
  /// IncompleteReadError if the stream ends before; std::invalid_argument if the separator is empty;
  /// otherwise as read()
  [[nodiscard]] Coro<std::string> readuntil(std::string separator = "\n") const {
    return detail::readuntil(state_, std::array<std::string, 1>{std::move(separator)});
  }
  /// As the other one, up to the separator that ends first.
  [[nodiscard]] Coro<std::string> readuntil(std::vector<std::string> separators) const {
    return detail::readuntil(state_, std::move(separators));
  }

  /// True if the stream has ended and all of it was read. Python: `reader.at_eof`.
  [[nodiscard]] bool at_eof() const noexcept { return state_->eof() && state_->bytes().empty(); }
  /// Returns what is wrong with the connection; null if nothing is.
  [[nodiscard]] std::exception_ptr exception() const noexcept { return state_->error(); }
  /// Counts the bytes that have come and were not read.
  [[nodiscard]] std::size_t buffered() const noexcept { return state_->bytes().size(); }

  /// Adds bytes at the end. @throws std::logic_error after feed_eof()
  void feed_data(std::string_view bytes) const { state_->feed_data(bytes); }
  /// Says that no more bytes will come.
  void feed_eof() const { state_->feed_eof(); }
  /// Says what is wrong: who reads gets it, now and ever after.
  void set_exception(std::exception_ptr error) const { state_->set_exception(std::move(error)); }

  /// For what is built on it.
  [[nodiscard]] const Ref<detail::ReaderState>& state() const noexcept { return state_; }

 private:
  Ref<detail::ReaderState> state_;
};

}  // namespace asyncio
