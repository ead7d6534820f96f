#include "processes.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "text.hpp"

namespace grader {
namespace {

constexpr unsigned long flag_exiting = 0x4;  // PF_EXITING in the kernel

/// The entries of a folder that are numbers, in order.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  const auto close = [](DIR* dir) { closedir(dir); };
  const std::unique_ptr<DIR, decltype(close)> dir(opendir(folder.c_str()), close);
  if (!dir) return numbers;
  while (const dirent* entry = readdir(dir.get()))
    if (const int number = std::atoi(entry->d_name); number > 0) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// Reads /proc/…/stat: `id (name) state parent …`, where the name may contain anything.
std::optional<Task> read_task(pid_t id, const std::string& folder) {
  const auto stat = read_file(folder + "/stat");
  if (!stat) return std::nullopt;
  const std::size_t open = stat->find('('), close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  Task task{.id = id, .name = stat->substr(open + 1, close - open - 1)};
  std::istringstream rest(stat->substr(close + 1));
  long group = 0, session = 0, terminal = 0, foreground = 0;
  unsigned long flags = 0;
  rest >> task.state >> task.parent >> group >> session >> terminal >> foreground >> flags;
  task.exiting = (flags & flag_exiting) != 0 || task.state == 'Z' || task.state == 'X';
  return task;
}

}  // namespace

std::vector<Task> threads_of(pid_t process) {
  std::vector<Task> threads;
  const std::string folder = "/proc/" + std::to_string(process) + "/task/";
  for (const pid_t id : numbers_in(folder))
    if (auto task = read_task(id, folder + std::to_string(id)); task && !task->exiting)
      threads.push_back(*task);
  return threads;
}

std::chrono::nanoseconds starved(pid_t process) {
  std::chrono::nanoseconds longest{};
  const std::string folder = "/proc/" + std::to_string(process) + "/task/";
  for (const pid_t id : numbers_in(folder)) {
    std::istringstream statistics(read_file(folder + std::to_string(id) + "/schedstat").value_or(""));
    long long ran = 0, waited = 0;
    if (statistics >> ran >> waited) longest = std::max(longest, std::chrono::nanoseconds(waited));
  }
  return longest;
}

bool blocks_signal(pid_t process, pid_t thread, int signal) {
  const auto status =
      read_file("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/status")
          .value_or("");
  const std::string key = "\nSigBlk:";
  const std::size_t at = status.find(key);
  if (at == std::string::npos) return false;
  const auto mask = std::strtoull(status.c_str() + at + key.size(), nullptr, 16);
  return (mask >> (signal - 1) & 1) != 0;
}

std::vector<Task> descendants_of(pid_t process) {
  std::vector<Task> all;
  for (const pid_t id : numbers_in("/proc"))
    if (auto task = read_task(id, "/proc/" + std::to_string(id))) all.push_back(*task);
  std::vector<pid_t> family{process};
  std::vector<Task> found;
  for (std::size_t i = 0; i < family.size(); ++i) {
    for (const Task& task : all) {
      if (task.parent != family[i]) continue;
      family.push_back(task.id);
      if (!task.exiting) found.push_back(task);
    }
  }
  return found;
}

std::size_t threads_of_user(uid_t user) {
  std::size_t count = 0;
  for (const pid_t id : numbers_in("/proc")) {
    const std::string folder = "/proc/" + std::to_string(id);
    struct stat status {};
    if (stat(folder.c_str(), &status) == 0 && status.st_uid == user)
      count += numbers_in(folder + "/task").size();
  }
  return count;
}

}  // namespace grader
