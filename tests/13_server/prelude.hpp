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

// Compiled once, in support.cpp: without this g++ does so in each test, whether that reads and writes or not.
extern template class nlohmann::basic_json<>;
namespace asyncio::detail {
extern template Coro<std::string> read(Ref<ReaderState>, std::ptrdiff_t);
extern template Coro<std::string> readexactly(Ref<ReaderState>, std::ptrdiff_t);
extern template Coro<std::string> readuntil(Ref<ReaderState>, std::vector<std::string>);
extern template Coro<std::string> readuntil(Ref<ReaderState>, std::array<std::string, 1>);
extern template Coro<std::string> readline(Ref<ReaderState>);
extern template Coro<> drain(Ref<Connection>);
extern template Coro<> wait_closed(Ref<Connection>);
extern template Coro<> serve_forever(Ref<ServerState>);
extern template Coro<> start_serving(Ref<ServerState>);
extern template Coro<> wait_over(Ref<ServerState>);
extern template Coro<DoneAndPending<Task<Fd>>> wait_for_several(std::vector<Task<Fd>>, WaitOptions);
}  // namespace asyncio::detail
