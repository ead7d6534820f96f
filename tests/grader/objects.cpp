#include "objects.hpp"

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "allowlist.hpp"
#include "symbols.hpp"
#include "text.hpp"

namespace grader {
namespace {

namespace fs = std::filesystem;

/// All files of the repository that an object was made from, but not the learner's.
std::vector<std::string> given_files(const std::string& object) {
  std::vector<std::string> files;
  std::istringstream list(read_file(object + ".d").value_or(""));
  for (std::string file; list >> file;)
    if (file.starts_with("tests/") || file.starts_with("solutions/") || file.starts_with("chapters/support/"))
      files.push_back(file);
  return files;
}

/// The chapter's solution, and what its tests have compiled beforehand, with the chapters below.
std::vector<std::string> solutions_for(const std::string& id) {
  std::vector<std::string> files;
  const bool prelude = fs::exists("tests/" + id + "/prelude.hpp");
  for (const auto& chapter : fs::directory_iterator("solutions")) {
    const std::string name = chapter.path().filename();
    if (name != id && !(prelude && name < id)) continue;
    for (const auto& entry : fs::directory_iterator(chapter)) files.push_back(entry.path());
  }
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
  std::vector<std::string> found;
  for (const std::string& line : lines_of(output_of({"nm", "-u", "-P", object}))) {
    const std::string symbol = line.substr(0, line.find(' '));
    if (!is_foreign(symbol)) continue;
    const std::string name = symbol.ends_with("64") ? symbol.substr(0, symbol.size() - 2) : symbol;
    const std::regex qualified("::" + name + R"((64)?\s*\()");
    const std::regex plain(R"((^|[^\w.>:~])((std)?::)?)" + name + R"((64)?\s*\()");
    if (!calls(given_files(object), plain) && !calls(solutions_for(id), qualified))
      found.push_back(place_of(object, symbol, id) + ": " + called(name));
  }
  return found;
}

}  // namespace grader
