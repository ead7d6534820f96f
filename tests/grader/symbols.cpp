#include "symbols.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "fd.hpp"
#include "text.hpp"

namespace grader {

std::string output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return "";
  const Fd from(ends[0]);
  Fd to(ends[1]);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) return "";
  if (child == 0) {
    dup2(to.get(), STDOUT_FILENO);
    const Fd nothing(open("/dev/null", O_WRONLY | O_CLOEXEC));
    dup2(nothing.get(), STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  to.reset();
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = read(from.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  waitpid(child, nullptr, 0);
  return text;
}

namespace {

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

/// Splits "/path/to/file.hpp:41 (discriminator 2)".
Frame make_frame(const std::string& function, const std::string& place) {
  static const std::filesystem::path here = std::filesystem::current_path();
  const std::size_t colon = place.rfind(':');
  const auto file = std::filesystem::path(place.substr(0, colon)).lexically_normal();
  const auto relative = file.is_absolute() ? file.lexically_relative(here) : file;
  const bool inside = !relative.empty() && *relative.begin() != "..";
  return {.function = function,
          .file = inside ? relative : file,
          .line = colon == std::string::npos ? 0 : std::atoi(place.c_str() + colon + 1)};
}

/// Skips a pair of brackets and what is in it; `at` is the opening one. Returns the index after the closing
/// one.
std::size_t after_brackets(std::string_view text, std::size_t at, char open, char close) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == open) ++depth;
    if (text[at] == close && !(close == '>' && text[at - 1] == '-') && --depth == 0) return at + 1;
  }
  return at;
}

void erase_all(std::string& text, std::string_view what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) text.erase(at, what.size());
}

}  // namespace

std::string short_name(std::string_view function) {
  std::string text(function);
  erase_all(text, "(anonymous namespace)::");
  std::string name;
  for (std::size_t i = 0; i < text.size();) {
    const bool is_operator = name.ends_with("operator");
    if (text[i] == '(' && !is_operator) {
      i = after_brackets(text, i, '(', ')');
    } else if (text[i] == '<' && !is_operator) {
      i = after_brackets(text, i, '<', '>');
    } else if (text[i] == '{') {
      i = after_brackets(text, i, '{', '}');
      name += "{lambda}";
    } else if (text[i] == '[') {  // [with T = int], [abi:cxx11]
      i = after_brackets(text, i, '[', ']');
    } else if (is_operator && text[i] != ' ') {
      const std::size_t end = text.find('(', i + 1);
      name += text.substr(i, end - i);
      i = std::min(end, text.size());
    } else {
      name += text[i++];
    }
  }
  erase_all(name, "::{lambda}::operator()");
  erase_all(name, "::{lambda}::_FUN");
  erase_all(name, "concurrent::");
  erase_all(name, "asyncio::");
  while (name.ends_with(" const") || name.ends_with(" ")) name.resize(name.rfind(' '));
  if (const std::size_t space = name.rfind(' '); space != std::string::npos && !name.ends_with("operator"))
    name.erase(0, space + 1);  // the result's type
  if (name.ends_with("::TestBody")) return "the test";
  return name == "??" ? "" : name;
}

void Symbols::load(const std::vector<Trace>& traces) {
  std::set<std::uint64_t> addresses;
  for (const Trace& trace : traces)
    for (int i = 0; i < std::clamp(trace.size, 0, Trace::most); ++i)
      addresses.insert(trace.addresses[static_cast<std::size_t>(i)]);
  load(addresses);
}

void Symbols::load(const std::set<std::uint64_t>& addresses) {
  std::vector<std::uint64_t> missing;
  for (const std::uint64_t address : addresses)
    if (!frames_.contains(address)) missing.push_back(address);
  if (missing.empty()) return;
  std::vector<std::string> command{"addr2line", "-a", "-i", "-f", "-C", "-e", binary_};
  for (const std::uint64_t address : missing) command.push_back(hex(address));

  std::vector<Frame>* frames = nullptr;
  std::string function;
  for (const std::string& line : lines_of(output_of(command))) {
    if (line.starts_with("0x")) {
      frames = &frames_[std::strtoull(line.c_str(), nullptr, 16)];
      function.clear();
    } else if (frames != nullptr && function.empty()) {
      function = line;
    } else if (frames != nullptr) {
      frames->push_back(make_frame(function, line));
      function.clear();
    }
  }
}

bool Symbols::is_learners(const Frame& frame) const {
  return !frame.file.starts_with("/") && !frame.file.starts_with("?") && frame.file != source_ &&
         frame.file.find("support/") == std::string::npos;
}

std::string Symbols::place(const Trace& trace) {
  load({trace});
  const Frame* best = nullptr;
  for (int i = 0; i < std::clamp(trace.size, 0, Trace::most); ++i) {
    for (const Frame& frame : frames_[trace.addresses[static_cast<std::size_t>(i)]]) {
      if (best == nullptr && frame.file == source_) best = &frame;
      if (!is_learners(frame)) continue;
      const std::string function = short_name(frame.function);
      return (function.empty() ? "" : function + ", ") +
             std::filesystem::path(frame.file).filename().string() + ":" + std::to_string(frame.line);
    }
  }
  if (best == nullptr) return "";
  return "the test, " + std::filesystem::path(best->file).filename().string() + ":" +
         std::to_string(best->line);
}

}  // namespace grader
