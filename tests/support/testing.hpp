#pragma once

// What the course's tests share beyond GoogleTest. None of it sleeps, and none of it measures time.
// Of this folder, tests include by themselves what few of them need: callback_errors.hpp, descriptors.hpp,
// gate.hpp, stack.hpp, to_vector.hpp, virtual_loop.hpp.

#include <gtest/gtest.h>

#include "allocations.hpp"
#include "lifetimes.hpp"
#include "log.hpp"
#include "threads.hpp"
#include "thrown.hpp"
