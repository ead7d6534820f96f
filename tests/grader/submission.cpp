#include "submission.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "inspector.hpp"
#include "text.hpp"
#include "tokens.hpp"

namespace grader {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 100, most_bytes = 256 * 1024, most_columns = 500;
const std::string too_large =
    "a header of more than " + std::to_string(most_bytes / 1024) + " KiB is not allowed";

bool is_plain(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~+#") ==
             std::string_view::npos;
}

void add_headers(std::set<std::string>& names, const fs::path& folder) {
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    if (entry.path().extension() == ".hpp") names.insert(entry.path().lexically_relative(folder));
}

void add_words(std::set<std::string>& words, const fs::path& folder) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() != ".hpp") continue;
    for (const Token& token : tokens_of(read_file(entry.path()).value_or("")))
      if (token.kind == Token::Kind::word) words.insert(token.text);
  }
}

const std::string all_of_a_namespace = "using namespace";

/// Adds the names that a header makes for what has another: `using Id = int`, `typedef int Id`,
/// `using std::string`, and whether it takes those of a whole namespace.
void add_aliases(std::set<std::string>& names, const std::vector<Token>& tokens) {
  const auto is = [&](std::size_t i, std::string_view what) {
    return i < tokens.size() && tokens[i].is(what);
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!is(i, "using") && !is(i, "typedef")) continue;
    const bool all = is(i, "typedef");
    if (is(i + 1, "namespace")) {
      std::size_t last = i + 2;
      while (!is(last + 1, ";") && last + 1 < tokens.size()) ++last;
      if (last < tokens.size() && !tokens[last].text.ends_with("literals") &&
          !tokens[last].is("placeholders"))
        names.insert(all_of_a_namespace);
    }
    for (std::size_t k = i + 1; k < tokens.size() && !is(k, ";") && !(is(k, "=") && !all); ++k)
      if (all || is(k + 1, "=") || is(k + 1, ";") || is(k + 1, ",") || is(k + 1, "["))
        names.insert(tokens[k].text);
  }
}

/// Adds the aliases of all headers of a folder, except of those that are refused anyway.
void add_aliases(std::set<std::string>& names, const fs::path& folder) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() != ".hpp" || !fs::is_regular_file(entry.symlink_status())) continue;
    if (entry.file_size(none) > most_bytes) continue;
    try {
      add_aliases(names, tokens_of(read_file(entry.path()).value_or("")));
    } catch (const NotAllowed&) {
    }
  }
}

/// Adds what tests/NN_name/allowed.txt lets a chapter use beyond its solution: a word a line, or the name of
/// a header.
void add_allowed(Surroundings& around, const std::string& id) {
  for (const std::string& line : lines_of(read_file("tests/" + id + "/allowed.txt").value_or(""))) {
    if (line.empty() || line.starts_with("#")) continue;
    around.headers.insert(line);
    around.words.insert(line);
  }
}

/// True for what is called as a header is, and for a folder with such a thing somewhere in it.
bool holds_header(const fs::directory_entry& entry) {
  std::error_code none;
  if (entry.path().extension() == ".hpp" || entry.path().filename() == ".hpp") return true;
  if (!fs::is_directory(entry.path(), none)) return false;  // a link to a folder counts
  const auto all = fs::directory_options::follow_directory_symlink;
  std::size_t seen = 0;
  for (auto at = fs::recursive_directory_iterator(entry.path(), all, none); !none && at != end(at);
       at.increment(none))
    if (at->path().extension() == ".hpp" || ++seen > 10'000) return true;
  return static_cast<bool>(none);
}

/// Says what is wrong with an entry of the folder that is no header; empty if it is of no interest to a
/// compiler.
std::string complaint(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename();
  if (!is_plain(name)) return "a name with other characters than letters, digits, _ . - is not allowed";
  // What an editor or a version control leaves, unless an #include could name it.
  if (name.starts_with(".") && !holds_header(entry)) return "";
  if (fs::is_symlink(entry.symlink_status())) return "a symbolic link is not allowed";
  if (fs::is_directory(entry.symlink_status()))
    return "a folder is not allowed here: an #include could find it";
  if (!fs::is_regular_file(entry.symlink_status())) return "only ordinary files are allowed";
  if (entry.hard_link_count() > 1) return "a hard link is not allowed: the file has other names";
  if (entry.path().extension() == ".hpp" && entry.file_size() > most_bytes) return too_large;
  const std::string ending = entry.path().extension();
  static const std::set<std::string> searched{"",     ".h",   ".hh",  ".hxx", ".tcc",
                                              ".def", ".inc", ".ipp", ".gch", ".pch"};
  if (searched.contains(ending) && name != "Makefile")
    return "only headers called .hpp are allowed: an #include of another could find this file";
  return "";
}

/// @throws NotAllowed if the file is too large, or a line too long, to be written by hand
void check_size(std::string_view code) {
  if (code.size() > most_bytes) throw NotAllowed(1, too_large);
  int line = 0;
  for (const std::string& text : lines_of(code))
    if (++line; text.size() > most_columns)
      throw NotAllowed(line,
                       "a line of more than " + std::to_string(most_columns) + " characters is not allowed");
}

std::vector<fs::directory_entry> entries_of(const std::string& folder) {
  std::vector<fs::directory_entry> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry);
  std::ranges::sort(entries, {}, [](const auto& entry) { return entry.path().string(); });
  return entries;
}

/// The same name as a header that is given, or as one of another chapter, would take its place.
std::set<std::string> taken_names(const std::string& id) {
  std::set<std::string> names;
  for (const char* given : {"chapters/support", "tests/support", "tests/explorer"}) add_headers(names, given);
  add_headers(names, "tests/" + id);
  for (const auto& entry : fs::directory_iterator("solutions"))
    if (entry.path().filename() != id) add_headers(names, entry.path());
  return names;
}

}  // namespace

Surroundings surroundings_of(const std::string& folder) {
  const std::string id = fs::path(folder).filename();
  if (!fs::is_directory("solutions/" + id)) throw std::runtime_error("there is no chapter " + id);
  Surroundings around{.folder = folder, .headers = {}, .words = {}, .aliases = {}};
  add_headers(around.headers, "chapters/support");
  for (const auto& entry : fs::directory_iterator(folder))  // and not what lies in a folder of it
    if (entry.path().extension() == ".hpp") around.headers.insert(entry.path().filename());
  for (const auto& entry : fs::directory_iterator("solutions"))
    if (entry.path().filename() <= id) add_headers(around.headers, entry.path());
  add_words(around.words, "solutions/" + id);
  add_allowed(around, id);
  add_aliases(around.aliases, folder);
  return around;
}

void inspect_header(std::string_view code, const Surroundings& around) {
  check_size(code);
  const std::vector<Token> tokens = tokens_of(code);
  Surroundings with_own = around;
  add_aliases(with_own.aliases, tokens);
  Inspector(tokens, with_own).run();
}

std::vector<std::string> inspect(const std::string& folder) {
  if (fs::is_symlink(folder)) return {folder + ": a symbolic link is not allowed"};
  const Surroundings around = surroundings_of(folder);
  const auto taken = taken_names(fs::path(folder).filename());
  std::vector<std::string> refusals;
  std::size_t headers = 0;
  for (const auto& entry : entries_of(folder)) {
    const std::string path = clean(entry.path().string()), name = entry.path().filename();
    std::string why = complaint(entry);
    if (why.empty() && name.ends_with(".hpp")) {
      if (++headers > most_files)
        why = "more than " + std::to_string(most_files) + " headers are not allowed";
      if (taken.contains(name)) why = "a header of this name is given already: yours would take its place";
    }
    if (!why.empty()) {
      refusals.push_back(path + ": " + why);
    } else if (name.ends_with(".hpp")) {
      const auto code = read_file(entry.path());
      if (!code) refusals.push_back(path + ": it cannot be read");
      try {
        inspect_header(code.value_or(""), around);
      } catch (const NotAllowed& flaw) {
        refusals.push_back(path + ":" + std::to_string(flaw.line) + ": " + clean(flaw.what()));
      }
    }
  }
  return refusals;
}

}  // namespace grader
