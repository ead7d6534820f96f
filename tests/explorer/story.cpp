#include "story.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "../grader/symbols.hpp"
#include "../grader/text.hpp"

namespace explore {
namespace {

constexpr std::size_t most_places = 2;

/// Whose business a file is. The explorer's own, the grader's and the library's are nobody's.
bool is_shown(const std::string& file) {
  if (file.empty() || file.starts_with("/") || file.starts_with("?") || file.starts_with("..")) return false;
  if (file.find("support/") != std::string::npos) return false;
  return !file.starts_with("tests/explorer/") || file.find("/self_test/") != std::string::npos;
}

/// Where a library counts or spins for its own ends: what an atomic does there is not worth a line.
bool is_inside_library(const std::string& file) {
  return std::ranges::any_of(
      std::array{"shared_ptr", "atomic_wait.h", "stop_token", "semaphore_base.h", "atomic_futex.h", "/latch",
                 "/barrier", "functional", "move_only_function"},
      [&](const char* name) { return file.find(name) != std::string::npos; });
}

class Teller {
 public:
  explicit Teller(const Shared& shared)
      : journal_(shared.journal), symbols_(std::filesystem::read_symlink("/proc/self/exe"), "") {
    std::set<std::uint64_t> addresses;
    for (const Stack& stack : std::span(journal_.stacks).first(journal_.stacks_size))
      if (wanted(stack))
        for (const std::uintptr_t address : std::span(stack.address).first(stack.size))
          addresses.insert(address);
    symbols_.load(addresses);
    story_.failure = shared.failure;
    story_.message = shared.message.data();
  }

  Story tell() && {
    for (const Event& event : std::span(journal_.events).first(journal_.events_size)) add(event);
    fold_repetitions();
    for (std::uint32_t i = 0; i < journal_.threads_size; ++i) add(journal_.threads[i], static_cast<int>(i));
    for (const Site& site : std::span(journal_.sites).first(journal_.sites_size))
      story_.sites.push_back({.what = site.what.data(), .place = first_place(site.stack)});
    return std::move(story_);
  }

 private:
  /// Stacks are kept of every access to memory; only those that something refers to are told.
  bool wanted(const Stack& stack) {
    if (wanted_.empty()) {
      wanted_.insert(0);
      for (const Event& event : std::span(journal_.events).first(journal_.events_size))
        wanted_.insert(event.stack);
      for (const Site& site : std::span(journal_.sites).first(journal_.sites_size))
        wanted_.insert(site.stack);
    }
    return wanted_.contains(static_cast<StackId>(&stack - journal_.stacks.data()));
  }

  std::vector<Place> places(StackId id) {
    std::vector<Place> places;
    const Stack& stack = journal_.stacks[id];
    for (const std::uintptr_t address : std::span(stack.address).first(stack.size))
      for (const grader::Frame& frame : symbols_.frames(address))
        if (is_shown(frame.file)) {
          const Place place{.function = function_name(frame),
                            .file = frame.file,
                            .line = frame.line,
                            .source = source(frame.file, frame.line)};
          if (places.size() < most_places && (places.empty() || places.back() != place))
            places.push_back(place);
        }
    return places;
  }

  /// Of a lambda that is inlined into the library's code only that is known, which nobody wants to read.
  static std::string function_name(const grader::Frame& frame) {
    if (frame.file.starts_with("tests/")) return "the test";
    const std::string name = grader::short_name(frame.function);
    return name.starts_with("std::") ? "" : name;
  }

  Place first_place(StackId id) {
    const auto all = places(id);
    return all.empty() ? Place{} : all.front();
  }

  /// True if a frame of which `is` holds is further in than all that is shown.
  template <class Is>
  bool from_inside(StackId id, Is is) {
    const Stack& stack = journal_.stacks[id];
    for (const std::uintptr_t address : std::span(stack.address).first(stack.size))
      for (const grader::Frame& frame : symbols_.frames(address)) {
        if (is_shown(frame.file)) return false;
        if (is(frame)) return true;
      }
    return false;
  }

  const std::string& source(const std::string& file, int line) {
    auto [found, fresh] = sources_.try_emplace(file);
    if (fresh) found->second = grader::lines_of(grader::read_file(file).value_or(""));
    static const std::string nothing;
    if (line < 1 || static_cast<std::size_t>(line) > found->second.size()) return nothing;
    std::string& text = found->second[static_cast<std::size_t>(line) - 1];
    text.erase(0, text.find_first_not_of(" \t"));
    return text;
  }

  void add(const Event& event) {
    const auto library = [](const grader::Frame& frame) { return is_inside_library(frame.file); };
    const auto googletest = [](const grader::Frame& frame) {
      return frame.function.starts_with("testing::");
    };
    if (event.detail && from_inside(event.stack, library)) return;
    if (!std::string_view(event.text.data()).starts_with("FAILS") && from_inside(event.stack, googletest))
      return;
    const Place place = first_place(event.stack);
    const std::string text = event.text.data();
    if (!story_.rows.empty()) {
      Row& last = story_.rows.back();
      if (last.thread == event.thread && last.place == place) {
        if (last.texts.back() != text) last.texts.push_back(text);
        return;
      }
    }
    story_.rows.push_back({.thread = event.thread, .texts = {text}, .place = place});
  }

  /// Rows that come again and again, as of threads that spin, are shown twice.
  void fold_repetitions() {
    std::vector<Row> kept;
    const auto same = [](const Row& a, const Row& b) {
      return a.thread == b.thread && a.texts == b.texts && a.place == b.place;
    };
    for (Row& row : story_.rows) {
      kept.push_back(std::move(row));
      for (std::size_t period = 1; period <= 4; ++period) {
        if (kept.size() < 3 * period) continue;
        const auto end = kept.end(), last = end - static_cast<std::ptrdiff_t>(period),
                   before = last - static_cast<std::ptrdiff_t>(period),
                   first = before - static_cast<std::ptrdiff_t>(period);
        if (!std::equal(last, end, before, same) || !std::equal(before, last, first, same)) continue;
        kept.erase(last, end);
        break;
      }
    }
    story_.rows = std::move(kept);
  }

  void add(const ThreadState& thread, int id) {
    std::string name = "thread " + std::to_string(id + 1);
    if (id == 0)
      name += " (the scenario)";
    else if (thread.name[0] != '\0')
      name += std::string(" (") + thread.name.data() + ")";
    story_.threads.push_back({.name = name,
                              .doing = thread.doing.data(),
                              .ended = thread.ended,
                              .places = thread.ended ? std::vector<Place>{} : places(thread.stack)});
  }

  const Journal& journal_;
  grader::Symbols symbols_;
  Story story_;
  std::set<StackId> wanted_;
  std::map<std::string, std::vector<std::string>> sources_;
};

}  // namespace

std::string Place::short_name() const {
  return std::filesystem::path(file).filename().string() + ":" + std::to_string(line);
}

Story tell(const Shared& shared) { return Teller(shared).tell(); }

}  // namespace explore
