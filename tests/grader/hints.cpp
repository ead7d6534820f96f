#include "hints.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "text.hpp"

namespace grader {
namespace {

namespace fs = std::filesystem;

bool is_broken(const Result& result) {
  return result.outcome.verdict == Verdict::failed && result.chapter->problem.empty();
}

std::vector<std::string> broken_tests(const std::vector<Result>& results, const Chapter* chapter) {
  std::vector<std::string> names;
  for (const Result& result : results)
    if (result.chapter == chapter && is_broken(result)) names.push_back(result.test->full_name());
  return names;
}

/// The share of the tests in either list that are in both.
double likeness(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const std::set<std::string> first(a.begin(), a.end());
  std::set<std::string> either = first;
  std::size_t both = 0;
  for (const std::string& name : b) both += first.contains(name), either.insert(name);
  return either.empty() ? 0 : static_cast<double>(both) / static_cast<double>(either.size());
}

/// What is to be said if no test fails that is written.
std::string no_hint(const std::vector<Result>& results, std::size_t width) {
  for (const Result& result : results) {
    if (const Chapter& chapter = *result.chapter; !chapter.problem.empty())
      return chapter.id + " " + chapter.problem + ":\n" +
             indented(first_lines(clean(chapter.explanation), 8), 2, width) +
             "Mend that first: the hints are for tests that fail.\n";
    if (result.outcome.passed()) continue;
    return "What is written passes its tests. What comes next: " + result.outcome.summary + "\n";
  }
  return "All tests pass: there is nothing to hint at.\n";
}

/// Picks the first mistake that was not told yet while just these tests failed, and notes that it is told
/// now; after the last comes the first.
const Mistake& pick(const std::vector<Mistake>& likely, const std::string& failing, const std::string& path,
                    std::size_t& number) {
  auto lines = lines_of(read_file(path).value_or(""));
  if (lines.empty() || lines.front() != failing) lines = {failing};
  const auto is_new = [&](const Mistake& mistake) {
    return std::find(lines.begin() + 1, lines.end(), mistake.name) == lines.end();
  };
  auto found = std::ranges::find_if(likely, is_new);
  if (found == likely.end()) lines.resize(1), found = likely.begin();
  number = lines.size();
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  if (fs::path(path).has_parent_path()) fs::create_directories(fs::path(path).parent_path());
  write_file(path, text + found->name + "\n");
  return *found;
}

/// Of results step by step, those of the first step with a test that does not pass; none if all pass. What
/// fails behind it may do so because that step is not finished.
std::vector<Result> first_unfinished(const std::vector<Result>& results) {
  std::vector<Result> found;
  const auto first =
      std::ranges::find_if(results, [](const Result& result) { return !result.outcome.passed(); });
  if (first == results.end()) return found;
  std::ranges::copy_if(results, std::back_inserter(found), [&](const Result& result) {
    return result.chapter == first->chapter && result.test->suite == first->test->suite;
  });
  return found;
}

/// What can be asked of any test that fails like this; nothing of most.
std::optional<Mistake> general(const Outcome& outcome) {
  if (outcome.summary.starts_with("failed: data race"))
    return Mistake{
        .name = "data race",
        .text =
            "Two threads touch the same thing, and nothing orders them: the report has both lines. "
            "Which lock guards it, and which of the two does not hold it?",
        .caught_by = {}};
  if (outcome.summary.starts_with("failed: deadlock"))
    return Mistake{
        .name = "deadlock",
        .text =
            "Nobody can go on. The report says what each thread waits for: who was to bring that about, "
            "and what did they do instead, in the table?",
        .caught_by = {}};
  return std::nullopt;
}

/// What can be typed again, and what for.
std::string which_hint(std::size_t number, std::size_t all, const std::string& lesson) {
  if (all == 1)
    return "It is the only hint for this. What is folded in the lesson says more: " + lesson + "\n";
  return "Hint " + std::to_string(number) + " of " + std::to_string(all) +
         (number < all ? ": the same command tells the next.\n"
                       : ", the last: the same command begins again. See also " + lesson + "\n");
}

}  // namespace

Mistake mistake_in(const std::string& name, const std::string& patch) {
  Mistake mistake{.name = name, .text = {}, .caught_by = {}};
  std::string wrong, hint;
  for (const std::string& line : lines_of(patch)) {
    if (!line.starts_with("# ")) break;
    const std::string text = line.substr(2);
    if (text.starts_with("Hint: ")) {
      hint = text.substr(6);
    } else if (text.starts_with("Caught by:") || text.starts_with("Also fails:")) {
      std::istringstream names(text.substr(text.find(':') + 1));
      for (std::string one; std::getline(names >> std::ws, one, ',');) mistake.caught_by.push_back(one);
    } else if (wrong.empty() && !text.starts_with("Kind: ")) {
      wrong = text;
    }
  }
  mistake.text = clean(hint.empty() ? "A known mistake that fails this test: " + wrong : hint);
  return mistake;
}

std::vector<Mistake> mistakes_of(const std::string& chapter) {
  std::map<std::string, std::string> patches;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("tests/" + chapter + "/mutants", none))
    if (entry.path().extension() == ".patch")
      patches[entry.path().stem()] = read_file(entry.path()).value_or("");
  std::vector<Mistake> mistakes;
  for (const auto& [name, patch] : patches) mistakes.push_back(mistake_in(name, patch));
  return mistakes;
}

std::vector<Mistake> likely_mistakes(const std::vector<Mistake>& known, const std::string& test,
                                     const std::vector<std::string>& failing) {
  std::vector<Mistake> likely;
  for (const Mistake& mistake : known)
    if (std::ranges::find(mistake.caught_by, test) != mistake.caught_by.end()) likely.push_back(mistake);
  std::ranges::stable_sort(likely, std::greater(),
                           [&](const Mistake& m) { return likeness(m.caught_by, failing); });
  return likely;
}

std::string next_hint(const std::vector<Result>& results, const std::string& told, const std::string& again,
                      std::size_t width) {
  const auto unfinished = first_unfinished(results);
  const auto first = std::ranges::find_if(unfinished, is_broken);
  if (first == unfinished.end()) return no_hint(unfinished, width);
  const Chapter& chapter = *first->chapter;
  const Step& step = *std::ranges::find(chapter.steps, first->test->suite, &Step::suite);
  const auto failing = broken_tests(unfinished, &chapter);
  // Those of the first test, and only if there are none those of the next.
  std::vector<Mistake> likely;
  std::string test;
  const auto known = mistakes_of(chapter.id);
  for (auto broken = first; likely.empty() && broken != unfinished.end(); ++broken) {
    if (!is_broken(*broken)) continue;
    likely = likely_mistakes(known, broken->test->full_name(), failing), test = broken->test->name;
    if (auto asked_of_any = general(broken->outcome)) likely.push_back(*std::move(asked_of_any));
  }
  const auto title = [&](const std::string& name) { return step.label() + ": " + sentence(name) + "\n"; };
  if (likely.empty())
    return title(first->test->name) + "  No mistake is known that fails this test. Read " +
           chapter.lesson(step) + "\n  and what the test says: " + again + "\n";
  std::string all;
  for (const std::string& name : failing) all += (all.empty() ? "" : " ") + name;
  std::size_t number = 0;
  const Mistake& mistake = pick(likely, all, told, number);
  return title(test) + indented(mistake.text, 2, width) +
         which_hint(number, likely.size(), chapter.lesson(step));
}

void add_hints(std::vector<Result>& results) {
  std::map<const Chapter*, std::vector<Mistake>> known;
  for (Result& result : results) {
    if (!is_broken(result)) continue;
    if (!known.contains(result.chapter)) known[result.chapter] = mistakes_of(result.chapter->id);
    const auto likely = likely_mistakes(known[result.chapter], result.test->full_name(),
                                        broken_tests(results, result.chapter));
    if (!likely.empty()) result.outcome.hint = likely.front().text;
  }
}

}  // namespace grader
