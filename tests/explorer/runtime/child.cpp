#include "child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "arena.hpp"
#include "failure.hpp"
#include "heap.hpp"
#include "objects.hpp"
#include "races.hpp"
#include "statics.hpp"
#include "strategy.hpp"
#include "system.hpp"
#include "threads.hpp"
#include "virtual_time.hpp"

extern "C" char __libc_single_threaded;

namespace explore::runtime {
namespace {

constexpr std::uint64_t move_every = 64;  // schedules

/// To switch between threads on one processor is several times as fast as from one to the other. Now and then
/// the system may choose another one.
void stay_on_one_processor(std::uint64_t schedule) noexcept {
  static cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  if (schedule % move_every != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
  const int processor = sched_getcpu();
  if (processor < 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(processor), &one);
  sched_setaffinity(0, sizeof one, &one);
}

/// Of what the scenario prints, a thousand times over, nobody wants to read a line.
void be_quiet() noexcept {
  const int nothing = open("/dev/null", O_WRONLY);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  close(nothing);
}

void begin() noexcept {
  World& w = *world;
  ++w.generation;
  w.started = w.alive = 0;
  w.running = nullptr;
  w.steps = 0;
  w.now = virtual_time::start;
  w.spurious = w.options.spurious;
  w.timeouts = w.options.timeouts;
  w.stale = w.options.stale;
  w.weak = w.options.weak;
  w.lowest_priority = 0;
  w.place = 0;
  w.sequential = w.fences.next = 0;
  w.descriptors = w.exceptions = {};
  arena::reset();
  objects::reset();
  strategy::begin();
  __libc_single_threaded = 0;  // else shared_ptr counts without atomics, until the first thread starts
}

void run_schedule() noexcept {
  begin();
  threads::run_all(
      [](void*) -> void* {
        world->scenario();
        return nullptr;
      },
      nullptr);
  heap::reset();
  statics::put_back();
  ++world->shared->schedules;
  ++world->shared->search.schedule;
}

/// How many schedules to try. Where the systematic search has tried all, half as many again, and at least
/// 200, find what takes more preemptions than it may spend.
std::uint64_t most_schedules() noexcept {
  const SearchState& search = world->shared->search;
  if (!search.exhausted) return world->options.schedules;
  if (world->options.search != Search::mixed) return search.exhausted_at;
  return std::min(world->options.schedules,
                  search.exhausted_at + std::max<std::uint64_t>(search.exhausted_at / 2, 200));
}

void search() noexcept {
  Shared& shared = *world->shared;
  while (shared.search.schedule < most_schedules()) {
    stay_on_one_processor(shared.search.schedule);
    start_watch();
    run_schedule();
    if (strategy::is_systematic()) strategy::advance();
  }
}

}  // namespace

void run_schedules(void (*scenario)(), const Options& options, Mode mode, Shared& shared) noexcept {
  if (std::getenv("EXPLORE_LOUD") == nullptr) be_quiet();
  world = new (system::memory(sizeof(World))) World;
  world->options = options;
  world->mode = mode;
  world->shared = &shared;
  world->scenario = scenario;
  arena::open();
  objects::open();
  races::open();
  heap::open();
  strategy::open();
  threads::open();
  watch_for_crashes();
  stay_on_one_processor(0);
  statics::remember();
  if (mode == Mode::search) {
    search();
  } else {
    start_watch();
    run_schedule();
  }
  shared.ran_to_its_end = true;
  system::end_process(all_well);
}

}  // namespace explore::runtime
