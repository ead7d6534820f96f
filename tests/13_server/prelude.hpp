// What the tests of chapter 13 take from the chapters below it, and from what is given: compiled once.

#include "../support/prelude.hpp"
#include "bridge.hpp"
#include "composition.hpp"
#include "descriptors.hpp"
#include "event.hpp"
#include "gate.hpp"
#include "http_parser.hpp"
#include "job_page.hpp"
#include "job_request.hpp"
#include "job_table.hpp"
#include "process_pool.hpp"
#include "recipe_kinds.hpp"
#include "server_statistics.hpp"
#include "streams.hpp"
#include "testing.hpp"
#include "watchdog.hpp"
#include "work_stealing_executor.hpp"

// Compiled once, in support.cpp.
extern template class nlohmann::basic_json<>;
