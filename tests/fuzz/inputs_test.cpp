// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/slot_cases/case_file.h"
#include "runtime/data/npy.h"
#include "tests/fuzz/mutate.h"

namespace tilegrid::test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> numbers{"-1",         "0",   "1e308",     "1e-320", "99999999999999999999",
                                       "2147483648", "NaN", "4294967296"};

std::vector<std::string> with_numbers(std::vector<std::string> words) {
  words.insert(words.end(), numbers.begin(), numbers.end());
  return words;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A reader of files gets mutants as a file.
class FuzzedFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tilegrid_fuzz_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string file() const { return (folder_ / "mutant").string(); }
  void write(const std::string& bytes) const {
    std::ofstream stream(file(), std::ios::binary);
    stream << bytes;
  }

  fs::path folder_;
};

TEST_F(FuzzedFiles, NumPyFiles) {
  std::vector<std::string> seeds;
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{2, 3}, {6}, {1, 2, 3, 1}}) {
    save_npy(file(), shape, std::vector<float>{1, 2, 3, 4, 5, 6});
    seeds.push_back(bytes_of(file()));
  }
  fuzz(seeds,
       with_numbers({"<f4", "<f2", ">f8", "<V2", "|O", "True", "False", "(", ")", ",", "'shape'", "'descr'", "{", "}"}), 400,
       [&](const std::string& bytes) {
         write(bytes);
         const NpyArray array = load_npy(file());
         EXPECT_LE(array.values.size() * 2, bytes.size());
       });
}

TEST_F(FuzzedFiles, SavedLogs) {
  RunLog log{GridSize{2, 1}, "a run", {}};
  LaunchLog launch;
  launch.cores.resize(2);
  log.launches.push_back(std::move(launch));
  save_log(log, file());
  const std::string seed = bytes_of(file());
  fuzz({seed, seed}, with_numbers({std::string(8, '\xFF'), std::string(8, '\0'), std::string(4, '\x7F')}), 500,
       [&](const std::string& bytes) {
         write(bytes);
         static_cast<void>(load_log(file()));
       });
}

TEST(Fuzz, ChipFiles) {
  std::vector<std::string> seeds;
  for (const std::string& name : Chip::built_in()) seeds.push_back(Chip::load(name).json());
  fuzz(seeds, with_numbers({"null", "true", "[]", "{}", "\"\"", "[", "}", ":", ",", "\"unit\"", "\"value\""}), 150,
       [](const std::string& text) { static_cast<void>(Chip::parse(text, "mutant")); });
}

TEST(Fuzz, GraphsInJson) {
  const std::vector<std::string> seeds{
      R"({"id": "one", "kind": "tile_dag", "block": [2, 2], "dst": {"capacity": 8}, "inputs": ["Q", "K"], "ops": [
          {"id": "s", "kind": "matmul", "fn": "matmul", "in": ["Q", "K"]},
          {"id": "p", "kind": "sfpu_unary", "fn": "exp", "in": ["s"]}], "outputs": ["p"]})",
      R"({"cases": [{"id": "two", "kind": "capacity", "dst": {"capacity": 8}}]})",
      bytes_of(fs::path(TILEGRID_TEST_DATA) / "dst" / "cases.json")};
  fuzz(seeds, with_numbers({"null", "true", "[]", "{}", "\"in\"", "\"ops\"", "\"matmul\"", "\"reduce\"", "[", "}", "\"s\""}),
       60, [](const std::string& text) {
         for (const planner::Case& one : planner::load_cases(text)) {
           if (one.kind == planner::CaseKind::tile_dag) static_cast<void>(planner::to_graph(one));
         }
       });
}

TEST(Fuzz, Expressions) {
  std::vector<std::string> seeds{"x / np.sqrt(64)", "P = exp(S - np.max(S, axis=1, keepdims=True)); P * recip(rowsum(P))",
                                 "where(a > 0, a, 0.1 * a)", "clip(x, -1, 1) ** 2", "Q @ K.T + m[:, None] * g[None, :]"};
  for (const planner::Preset& preset : planner::presets()) seeds.emplace_back(preset.expression);
  fuzz(seeds, with_numbers({"(",       ")",    "[",  "]",   "[:, None]", "[None, :]",     ";", ",",       "=",
                            "@",       "**",   ".T", "np.", "axis=1",    "keepdims=True", "x", "rowmax(", "sum(",
                            "matmul(", "exp(", "- ", "< "}),
       400, [](const std::string& text) {
         const planner::Graph graph = planner::parse_expression(text, {.block = {{2}, {3}}, .inner = 2});
         EXPECT_FALSE(planner::simplified(graph).outputs().empty());
       });
}

// Deep nesting and long texts end in words, not in an overflown stack.
TEST(Fuzz, DeepAndLongExpressions) {
  for (const auto& [open, close] : {std::pair{"(", ")"}, {"exp(", ")"}, {"-", ""}, {"x ** ", ""}}) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += open;
    text += "x";
    for (int i = 0; i < 20'000; ++i) text += close;
    EXPECT_THROW(static_cast<void>(planner::parse_expression(text, {.block = {{1}, {1}}})), UsageError) << open;
  }
}

}  // namespace
}  // namespace tilegrid::test
