// SPDX-License-Identifier: Apache-2.0
#include "core/events/event.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "core/events/event_log.h"

namespace tilegrid {
namespace {

using namespace events;

constexpr std::uint8_t most8 = 0xFF;
constexpr std::uint16_t most16 = 0xFFFF;
constexpr std::uint32_t most32 = 0xFFFF'FFFF;
constexpr PhysicalCore far{255, 255};

/// Calls visit(event) with one of each kind, all of its members at their limits.
template <class Visit>
void for_each_full(const Visit& visit) {
  visit(KernelStart{});
  visit(KernelEnd{});
  visit(CbReserve{.cb = most8, .pages = most32});
  visit(CbPush{.cb = most8, .pages = most32});
  visit(CbWait{.cb = most8, .pages = most32});
  visit(CbPop{.cb = most8, .pages = most32});
  const auto unicast = [&](auto event) {
    event = {NocId::noc1, most8, TransferForm::inlined, most32, far, most32, most32, most32};
    visit(event);
  };
  unicast(NocRead{});
  unicast(NocWrite{});
  visit(NocMulticast{NocId::noc1, true, true, most32, far, far, most32, 0, most32});
  visit(ReadBarrier{.noc = NocId::noc1, .trid = 0xFE});
  visit(WriteBarrier{.noc = NocId::noc1, .trid = 0xFE});
  visit(WritesFlushed{.noc = NocId::noc1, .trid = 0xFE});
  visit(AtomicBarrier{.noc = NocId::noc1, .trid = 0xFE});
  visit(SemaphoreSet{most32, far, most32});
  visit(SemaphoreInc{NocId::noc1, most32, far, most32});
  visit(SemaphoreWait{true, most32, far, most32});
  visit(DstAcquire{});
  visit(DstCommit{});
  visit(DstWait{});
  visit(DstRelease{});
  visit(Matmul{Fidelity::hifi4, most8, most8, true, most32, most16, most16, most32});
  visit(Eltwise{EltwiseOp::mul, most8, most8, Broadcast::scalar, most32, Fidelity::hifi4, most32});
  visit(DestReuse{EltwiseOp::mul, most8, true, most32, Fidelity::hifi4, most32});
  visit(Reduce{Pool::sum, ReduceDim::scalar, most8, most8, most32, Fidelity::hifi4, most32});
  visit(Copy{most8, Broadcast::scalar, most32, most32});
  visit(Transpose{most8, Broadcast::scalar, most32, most32});
  visit(Vector{VectorOp::fill, VectorMode::first_column, most8, most16, most8, most16, most32, true});
  visit(Pack{true, most8, ReluMode::max_threshold, most32, most32});
  visit(Configure{Configuration::unpack_to_dst, most8, most8});
  visit(Generate{most8, most32});
  visit(Zone{most8});
  visit(Work{true, most32});
  visit(Scope{ScopeMark::value, most32, most32, most32});
}

TEST(Event, ComesBackAsItWasWithAllFieldsAtTheirLimits) {
  std::vector<EventKind> kinds;
  for_each_full([&](const auto& full) {
    using Fields = std::remove_cvref_t<decltype(full)>;
    kinds.push_back(Fields::kind);
    EXPECT_EQ(Event(full).kind(), Fields::kind);
    EXPECT_EQ(get<Fields>(Event(full)), full) << name_of(Fields::kind);
    EXPECT_EQ(get<Fields>(Event(Fields{})), Fields{}) << name_of(Fields::kind);
    EXPECT_TRUE(is_known(Event(full).bits())) << name_of(Fields::kind);
    EXPECT_TRUE(is_known(Event(Fields{}).bits())) << name_of(Fields::kind);
  });
  ASSERT_EQ(kinds.size(), static_cast<std::size_t>(event_kind_count)) << "one of each";
  for (int kind = 0; kind < event_kind_count; ++kind)
    EXPECT_EQ(static_cast<int>(kinds[static_cast<std::size_t>(kind)]), kind);
}

/// Link that sets bits of one field only: which bytes it uses.
struct OnlyField {
  int wanted;
  int& at;
  template <class Bits, class Member>
  void operator()(Bits& bits, const Member& member) const {
    if (at++ == wanted) detail::Packing{}(bits, member);
  }
  void halves(std::uint32_t& bits, std::uint32_t low, std::uint32_t high) const {
    if (at++ == wanted) detail::Packing{}.halves(bits, low, 0);
    if (at++ == wanted) detail::Packing{}.halves(bits, 0, high);
  }
};

TEST(Event, FieldsShareNoBits) {
  for_each_full([](const auto& full) {
    using Fields = std::remove_cvref_t<decltype(full)>;
    EventBits sum;
    for (int field = 0, count = 1; field < count; ++field) {
      EventBits bits;
      int at = 0;
      Fields::fields(OnlyField{field, at}, bits, full);
      count = at;
      const std::string what = std::string(name_of(Fields::kind)) + ", field " + std::to_string(field);
      EXPECT_EQ(sum.op & bits.op, 0) << what;
      EXPECT_EQ(sum.a & bits.a, 0) << what;
      EXPECT_EQ(sum.b & bits.b, 0) << what;
      EXPECT_EQ(sum.c & bits.c, 0U) << what;
      EXPECT_EQ(sum.count & bits.count, 0U) << what;
      EXPECT_EQ(sum.x & bits.x, 0U) << what;
      EXPECT_EQ(sum.y & bits.y, 0U) << what;
      EXPECT_EQ(sum.address & bits.address, 0U) << what;
      sum.op |= bits.op;
      sum.a |= bits.a;
      sum.b |= bits.b;
      sum.c |= bits.c;
      sum.count |= bits.count;
      sum.x |= bits.x;
      sum.y |= bits.y;
      sum.address |= bits.address;
    }
  });
}

TEST(Event, OfAMulticastHoldsTheWordOrTheSource) {
  const NocMulticast word{.bytes = word_bytes, .word = 7};
  EXPECT_EQ(get<NocMulticast>(word), word);
  const NocMulticast data{.bytes = 8, .local = 7};
  EXPECT_EQ(get<NocMulticast>(data), data);
}

TEST(Event, VisitsTheStructOfItsKind) {
  const auto seen = [](const Event& event) {
    return visit(event, Cases{[](const CbPush& push) { return std::int64_t{push.pages}; },
                              []<EventKind K>(const CbEvent<K>& cb) { return std::int64_t{1000} + cb.cb; },
                              [](const auto&) { return std::int64_t{-1}; }});
  };
  EXPECT_EQ(seen(CbPush{.cb = 3, .pages = 17}), 17);
  EXPECT_EQ(seen(CbPop{.cb = 3, .pages = 17}), 1003);
  EXPECT_EQ(seen(Matmul{}), -1);
}

TEST(Event, WithAValueThatNoEnumerationHasIsUnknown) {
  EventBits bits = Event(Vector{.op = VectorOp::fill}).bits();
  ++bits.op;
  EXPECT_FALSE(is_known(bits));
  bits = Event(Matmul{}).bits();
  bits.op = 0;
  EXPECT_FALSE(is_known(bits)) << "no fidelity";
  bits = Event(NocRead{}).bits();
  bits.op = 2;
  EXPECT_FALSE(is_known(bits)) << "no NoC";
  bits = Event(DestReuse{}).bits();
  bits.c = 2;
  EXPECT_FALSE(is_known(bits)) << "neither yes nor no";
  bits = {};
  bits.kind = static_cast<EventKind>(event_kind_count);
  EXPECT_FALSE(is_known(bits));
}

TEST(EventText, IsThereForAllKinds) {
  std::set<std::string> texts;
  for_each_full([&](const auto& full) {
    const std::string text = to_text(full);
    EXPECT_EQ(text.find(name_of(full.kind)), 0U) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_TRUE(texts.insert(text).second) << text << " twice";
  });
}

TEST(EventText, SaysWhatHappened) {
  EXPECT_EQ(to_text(CbWait{.cb = 3, .pages = 4}), "cb_wait cb 3 pages 4");
  EXPECT_EQ(to_text(NocRead{.noc = NocId::noc1, .bytes = 2048, .peer = {5, 11}, .offset = 4096}),
            "noc_read noc 1 2048 bytes node 5-11 offset 4096");
  EXPECT_EQ(to_text(NocWrite{.trid = 2, .form = TransferForm::inlined, .bytes = 4, .peer = {1, 1}, .offset = 16, .word = 9}),
            "noc_write noc 0 4 bytes node 1-1 offset 16 trid 2 inline value 9");
  EXPECT_EQ(to_text(NocMulticast{.linked = true, .bytes = 64, .first = {1, 1}, .last = {4, 2}, .local = 32}),
            "noc_multicast noc 0 64 bytes nodes 1-1 to 4-2 offset 0 linked local 32");
  EXPECT_EQ(to_text(ReadBarrier{}), "read_barrier noc 0");
  EXPECT_EQ(to_text(WritesFlushed{.noc = NocId::noc1, .trid = 0}), "writes_flushed noc 1 trid 0");
  EXPECT_EQ(to_text(Matmul{.fidelity = Fidelity::hifi2,
                           .in0 = 0,
                           .in1 = 1,
                           .transpose = true,
                           .steps = 4,
                           .rows = 2,
                           .columns = 4,
                           .dst = 6}),
            "matmul 2x4 tiles, 4 k steps, in0 cb 0 in1 cb 1 transposed fidelity 2 dst 6");
  EXPECT_EQ(to_text(SemaphoreWait{.at_least = true, .value = 7}), "semaphore_wait >= 7 offset 0");
  EXPECT_EQ(to_text(Vector{.op = VectorOp::where, .dst = 5, .first = 1, .second = 2, .third = 3}),
            "vector where dst 5 of 1, 2, 3 mode 0");
}

TEST(EventText, NamesPhasesAsTheProgramDoes) {
  const std::vector<std::string> phases{"first", "second"};
  EXPECT_EQ(to_text(Zone{0}, phases), "zone none");
  EXPECT_EQ(to_text(Zone{2}, phases), "zone second");
  EXPECT_EQ(to_text(Zone{3}, phases), "zone ?");
  EXPECT_EQ(to_text(Zone{1}), "zone ?");
}

TEST(EventText, NamesScopesAsTheKernelsDo) {
  LaunchLog launch;
  ScopeNames names;
  const std::uint32_t load = names.add("load", {"kernel.cpp", 7});
  const std::uint32_t same = names.add("load", {"kernel.cpp", 8});
  EXPECT_NE(load, same) << "another line is another zone";
  EXPECT_EQ(names.add("load", {"kernel.cpp", 7}), load);
  names.add(ScopeName{same, "earlier", "kernel.cpp", 8});
  launch.scopes = names.list();
  ASSERT_EQ(launch.scopes.size(), 2U);
  EXPECT_EQ(launch.scope_name(same), "earlier") << "of two with one id the first in the alphabet";
  EXPECT_EQ(to_text(Scope{ScopeMark::sum_end, load}, launch), "scope sum_end load");
  EXPECT_EQ(to_text(Scope{ScopeMark::value, load, 1, 2}, launch), "scope value load = 8589934593");
  EXPECT_EQ(to_text(Scope{ScopeMark::begin, 5}, launch), "scope begin ?");
}

}  // namespace
}  // namespace tilegrid
