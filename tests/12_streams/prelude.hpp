// What the tests of chapter 12 take from the chapters below it: compiled once.

#include "../support/prelude.hpp"
#include "bridge.hpp"
#include "composition.hpp"
#include "descriptors.hpp"
#include "reactor.hpp"
#include "task.hpp"
#include "testing.hpp"
