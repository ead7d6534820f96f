#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "byte_queue.hpp"
#include "connection_list.hpp"
#include "reactor.hpp"
#include "ref.hpp"
#include "stream_reader.hpp"
#include "todo.hpp"
#include "wake_list.hpp"
#include "write_limits.hpp"

namespace asyncio::detail {

/// A connected socket on a loop: it reads for a StreamReader, and sends what a StreamWriter writes. Handles
/// of the writer count as references. When the last one goes, it is closed, and when it is closed and has no
/// handle, it ends. For the loop's thread. Python: a transport with its protocol.
///
/// Its life has three parts: open; closing, when it sends the rest and does nothing else; and lost.
class Connection final : public ListedConnection, private FlowControl {
 public:
  /// Begins to read. It is made with one reference.
  Connection(EventLoop& loop, Fd fd, Ref<ReaderState> reader)
      : loop_(loop),
        list_(loop.use_service<ConnectionList>()),
        fd_(std::move(fd)),
        reader_(std::move(reader)) {
    const int yes = 1;  // else the system waits for more before it sends a little; no matter if it cannot
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch_for_bytes();
    reader_->set_flow(this);
    list_->add(*this);
  }

  void ref() noexcept { ++references_; }
  void unref() noexcept {
    if (--references_ > 0) return;
    if (lost_)
      delete this;
    else
      close();
  }

  // ---- For the writer

  /// Hands bytes over, which are copied. They are sent in order. Once it is closing, they are dropped.
  /// @throws std::runtime_error after write_eof()
  void write(std::string_view bytes) {
    if (eof_) throw std::runtime_error("Cannot call write() after write_eof()");
    if (closing_ || bytes.empty()) return;
    // <exercise 4.1 Connection::write>
    keep(bytes);
    // </exercise>
  }

  // <exercise 4.1 members Connection>
  /// True if writers had better wait: from more than the high mark, until there is no more than the low mark.
  [[nodiscard]] bool paused_writing() const noexcept { return paused_writing_; }
  /// Waits until that is over, or the connection is lost.
  [[nodiscard]] Coro<> wait_for_room() { return drained_.wait(); }
  // </exercise>

  [[nodiscard]] std::size_t unsent() const noexcept { return out_.size(); }
  [[nodiscard]] WriteLimits limits() const noexcept { return limits_; }
  void set_limits(WriteLimits limits) {
    limits_ = limits;
    // <exercise 4.1 Connection::set_limits>
    if (out_.size() > limits_.high) paused_writing_ = true;
    // </exercise>
  }

  /// Says that no more bytes will be written: the peer gets to know it behind the last one.
  void write_eof() {
    if (closing_ || eof_) return;
    eof_ = true;
    // <exercise 4.1 Connection::write_eof>
    if (out_.empty()) ::shutdown(fd_.get(), SHUT_WR);
    // </exercise>
  }

  // ---- The end

  [[nodiscard]] bool closing() const noexcept { return closing_; }
  [[nodiscard]] bool lost() const noexcept { return lost_; }
  /// Returns why it was lost; null if it was closed.
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
  /// Waits until it is lost.
  [[nodiscard]] Coro<> wait_lost() { return lost_list_.wait(); }

  /// Ends the connection, behind what was written.
  void close() noexcept override {
    if (closing_) return;
    closing_ = true;
    loop_.remove_reader(fd_.get());
    // <exercise 4.1 Connection::close>
    if (out_.empty()) lose(nullptr);
    // </exercise>
  }

  /// Lets the socket go at once; what is left is not sent.
  void abort() noexcept override { lose(nullptr); }

  /// Has `owner` told once, when the connection is lost.
  void set_owner(Ref<ConnectionOwner> owner) noexcept { owner_ = std::move(owner); }
  [[nodiscard]] bool owned_by(const ConnectionOwner& owner) const noexcept override {
    return owner_.get() == &owner;
  }

  [[nodiscard]] const Fd& socket() const noexcept { return fd_; }
  [[nodiscard]] const Ref<ReaderState>& reader() const noexcept { return reader_; }

 private:
  ~Connection() = default;

  /// Reads once, for there is something.
  void on_readable() {
    // <exercise 5.1 Connection::on_readable>
    try {
      const std::optional<std::size_t> size = receive(fd_, list_->room());
      if (!size) return;
      if (*size > 0) return reader_->feed_data(list_->text(*size));
    } catch (...) {
      return lose(std::current_exception());
    }
    // The peer sends no more, but it may still read.
    loop_.remove_reader(fd_.get());
    reader_->feed_eof();
    // </exercise>
  }

  // <exercise 4.1 members Connection>
  /// Keeps bytes behind those that are to be sent, until the loop finds that there is room for them.
  void keep(std::string_view bytes) {
    if (out_.empty()) loop_.add_writer(fd_.get(), [this] { on_writable(); });
    out_.append(bytes);
    if (out_.size() > limits_.high) paused_writing_ = true;
  }

  /// Sends more of what is left, for there is room.
  void on_writable() {
    try {
      out_.drop(send(fd_, std::as_bytes(std::span(out_.bytes()))).value_or(0));
    } catch (const std::system_error&) {
      return lose(std::current_exception());
    }
    if (paused_writing_ && out_.size() <= limits_.low) {
      paused_writing_ = false;
      drained_.wake_all();
    }
    if (!out_.empty()) return;
    loop_.remove_writer(fd_.get());
    if (closing_) return lose(nullptr);
    if (eof_) ::shutdown(fd_.get(), SHUT_WR);
  }

  WakeList drained_;  // where tasks wait for room
  bool paused_writing_ = false;
  // </exercise>

  // <exercise 4.2 members Connection>
  /// Tells the reader, those who drain, and those who wait for the end that it is lost.
  /// @param error why; null if it was closed
  void tell(std::exception_ptr error) noexcept {
    if (error)
      reader_->set_exception(std::move(error));
    else
      reader_->feed_eof();
    drained_.wake_all();
    lost_list_.wake_all();
  }
  // </exercise>

  /// The connection is over: whatever ends it comes here. It may end itself with this.
  /// @param error why; null if it was closed
  void lose(std::exception_ptr error) noexcept {
    if (lost_) return;
    closing_ = lost_ = true;
    error_ = error;
    // <exercise 4.2 quiet Connection::lose>
    out_.clear();
    paused_writing_ = false;
    loop_.remove_reader(fd_.get());  // before its number is that of another file
    loop_.remove_writer(fd_.get());
    fd_.close();
    reader_->set_flow(nullptr);  // which may outlive this
    tell(std::move(error));
    // </exercise>
    list_->remove(*this);
    if (const Ref<ConnectionOwner> owner = std::move(owner_)) owner->connection_lost();
    if (references_ == 0) delete this;
  }

  /// The reader has enough for now.
  void pause_reading() override {
    // <exercise 5.1 quiet Connection::pause_reading>
    if (!closing_) loop_.remove_reader(fd_.get());
    // </exercise>
  }
  /// The reader wants more.
  void resume_reading() override {
    // <exercise 5.1 quiet Connection::resume_reading>
    if (closing_) return;
    try {
      watch_for_bytes();
    } catch (...) {  // who has taken bytes is to have them, and to be told when it wants more
      lose(std::current_exception());
    }
    // </exercise>
  }
  void watch_for_bytes() {
    loop_.add_reader(fd_.get(), [this] { on_readable(); });
  }

  EventLoop& loop_;  // there until it is lost
  const Ref<ConnectionList> list_;
  Fd fd_;
  const Ref<ReaderState> reader_;
  ByteQueue out_;  // written, and not sent yet
  WriteLimits limits_;
  WakeList lost_list_;  // where tasks wait until it is lost
  std::exception_ptr error_;
  Ref<ConnectionOwner> owner_;
  std::size_t references_ = 1;
  bool eof_ = false;  // we write no more
  bool closing_ = false;
  bool lost_ = false;
};

}  // namespace asyncio::detail
