#pragma once

/// @file
/// The whole of chapter 02: the interface of executors, its engines, and parallel_for().
#include "executor_base.hpp"
#include "inline_executor.hpp"
#include "manual_executor.hpp"
#include "parallel_for.hpp"
#include "serial_executor.hpp"
#include "thread_pool_executor.hpp"
