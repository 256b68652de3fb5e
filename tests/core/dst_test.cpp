// SPDX-License-Identifier: Apache-2.0
#include "core/dst.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "core/error.h"
#include "core/types.h"

namespace tilegrid {
namespace {

template <class Action>
std::string class_of_fault(const Action& action) {
  try {
    action();
  } catch (const Fault& fault) {
    return fault.error_class;
  }
  return "none";
}

TEST(Dst, HasTheCapacityOfItsMode) {
  EXPECT_EQ(Dst(false, false).capacity(), 8);
  EXPECT_EQ(Dst(true, false).capacity(), 4);
  EXPECT_EQ(Dst(false, true).capacity(), 16);
  EXPECT_EQ(Dst(true, true).capacity(), 8);
}

// ---- Order of calls, against an automaton that says what the hand-over allows: math and pack each have at most one
// section, and no more sections are committed than there are halves.

enum class Call : std::uint8_t { acquire, commit, wait, release };

struct Automaton {
  int halves;
  bool math = false;
  bool pack = false;
  int ready = 0;  // committed and not yet released
  bool allows(Call call) const {
    switch (call) {
      case Call::acquire:
        return !math && ready < halves;
      case Call::commit:
        return math;
      case Call::wait:
        return !pack && ready > 0;
      case Call::release:
        return pack;
    }
    return false;
  }
  void take(Call call) {
    if (call == Call::acquire) math = true;
    if (call == Call::commit) math = false, ++ready;
    if (call == Call::wait) pack = true;
    if (call == Call::release) pack = false, --ready;
  }
};

void make_call(Dst& dst, Call call) {
  constexpr std::array<void (Dst::*)(), 4> calls{&Dst::acquire, &Dst::commit, &Dst::wait, &Dst::release};
  (dst.*calls[static_cast<std::size_t>(call)])();
}

TEST(Dst, AllowsTheLegalOrdersAndNoOther) {
  constexpr int length = 8;
  for (const bool full_sync : {false, true}) {
    Dst dst(false, full_sync);
    int legal = 0;
    for (unsigned number = 0; number < 1U << (2 * length); ++number) {
      dst.reset();
      Automaton automaton{full_sync ? 1 : 2};
      int made = 0;
      for (; made < length; ++made) {
        const auto call = static_cast<Call>(number >> static_cast<unsigned>(2 * made) & 3U);
        if (!automaton.allows(call)) {
          ASSERT_EQ(class_of_fault([&] { make_call(dst, call); }), "dst-order") << number << " call " << made;
          break;
        }
        ASSERT_EQ(class_of_fault([&] { make_call(dst, call); }), "none") << number << " call " << made;
        automaton.take(call);
        ASSERT_EQ(dst.acquired(), automaton.math);
        ASSERT_EQ(dst.packing(), automaton.pack);
        ASSERT_EQ(dst.committed(), automaton.ready);
      }
      if (made == length) ++legal;
    }
    EXPECT_GT(legal, full_sync ? 0 : 10);
  }
}

TEST(Dst, AFaultChangesNothing) {
  Dst dst(false, false);
  dst.acquire();
  EXPECT_EQ(class_of_fault([&] { dst.acquire(); }), "dst-order");
  EXPECT_EQ(class_of_fault([&] { dst.wait(); }), "dst-order");
  dst.commit();
  dst.wait();
  dst.release();
  dst.acquire();
  EXPECT_TRUE(dst.acquired());
}

// ---- Slots

TEST(Dst, SlotsBelongToMathBetweenAcquireAndCommit) {
  Dst dst(false, false);
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(0, 1, "test")); }), "dst-order");
  dst.acquire();
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(0, 1, "test")); }), "none");
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(0, "test")); }), "dst-order");
  dst.commit();
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(0, 1, "test")); }), "dst-order");
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(0, "test")); }), "dst-order");
  dst.wait();
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(0, "test")); }), "none");
  dst.release();
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(0, "test")); }), "dst-order");
}

TEST(Dst, RangesAreChecked) {
  for (const bool fp32 : {false, true}) {
    for (const bool full_sync : {false, true}) {
      Dst dst(fp32, full_sync);
      const int slots = dst.capacity();
      dst.acquire();
      for (int first = 0; first < slots; ++first) {
        for (int count = 1; count <= slots + 1; ++count) {
          EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(first, count, "test")); }),
                    first + count <= slots ? "none" : "DST capacity")
              << first << "+" << count;
        }
      }
      EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(-1, 1, "test")); }), "DST capacity");
      EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(0x7FFFFFFF, 1, "test")); }), "DST capacity");
      EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(1, 0x7FFFFFFF, "test")); }), "DST capacity");
      dst.commit();
      dst.wait();
      EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(slots - 1, "test")); }), "none");
      EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(slots, "test")); }), "DST capacity");
    }
  }
}

TEST(Dst, TheFaultSaysHowManyTilesThereAre) {
  Dst dst(true, false);
  dst.acquire();
  try {
    static_cast<void>(dst.math_slots(2, 4, "matmul_block"));
    ADD_FAILURE() << "no fault";
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.action, "matmul_block used DST tiles 2..5");
    EXPECT_EQ(fault.rule, "Insufficient DST capacity for all operands: 32-bit DST in half-sync has 4 tiles");
    EXPECT_EQ(fault.asked, 6);
    EXPECT_EQ(fault.available, 4);
  }
}

TEST(Dst, ALimitTakesSlotsAway) {
  EXPECT_EQ(Dst(false, false, 5).capacity(), 5);
  EXPECT_EQ(Dst(false, false, 0).capacity(), 8);
  EXPECT_EQ(Dst(true, false, 8).capacity(), 4) << "no limit adds slots";
  EXPECT_EQ(Dst::mode_capacity(true, true), 8);
  Dst dst(false, true, 5);
  dst.acquire();
  float* last = dst.math_slots(4, 1, "test");
  last[0] = 4.0F;
  dst.mark_written(4, 1);
  try {
    static_cast<void>(dst.math_slots(4, 2, "copy_tile"));
    ADD_FAILURE() << "no fault";
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.action, "copy_tile used DST tiles 4..5");
    EXPECT_EQ(fault.rule,
              "Insufficient DST capacity for all operands: 16-bit DST in full-sync is limited to 5 of its 16 tiles");
    EXPECT_EQ(fault.asked, 6);
    EXPECT_EQ(fault.available, 5);
  }
  dst.commit();
  dst.wait();
  EXPECT_EQ(dst.pack_slot(4, "test"), last);
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.pack_slot(5, "test")); }), "DST capacity");
}

TEST(Dst, TheHalvesOfALimitedDstDoNotMix) {
  Dst dst(false, false, 3);
  for (const float value : {1.0F, 2.0F}) {
    dst.acquire();
    for (int slot = 0; slot < 3; ++slot) std::fill_n(dst.math_slots(slot, 1, "test"), tile_elements, value);
    dst.mark_written(0, 3);
    dst.commit();
  }
  for (const float value : {1.0F, 2.0F}) {
    dst.wait();
    for (int slot = 0; slot < 3; ++slot) EXPECT_EQ(dst.pack_slot(slot, "test")[tile_elements - 1], value);
    dst.release();
  }
}

TEST(Dst, ReadsOfSlotsThatNothingWroteAreFaults) {
  Dst dst(false, false);
  dst.acquire();
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.written_slot(3, "test")); }), "uninitialised-dst");
  static_cast<void>(dst.math_slots(3, 1, "test"));
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.written_slot(3, "test")); }), "uninitialised-dst");
  dst.mark_written(3, 1);
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.written_slot(3, "test")); }), "none");
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.written_slot(2, "test")); }), "uninitialised-dst");
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.written_slot(4, "test")); }), "uninitialised-dst");
}

TEST(Dst, KnowsWhichSlotsAreCleared) {
  Dst dst(false, true);
  dst.acquire();
  EXPECT_EQ(dst.cleared(0, 16), 0xFFFFU);
  dst.mark_written(1, 2);
  dst.mark_written(15, 1);
  EXPECT_EQ(dst.cleared(0, 16), 0x7FF9U);
  EXPECT_EQ(dst.cleared(2, 3), 0b110U);
  EXPECT_EQ(dst.cleared(15, 1), 0U);
}

TEST(Dst, HandsValuesToPackAndClearsOnRelease) {
  Dst dst(false, false);
  // Two sections ahead of pack: the halves do not mix.
  for (const float value : {1.0F, 2.0F}) {
    dst.acquire();
    float* tile = dst.math_slots(5, 1, "test");
    for (int i = 0; i < tile_elements; ++i) tile[i] = value;
    dst.mark_written(5, 1);
    dst.commit();
  }
  for (const float value : {1.0F, 2.0F}) {
    dst.wait();
    const float* tile = dst.pack_slot(5, "test");
    ASSERT_NE(tile, nullptr);
    EXPECT_EQ(tile[0], value);
    EXPECT_EQ(tile[tile_elements - 1], value);
    EXPECT_EQ(dst.pack_slot(4, "test"), nullptr) << "a cleared slot packs as zeros";
    dst.release();
  }
  dst.acquire();
  EXPECT_EQ(dst.cleared(0, 8), 0xFFU);
  dst.commit();
  dst.wait();
  EXPECT_EQ(dst.pack_slot(5, "test"), nullptr);
}

TEST(Dst, RemembersItsPeak) {
  Dst dst(false, false);
  EXPECT_EQ(dst.peak(), 0);
  dst.acquire();
  static_cast<void>(dst.math_slots(1, 3, "test"));
  EXPECT_EQ(dst.peak(), 4);
  static_cast<void>(dst.math_slots(0, 1, "test"));
  EXPECT_EQ(dst.peak(), 4);
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(dst.math_slots(6, 3, "test")); }), "DST capacity");
  EXPECT_EQ(dst.peak(), 4) << "what was refused was not used";
  dst.commit();
  dst.wait();
  static_cast<void>(dst.pack_slot(6, "test"));
  EXPECT_EQ(dst.peak(), 7);
  dst.reset();
  EXPECT_EQ(dst.peak(), 0);
}

}  // namespace
}  // namespace tilegrid
