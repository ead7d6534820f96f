// Tests that look for what is not theirs. grader_test.cpp lays it out beforehand, and names it in the
// environment.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "../fd.hpp"

namespace {

using grader::Fd;
using std::filesystem::path;

int number(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : 0;
}

/// The entries of a folder that are not on the way to the repository.
std::vector<std::string> entries(const path& folder) {
  const std::string here = std::filesystem::current_path().string() + "/";
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (!here.starts_with(entry.path().string() + "/")) found.push_back(entry.path());
  return found;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

template <class Address>
int connect_to(const Address& address, int family) {
  const Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

}  // namespace

TEST(Step1_Alone, ItsFoldersAreEmptyAndCanBeWritten) {
  const char* home = std::getenv("HOME");
  ASSERT_NE(home, nullptr);
  for (const path& folder : {path(home), path("/tmp"), path("/dev/shm")}) {
    EXPECT_EQ(entries(folder), std::vector<std::string>()) << folder;
    std::ofstream(folder / "mine") << 42;
    int read = 0;
    EXPECT_TRUE(std::ifstream(folder / "mine") >> read && read == 42) << folder;
    std::filesystem::remove(folder / "mine");
  }
}

TEST(Step1_Alone, NothingElseCanBeWritten) {
  for (const path folder : {"build", "solutions", "chapters", "/", "/var"}) {
    const path file = folder / "not_a_tests_file";
    EXPECT_FALSE(std::ofstream(file).is_open()) << file;
    std::error_code none;
    std::filesystem::remove(file, none);
  }
  EXPECT_FALSE(std::ofstream("README.md", std::ios::app).is_open());
}

TEST(Step1_Alone, SolutionsAreOutOfSight) {
  EXPECT_EQ(entries("solutions"), std::vector<std::string>());
  for (const std::string& entry : entries("build")) EXPECT_EQ(entry, "build/forgery");
  EXPECT_FALSE(std::filesystem::exists(".git/HEAD"));
  EXPECT_TRUE(std::filesystem::exists("chapters/support")) << "what a report quotes stays";
}

TEST(Step1_Alone, ItsOwnProgramIsThere) {
  EXPECT_TRUE(std::filesystem::exists("build/forgery/alone_test"));
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // which starts the program anew, by its name
  EXPECT_EXIT(std::_Exit(3), testing::ExitedWithCode(3), "");
}

TEST(Step1_Alone, TheNetworkIsALoopbackOfItsOwn) {
  EXPECT_EQ(connect_to(loopback(number("ALONE_PORT")), AF_INET), ECONNREFUSED);
  sockaddr_un abstract{AF_UNIX, {}};
  std::snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "alone %d", number("ALONE_PORT"));
  EXPECT_EQ(connect_to(abstract, AF_UNIX), ECONNREFUSED);

  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0) << errno;
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(connect_to(address, AF_INET), 0);
}

TEST(Step1_Alone, SharedMemoryIsItsOwn) {
  EXPECT_EQ(shmget(static_cast<key_t>(number("ALONE_KEY")), 1, 0), -1);
  EXPECT_EQ(errno, ENOENT);
}
