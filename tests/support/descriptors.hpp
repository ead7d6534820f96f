#pragma once

#include <gtest/gtest.h>

#include <poll.h>

#include "fd.hpp"

namespace course {

/// Returns how many descriptors the process has open, with the one that it takes to count them.
int open_descriptors();

/// Blocks until `fd` is ready for `events`, or all who could make it so have closed their ends.
void wait_for(const concurrent::Fd& fd, short events = POLLIN);

/// Checks at its end that as many descriptors are open as at its beginning.
class NoDescriptorIsLeft {
 public:
  NoDescriptorIsLeft() = default;
  NoDescriptorIsLeft(const NoDescriptorIsLeft&) = delete;
  NoDescriptorIsLeft& operator=(const NoDescriptorIsLeft&) = delete;
  ~NoDescriptorIsLeft() { EXPECT_EQ(open_descriptors(), descriptors_) << "descriptors"; }

 private:
  const int descriptors_ = open_descriptors();
};

}  // namespace course
