#pragma once

#include "errors.hpp"

namespace concurrent {

/// A pool of ranks whose initializer failed. mpi4py raises a bare `BrokenExecutor`.
struct BrokenMpiPool : BrokenExecutor {
  using BrokenExecutor::BrokenExecutor;
};

/// A rank cannot run a call, because its program does not have the function.
struct FunctionNotFound : Error {
  using Error::Error;
};

}  // namespace concurrent
