// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/chip/architecture.h"
#include "core/error.h"

namespace tilegrid::timing {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const UsageError& error) {
    return error.message();
  }
  return "accepted";
}

nlohmann::json wormhole() {
  nlohmann::json root{{"name", "mine"}};
  const Architecture built_in = Architecture::load("wormhole_b0");
  for (const auto& [name, p] : built_in.parameters()) {
    root["parameters"][name] = {{"value", p.value}, {"unit", p.unit}, {"source", p.source}};
  }
  return root;
}

std::string file_with(const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() / "tilegrid_architecture_test.json";
  std::ofstream(path) << text;
  return path.string();
}

std::string refused(const nlohmann::json& root) {
  return refusal([&] { (void)Architecture::load(file_with(root.dump())); });
}

TEST(Architecture, BuiltInFilesHaveEveryParameterWithUnitAndSource) {
  EXPECT_EQ(Architecture::built_in(), (std::vector<std::string>{"wormhole_b0", "blackhole"}));
  for (const std::string& name : Architecture::built_in()) {
    const Architecture architecture = Architecture::load(name);
    EXPECT_EQ(architecture.name(), name);
    for (const auto& [key, parameter] : architecture.parameters()) {
      EXPECT_FALSE(parameter.unit.empty()) << key;
      EXPECT_TRUE(parameter.source.find(".md") != std::string::npos || parameter.source.starts_with("estimate")) << key;
    }
  }
  EXPECT_EQ(Architecture::load("wormhole_b0")["clock_hz"], 1e9);
  EXPECT_EQ(Architecture::load("blackhole")["clock_hz"], 1.35e9);
}

TEST(Architecture, AFileReplacesTheBuiltInValues) {
  auto root = wormhole();
  root["parameters"]["noc_hop_cycles"]["value"] = 11;
  const Architecture mine = Architecture::load(file_with(root.dump()));
  EXPECT_EQ(mine.name(), "mine");
  EXPECT_EQ(mine["noc_hop_cycles"], 11);
}

TEST(Architecture, RefusesWhatIsWrongWithAFile) {
  EXPECT_THAT(refusal([] { (void)Architecture::load("/missing.json"); }), HasSubstr("/missing.json: no such architecture"));
  EXPECT_THAT(refusal([] { (void)Architecture::load(file_with("{\n  \"name\": ?")); }), HasSubstr(":2:11: not JSON"));
  EXPECT_THAT(refusal([] { (void)Architecture::load(file_with("[]")); }), HasSubstr("an object with a name and parameters"));
  auto missing = wormhole();
  missing["parameters"].erase("l1_access_cycles");
  EXPECT_THAT(refused(missing), HasSubstr("l1_access_cycles is missing"));
  auto unknown = wormhole();
  unknown["parameters"]["noc_hops_cycles"] = unknown["parameters"]["noc_hop_cycles"];
  EXPECT_THAT(refused(unknown), HasSubstr("no parameter is called 'noc_hops_cycles', the nearest is 'noc_hop_cycles'"));
  auto without_unit = wormhole();
  without_unit["parameters"]["noc_hop_cycles"].erase("unit");
  EXPECT_THAT(refused(without_unit), HasSubstr("noc_hop_cycles has no unit"));
  auto without_source = wormhole();
  without_source["parameters"]["noc_hop_cycles"]["source"] = "";
  EXPECT_THAT(refused(without_source), HasSubstr("noc_hop_cycles has no source"));
  auto text = wormhole();
  text["parameters"]["noc_hop_cycles"]["value"] = "nine";
  EXPECT_THAT(refused(text), HasSubstr("noc_hop_cycles has no number as value"));
  auto negative = wormhole();
  negative["parameters"]["noc_hop_cycles"]["value"] = -1;
  EXPECT_THAT(refused(negative), HasSubstr("noc_hop_cycles is -1, it must be from 0 to"));
}

TEST(Architecture, SetsOneValue) {
  Architecture architecture = Architecture::load("wormhole_b0");
  architecture.set("dram_bytes_per_cycle=12.5");
  EXPECT_EQ(architecture["dram_bytes_per_cycle"], 12.5);
  const auto set = [&](const char* text) { return refusal([&] { architecture.set(text); }); };
  EXPECT_THAT(set("dram_byte_per_cycle=3"), HasSubstr("the nearest is 'dram_bytes_per_cycle'"));
  EXPECT_THAT(set("dram_bytes_per_cycle"), HasSubstr("must be key=value"));
  EXPECT_THAT(set("dram_bytes_per_cycle=fast"), HasSubstr("'fast' is not a number"));
  EXPECT_THAT(set("dram_bytes_per_cycle=3x"), HasSubstr("'3x' is not a number"));
  EXPECT_THAT(set("dram_bytes_per_cycle=0"), HasSubstr("dram_bytes_per_cycle is 0"));
  EXPECT_THAT(set("dram_bytes_per_cycle=nan"), HasSubstr("it must be from"));
  EXPECT_EQ(architecture["dram_bytes_per_cycle"], 12.5);
  EXPECT_THROW((void)architecture["no_such_thing"], std::logic_error);
}

}  // namespace
}  // namespace tilegrid::timing
