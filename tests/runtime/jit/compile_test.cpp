// SPDX-License-Identifier: Apache-2.0
#include "runtime/jit/compile.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv, mkdtemp

#include <fstream>

#include "core/error.h"
#include "runtime/jit/cache.h"
#include "runtime/jit/compiler.h"

namespace tilegrid::jit {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test, and the environment that compiling goes by.
class JitCompile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tilegrid-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    setenv("TILEGRID_CACHE", (folder_ / "cache").c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"TILEGRID_CACHE", "TILEGRID_CXX", "TILEGRID_DEVICE_HEADERS"}) unsetenv(name);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] KernelSource file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    KernelSource source;
    source.path = folder_ / name;
    source.risc = Risc::brisc;
    return source;
  }
  [[nodiscard]] static std::string refusal(const KernelSource& source) {
    try {
      static_cast<void>(compile(source));
    } catch (const UsageError& error) {
      return error.message();
    }
    return "compiled";
  }
  fs::path folder_;
};

TEST_F(JitCompile, FindsAnObjectAgainUntilAnythingChanges) {
  std::ofstream(folder_ / "part.h") << "#define VALUE 1\n";
  KernelSource source = file("kernel.cpp", "#include \"part.h\"\nint value = VALUE;\nvoid kernel_main() { value += 1; }\n");
  const Object first = compile(source);
  EXPECT_FALSE(first.from_cache);
  const Object again = compile(source);
  EXPECT_TRUE(again.from_cache);
  EXPECT_EQ(again.key, first.key);
  EXPECT_EQ(*again.bytes, *first.bytes);

  std::ofstream(folder_ / "part.h") << "#define VALUE 2\n";
  const Object included = compile(source);
  EXPECT_FALSE(included.from_cache);
  EXPECT_NE(included.key, first.key);
  source.compile_args = {7};
  EXPECT_NE(compile(source).key, included.key);
  std::ofstream(folder_ / "part.h") << "#define VALUE 1\n";
  source.compile_args = {};
  EXPECT_EQ(compile(source).key, first.key);
  EXPECT_TRUE(compile(source).from_cache);
}

TEST_F(JitCompile, TakesNoObjectThatWasCutShort) {
  const KernelSource source = file("kernel.cpp", "void kernel_main() {}\n");
  const Object first = compile(source);
  for (const auto& entry : fs::directory_iterator(folder_ / "cache")) {
    if (entry.path().extension() == ".so") fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  }
  const Object again = compile(source);
  EXPECT_FALSE(again.from_cache);
  EXPECT_EQ(again.key, first.key);
  EXPECT_TRUE(compile(source).from_cache);
}

TEST_F(JitCompile, DoesWithoutACacheThatCannotBe) {
  setenv("TILEGRID_CACHE", "/dev/null/cache", 1);
  const KernelSource source = file("kernel.cpp", "void kernel_main() {}\n");
  EXPECT_FALSE(compile(source).from_cache);
  EXPECT_FALSE(compile(source).from_cache);
}

TEST_F(JitCompile, CompilesTheSameKernelOnceAndSeveralAtATime) {
  const KernelSource one = file("one.cpp", "void kernel_main() {}\n");
  const KernelSource other = file("other.cpp", "void kernel_main() { for (volatile int i = 0; i < 3; ++i) {} }\n");
  const std::vector<Object> objects = compile_all(std::vector<KernelSource>{one, other, one});
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0].key, objects[2].key);
  EXPECT_EQ(objects[0].bytes, objects[2].bytes) << "one object";
  EXPECT_NE(objects[0].key, objects[1].key);
}

TEST_F(JitCompile, SaysWhatIsMissing) {
  KernelSource source = file("kernel.cpp", "void kernel_main() {}\n");
  setenv("TILEGRID_CXX", "no-such-compiler", 1);
  EXPECT_EQ(refusal(source), "TILEGRID_CXX names no-such-compiler, which is no program");
  unsetenv("TILEGRID_CXX");
  setenv("TILEGRID_DEVICE_HEADERS", folder_.c_str(), 1);
  EXPECT_NE(refusal(source).find("no device headers (tilegrid/device.h) in " + folder_.string()), std::string::npos);
  unsetenv("TILEGRID_DEVICE_HEADERS");
  source.path = folder_ / "gone.cpp";
  EXPECT_EQ(refusal(source), "kernel file " + source.path.string() + ": there is no such file");
}

TEST_F(JitCompile, RefusesNamesThatWouldBreakTheSource) {
  KernelSource source = file("kernel.cpp", "void kernel_main() {}\n");
  source.defines = {{"A\nB", "1"}};
  EXPECT_NE(refusal(source).find("is not a name"), std::string::npos);
  source.defines = {{"A", "1\n#error"}};
  EXPECT_NE(refusal(source).find("has several lines"), std::string::npos);
}

TEST(JitDigest, TellsTextsApart) {
  EXPECT_NE(Digest().add("ab").add("c").hex(), Digest().add("a").add("bc").hex());
  EXPECT_EQ(Digest().add("ab").hex(), Digest().add("ab").hex());
  EXPECT_EQ(Digest().hex().size(), 32U);
}

}  // namespace
}  // namespace tilegrid::jit
