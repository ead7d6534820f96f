#pragma once

#include <string>

#include "sync_object.hpp"

namespace asyncio {

/// A future that knows what its task waits for derives from this as well, so that a hang can be explained.
class WaitReason {
 public:
  /// @param owner what is waited for; it need not live as long as this
  /// @param part the side of it, as in "get", or nothing
  WaitReason(SyncObject& owner, const char* part) noexcept : owner_(&owner), part_(part) {}
  WaitReason(const WaitReason&) = delete;
  WaitReason& operator=(const WaitReason&) = delete;
  virtual ~WaitReason() = default;

  [[nodiscard]] const SyncObject& owner() const noexcept { return *owner_; }

  /// Returns what is waited for, in words: "Lock 'left fork'", "Queue 'pages' (get)".
  [[nodiscard]] std::string text() const {
    return *part_ ? owner_->text() + " (" + part_ + ")" : owner_->text();
  }

 private:
  SyncObject* const owner_;
  const char* const part_;
};

}  // namespace asyncio
