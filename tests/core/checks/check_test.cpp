// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/checks/checker.h"
#include "core/checks/poison.h"
#include "core/checks/reporter.h"
#include "core/error.h"
#include "core/simd/memory_kernels.h"
#include "tests/core/each_target.h"

namespace tilegrid::checks {
namespace {

TEST(CheckClasses, HaveNamesOfTheirOwnAndDefaults) {
  std::set<std::string> names;
  for (const ClassRow& one : class_rows) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_GT(std::string(one.summary).size(), 10U);
    EXPECT_NE(one.severity, Severity::off) << one.name;
  }
  EXPECT_EQ(names.size(), class_count);
  EXPECT_STREQ(name_of(Class::l1_acc_left), "l1-acc-left");
  Config config;
  EXPECT_EQ(config.of(Class::read_barrier), Severity::error);
  EXPECT_EQ(config.of(Class::semaphore_state), Severity::warn);
  EXPECT_EQ(Config::all(Severity::off).of(Class::alignment), Severity::off);
}

TEST(CheckClasses, EachIsLookedForWhereItIsSeen) {
  // Each class alone, and who looks for it then.
  std::set<std::string> by_checker, in_the_logs, not_dry;
  for (const ClassRow& one : class_rows) {
    Config config = Config::all(Severity::off);
    config.set(one.id, one.severity);
    EXPECT_TRUE(config.any(by_unit) || config.any(in_calls) || config.any(in_logs)) << one.name << ": nobody looks";
    if (Checker::needed(config)) by_checker.insert(one.name);
    if (config.any(in_logs)) in_the_logs.insert(one.name);
    if (one.left_out_of_dry_runs()) not_dry.insert(one.name);
    EXPECT_EQ(config.without_data().on(one.id), !one.needs_data) << one.name;
  }
  EXPECT_EQ(by_checker, (std::set<std::string>{"read-barrier", "read-target", "write-flush", "kernel-end", "linked-open",
                                               "cb-window", "cb-owner", "semaphore-state", "semaphore-passed",
                                               "uninitialised-l1", "uninitialised-dram", "format-reconfig", "l1-acc-left"}));
  EXPECT_EQ(in_the_logs, (std::set<std::string>{"race", "remote-slot", "semaphore-race", "semaphore-passed"}));
  EXPECT_EQ(not_dry, (std::set<std::string>{"race", "remote-slot", "semaphore-race", "semaphore-passed", "uninitialised-l1",
                                            "uninitialised-dram", "read-target"}));
  EXPECT_FALSE(Checker::needed(Config::all(Severity::off)));
}

TEST(Poison, IsFoundWhereItIsWholeAndAligned) {
  alignas(16) std::array<std::byte, 1024> memory{};
  EXPECT_FALSE(find(l1_poison, memory.data(), memory.size()));
  for (const std::size_t at : {0U, 16U, 240U, 256U, 1008U}) {
    memory.fill(std::byte{0});
    fill(l1_poison, memory.data() + at, 16);
    EXPECT_EQ(find(l1_poison, memory.data(), memory.size()), at);
    EXPECT_FALSE(find(dram_poison, memory.data(), memory.size()));
    memory[at + 15] = std::byte{0};  // written in part
    EXPECT_FALSE(find(l1_poison, memory.data(), memory.size()));
  }
  memory.fill(std::byte{0});
  fill(l1_poison, memory.data() + 8, 16);  // by chance, where no granule begins
  EXPECT_FALSE(find(l1_poison, memory.data(), memory.size()));
}

TEST(Poison, IsClearedAndNothingElse) {
  alignas(16) std::array<std::byte, 512> memory{};
  fill(dram_poison, memory.data(), memory.size());
  memory[100] = std::byte{7};
  std::array<std::byte, 512> written = memory;
  clear(dram_poison, memory.data(), memory.size());
  for (std::size_t i = 0; i < memory.size(); ++i) {
    EXPECT_EQ(memory[i], i / 16 == 100 / 16 ? written[i] : std::byte{0}) << i;
  }
}

/// XXH3's accumulation, word by word as core/simd/memory_kernels.h says it.
std::uint64_t added(std::uint64_t word, std::uint64_t key) {
  const std::uint64_t mixed = word ^ key;
  return (word << 32U | word >> 32U) + (mixed & 0xFFFF'FFFFU) * (mixed >> 32U);
}

std::vector<std::byte> some_bytes(std::size_t count) {
  std::mt19937 random(5);
  std::vector<std::byte> bytes(count);
  for (std::byte& one : bytes) one = static_cast<std::byte>(random());
  return bytes;
}

TEST(Memory, SumsTellEveryChangedBitAndWhereItIs) {
  const std::vector<std::byte> bytes = some_bytes(1 + 20 * simd::stripe_bytes);
  const auto sums_of = [](const std::byte* memory, std::size_t count) {
    simd::StripeSums sums{};
    simd::add_stripes(sums, 0, memory, count);
    return sums;
  };
  std::set<simd::StripeSums> of_targets;
  const int targets = testing::for_each_simd_target([&] {
    const std::byte* memory = bytes.data() + 1;  // nothing is aligned
    const simd::StripeSums all = sums_of(memory, bytes.size() - 1);
    of_targets.insert(all);
    simd::StripeSums parts{};  // the same in two steps
    simd::add_stripes(parts, 0, memory, 3 * simd::stripe_bytes);
    simd::add_stripes(parts, 3, memory + 3 * simd::stripe_bytes, bytes.size() - 1 - 3 * simd::stripe_bytes);
    EXPECT_EQ(parts, all);
    std::vector<std::byte> changed = bytes;
    for (std::size_t bit = 0; bit < 8 * (bytes.size() - 1); ++bit) {
      changed[1 + bit / 8] ^= std::byte{1} << (bit % 8);
      EXPECT_NE(sums_of(changed.data() + 1, bytes.size() - 1), all) << bit;
      changed[1 + bit / 8] = bytes[1 + bit / 8];
    }
    for (std::size_t at = 8; at + 8 < bytes.size(); at += 8) changed[at] ^= std::byte{0x80};  // every sign
    EXPECT_NE(sums_of(changed.data() + 1, bytes.size() - 1), all);
    changed = bytes;
    std::swap_ranges(changed.begin() + 1, changed.begin() + 65, changed.begin() + 65);
    EXPECT_NE(sums_of(changed.data() + 1, bytes.size() - 1), all);
  });
  EXPECT_GE(targets, 2);
  EXPECT_EQ(of_targets.size(), 1U);
  // The first word of the first two stripes; the key is written in core/simd/memory_kernels.cpp.
  std::array<std::byte, 2 * simd::stripe_bytes> two{};
  two[0] = std::byte{1};
  two[simd::stripe_bytes] = std::byte{2};
  constexpr std::uint64_t key = 0x6A09'E667'F3BC'C908;
  EXPECT_EQ(sums_of(two.data(), two.size())[0], added(1, key) + added(2, key + 0x9E37'79B9'7F4A'7C15));
}

TEST(Memory, AWordIsFoundWhereverItLies) {
  std::vector<std::byte> bytes(19 * simd::stripe_bytes);
  constexpr std::uint64_t word = 0x0123'4567'89AB'CDEF;
  testing::for_each_simd_target([&] {
    EXPECT_FALSE(simd::holds_word(word, bytes.data(), bytes.size()));
    for (std::size_t at = 0; at < bytes.size(); at += sizeof word) {
      std::memcpy(bytes.data() + at, &word, sizeof word);
      EXPECT_TRUE(simd::holds_word(word, bytes.data(), bytes.size())) << at;
      EXPECT_EQ(simd::holds_word(word, bytes.data(), simd::stripe_bytes), at < simd::stripe_bytes);
      EXPECT_FALSE(simd::holds_word(word + 1, bytes.data(), bytes.size()));
      bytes[at + sizeof word - 1] = std::byte{};
      EXPECT_FALSE(simd::holds_word(word, bytes.data(), bytes.size())) << at;
      std::memset(bytes.data() + at, 0, sizeof word);
    }
  });
}

Fault some_fault() { return fault_of(Class::race, "did", "rule"); }

TEST(Reporter, ThrowsErrorsKeepsWarningsAndIgnoresTheRest) {
  Reporter reporter;
  reporter.begin(Config::all(Severity::off).set(Class::race, Severity::warn).set(Class::alignment, Severity::error), 3, [] {
    return Place{"kernel", "file.cpp", 9, Risc::ncrisc};
  });
  bool made = false;
  reporter.found(Class::kernel_end, [&] { return made = true, some_fault(); });
  EXPECT_FALSE(made);
  EXPECT_THROW(reporter.found(Class::alignment, some_fault), Fault);
  for (int i = 0; i < 3; ++i) reporter.found(Class::race, some_fault);
  reporter.found(Class::race, [] { return some_fault().at("other.cpp", 4); });
  const std::vector<Finding> findings = reporter.take_findings();
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].count, 3U);
  EXPECT_EQ(findings[0].core, 3);
  EXPECT_EQ(findings[0].risc, "NCRISC");
  EXPECT_EQ(findings[0].line, 9U);
  EXPECT_EQ(findings[0].message, "did; rule");
  EXPECT_EQ(findings[1].file, "other.cpp");
  EXPECT_EQ(findings[1].line, 4U);
  EXPECT_TRUE(reporter.take_findings().empty());
}

TEST(Reporter, KeepsALimitedNumberOfPlacesOfAClass) {
  Reporter reporter;
  unsigned line = 0;
  reporter.begin(Config::all(Severity::warn), 0, [&] { return Place{"kernel", "file.cpp", ++line, Risc::brisc}; });
  for (int i = 0; i < 1000; ++i) reporter.found(Class::race, some_fault);
  EXPECT_EQ(reporter.take_findings().size(), 64U);
}

}  // namespace
}  // namespace tilegrid::checks
