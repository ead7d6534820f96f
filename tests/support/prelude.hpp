// What every test includes anyway, compiled once: a test compiles in half the time.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>
