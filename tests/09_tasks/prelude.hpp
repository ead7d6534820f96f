// What the tests of chapter 09 take from the chapters below it: compiled once.

#include "../support/prelude.hpp"
#include "generator.hpp"
#include "sync_wait.hpp"
#include "testing.hpp"
#include "virtual_loop.hpp"
