// SPDX-License-Identifier: Apache-2.0
#include "core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"

namespace tilegrid {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "atomic_file_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static unsigned mode(const std::string& path) { return static_cast<unsigned>(fs::status(path).permissions()); }

  fs::path folder_;
};

TEST_F(AtomicFile, ReplacesTheWholeAndKeepsPermissions) {
  write_file(path("new"), "a longer content");
  EXPECT_EQ(content(path("new")), "a longer content");
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(mode(path("new")), 0666U & ~mask);
  fs::permissions(path("new"), fs::perms::owner_read | fs::perms::owner_write);
  write_file(path("new"), "short");
  EXPECT_EQ(content(path("new")), "short");
  EXPECT_EQ(mode(path("new")), 0600U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFile, FollowsLinksOfTheTarget) {
  write_file(path("real"), "old");
  fs::create_symlink("real", path("link"));
  fs::create_symlink("link", path("link of a link"));
  fs::create_symlink("not there yet", path("dangling"));
  write_file(path("link of a link"), "new");
  write_file(path("dangling"), "made");
  EXPECT_TRUE(fs::is_symlink(path("link")) && fs::is_symlink(path("link of a link")) && fs::is_symlink(path("dangling")));
  EXPECT_EQ(content(path("real")), "new");
  EXPECT_EQ(content(path("not there yet")), "made");
}

TEST_F(AtomicFile, LeavesWhatLiesUnderOldNamesAlone) {
  write_file(path("victim"), "mine");
  for (const char* planted : {"out.part", "out.tmp"}) fs::create_symlink("victim", path(planted));
  write_file(path("out"), "report");
  EXPECT_EQ(content(path("victim")), "mine");
  EXPECT_EQ(content(path("out")), "report");
  EXPECT_EQ(files(), 4U);
}

TEST_F(AtomicFile, AFailureLeavesTheOldContentAndNothingElse) {
  write_file(path("file"), "old");
  EXPECT_THROW(write_file(path("file"),
                          [](std::ostream& file) {
                            file << "half of";
                            throw std::runtime_error("nothing more");
                          }),
               std::runtime_error);
  EXPECT_EQ(content(path("file")), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFile, SaysWhyNot) {
  fs::create_directory(path("folder"));
  fs::create_symlink("round", path("round"));
  for (const std::string& bad : {path("folder"), path("no/such"), path("round"), std::string("/dev/null")}) {
    EXPECT_NE(why_not_writable(bad), "") << bad;
    try {
      write_file(bad, "x");
      ADD_FAILURE() << bad;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.message().find(bad + ": cannot be written: "), 0U) << error.message();
    }
  }
  EXPECT_EQ(why_not_writable(path("fine")), "");
  EXPECT_EQ(files(), 2U);
}

TEST_F(AtomicFile, ManyWritersLeaveOneOfTheirContents) {
  const auto write = [this](char letter) {
    for (int i = 0; i < 50; ++i) write_file(path("shared"), std::string(100'000, letter));
  };
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b', 'c'}) writers.emplace_back(write, letter);
  for (std::thread& writer : writers) writer.join();
  const std::string left = content(path("shared"));
  EXPECT_EQ(left, std::string(100'000, left.at(0)));
  EXPECT_EQ(files(), 1U);
}

}  // namespace
}  // namespace tilegrid
