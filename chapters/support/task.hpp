#pragma once

// Chapter 09: futures, tasks, sleep() and run().

#include "loop_future.hpp"
#include "loop_task.hpp"
#include "runner.hpp"
#include "sleep.hpp"
