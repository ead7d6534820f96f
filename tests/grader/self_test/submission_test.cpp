// What a submission may contain: pieces of code that are refused or accepted, and folders.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "../objects.hpp"
#include "../submission.hpp"
#include "../text.hpp"
#include "../tokens.hpp"

namespace {

namespace fs = std::filesystem;

struct Piece {
  std::string title, code, expected;
};

/// Splits a file into pieces: `== title`, code, and perhaps `-- what is expected`.
std::vector<Piece> pieces_of(const std::string& path) {
  std::vector<Piece> pieces;
  for (const std::string& line : grader::lines_of(grader::read_file(path).value())) {
    if (line.starts_with("== "))
      pieces.push_back({line.substr(3), "#pragma once\n", ""});
    else if (line.starts_with("-- "))
      pieces.back().expected = line.substr(3);
    else if (!pieces.empty())
      pieces.back().code += line + "\n";
  }
  return pieces;
}

/// Returns "3: asm is not allowed", or nothing.
std::string verdict(const std::string& code) {
  static const auto around = grader::surroundings_of("chapters/00_baseline");
  try {
    grader::inspect_header(code, around);
    return "";
  } catch (const grader::NotAllowed& flaw) {
    return std::to_string(flaw.line) + ": " + flaw.what();
  }
}

TEST(Submission, WhatIsNotOnTheListIsRefusedWithItsLine) {
  const auto pieces = pieces_of("tests/grader/self_test/refused.txt");
  EXPECT_GE(pieces.size(), 50u);
  for (const Piece& piece : pieces) {
    const std::string said = verdict(piece.code), line = piece.expected.substr(0, piece.expected.find(' '));
    const std::string words = piece.expected.substr(line.size() + 1);
    EXPECT_TRUE(said.starts_with(line + " ") && said.find(words) != std::string::npos)
        << piece.title << "\n  says: " << said << "\n  not:  " << piece.expected;
  }
}

TEST(Submission, WhatOnlyLooksLikeItIsAccepted) {
  for (const Piece& piece : pieces_of("tests/grader/self_test/accepted.txt"))
    EXPECT_EQ(verdict(piece.code), "") << piece.title;
}

TEST(Submission, ControlCharactersAreRefused) {
  EXPECT_EQ(verdict("#warning \"\x1b[2J\"\n"), "1: a control character is not allowed");
  EXPECT_EQ(verdict("// a\r#define TEST\n"), "1: a control character is not allowed");
  EXPECT_EQ(verdict("int a;\n\f#define TEST\n"), "2: a control character is not allowed");
  EXPECT_EQ(verdict(std::string("// \0", 4)), "1: a control character is not allowed");
}

TEST(Submission, LinesOfWindowsAreLines) {
  EXPECT_EQ(verdict("#pragma once\r\n#include <vector>\r\nnamespace concurrent {\r\n}\r\n"), "");
  EXPECT_EQ(verdict("// a \\\r\n#define TEST\r\n").substr(0, 2), "1:");
}

TEST(Submission, WhatNoOneWritesByHandIsRefused) {
  EXPECT_EQ(verdict(std::string(400, ' ')), "");
  EXPECT_EQ(verdict("\n// " + std::string(500, 'x')), "2: a line of more than 500 characters is not allowed");
  std::string large;
  while (large.size() <= 256 * 1024) large += "// a line\n";
  EXPECT_EQ(verdict(large), "1: a header of more than 256 KiB is not allowed");
}

TEST(Submission, EverySolutionAndEveryStarterIsAccepted) {
  std::size_t folders = 0;
  for (const char* all : {"solutions", "chapters"}) {
    for (const auto& entry : fs::directory_iterator(all)) {
      if (entry.path().filename() == "support") continue;
      ++folders;
      std::vector<fs::path> earlier{""};  // what stands before a step that builds headers anew, too
      for (const auto& file : fs::directory_iterator(entry))
        if (file.is_directory()) earlier.push_back(file.path());
      for (const fs::path& version : earlier) {
        const fs::path copy = "build/inspected" / entry.path().filename();
        fs::remove_all(copy);
        fs::create_directories(copy);
        fs::copy(entry, copy);  // its files, and not its folders
        if (!version.empty()) fs::copy(version, copy, fs::copy_options::overwrite_existing);
        for (const std::string& refusal : grader::inspect(copy)) ADD_FAILURE() << version << refusal;
        fs::remove_all(copy);
      }
    }
  }
  EXPECT_GE(folders, 22u);
}

/// A submission of chapter 00 in a folder of its own.
struct Folder : testing::Test {
  Folder() {
    fs::remove_all("build/inspected");
    fs::create_directories(path);
    put("measure.hpp", "#pragma once\n");
  }
  void put(const std::string& name, const std::string& content) const {
    grader::write_file(path + "/" + name, content);
  }
  const std::string path = "build/inspected/00_baseline";
};

TEST_F(Folder, OrdinaryFilesAreOfNoInterest) {
  for (const char* name :
       {"README.md", "Makefile", "a.svg", "recipe.cpp", "measure.hpp.~1~", "notes.txt", ".hidden"})
    put(name, "#define TEST\n");
  fs::create_directory(path + "/.cache");
  EXPECT_EQ(grader::inspect(path), std::vector<std::string>{});
}

TEST_F(Folder, EachFileIsTold) {
  put("a.hpp", "\nasm\n");
  put("b.hpp", "extern int i;\n");
  const auto said = grader::inspect(path);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(said[0].starts_with(path + "/a.hpp:2: asm is not allowed")) << said[0];
  EXPECT_TRUE(said[1].starts_with(path + "/b.hpp:1: extern is not allowed")) << said[1];
}

TEST_F(Folder, FilesThatAnIncludeCouldFindAreRefused) {
  for (const char* name :
       {"vector", "poll.h", "measure.hpp.gch", "todo.hpp", "allocations.hpp", "thread_pool.hpp"}) {
    put(name, "");
    EXPECT_EQ(grader::inspect(path).size(), 1u) << name;
    fs::remove(path + "/" + name);
  }
  fs::create_directory(path + "/gtest");
  EXPECT_EQ(grader::inspect(path).size(), 1u);
}

TEST_F(Folder, HiddenFilesThatAnIncludeCouldNameAreRefused) {
  fs::create_directory(path + "/.git");
  EXPECT_EQ(grader::inspect(path), std::vector<std::string>{}) << "no header lies in it";
  put(".git/x.hpp", "asm\n");
  EXPECT_EQ(grader::inspect(path).size(), 1u);
  put("measure.hpp", "#include \".git/x.hpp\"\n");
  EXPECT_EQ(grader::inspect(path).size(), 2u) << "the folder, and the line that includes from it";
  fs::remove_all(path + "/.git");
  put("measure.hpp", "");
  fs::create_symlink("../../../solutions/00_baseline/measure.hpp", path + "/.link.hpp");
  EXPECT_EQ(grader::inspect(path), std::vector{path + "/.link.hpp: a symbolic link is not allowed"});
  fs::remove(path + "/.link.hpp");
  fs::create_directory_symlink("../../../solutions/00_baseline", path + "/.link");
  EXPECT_EQ(grader::inspect(path), std::vector{path + "/.link: a symbolic link is not allowed"});
  fs::remove(path + "/.link");
  ASSERT_EQ(mkfifo((path + "/.fifo.hpp").c_str(), 0600), 0);
  EXPECT_EQ(grader::inspect(path), std::vector{path + "/.fifo.hpp: only ordinary files are allowed"});
}

TEST_F(Folder, AnAliasInAnotherHeaderIsSeen) {
  put("a.hpp", "namespace concurrent { using Id = int; }\n");
  put("b.hpp", "template <> struct std::equal_to<concurrent::Id> {};\n");
  EXPECT_EQ(grader::inspect(path).size(), 1u);
}

/// Compiles a piece of C as an object of chapter 00.
std::vector<std::string> calls_in(const std::string& code) {
  const std::string source = "build/inspected/00_baseline/x.c", object = "build/inspected/00_baseline/x.o";
  grader::write_file(source, code);
  const char* const compiler = std::getenv("CXX");
  const std::string command = std::string(compiler != nullptr ? compiler : "g++") + " -x c -g -c -MMD -MF " +
                              object + ".d " + source + " -o " + object;
  EXPECT_EQ(std::system(command.c_str()), 0);
  return grader::foreign_calls(object);
}

TEST_F(Folder, AnObjectTellsWhatItCalls) {
  const std::string place = path + "/x.c:2: a call of ";
  EXPECT_EQ(calls_in("int system(const char*);\nint (*shell)(const char*) = system;\n").size(), 1u);
  EXPECT_EQ(calls_in("int open64(const char*, int);\nint f(void) { return open64(\"x\", 0); }\n"),
            std::vector{place + "open() is not allowed in this chapter"});
  EXPECT_EQ(calls_in("int remove(const char*);\nint f(void) { return (remove)(\"x\"); }\n"),
            std::vector{place + "remove() is not allowed in this chapter"});
  EXPECT_EQ(calls_in("static int fork(void) { return 1; }\nint f(void) { return fork(); }\n"),
            std::vector<std::string>{})
      << "one of its own";
  EXPECT_EQ(calls_in("int close(int);\nint f(void) { return close(1); }\n"), std::vector<std::string>{});
}

TEST_F(Folder, OddFilesAreRefused) {
  for (const char* name : {"a:b.hpp", "a b.hpp", "$(x).hpp"}) {
    put(name, "");
    EXPECT_EQ(grader::inspect(path).size(), 1u) << name;
    fs::remove(path + "/" + name);
  }
  fs::create_symlink("/etc/passwd", path + "/link.hpp");
  EXPECT_EQ(grader::inspect(path), std::vector{path + "/link.hpp: a symbolic link is not allowed"});
  fs::remove(path + "/link.hpp");
  fs::create_hard_link(path + "/measure.hpp", "build/inspected/other_name");
  EXPECT_EQ(grader::inspect(path).size(), 1u);
  fs::remove("build/inspected/other_name");
  ASSERT_EQ(mkfifo((path + "/fifo.hpp").c_str(), 0600), 0);
  EXPECT_EQ(grader::inspect(path), std::vector{path + "/fifo.hpp: only ordinary files are allowed"});
  fs::remove(path + "/fifo.hpp");
  put("large.hpp", std::string(300 * 1024, ' '));
  EXPECT_EQ(grader::inspect(path).size(), 1u);
  fs::remove(path + "/large.hpp");
  fs::create_directory(path + "/folder.hpp");
  EXPECT_EQ(grader::inspect(path).size(), 1u);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  const auto& all = *testing::UnitTest::GetInstance();
  std::cout << all.successful_test_count() << " passed, " << all.failed_test_count() << " failed\n";
  return status;
}
