// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/findings.h"

#include <gtest/gtest.h>

#include "runtime/checks/clocks.h"

namespace tilegrid {
namespace {

checks::Finding finding(int core, std::uint32_t line, std::uint64_t count = 1) {
  return {.error_class = "race",
          .severity = checks::Severity::warn,
          .core = core,
          .risc = "BRISC",
          .kernel = "k",
          .file = "f.cpp",
          .line = line,
          .message = "did; rule",
          .count = count};
}

TEST(Findings, OfSeveralCoresBecomeOneLine) {
  constexpr GridSize grid{4, 2};
  const auto lines = warning_lines({finding(5, 3), finding(1, 3), finding(2, 3), finding(6, 3), finding(0, 8, 7)}, grid);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "warning: race · cores (1,0)-(2,1) · BRISC · k f.cpp:3: did; rule");
  EXPECT_EQ(lines[1], "warning: race · core (0,0) [1-1] · BRISC · k f.cpp:8: did; rule; 7 times");
}

TEST(Findings, ErrorNamesTheFirstAndCountsTheOthers) {
  constexpr GridSize grid{2, 1};
  checks::Finding of_core = finding(1, 0);
  of_core.risc = of_core.kernel = of_core.file = "";
  EXPECT_EQ(error_line({finding(0, 4), of_core}, grid), "race · core (1,0) [2-1]: did; rule; and 1 more of this kind");
  EXPECT_EQ(error_line({finding(0, 4), finding(1, 4)}, grid), "race · all cores · BRISC · k f.cpp:4: did; rule");
}

using races::Clock;

using races::Moment;
using races::ThreadKind;
using races::ThreadLayout;

TEST(Clocks, LearnWhatOthersKnewWhenTheySaidSo) {
  const ThreadLayout layout{.trids = 2};
  const int reads = layout.transfers(ThreadKind::read, Risc::ncrisc, 1, 1);
  ASSERT_LT(reads, layout.size());
  Clock a(0, layout, 3);
  Clock b(1, layout, 3);
  Clock c(2, layout, 3);
  a.advance(0);
  const Moment early{.core = 0, .thread = 0, .epoch = a.epoch(0)};
  EXPECT_TRUE(a.knows(early));
  EXPECT_FALSE(b.knows(early));
  const Clock said = a;
  a.advance(0);
  const Moment late{.core = 0, .thread = 0, .epoch = a.epoch(0)};
  a.learn(reads, 4);
  b.join(said);
  c.join(b);  // through a third
  EXPECT_TRUE(b.knows(early) && c.knows(early));
  EXPECT_FALSE(b.knows(late) || c.knows(late));
  c.join(a);
  EXPECT_TRUE(c.knows({.core = 0, .thread = reads, .epoch = 4}));
  EXPECT_FALSE(c.knows({.core = 0, .thread = reads, .epoch = 5}));
  // What comes back of oneself is nothing new.
  a.join(c);
  EXPECT_EQ(a.epoch(0), late.epoch);
}

TEST(Clocks, KnowWhatLandedInAChannel) {
  const ThreadLayout layout;
  Clock a(0, layout, 2);
  Clock b(1, layout, 2);
  a.learn_channel(7, 3);
  a.learn_channel(2, 1);
  a.learn_channel(7, 5);
  const auto landed = [](std::uint32_t channel, std::uint32_t sequence) {
    return Moment{.core = 0, .thread = 5, .epoch = 99, .channel = channel, .sequence = sequence};
  };
  b.learn_channel(4, 4);
  b.join(a);
  EXPECT_TRUE(b.knows(landed(7, 5)) && b.knows(landed(2, 1)) && b.knows(landed(4, 4)));
  EXPECT_FALSE(b.knows(landed(7, 6)) || b.knows(landed(3, 1)));
}

}  // namespace
}  // namespace tilegrid
