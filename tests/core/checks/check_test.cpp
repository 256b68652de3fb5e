// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <string>

#include "core/checks/checker.h"
#include "core/checks/poison.h"
#include "core/checks/reporter.h"
#include "core/error.h"

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
