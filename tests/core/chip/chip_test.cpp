// SPDX-License-Identifier: Apache-2.0
#include "core/chip/chip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "tests/support/names.h"

namespace tilegrid {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const UsageError& error) {
    return error.message();
  }
  return "accepted";
}

/// Wormhole's file under another name, to be changed.
json wormhole_file() {
  json root = json::parse(Chip().json());
  root["name"] = "mine";
  return root;
}

std::string refused(const json& root) {
  return refusal([&] { (void)Chip::parse(root.dump(), "my.json"); });
}

TEST(Chip, BuiltInFilesHaveEveryEntryWithUnitAndSource) {
  EXPECT_EQ(Chip::built_in(), (std::vector<std::string>{"wormhole_b0", "blackhole"}));
  for (const std::string& name : Chip::built_in()) {
    const Chip chip = Chip::load(name);
    EXPECT_EQ(chip.name(), name);
    const json root = json::parse(chip.json());
    for (const char* section : {"geometry", "memory", "parameters"}) {
      for (const auto& [key, entry] : root.at(section).items()) {
        EXPECT_FALSE(entry.at("unit").get<std::string>().empty()) << key;
        const auto source = entry.at("source").get<std::string>();
        EXPECT_TRUE(source.find(".md") != std::string::npos || source.starts_with("estimate")) << key;
      }
    }
  }
  EXPECT_EQ(Chip()["clock_hz"], 1e9);
  EXPECT_EQ(Chip::load("blackhole")["clock_hz"], 1.35e9);
}

/// All workers, by NoC 0 coordinates.
std::set<std::pair<int, int>> nodes_of_workers(const Chip& chip) {
  std::set<std::pair<int, int>> nodes;
  for (int core = 0; core < chip.workers().cores(); ++core) {
    const PhysicalCore at = chip.places().physical_of(chip.workers().core(core));
    nodes.emplace(at.x, at.y);
  }
  return nodes;
}

TEST(Chip, WormholeIsWhatItsDescriptorSays) {  // tensix.md 4.2
  const Chip chip;
  EXPECT_EQ(chip.name(), "wormhole_b0");
  EXPECT_EQ(chip.places().die(), (GridSize{10, 12}));
  EXPECT_EQ(chip.workers(), (GridSize{8, 10}));
  EXPECT_EQ(chip.places().banks(), 12);
  EXPECT_EQ(chip.places().physical_of({0, 0}), (PhysicalCore{1, 1}));
  EXPECT_EQ(chip.places().physical_of({4, 5}), (PhysicalCore{6, 7}));
  EXPECT_EQ(chip.places().dram_endpoint(0), (PhysicalCore{0, 11}));
  EXPECT_EQ(chip.memory().l1_bytes, 1464U * 1024);
  EXPECT_EQ(chip.memory().dram_bank_bytes, std::uint64_t{1} << 30U);
  EXPECT_EQ(chip.memory().dram_alignment, 32U);
  EXPECT_EQ(chip.memory().packet_bytes, 8192U);
  EXPECT_EQ(chip.dst_slots(false, false), 8);
  EXPECT_EQ(chip.dst_slots(true, false), 4);
  EXPECT_EQ(chip.dst_slots(false, true), 16);
  for (const auto& [x, y] : nodes_of_workers(chip)) {
    EXPECT_TRUE(x != 0 && x != 5 && y != 0 && y != 6) << x << "-" << y << " is DRAM's or Ethernet's";
  }
  EXPECT_EQ(chip.places().physical_of({8, 10}), chip.places().physical_of({0, 0})) << "larger grids repeat the pattern";
  EXPECT_NO_THROW(chip.check_grid({9, 10}, "--grid"));
}

TEST(Chip, BlackholeIsWhatItsDescriptorSays) {  // tensix.md 4.1, 4.2
  const Chip chip = Chip::load("blackhole");
  EXPECT_EQ(chip.places().die(), (GridSize{17, 12}));
  EXPECT_EQ(chip.geometry().all_columns.size() * chip.geometry().all_rows.size(), 140U) << "14x10 Tensix";
  EXPECT_EQ(chip.workers(), (GridSize{12, 10})) << "what firmware leaves";
  EXPECT_EQ(nodes_of_workers(chip).size(), 120U);
  EXPECT_EQ(chip.places().banks(), 8);
  for (int bank = 0; bank < chip.places().banks(); ++bank) {
    const PhysicalCore at = chip.places().dram_endpoint(bank);
    EXPECT_TRUE(at.x == 0 || at.x == 9) << bank;
    EXPECT_EQ(chip.places().bank_at(at.x, at.y), bank);
  }
  for (const auto& [x, y] : nodes_of_workers(chip)) {
    EXPECT_TRUE(x != 0 && x != 8 && x != 9 && y >= 2) << x << "-" << y << " is not a worker";
    EXPECT_EQ(chip.places().bank_at(x, y), -1);
  }
  EXPECT_EQ(chip.memory().l1_bytes, 1536U * 1024);
  EXPECT_EQ(chip.memory().dram_alignment, 64U);
  EXPECT_EQ(chip.memory().packet_bytes, 16384U);
  EXPECT_EQ(refusal([&] { chip.check_grid({13, 10}, "--grid"); }), "--grid 13x10: blackhole has 12x10 workers");
  EXPECT_NO_THROW(chip.check_grid({12, 10}, "--grid"));
}

TEST(Chip, HarvestedRowsLeaveAGap) {
  json root = wormhole_file();
  root["geometry"]["harvested_rows"]["value"] = {3, 11};
  const Chip n300 = Chip::parse(root.dump(), "my.json");
  EXPECT_EQ(n300.workers(), (GridSize{8, 8}));
  EXPECT_EQ(n300.places().physical_of({0, 1}), (PhysicalCore{1, 2}));
  EXPECT_EQ(n300.places().physical_of({0, 2}), (PhysicalCore{1, 4}));
}

TEST(Chip, AFileIsReadAsItIsWritten) {
  for (const std::string& name : Chip::built_in()) {
    const Chip chip = Chip::load(name);
    const Chip again = Chip::parse(chip.json(), "my.json");
    EXPECT_EQ(again.json(), chip.json());
    EXPECT_TRUE(again.same_as(chip));
  }
  EXPECT_FALSE(Chip().same_as(Chip::load("blackhole")));
}

TEST(Chip, AFileOfOnesOwn) {
  json root = wormhole_file();
  root["parameters"]["noc_hop_cycles"]["value"] = 11;
  root["memory"]["l1_bytes"]["value"] = 1'048'576;
  const auto path = (std::filesystem::temp_directory_path() / "tilegrid_chip_test.json").string();
  std::ofstream(path) << root.dump();
  const Chip mine = Chip::load(path);
  EXPECT_EQ(mine.name(), "mine");
  EXPECT_EQ(mine["noc_hop_cycles"], 11);
  EXPECT_EQ(mine.memory().l1_bytes, 1'048'576U);
  EXPECT_FALSE(mine.same_as(Chip()));
}

TEST(Chip, TextThatIsProvidedStandsForAFile) {
  Chip::provide("elsewhere/my.json", wormhole_file().dump());
  EXPECT_EQ(Chip::load("elsewhere/my.json").name(), "mine");
}

TEST(Chip, RefusesWhatIsNoFileOfAChip) {
  EXPECT_TRUE(test::names(refusal([] { (void)Chip::load("/missing.json"); }), {"/missing.json"}));
  EXPECT_TRUE(test::names(refusal([] { (void)Chip::load("/"); }), {"/"}));
  EXPECT_TRUE(test::names(refusal([] { (void)Chip::parse("{\n  \"name\": ?", "my.json"); }), {"my.json:2:11"}));
  const std::string huge(400, '9');
  EXPECT_EQ(refusal([&] { (void)Chip::parse("{\n  \"name\": " + huge + "}", "my.json"); }),
            "my.json:2:11: a number of 400 characters is larger than 1.8e308, more than can be read");
  EXPECT_EQ(refusal([&] { (void)Chip::parse("[1, -2e999]", "my.json"); }),
            "my.json:1:5: a number of 6 characters is larger than 1.8e308, more than can be read");
  EXPECT_THAT(refusal([] { (void)Chip::parse("[]", "my.json"); }), HasSubstr("an object with a name, geometry"));
  EXPECT_THAT(refusal([] { (void)Chip::parse(R"({"name": "x", "parameters": {}})", "my.json"); }), HasSubstr("no geometry"));
  const auto path = (std::filesystem::temp_directory_path() / "tilegrid_chip_large_test.json").string();
  std::ofstream(path) << std::string(2U << 20U, ' ');
  EXPECT_TRUE(test::names(refusal([&] { (void)Chip::load(path); }), {"1048576"}));
  std::filesystem::remove(path);
  json extra = wormhole_file();
  extra["geometri"] = extra["geometry"];
  EXPECT_TRUE(test::names(refused(extra), {"'geometri'", "'geometry'"}));
}

TEST(Chip, RefusesEntriesThatAreWrong) {
  const auto with = [](const char* section, const char* key, const json& value) {
    json root = wormhole_file();
    root[section][key]["value"] = value;
    return refused(root);
  };
  for (const auto& [section, key] :
       {std::pair{"parameters", "l1_access_cycles"}, {"memory", "l1_bytes"}, {"geometry", "die"}}) {
    json missing = wormhole_file();
    missing[section].erase(key);
    EXPECT_THAT(refused(missing), HasSubstr(std::string(key) + " is missing"));
    for (const char* part : {"value", "unit", "source"}) {
      json without = wormhole_file();
      without[section][key].erase(part);
      EXPECT_THAT(refused(without), HasSubstr(std::string(key) + " has no " + part));
    }
  }
  json unknown = wormhole_file();
  unknown["parameters"]["noc_hops_cycles"] = unknown["parameters"]["noc_hop_cycles"];
  EXPECT_TRUE(test::names(refused(unknown), {"'noc_hops_cycles'", "'noc_hop_cycles'"}));
  EXPECT_TRUE(test::names(with("parameters", "noc_hop_cycles", "nine"), {"noc_hop_cycles"}));
  EXPECT_TRUE(test::names(with("parameters", "noc_hop_cycles", -1), {"noc_hop_cycles", "-1", "0"}));
  EXPECT_TRUE(test::names(with("memory", "l1_bytes", 1'499'137), {"l1_bytes", "1499137", "4096"}));
  EXPECT_TRUE(test::names(with("memory", "l1_bytes", 1U << 30U), {"262144", "2097152"}));
  EXPECT_TRUE(test::names(with("memory", "circular_buffers", 33), {"1", "32"}));
  EXPECT_TRUE(test::names(with("memory", "dst_tiles", 8.5), {"4"}));
}

TEST(Chip, RefusesGeometryThatDoesNotFitTogether) {
  const auto with = [](const char* key, const json& value) {
    json root = wormhole_file();
    root["geometry"][key]["value"] = value;
    return refused(root);
  };
  EXPECT_TRUE(test::names(with("die", "10x12"), {"die"}));
  EXPECT_TRUE(test::names(with("die", {10}), {"die", "[columns, rows]"}));
  EXPECT_TRUE(test::names(with("die", {10, 19}), {"die", "19", "0", "18"}));
  EXPECT_TRUE(test::names(with("die", {18, 18}), {"32"}));
  EXPECT_TRUE(test::names(with("die", {9, 12}), {"worker_columns", "9", "9"}));
  EXPECT_TRUE(test::names(with("worker_rows", {2, 1}), {"worker_rows", "1", "2"}));
  EXPECT_TRUE(test::names(with("harvested_rows", {6}), {"harvested_rows", "6", "worker_rows"}));
  EXPECT_TRUE(test::names(with("harvested_rows", {3, 3}), {"harvested_rows", "3"}));
  EXPECT_THAT(with("harvested_columns", {1, 2, 3, 4, 6, 7, 8, 9}), HasSubstr("no columns of workers are left"));
  EXPECT_TRUE(test::names(with("dram_endpoints", json::array()), {"0", "dram_endpoints", "1", "64"}));
  EXPECT_TRUE(test::names(with("dram_endpoints", {{0, 1}, {0}}), {"dram_endpoints", "[column, row]"}));
  EXPECT_TRUE(test::names(with("dram_endpoints", {{0, 12}}), {"dram_endpoints", "(0,12)", "10x12"}));
  EXPECT_TRUE(test::names(with("dram_endpoints", {{0, 1}, {0, 1}}), {"dram_endpoints", "(0,1)"}));
  EXPECT_TRUE(test::names(with("dram_endpoints", {{1, 1}}), {"dram_endpoints", "(1,1)"}));
  EXPECT_TRUE(test::names(with("worker_rows", std::vector<int>(300, 1)), {"256"}));
  EXPECT_TRUE(test::names(with("larger_grids", "yes"), {"larger_grids"}));
}

TEST(Chip, SetsOneValueOfOneCopy) {
  Chip chip;
  const Chip other = chip;
  chip.set("dram_bytes_per_cycle=12.5");
  EXPECT_EQ(chip["dram_bytes_per_cycle"], 12.5);
  EXPECT_EQ(chip.rates().reader, 12.5);
  EXPECT_EQ(other["dram_bytes_per_cycle"], 24);
  chip.set("copy_tile_cycles=100");
  EXPECT_EQ(chip.cycles().copy, 100);
  const auto set = [&](const char* text) { return refusal([&] { chip.set(text); }); };
  EXPECT_TRUE(test::names(set("dram_byte_per_cycle=3"), {"'dram_bytes_per_cycle'"}));
  EXPECT_THAT(set("dram_bytes_per_cycle"), HasSubstr("must be key=value"));
  EXPECT_TRUE(test::names(set("dram_bytes_per_cycle=fast"), {"'fast'"}));
  EXPECT_TRUE(test::names(set("dram_bytes_per_cycle=3x"), {"'3x'"}));
  EXPECT_TRUE(test::names(set("dram_bytes_per_cycle=0"), {"dram_bytes_per_cycle", "0"}));
  EXPECT_THAT(set("dram_bytes_per_cycle=nan"), HasSubstr("it must be from"));
  EXPECT_TRUE(test::names(set("l1_bytes=1500000"), {"4096"}));
  EXPECT_EQ(chip["dram_bytes_per_cycle"], 12.5);
  EXPECT_THROW((void)chip["no_such_thing"], std::logic_error);
}

TEST(Chip, CyclesOfTiles) {
  const CoreCycles& cycles = Chip().cycles();
  EXPECT_DOUBLE_EQ(cycles.matmul_tile(2), 32 * 1.02 + 2.8);
  EXPECT_DOUBLE_EQ(cycles.reduce(Pool::sum, ReduceDim::scalar, 2), 65);
  EXPECT_DOUBLE_EQ(cycles.reduce(Pool::max, ReduceDim::row, 4), 97.9);
  EXPECT_DOUBLE_EQ(cycles.vector(VectorOp::exp_fast, VectorMode::rc), 106.7 + 4 * 7 + 4);
  EXPECT_DOUBLE_EQ(cycles.vector(VectorOp::recip, VectorMode::first_column), 576 / 4.0 + 2 * 7 + 4);
  EXPECT_DOUBLE_EQ(cycles.unpack(2048), 5 + 32);
  EXPECT_DOUBLE_EQ(cycles.unpack_two(2048, 2048), 5 + 64) << "both share a port";
  EXPECT_DOUBLE_EQ(cycles.pack(2048, false, true) - cycles.pack(2048, false, false), 32);
  EXPECT_DOUBLE_EQ(cycles.pack(1088, true, false), 23.5 + 10 + 17);
  // 2x4 tiles: two of in0 are held, four of in1 stream once.
  const CoreCycles::Operand bf16{cycles.unpack(2048), cycles.joint(2048)};
  const OperandSteps steps = cycles.matmul_block_steps(2, 4, 3, bf16, bf16, false, 2);
  EXPECT_DOUBLE_EQ(steps.steps, 3 * 4);
  EXPECT_DOUBLE_EQ(steps.math * 4, 8 * cycles.matmul_tile(2) + cycles.matmul_block);
  EXPECT_DOUBLE_EQ(steps.unpack * 4, std::max(4 * bf16.unpack, 6 * bf16.joint));
}

}  // namespace
}  // namespace tilegrid
