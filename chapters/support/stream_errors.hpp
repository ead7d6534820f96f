#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace asyncio {

/// The stream has ended before all that was asked for had come. Python: `asyncio.IncompleteReadError`.
struct IncompleteReadError : std::runtime_error {
  /// @param expected how many bytes were asked for; none if up to a separator
  IncompleteReadError(std::string read, std::optional<std::size_t> expected)
      : std::runtime_error(std::to_string(read.size()) + " bytes read on a total of " +
                           (expected ? std::to_string(*expected) : "undefined") + " expected bytes"),
        partial(std::move(read)),
        expected(expected) {}

  std::string partial;  ///< the bytes that had come
  std::optional<std::size_t> expected;
};

/// There is no separator within the reader's limit. Python: `asyncio.LimitOverrunError`.
struct LimitOverrunError : std::runtime_error {
  LimitOverrunError(const char* message, std::size_t consumed)
      : std::runtime_error(message), consumed(consumed) {}

  std::size_t consumed;  ///< so many bytes of the buffer are not part of a separator
};

/// A name that cannot be resolved. Python: `socket.gaierror`.
struct GaiError : std::runtime_error {
  GaiError(int code, const std::string& message) : std::runtime_error(message), code(code) {}

  int code;  ///< of getaddrinfo(), as EAI_NONAME
};

}  // namespace asyncio
