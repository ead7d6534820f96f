// What the tests of chapter 11 take from the chapters below it: compiled once.

#include "../support/prelude.hpp"
#include "sync_wait.hpp"
#include "task.hpp"
#include "testing.hpp"
#include "virtual_loop.hpp"
