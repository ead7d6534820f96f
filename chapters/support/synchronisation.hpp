#pragma once

// Chapter 11 lets the tasks of one loop share things: this one header is all that you include.

#include "barrier.hpp"
#include "condition.hpp"
#include "event.hpp"
#include "explain_hangs.hpp"
#include "lock.hpp"
#include "queue.hpp"
#include "semaphore.hpp"
