// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/agenda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <tuple>
#include <vector>

namespace tilegrid::timing {
namespace {

using Entry = std::tuple<double, std::uint64_t, Step, std::uint32_t>;

Entry entry_of(const Appointment& one) { return {one.time, one.key, one.step, one.index}; }

/// As many cycles ahead as come up in a replay: the lists, the blocks, and what lies behind all of these.
double far_ahead(std::mt19937& random, int number) {
  constexpr std::array reaches{8.0, 300.0, 5'000.0, 200'000.0, 3'000'000.0};
  const double reach = reaches.at(static_cast<std::size_t>(number) % reaches.size());
  return std::floor(std::uniform_real_distribution<double>(0, reach * 4)(random)) / 4;  // some come at the same time
}

TEST(Agenda, GivesWhatIsNextHoweverFarAheadItWasMade) {
  std::mt19937 random(5);
  Agenda agenda;
  std::vector<Entry> all;  // that are still to come
  double now = 0;
  std::uint32_t made = 0;
  const auto make = [&] {
    const double time = now + far_ahead(random, static_cast<int>(made));
    const std::uint64_t key = random() % 4;
    const bool is_head = made % 3 == 0;
    all.emplace_back(time, key, is_head ? Step::head : Step::serve, made);
    if (is_head) {
      agenda.add_head(time, key, made);
    } else {
      agenda.add(time, key, made, Step::serve);
    }
    ++made;
  };
  while (made < 2000) make();
  while (!agenda.empty()) {
    const auto next = std::min_element(all.begin(), all.end());
    const Appointment given = agenda.next();
    ASSERT_EQ(entry_of(given), *next);
    EXPECT_EQ(agenda.present_key(), given.key);
    all.erase(next);
    now = given.time;
    while (made < 6000 && made < 2000 + all.size() * 2 && random() % 8 != 0) make();
  }
  EXPECT_TRUE(all.empty());
  EXPECT_EQ(made, 6000U);
}

}  // namespace
}  // namespace tilegrid::timing
