#pragma once

#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <concepts>
#include <ostream>
#include <span>
#include <spanstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "string_buffer.hpp"
#include "todo.hpp"

namespace concurrent {

/// Values as bytes, as they cross to another process.
using Bytes = std::string;

/// A type that can cross to another process: cereal writes and reads its values. A pointer cannot: what it
/// points to lies in this process.
template <class T>
concept Sendable =
    std::is_object_v<T> && !std::is_pointer_v<T> && std::default_initializable<T> && std::movable<T> &&
    cereal::traits::is_output_serializable<T, cereal::BinaryOutputArchive>::value &&
    cereal::traits::is_input_serializable<T, cereal::BinaryInputArchive>::value;

/// The type in which an argument crosses: that of its value, and a string for a C string.
template <class T>
using Crossing =
    std::conditional_t<std::is_same_v<std::decay_t<T>, const char*> || std::is_same_v<std::decay_t<T>, char*>,
                       std::string, std::decay_t<T>>;

/// Returns the values as bytes, one after another; no values are no bytes.
/// @throws whatever their serialisation throws
template <class... Values>
Bytes to_bytes(const Values&... values) {
  StringBuffer buffer;
  std::ostream stream(&buffer);
  cereal::BinaryOutputArchive archive(stream);
  // <exercise 2.1 to_bytes>
  (archive(values), ...);
  // </exercise>
  return buffer.take();
}

/// Returns the values that to_bytes() made `bytes` of.
/// @throws cereal::Exception if they are too few; whatever the reading of a value throws
template <class... Values>
std::tuple<Values...> from_bytes(std::span<const char> bytes) {
  std::ispanstream stream(bytes);
  cereal::BinaryInputArchive archive(stream);
  // <exercise 2.1 from_bytes>
  std::tuple<Values...> values;
  std::apply([&](auto&... value) { (archive(value), ...); }, values);
  return values;
  // </exercise>
}

}  // namespace concurrent
