#pragma once

// What the tests of chapter 00 share.

#include "measure.hpp"

#include "testing.hpp"

using concurrent::Elapsed;
using namespace std::chrono_literals;
