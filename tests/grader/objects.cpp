#include "objects.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "allowlist.hpp"
#include "symbols.hpp"
#include "text.hpp"

namespace grader {
namespace {

namespace fs = std::filesystem;

/// All files that an object was made from.
std::vector<std::string> files_of(const std::string& object) {
  std::vector<std::string> files;
  std::istringstream list(read_file(object + ".d").value_or(""));
  for (std::string file; list >> file;) files.push_back(file);
  return files;
}

bool is_given(const std::string& file) {
  return file.starts_with("tests/") || file.starts_with("solutions/") ||
         file.starts_with("chapters/support/");
}

/// The chapters whose headers are the learner's, and those that its tests have compiled beforehand.
std::set<std::string> chapters_of(const std::string& id, const std::vector<std::string>& files) {
  std::set<std::string> chapters{id};
  for (const std::string& file : files)
    if (file.starts_with("chapters/") && !is_given(file))
      chapters.insert(fs::path(file).parent_path().filename());
  if (fs::exists("tests/" + id + "/prelude.hpp"))
    for (const auto& entry : fs::directory_iterator("solutions"))
      if (entry.path().filename() < id) chapters.insert(entry.path().filename());
  return chapters;
}

std::vector<std::string> solutions_of(const std::set<std::string>& chapters) {
  std::vector<std::string> files;
  std::error_code none;
  for (const std::string& chapter : chapters)
    for (const auto& entry : fs::directory_iterator("solutions/" + chapter, none))
      files.push_back(entry.path());
  return files;
}

bool calls(const std::vector<std::string>& files, const std::regex& call) {
  for (const std::string& file : files)
    if (std::regex_search(read_file(file).value_or(""), call)) return true;
  return false;
}

/// Where the submission does so: chapters/01_pooling/x.hpp:3.
std::string place_of(const std::string& object, const std::string& symbol, const std::string& id) {
  const std::string here = fs::current_path().string() + "/";
  for (std::string line : lines_of(output_of({"nm", "-u", "-l", object}))) {
    std::istringstream words(line);
    std::string kind, name, place;
    words >> kind >> name;
    std::getline(words >> std::ws, place);
    if (name == symbol && !place.empty()) return place.starts_with(here) ? place.substr(here.size()) : place;
  }
  return "chapters/" + id;
}

}  // namespace

std::vector<std::string> foreign_calls(const std::string& object) {
  const std::string id = fs::path(object).parent_path().filename();
  const std::vector<std::string> files = files_of(object);
  std::vector<std::string> given, found;
  std::ranges::copy_if(files, std::back_inserter(given), is_given);
  for (const std::string& line : lines_of(output_of({"nm", "-u", "-P", object}))) {
    const std::string symbol = line.substr(0, line.find(' '));
    if (!is_foreign(symbol)) continue;
    const std::string name(without_64(symbol));
    const std::regex qualified("::" + name + R"((64)?\s*\()");
    const std::regex plain(R"((^|[^\w.>:~])((std)?::)?)" + name + R"((64)?\s*\()");
    if (!calls(given, plain) && !calls(solutions_of(chapters_of(id, files)), qualified))
      found.push_back(place_of(object, symbol, id) + ": " + called(name));
  }
  return found;
}

}  // namespace grader
