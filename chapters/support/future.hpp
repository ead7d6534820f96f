#pragma once

/// @file
/// The whole of chapters 02 and 03: executors, futures and promises, submit() and map(), wait() and
/// as_completed().
#include "as_completed.hpp"
#include "executor.hpp"
#include "map.hpp"
#include "promise.hpp"
#include "shared_state.hpp"
#include "submit.hpp"
#include "wait.hpp"
