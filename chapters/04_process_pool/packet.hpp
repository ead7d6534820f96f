#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "fd.hpp"
#include "todo.hpp"

namespace concurrent::detail {

/// The kind of a packet.
enum class PacketType : std::uint32_t {
  call,     ///< to a worker: call a function with these arguments
  result,   ///< from a worker: what the function returned
  error,    ///< from a worker: what it threw
  leaving,  ///< from a worker: it ends now, as it should
  broken,   ///< from a worker: its initializer threw this; it ends now
};

struct Header {
  PacketType type = PacketType::call;
  std::uint32_t number = 0;   ///< of the call; leaving: of the process
  std::int64_t function = 0;  ///< call: the name of what runs it
};

/// The most bytes that a packet carries itself. A larger body travels in a file in memory, whose descriptor
/// the packet carries.
inline constexpr std::size_t most_inline = 32 * 1024;

/// Makes two connected sockets for packets: what one sends, the other receives whole, or not at all. Several
/// processes may send and receive at either end: each packet goes to one of them.
inline std::pair<Fd, Fd> packet_sockets() {
  std::array<int, 2> ends{};
  checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Calls `call()` until no signal interrupts it.
template <class F>
auto uninterrupted(F call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// For 3.1: members of detail.

/// A message for sendmsg() and recvmsg(): two pieces of memory, and room for a descriptor.
class Message {
 public:
  Message(Header& header, std::span<char> body) noexcept
      : pieces_{{{&header, sizeof header}, {body.data(), body.size()}}} {
    message_.msg_iov = pieces_.data();
    message_.msg_iovlen = pieces_.size();
  }

  /// Attaches the descriptor of `file`, which then travels with it.
  void attach(const Fd& file) noexcept {
    make_room();
    cmsghdr* const control = CMSG_FIRSTHDR(&message_);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = file.get();
    std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
  }

  void make_room() noexcept {
    message_.msg_control = control_;
    message_.msg_controllen = sizeof control_;
  }

  /// Returns the descriptor that came with it; an empty one if there was none.
  [[nodiscard]] Fd attached() noexcept {
    cmsghdr* const control = CMSG_FIRSTHDR(&message_);
    if (!control || control->cmsg_type != SCM_RIGHTS) return Fd();
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return Fd(fd);
  }

  msghdr* get() noexcept { return &message_; }

 private:
  std::array<iovec, 2> pieces_;
  msghdr message_{};
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
};

/// Sends a packet; a body of more than `most_inline` bytes in a file. If the receiver is gone, that is an
/// error, and no SIGPIPE. A signal that interrupts it goes unnoticed. No descriptor is left open.
/// @param flags MSG_DONTWAIT: do not wait for room
/// @returns false if there was no room
/// @throws std::system_error if it cannot be sent
inline bool send_packet(const Fd& socket, Header header, std::span<const char> body, int flags = 0) {
  todo("3.1", "send_packet");
}

/// True if `error` says that nothing can be sent because all who could have received it are gone.
inline bool nobody_reads(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::system_error& failed) {
    return failed.code() == std::errc::broken_pipe || failed.code() == std::errc::connection_reset;
  } catch (...) {
    return false;
  }
}

/// Memory that shows the content of a file.
class MappedFile {
 public:
  explicit MappedFile(const Fd& file) {
    struct stat status {};
    checked(::fstat(file.get(), &status), "fstat");
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    bytes_ = {static_cast<const char*>(memory), size};
  }
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }

  [[nodiscard]] std::span<const char> bytes() const noexcept { return bytes_; }

 private:
  std::span<const char> bytes_;
};

/// A packet that was received.
class Packet {
 public:
  /// @param lost_file its file could not be received
  Packet(Header header, std::span<const char> body, Fd file, bool lost_file = false) noexcept
      : header_(header), body_(body), file_(std::move(file)), lost_file_(lost_file) {}

  [[nodiscard]] const Header& header() const noexcept { return header_; }

  /// Calls `use(bytes)` with the body, wherever it is.
  /// @throws std::system_error if it came in a file, and there was no descriptor left for that
  template <class F>
  decltype(auto) read(F use) const {
    if (lost_file_) throw std::system_error(EMFILE, std::generic_category(), "recvmsg");
    if (!file_) return use(body_);
    const MappedFile mapping(file_);
    return use(mapping.bytes());
  }

 private:
  Header header_;
  std::span<const char> body_;
  Fd file_;
  bool lost_file_;
};

/// Receives packets, one at a time.
class Receiver {
 public:
  /// Returns the next packet, which is valid until you ask for another.
  /// @param flags MSG_DONTWAIT: do not wait for one
  /// @returns nothing if none is there, or if all who might send one have closed their end
  /// @throws std::system_error if it cannot be received
  std::optional<Packet> receive(const Fd& socket, int flags = 0) {
    Header header;
    Message message(header, {buffer_.get(), most_inline});
    message.make_room();
    const auto size =
        uninterrupted([&] { return ::recvmsg(socket.get(), message.get(), flags | MSG_CMSG_CLOEXEC); });
    if (size == 0 || (size < 0 && (errno == EAGAIN || errno == ECONNRESET))) return std::nullopt;
    checked(size, "recvmsg");
    return Packet(header, {buffer_.get(), static_cast<std::size_t>(size) - sizeof header}, message.attached(),
                  (message.get()->msg_flags & MSG_CTRUNC) != 0);
  }

 private:
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(most_inline);
};

}  // namespace concurrent::detail
