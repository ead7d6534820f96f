#include "seclusion.hpp"

#include <fcntl.h>
#include <link.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "fd.hpp"

namespace grader {
namespace {

using std::filesystem::path;

constexpr long mount_setattr = 442;      // a system call, the same on every machine
constexpr unsigned whole_tree = 0x8000;  // AT_RECURSIVE

bool is_in(const path& inner, const path& outer) {
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

/// @returns the path without links, if it is that of a folder
path real_folder(const path& folder) {
  std::error_code none;
  const path real = std::filesystem::canonical(folder, none);
  return folder.is_absolute() && std::filesystem::is_directory(real, none) ? real : path();
}

/// The folders from which programs are loaded here: they stay, wherever they lie.
std::set<path> library_folders() {
  std::set<path> folders;
  const auto add = [](dl_phdr_info* info, std::size_t, void* out) {
    if (info->dlpi_name[0] == '/')
      static_cast<std::set<path>*>(out)->insert(real_folder(path(info->dlpi_name).parent_path()));
    return 0;
  };
  dl_iterate_phdr(add, &folders);
  const char* more = std::getenv("LD_LIBRARY_PATH");
  std::istringstream list(more != nullptr ? more : "");
  for (std::string folder; std::getline(list, folder, ':');) folders.insert(real_folder(folder));
  folders.erase(path());
  return folders;
}

/// True for build/g++/learner/… and for programs from elsewhere. In other trees, a contributor tries
/// solutions.
bool may_be_a_learners(const path& binary) {
  const std::vector<path> parts(binary.begin(), binary.end());
  return parts.size() < 5 || parts[0] != "build" || parts[2] == "learner";
}

bool make_read_only(const path& tree, unsigned flags) {
  const struct {
    std::uint64_t set = 1, clear = 0, propagation = 0, user = 0;  // MOUNT_ATTR_RDONLY
  } attributes;
  return syscall(mount_setattr, AT_FDCWD, tree.c_str(), flags, &attributes, sizeof attributes) == 0;
}

/// A folder that stays although one around it becomes empty.
class Kept {
 public:
  explicit Kept(path folder)
      : folder_(std::move(folder)), open_(open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  bool put_back_if_in(const path& emptied) const {
    std::error_code error;
    if (!open_ || !is_in(folder_, emptied)) return true;
    std::filesystem::create_directories(folder_, error);
    const std::string source = "/proc/self/fd/" + std::to_string(open_.get());
    return mount(source.c_str(), folder_.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
  }

 private:
  path folder_;
  Fd open_;
};

bool empty(const path& folder, const std::vector<Kept>& kept) {
  if (mount("empty", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=512m,mode=1777") != 0) return false;
  bool all = true;
  for (const Kept& one : kept) all = one.put_back_if_in(folder) && all;
  return all;
}

/// Hides what other programs, and other tests, keep in files.
bool empty_shared_folders(const path& repository) {
  const char* const variable = std::getenv("HOME");
  path home = real_folder(variable != nullptr ? variable : "");
  if (home.empty() || home == "/" || is_in(home, repository)) home = "/tmp";
  std::set<path> folders{home};
  for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm"}) folders.insert(real_folder(folder));
  folders.erase(path());

  std::vector<Kept> kept;
  kept.emplace_back(repository);
  for (const path& folder : library_folders()) kept.emplace_back(folder);
  bool all = true;
  for (const path& folder : folders) {  // outer ones come first
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    all = empty(folder, kept) && all;
  }
  setenv("HOME", home.c_str(), 1);
  return chdir(repository.c_str()) == 0 && all;
}

/// Hides the solutions, and whatever is built with them. The program's own folder stays.
bool hide_solutions(const path& repository, const path& binary) {
  std::vector<Kept> kept;
  kept.emplace_back((repository / binary).lexically_normal().parent_path());
  bool all = true;
  for (const char* name : {"solutions", "build", ".git"}) {
    const path folder = repository / name;
    if (!real_folder(folder).empty()) all = empty(folder, kept) && make_read_only(folder, 0) && all;
  }
  return all;
}

/// The loopback of a new network is down, and would refuse 127.0.0.1.
bool raise_loopback() {
  const Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return any && ioctl(any.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

int seclude(const std::string& binary) {
  int has = 0;
  std::error_code error;
  const path repository = std::filesystem::current_path(error);
  if (!error && unshare(CLONE_NEWNS) == 0) {
    if (make_read_only("/", whole_tree)) has |= read_only;
    if (empty_shared_folders(repository) &&
        (!may_be_a_learners(binary) || hide_solutions(repository, binary)))
      has |= own_files;
  }
  if (unshare(CLONE_NEWNET) == 0 && raise_loopback()) has |= own_network;
  if (unshare(CLONE_NEWIPC) == 0) has |= own_memory;
  return has;
}

}  // namespace grader
