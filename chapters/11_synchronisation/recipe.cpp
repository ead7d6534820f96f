// A crawler of simulated pages: workers take pages from a bounded queue, and are polite to the hosts. The
// clock jumps, so that a crawl of minutes takes no time and looks the same each time.

#include <synchronisation.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "recipe.hpp"
#include "task.hpp"
#include "timeline.hpp"
#include "virtual_time_selector.hpp"

using namespace std::chrono_literals;
using asyncio::Coro;
using asyncio::Task;
using concurrent::Activity;
using concurrent::Recorded;

namespace {

/// A page of a web that is made up: where it is, how long it takes, and how many links it has.
struct Page {
  std::int64_t number;
  char host;
  std::chrono::milliseconds takes;
};

/// A host: at most two requests at a time, and one every so often.
struct Host {
  static constexpr auto pause = 60ms;

  asyncio::Semaphore connections{2};
  asyncio::Lock turn;

  /// Waits until it is polite to ask.
  Coro<> be_polite() {
    const auto held = co_await turn.scoped();
    co_await asyncio::sleep(pause);
  }
};

class Crawler {
 public:
  Crawler(std::int64_t pages, std::int64_t seed) : left_(pages), random_(static_cast<std::uint32_t>(seed)) {
    pages_.set_name("pages");
  }

  Coro<> crawl(std::int64_t workers) {
    std::vector<Task<>> tasks;
    for (std::int64_t i = 1; i <= workers; ++i)
      tasks.push_back(asyncio::create_task(work("worker_" + std::to_string(i))));
    while (left_-- > 0) co_await pages_.put(make_page());  // waits while the queue is full
    co_await pages_.join();                                // all that was put in is done
    pages_.shutdown();                                     // and now the workers may go home
    for (const Task<>& task : tasks) co_await task;
    concurrent::print_line(std::to_string(fetched_) + " pages in " +
                           concurrent::column(seconds(now()), 0, 2) + " seconds of the crawler's time");
  }

  [[nodiscard]] std::string timeline(std::size_t columns) const {
    return concurrent::timeline_text(concurrent::lanes_of(spans_), columns);
  }

 private:
  Coro<> work(std::string name) {
    try {
      while (true) {
        const Page page = co_await pages_.get();
        co_await fetch(page, name);
        ++fetched_;
        pages_.task_done();
      }
    } catch (const asyncio::QueueShutDown&) {
    }
  }

  Coro<> fetch(Page page, std::string who) {
    Host& host = hosts_[page.host];
    const auto begin = now();
    const auto connection = co_await host.connections.scoped();
    co_await host.be_polite();
    const auto asked = now();
    if (asked > begin) spans_.push_back({"polite", who, begin, asked, Activity::waiting});
    co_await asyncio::sleep(page.takes);
    spans_.push_back(
        {std::string(1, page.host) + std::to_string(page.number), who, asked, now(), Activity::computing});
  }

  Page make_page() {
    return {++made_, static_cast<char>('a' + random_() % 3), std::chrono::milliseconds(50 + random_() % 200)};
  }

  [[nodiscard]] static std::chrono::nanoseconds now() {
    return asyncio::get_running_loop().time().time_since_epoch();
  }
  [[nodiscard]] static double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
  }

  std::int64_t left_;
  std::int64_t made_ = 0;
  std::int64_t fetched_ = 0;
  std::mt19937 random_;
  asyncio::Queue<Page> pages_{4};
  std::map<char, Host> hosts_;
  std::vector<Recorded> spans_;
};

}  // namespace

int main(int argc, char** argv) {
  std::int64_t seed = 1;
  std::int64_t pages = 20;
  std::int64_t workers = 5;
  const concurrent::RecipeOptions options(
      "A crawler of simulated pages: a bounded queue, workers, two requests to a host at a time, and a pause "
      "between them.",
      {{"--seed", "of the web that is made up (default 1)", seed, 0, 1'000'000},
       {"--pages", "how many there are (default 20)", pages, 1, 10'000},
       {"--workers", "how many tasks fetch them (default 5)", workers, 1, 1'000}});
  return concurrent::recipe(argc, argv, options, [&] {
    asyncio::EventLoop loop(asyncio::explain_hangs(std::make_unique<asyncio::VirtualTimeSelector>()));
    Crawler crawler(pages, seed);
    loop.run_until_complete(crawler.crawl(workers));
    concurrent::print_line(crawler.timeline(100));
  });
}
