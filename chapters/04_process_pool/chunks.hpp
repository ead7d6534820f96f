#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "archive.hpp"
#include "input_range.hpp"
#include "remote_call.hpp"
#include "todo.hpp"

namespace concurrent::detail {

/// Items that cross together, and the name of the function that is to be called with each.
template <class Item>
struct Chunk {
  std::int64_t function = 0;
  std::vector<Item> items;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(function, items);
  }
};

/// The type of which the items of a range are values. An iterator may show items by a proxy, as that of
/// std::vector<bool> does: then it is what the proxy stands for.
template <class Range>
using ItemIn = std::conditional_t<std::is_reference_v<std::ranges::range_reference_t<Range>>,
                                  std::ranges::range_reference_t<Range>, std::ranges::range_value_t<Range>>;

/// The value that one call gives; an empty one if it returns nothing.
template <class F, class Item>
using ChunkValue = std::conditional_t<std::is_void_v<std::invoke_result_t<F, Item>>, std::monostate,
                                      std::remove_cv_t<std::invoke_result_t<F, Item>>>;

/// Calls the function with each item of the chunk, in their order. Given, not an exercise.
/// @returns the value of each call
template <class F, class Item>
std::vector<ChunkValue<F, Item>> call_chunk(Chunk<Item> chunk) {
  const F fn = callable_named<F>(chunk.function);
  std::vector<ChunkValue<F, Item>> values;
  values.reserve(chunk.items.size());
  for (auto&& item : chunk.items)
    if constexpr (std::is_void_v<std::invoke_result_t<F, Item>>) {
      std::invoke(fn, std::forward<Item>(item));
      values.emplace_back();
    } else {
      values.push_back(std::invoke(fn, std::forward<Item>(item)));
    }
  return values;
}

/// The items of a range, one after another, each read only when it is asked for. Given, not an exercise.
template <std::ranges::view View>
class Items {
 public:
  explicit Items(View view) : view_(std::move(view)) {}

  /// Goes on to the next item. @returns true if there is one
  bool advance() {
    if (ended_) return false;
    if (place_)
      ++*place_;
    else
      place_.emplace(std::ranges::begin(view_));
    ended_ = *place_ == std::ranges::end(view_);
    return !ended_;
  }
  /// Returns the item. There must be one.
  decltype(auto) operator*() const { return **place_; }

 private:
  View view_;
  std::optional<std::ranges::iterator_t<View>> place_;
  bool ended_ = false;
};

/// Returns the items of a range in chunks of `size`; the last may be smaller. An item is read once, and no
/// sooner than its chunk is asked for.
template <class Item, std::ranges::view View>
InputRange<Chunk<Item>> in_chunks(std::int64_t function, View items, std::size_t size) {
  if (size == 0) throw std::invalid_argument("map: chunksize must be at least 1, not 0");
  todo("10.1", "in_chunks");
}

/// Returns the values of the chunks, one by one, each moved out. A chunk is read when its first value is
/// asked for. @param chunks a range of vectors, read once
template <class Value>
InputRange<Value> one_by_one(InputRange<std::vector<Value>> chunks) {
  todo("10.1", "one_by_one");
}

}  // namespace concurrent::detail
