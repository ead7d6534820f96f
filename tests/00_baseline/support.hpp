#pragma once

// What the tests of chapter 00 share.

#include "measure.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::amdahl;
using concurrent::efficiency;
using concurrent::Elapsed;
using concurrent::measure;
using concurrent::run_sequential;
using concurrent::speedup;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
