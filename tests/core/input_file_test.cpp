// SPDX-License-Identifier: Apache-2.0
#include "core/input_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "core/error.h"

namespace tilegrid {
namespace {

namespace fs = std::filesystem;

class InputFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tilegrid_input_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string file(const std::string& content) const {
    std::ofstream(folder_ / "file", std::ios::binary) << content;
    return folder_ / "file";
  }
  [[nodiscard]] static std::string refusal(const std::string& path, std::size_t most = 1000) {
    try {
      static_cast<void>(read_input(path, most));
    } catch (const UsageError& error) {
      EXPECT_TRUE(error.message().starts_with(path + ": ")) << error.message();
      return error.message().substr(path.size() + 2);
    }
    return {};
  }

  fs::path folder_;
};

TEST_F(InputFiles, ReadsFilesOfAnyContent) {
  EXPECT_EQ(read_input(file(""), 10), "");
  const std::string bytes = std::string("a\0b\n", 4) + "\xFF" + std::string(200'000, 'x');
  EXPECT_EQ(read_input(file(bytes), bytes.size()), bytes);
}

TEST_F(InputFiles, BelievesNoSize) {
  EXPECT_EQ(refusal(file(std::string(11, 'x')), 10), "is larger than 10 bytes");
  const std::string sparse = file("x");
  ASSERT_EQ(truncate(sparse.c_str(), std::int64_t{1} << 40), 0);
  EXPECT_EQ(refusal(sparse, 1 << 20), "is larger than 1048576 bytes");
}

TEST_F(InputFiles, RefusesWhatIsNoFile) {
  EXPECT_EQ(refusal("/dev/zero"), "is a device");
  EXPECT_EQ(refusal("/dev/null"), "is a device");
  EXPECT_EQ(refusal(folder_), "is a directory");
  EXPECT_EQ(refusal(folder_ / "missing"), "can't be read: No such file or directory");
  EXPECT_THROW(require_regular_file("/dev/zero"), UsageError);
  EXPECT_THROW(require_regular_file(folder_), UsageError);
  EXPECT_NO_THROW(require_regular_file(file("x")));
}

TEST_F(InputFiles, ReadsAPipeWhoseWriterComesLater) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(require_regular_file(pipe), UsageError);
  const std::string content(300'000, 'y');  // more than a pipe holds
  std::thread writer([&] { std::ofstream(pipe) << content; });
  EXPECT_EQ(read_input(pipe, 1'000'000), content);
  writer.join();
}

}  // namespace
}  // namespace tilegrid
