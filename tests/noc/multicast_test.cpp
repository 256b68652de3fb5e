// SPDX-License-Identifier: Apache-2.0
#include "noc/multicast.h"

#include <gtest/gtest.h>

#include <set>

namespace tilegrid::noc {
namespace {

TEST(Rectangles, HaveTheCornersThatTheAddressNames) {
  const Rectangle rectangle = Rectangle::of(multicast_address(virtual_base + 3, virtual_base + 1, virtual_base, 20, 1234));
  EXPECT_EQ(rectangle.start, (LogicalCore{3, 1}));
  EXPECT_EQ(rectangle.end, (LogicalCore{0, 2}));
  EXPECT_EQ(rectangle.low(), (LogicalCore{0, 1}));
  EXPECT_EQ(rectangle.high(), (LogicalCore{3, 2}));
}

/// What a packet passes that goes step by step, the way a NoC turns, until it is at the end.
std::set<int> walk(NocId noc, int start, int end, int ring) {
  std::set<int> passed{start};
  for (int at = start; at != end; passed.insert(at)) at = (at + (noc == NocId::noc0 ? 1 : ring - 1)) % ring;
  return passed;
}

TEST(Rectangles, ReachWhatLiesBetweenTheirCornersTheWayTheNocTurns) {
  constexpr GridSize workers{4, 3};
  for (const NocId noc : each<NocId>) {
    for (int a = 0; a < workers.cores(); ++a) {
      for (int b = 0; b < workers.cores(); ++b) {
        const Rectangle rectangle{workers.core(a), workers.core(b)};
        std::set<int> expected;
        for (const int y : walk(noc, rectangle.start.y, rectangle.end.y, workers.y)) {
          for (const int x : walk(noc, rectangle.start.x, rectangle.end.x, workers.x))
            expected.insert(workers.index({x, y}));
        }
        const auto reached = rectangle.cores_reached(noc, workers);
        EXPECT_EQ(std::set<int>(reached.begin(), reached.end()), expected) << a << " to " << b;
        const LogicalCore low = rectangle.low();
        const LogicalCore high = rectangle.high();
        // A wrap always adds something, or takes the way that it should.
        EXPECT_EQ(rectangle.fits(noc), noc == NocId::noc0 ? rectangle.start == low && rectangle.end == high
                                                          : rectangle.start == high && rectangle.end == low);
        EXPECT_TRUE(rectangle.for_noc(noc).fits(noc));
        EXPECT_EQ(rectangle.for_noc(noc).cores_reached(noc, workers).size(),
                  static_cast<std::size_t>((high.x - low.x + 1) * (high.y - low.y + 1)));
      }
    }
  }
}

}  // namespace
}  // namespace tilegrid::noc
