#pragma once

// Chapter 10 puts tasks together: this one header is all that you include.

#include "completion_order.hpp"
#include "gather.hpp"
#include "shield.hpp"
#include "task_group.hpp"
#include "timeout.hpp"
#include "wait_for.hpp"
#include "waiting.hpp"
