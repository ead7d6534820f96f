#include "report.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>

#include "result_files.hpp"
#include "text.hpp"

namespace grader {
namespace {

/// The results of one step, and how they add up.
struct StepResults {
  const Chapter* chapter = nullptr;
  const Step* step = nullptr;
  std::vector<const Result*> results;
  Tally tally;
};

std::vector<StepResults> by_step(const Chapter& chapter, const std::vector<Result>& results) {
  std::vector<StepResults> steps;
  for (const Step& step : chapter.steps) {
    StepResults one{.chapter = &chapter, .step = &step, .results = {}, .tally = {}};
    for (const Result& result : results) {
      if (result.chapter != &chapter || result.test->suite != step.suite) continue;
      one.results.push_back(&result);
      one.tally.add(result.outcome);
    }
    if (!one.results.empty()) steps.push_back(std::move(one));
  }
  return steps;
}

/// Returns the command that grades a chapter: "make 03" for 03_futures.
std::string command(const Chapter& chapter, const Options& options) {
  if (!options.again.empty()) return options.again;
  return "make " + chapter.id.substr(0, chapter.id.find('_'));
}

/// Returns the lesson's first heading, or else the folder's name.
std::string title(const Chapter& chapter) {
  const auto lesson = read_file(chapter.lesson());
  if (!lesson || !lesson->starts_with("# ")) return chapter.id;
  return chapter.id + "  " + clean(lesson->substr(2, lesson->find('\n') - 2));
}

class Report {
 public:
  Report(const Options& options, const Terminal& terminal) : options_(options), terminal_(terminal) {}

  void table(const std::vector<Chapter>& chapters, const std::vector<Result>& results) {
    std::size_t width = 0;
    for (const Chapter& chapter : chapters) width = std::max(width, chapter.id.size());
    for (const Chapter& chapter : chapters) {
      Tally tally;
      std::string stopped;
      for (const StepResults& step : by_step(chapter, results)) {
        if (stopped.empty() && !step.tally.done()) stopped = step.step->label();
        tally.passed += step.tally.passed;
        tally.not_written += step.tally.not_written;
        tally.all += step.tally.all;
      }
      if (tally.all == 0) continue;
      if (!chapter.problem.empty()) stopped = chapter.problem;
      line(tally, chapter.id, width, stopped);
    }
    text_ += "\n";
  }

  void chapter(const Chapter& chapter, const std::vector<Result>& results) {
    const auto steps = by_step(chapter, results);
    if (steps.empty()) return;
    text_ += terminal_.bold(cut(title(chapter), terminal_.width)) + "\n\n";
    for (const std::string& note : chapter.notes) text_ += indented(clean(note), 0, terminal_.width) + "\n";
    if (!chapter.problem.empty()) return problem(chapter);
    std::size_t width = 0;
    for (const StepResults& step : steps) width = std::max(width, columns(step.step->label()));
    for (const StepResults& step : steps) line(step.tally, step.step->label(), width, "");
    text_ += "\n";
    for (const StepResults& step : steps) {
      if (!step.tally.done() && !step.tally.untouched()) failures(step);
      notes(step);
    }
  }

  /// Names the first step that is not done, as the next thing to do.
  void next(const std::vector<Chapter>& chapters, const std::vector<Result>& results) {
    for (const Chapter& chapter : chapters) {
      if (!chapter.problem.empty()) {
        const bool broken = chapter.problem == "does not compile";
        advise("Next: " + std::string(broken ? "make it compile" : "take that out") + ", then",
               command(chapter, options_));
        text_ += "\n";
        return;
      }
      for (const StepResults& step : by_step(chapter, results))
        if (!step.tally.done()) return next(*step.step, chapter, options_.filter.empty());
    }
    if (!options_.again.empty()) return;
    const std::string after = following(chapters.back());
    if (const Step* const step = step_after(chapters.back(), results))
      return next(*step, chapters.back(), true);
    if (!options_.filter.empty())
      advise("Next:", command(chapters.back(), options_) + ",", "to see where you are");
    else if (!after.empty())
      advise("Next: chapter " + after.substr(0, after.find('_')) + " — read chapters/" + after + "/README.md",
             "");
    else if (options_.next)
      advise("You are done: every test passes.", "make mine", "builds your chapters on one another.");
    else
      advise("That was the last chapter:", "make next", "tells what is left in the others.");
    text_ += "\n";
  }

  void total(const std::vector<Result>& results) {
    Tally tally;
    for (const Result& result : results) tally.add(result.outcome);
    const std::string text =
        std::to_string(tally.passed) + " passed, " + std::to_string(tally.all - tally.passed) + " failed";
    text_ += (tally.done() ? terminal_.good(text) : terminal_.bad(text)) + "\n";
  }

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  /// "✘ Step 2 ThreadPool  3/9"
  void line(const Tally& tally, const std::string& label, std::size_t width, const std::string& note) {
    const std::string mark = tally.done()        ? terminal_.good("✔")
                             : tally.untouched() ? terminal_.dim("·")
                                                 : terminal_.bad("✘");
    const std::string counts = std::to_string(tally.passed) + "/" + std::to_string(tally.all);
    const std::string gap(width - columns(label) + 2 + (counts.size() < 5 ? 5 - counts.size() : 0), ' ');
    text_ += mark + " " + (tally.untouched() ? terminal_.dim(label + gap + counts) : label + gap + counts);
    const std::size_t used = 2 + columns(label) + gap.size() + counts.size() + 2;
    if (!note.empty() && used + 3 < terminal_.width)
      text_ += "  " + terminal_.dim(cut(note, terminal_.width - used));
    text_ += "\n";
  }

  void problem(const Chapter& chapter) {
    text_ += terminal_.bad("✘ " + chapter.id + " " + chapter.problem) + "\n";
    text_ += indented(first_lines(clean(chapter.explanation), 24), 2, terminal_.width) + "\n";
  }

  /// Shows the notes of tests that pass: the bug that the learner was asked to cause.
  void notes(const StepResults& step) {
    for (const Result* result : step.results) {
      if (!result->outcome.passed() || result->outcome.note.empty()) continue;
      text_ += terminal_.good("✔") + " " + step.step->label() + ": " +
               terminal_.bold(sentence(result->test->name)) + "\n";
      if (options_.filter.empty()) {  // shown only when the step is graded by itself
        text_ +=
            "    To see it: " + command(*step.chapter, options_) + " FILTER='" + step.step->suite + ".*'\n\n";
        continue;
      }
      text_ += indented(result->outcome.note, 4, terminal_.width);
      picture(*result);
      text_ += "\n";
    }
  }

  void picture(const Result& result) {
    if (!result.outcome.diagram.empty() && !options_.quiet)
      text_ += "    As a picture: " + diagram_path(result) + "\n";
  }

  /// Explains the first failed test of the step in full, and the others in short.
  void failures(const StepResults& step) {
    std::vector<const Result*> failed;
    for (const Result* result : step.results)
      if (!result->outcome.passed()) failed.push_back(result);
    const auto broken = [](const Result* result) { return result->outcome.verdict == Verdict::failed; };
    std::stable_partition(failed.begin(), failed.end(), broken);  // what is not written yet can wait
    const auto drawn = [](const Result* result) { return !result->outcome.diagram.empty(); };
    std::stable_partition(failed.begin(), failed.end(), drawn);  // a schedule explains most

    const Result& first = *failed.front();
    text_ += terminal_.bad("✘") + " " + step.step->label() + ": " +
             terminal_.bold(sentence(first.test->name)) + "\n";
    in_full(first);
    std::set<std::string> told{first.outcome.summary};
    for (std::size_t i = 1; i < failed.size(); ++i) {
      const std::string name = sentence(failed[i]->test->name);
      const std::string summary = failed[i]->outcome.summary;
      const std::string once =
          told.insert(summary).second ? summary.substr(0, summary.find('\n')) : "the same";
      text_ +=
          "  " + terminal_.bad("✘") + " " + name + "\n" + terminal_.dim(indented(once, 6, terminal_.width));
    }
    text_ += "  Read " + step.chapter->lesson(*step.step) + "\n\n";
  }

  void in_full(const Result& result) {
    const Outcome& outcome = result.outcome;
    const bool expectation = !outcome.details.empty() && outcome.summary.starts_with("failed: ");
    if (!expectation) text_ += indented(outcome.summary, 4, terminal_.width);
    text_ += indented(outcome.details, 4, terminal_.width);
    const std::string place =
        outcome.place.empty() ? result.test->source + ":" + std::to_string(result.test->line) : outcome.place;
    picture(result);
    text_ += "    " + terminal_.dim("at " + relative(place)) + "\n";
    const bool report = outcome.summary.starts_with("failed under the sanitizer");
    if (outcome.output.empty() || report) return;
    text_ += "    It printed:\n" + indented(first_lines(outcome.output, 8), 6, terminal_.width);
  }

  static std::string relative(const std::string& place) {
    const std::filesystem::path path(place);
    return path.is_absolute() ? path.lexically_relative(std::filesystem::current_path()).string() : place;
  }

  /// Names a step as the next thing to do.
  void next(const Step& step, const Chapter& chapter, bool alone) {
    const std::string again = command(chapter, options_);
    const std::string number = step.number > 0 ? "step " + std::to_string(step.number) : step.title;
    advise("Next: " + number + " — read " + chapter.lesson(step) + ", then", again);
    if (step.number > 0 && alone)
      advise("      this step alone:", again + " FILTER='Step" + std::to_string(step.number) + "_*'");
    text_ += "\n";
  }

  /// The step behind those that were asked for, FILTER='Step3*', and have passed; null if there is none, or
  /// if not whole steps were asked for.
  const Step* step_after(const Chapter& chapter, const std::vector<Result>& results) const {
    if (!options_.filter.starts_with("Step") || !options_.filter.ends_with('*')) return nullptr;
    int last = 0;
    for (const Result& result : results)
      last = std::max(last, std::ranges::find(chapter.steps, result.test->suite, &Step::suite)->number);
    const auto behind = [&](const Step& step) { return step.number > last; };
    const auto found = std::ranges::find_if(chapter.steps, behind);
    return found == chapter.steps.end() ? nullptr : &*found;
  }

  /// Adds a sentence with a command, which stays whole, in lines that fit.
  void advise(const std::string& text, const std::string& command, const std::string& rest = "") {
    const std::size_t indent = terminal_.width < 60 ? 2 : 6;
    std::string line(std::min(text.find_first_not_of(' '), indent), ' '), painted = line;
    const auto add = [&](const std::string& word, const std::string& shown) {
      const bool first = line.find_first_not_of(' ') == std::string::npos;
      if (!first && columns(line) + 1 + columns(word) > terminal_.width) {
        text_ += painted + "\n";
        line = painted = std::string(indent, ' ');
        line += word, painted += shown;
        return;
      }
      line += (first ? "" : " ") + word, painted += (first ? "" : " ") + shown;
    };
    for (const std::string& word : words_of(text)) add(word, word);
    if (!command.empty()) add(command, terminal_.bold(command));
    for (const std::string& word : words_of(rest)) add(word, word);
    text_ += painted + "\n";
  }

  static std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
  }

  /// Returns the next chapter in chapters/, if there is one.
  static std::string following(const Chapter& chapter) {
    std::set<std::string> later;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator("chapters", none)) {
      const std::string name = entry.path().filename();
      if (name > chapter.id && std::filesystem::exists(entry.path() / "README.md")) later.insert(name);
    }
    return later.empty() ? "" : *later.begin();
  }

  const Options& options_;
  const Terminal& terminal_;
  std::string text_;
};

}  // namespace

std::string report(const std::vector<Chapter>& chapters, const std::vector<Result>& results,
                   const Options& options, const Terminal& terminal) {
  Report report(options, terminal);
  if (chapters.size() > 1 && !options.next) report.table(chapters, results);
  for (const Chapter& chapter : chapters) {
    if (options.next) break;
    const auto wanted = [&](const Result& result) {
      return result.chapter == &chapter && result.outcome.verdict == Verdict::failed;
    };
    const bool alone = chapters.size() == 1;
    if (alone || std::any_of(results.begin(), results.end(), wanted)) report.chapter(chapter, results);
  }
  if (!options.quiet) report.next(chapters, results);
  report.total(results);
  return std::move(report).text();
}

}  // namespace grader
