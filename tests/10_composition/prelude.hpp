// What the tests of chapter 10 take from the chapters below it, and share: compiled once.

#include "../support/prelude.hpp"
#include "support.hpp"
#include "virtual_loop.hpp"
