#pragma once

// A right solution: a table with hashes.

#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>

#include "program.hpp"
#include "remote_call.hpp"
#include "type_name.hpp"

namespace concurrent {

/// The number by which every rank knows a call: made of the name of its type.
using CallId = std::uint64_t;

/// The calls that this program can run, by their names. A lambda's type has one name in every rank that runs
/// the same source, wherever the program was loaded; its address means nothing there.
///
/// It is filled before main() begins, by RemoteFunction, and only read from then on. Nothing is ever removed:
/// whoever has found an entry may keep the pointer.
class FunctionTable {
 public:
  struct Entry {
    std::string name;               ///< of the function, for messages
    detail::RunCall run = nullptr;  ///< makes the call; null where nobody can say which call is meant
  };

  static FunctionTable& get() {
    static FunctionTable table;
    return table;
  }

  /// Makes a call known. @returns the number by which messages name it, the same in each program
  CallId add(const std::type_info& function, std::string_view key, detail::RunCall run) {
    const CallId id = detail::hash_of(key);
    const auto found = entries_.find(id);
    if (found == entries_.end())
      entries_[id] = {type_name(function), run};
    else if (found->second.run != run)
      found->second.run = nullptr;
    return id;
  }

  /// Returns what is known by this name, or null.
  [[nodiscard]] const Entry* find(CallId id) const {
    const auto found = entries_.find(id);
    return found != entries_.end() ? &found->second : nullptr;
  }

  /// Returns the name of a function that was added.
  [[nodiscard]] const std::string& name_of(CallId id) const { return find(id)->name; }

 private:
  std::unordered_map<CallId, Entry> entries_;
};

/// A call of an F with values of the types Args. Whoever mentions `id` puts it into this program's table
/// before main() begins: and so it is in the table of every rank that runs it.
template <class F, class... Args>
struct RemoteFunction {
  static inline const CallId id =
      FunctionTable::get().add(typeid(F), typeid(RemoteFunction).name(), &detail::run_call<F, Args...>);
};

}  // namespace concurrent
