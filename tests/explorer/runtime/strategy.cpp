#include "strategy.hpp"

#include <algorithm>
#include <array>

#include "system.hpp"
#include "world.hpp"

namespace explore::runtime::strategy {
namespace {

/// Small and good enough: SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) noexcept { return n == 0 ? 0 : next() % n; }
  bool one_in(std::size_t n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

/// Of the schedule that runs now.
struct Present {
  Random random{0};
  Search search = Search::systematic;
  std::uint32_t position = 0;  // choices so far
  int spent = 0;               // preemptions and events so far
  int demotions = 0;
  std::array<std::uint32_t, 5> demote_at{};  // the choices at which the running thread becomes the lowest
};
Present* present = nullptr;

Search search_of(std::uint64_t schedule) noexcept {
  const Options& options = world->options;
  if (options.search != Search::mixed) return options.search;
  if (!world->shared->search.exhausted && schedule < options.schedules / 2) return Search::systematic;
  return schedule % 2 == 0 ? Search::random : Search::priorities;
}

/// The cost of way number `way`, in preemptions and events that a systematic search may spend.
int cost(std::size_t way, const Branch& branch) noexcept {
  if (way == 0) return 0;
  return way >= branch.going_on || branch.preempts ? 1 : 0;
}

std::size_t repeat(std::size_t ways) noexcept {
  const Choices& replay = world->shared->replay;
  const std::size_t choice = present->position < replay.size ? replay.at[present->position] : 0;
  return choice < ways ? choice : 0;  // a replay may meet other choices than the schedule that it repeats
}

std::size_t search_on(std::size_t ways, std::size_t going_on, bool preempts) noexcept {
  SearchState& search = world->shared->search;
  if (present->position == search.depth && search.depth < search.path.size())
    search.path[search.depth++] = {.ways = static_cast<std::uint8_t>(ways),
                                   .taken = 0,
                                   .going_on = static_cast<std::uint8_t>(going_on),
                                   .preempts = preempts,
                                   .spent = static_cast<std::uint8_t>(std::min(present->spent, 255))};
  if (present->position >= search.depth) return 0;
  const Branch& branch = search.path[present->position];
  const std::size_t way = branch.taken < ways ? branch.taken : 0;
  present->spent += cost(way, branch);
  return way;
}

std::size_t highest(std::span<const Way> ways) noexcept {
  const auto priority = [](const Way& way) { return way.thread->priority; };
  return static_cast<std::size_t>(std::ranges::max_element(ways, {}, priority) - ways.begin());
}

/// @param ways empty if they are not about threads
std::size_t decide(std::size_t size, std::size_t going_on, bool preempts,
                   std::span<const Way> ways) noexcept {
  Random& random = present->random;
  const std::size_t events = size - going_on;
  const auto some_event = [&] { return going_on + random.below(events); };
  if (world->mode != Mode::search) return repeat(size);
  switch (present->search) {
    case Search::mixed:
    case Search::systematic:
      return search_on(size, going_on, preempts);
    case Search::random:
      return events > 0 && random.one_in(12) ? some_event() : random.below(going_on);
    case Search::priorities:
      for (int i = 0; i < present->demotions; ++i)
        if (present->demote_at[static_cast<std::size_t>(i)] == present->position)
          world->running->priority = present->demotions - i;
      if (events > 0 && random.one_in(world->shared->search.length / 2 + 4)) return some_event();
      return ways.empty() ? random.below(going_on) : highest(ways.first(going_on));
  }
  return 0;
}

std::size_t take(std::size_t size, std::size_t going_on, bool preempts, std::span<const Way> ways) noexcept {
  if (size == 1) return 0;
  const std::size_t way = decide(size, going_on, preempts, ways);
  ++present->position;
  world->shared->made.add(way);
  return way;
}

}  // namespace

void open() noexcept { present = new (system::memory(sizeof(Present))) Present; }

void begin() noexcept {
  SearchState& search = world->shared->search;
  search.length = std::max(search.length, present->position);
  *present = {};
  present->search = search_of(search.schedule);
  present->random = Random(world->options.seed * 0x2545F4914F6CDD1DU + search.schedule * 0x9E3779B97F4A7C15U);
  present->demotions = 1 + static_cast<int>(search.schedule / 2 % 4);
  for (std::uint32_t& position : present->demote_at)
    position = static_cast<std::uint32_t>(present->random.below(search.length + 1));
  world->shared->made.size = 0;
}

bool advance() noexcept {
  SearchState& search = world->shared->search;
  while (search.depth > 0) {
    Branch& last = search.path[search.depth - 1];
    while (++last.taken < last.ways)
      if (last.spent + cost(last.taken, last) <= search.bound) return true;
    --search.depth;
  }
  search.exhausted = ++search.bound > world->options.preemptions;
  search.exhausted_at = search.schedule;
  return !search.exhausted;
}

bool is_systematic() noexcept { return present->search == Search::systematic; }

std::size_t choose(std::span<const Way> ways, std::size_t going_on, bool preempts) noexcept {
  return take(ways.size(), going_on, preempts, ways);
}
std::size_t choose_among(std::size_t ways) noexcept { return take(ways, ways, false, {}); }
std::size_t choose_age(std::size_t ways) noexcept { return take(ways, 1, true, {}); }

bool choose_to_fail() noexcept { return take(2, 1, true, {}) == 1; }

int new_priority() noexcept { return 1'000'000 + static_cast<int>(present->random.below(1 << 24)); }

}  // namespace explore::runtime::strategy
