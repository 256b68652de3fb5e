// SPDX-License-Identifier: Apache-2.0
#include "noc/message_check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/fuzz/mutate.h"

namespace tilegrid::noc {
namespace {

constexpr std::uint64_t l1_bytes = 1 << 20;
constexpr std::uint64_t bank_bytes = std::uint64_t{1} << 30U;

/// A rank with cores 4 to 7 of 16, and the banks 2 and 3.
Holdings here() {
  return {16, l1_bytes, bank_bytes, [](Target target) {
            const int index = target.index;
            return target.kind == Target::Kind::core ? index >= 4 && index < 8 : index == 2 || index == 3;
          }};
}

Target core(int index) { return {Target::Kind::core, index}; }
Target bank(int index) { return {Target::Kind::dram, index}; }

MessageHeader header_of(MessageKind kind, std::uint32_t count = 0, std::uint64_t bytes = 0) {
  MessageHeader header;
  header.kind = kind;
  header.count = count;
  header.bytes = bytes;
  header.source_core = 11;
  return header;
}

/// What is wrong with a message; empty: it may be served.
std::string refusal(const MessageHeader& header, const Message& message) {
  try {
    check_message(here(), 3, header, message.payload());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::lost_rank);
    EXPECT_NE(error.message().find("from rank 3"), std::string::npos) << error.message();
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return {};
}

std::string read_refusal(Segment segment, std::uint32_t count = 1) {
  const MessageHeader header = header_of(MessageKind::read_request, count, segment.bytes);
  Message message(header);
  message.append_value(segment);
  return refusal(header, message);
}

/// A write of the bytes to core 5 and, repeated, to bank 2.
Message write_message(MessageHeader& header, std::uint32_t bytes, std::uint32_t repeated) {
  header = header_of(MessageKind::write, 2);
  Message message(header, max_payload);
  message.append_value(Segment{core(5), bytes, 0, 0});
  message.append(std::vector<std::byte>(bytes));
  message.append_value(Segment{bank(2), repeated, 1, bank_bytes - repeated});
  return message;
}

TEST(MessageCheck, TakesWhatRanksSend) {
  EXPECT_EQ(read_refusal({core(4), 64, 0, l1_bytes - 64}), "");
  EXPECT_EQ(read_refusal({core(7), 0, 0, l1_bytes}), "");
  EXPECT_EQ(read_refusal({bank(3), 4096, 0, bank_bytes - 4096}), "");
  MessageHeader header;
  EXPECT_EQ(refusal(header, Message()),
            "a message of an unknown kind from rank 3 (6): messages of ranks are wrong, or of another build");
  const Message write = write_message(header, 100, 100);
  EXPECT_EQ(refusal(header, write), "");
  header.source_core = -1;  // the host
  EXPECT_EQ(refusal(header, write), "");
  for (const MessageKind kind : {MessageKind::read_reply, MessageKind::write_ack, MessageKind::atomic_ack}) {
    MessageHeader answer = header_of(kind);
    answer.source_core = 6;  // whom it is for
    EXPECT_EQ(refusal(answer, Message()), "");
  }
}

TEST(MessageCheck, OffsetsStayInMemory) {
  EXPECT_NE(read_refusal({core(4), 64, 0, l1_bytes - 63}).find("64 bytes at offset 1048513 of core 4, which has 1048576"),
            std::string::npos);
  EXPECT_NE(read_refusal({core(4), 64, 0, ~std::uint64_t{0} - 31}), "");
  EXPECT_NE(read_refusal({bank(2), 64, 0, bank_bytes}).find("DRAM bank 2"), std::string::npos);
}

TEST(MessageCheck, CoresAndBanksAreOfThisRank) {
  for (const Target target :
       {core(3), core(8), core(-1), core(1 << 30), bank(1), bank(4), bank(-1), Target{static_cast<Target::Kind>(7), 4}}) {
    EXPECT_NE(read_refusal({target, 64, 0, 0}), "") << target.index;
  }
}

TEST(MessageCheck, CountsAreThoseOfThePayload) {
  EXPECT_NE(read_refusal({core(4), 64, 0, 0}, 2).find("claims 2 segments"), std::string::npos);
  EXPECT_NE(read_refusal({core(4), 64, 0, 0}, ~0U), "");
  EXPECT_NE(read_refusal({core(4), 64, 0, 0}, 0).find("24 bytes behind its 0 segments"), std::string::npos);
  MessageHeader header = header_of(MessageKind::read_request, 1, 65);
  Message read(header);
  read.append_value(Segment{core(4), 64, 0, 0});
  EXPECT_NE(refusal(header, read).find("asks for 65 bytes, its segments for 64"), std::string::npos);
  const Message write = write_message(header, 100, 100);
  header.count = 3;
  EXPECT_NE(refusal(header, write), "");
  header.count = 1;
  EXPECT_NE(refusal(header, write), "");
}

TEST(MessageCheck, RepeatsHaveBytes) {
  MessageHeader header;
  const Message write = write_message(header, 100, 99);
  EXPECT_NE(refusal(header, write).find("repeats 99 bytes"), std::string::npos);
  header = header_of(MessageKind::write, 1);
  Message first(header);
  first.append_value(Segment{core(4), 8, 1, 0});
  EXPECT_NE(refusal(header, first).find("repeats 8 bytes"), std::string::npos);
}

TEST(MessageCheck, AtomicsAreOnCores) {
  for (const auto& [target, offset, good] :
       {std::tuple{core(5), l1_bytes - 4, true}, {core(5), l1_bytes - 3, false}, {bank(2), std::uint64_t{0}, false}}) {
    const MessageHeader header = header_of(MessageKind::atomic, 1);
    Message message(header);
    message.append_value(AtomicSegment{target, 1, offset});
    EXPECT_EQ(refusal(header, message).empty(), good) << target.index << " " << offset;
  }
}

TEST(MessageCheck, IssuersAndSlotsAreThere) {
  MessageHeader header = header_of(MessageKind::write_ack);
  EXPECT_NE(refusal(header, Message()).find("for core 11"), std::string::npos) << "that core is on another rank";
  header.source_core = 6;
  header.request = 32;
  EXPECT_NE(refusal(header, Message()).find("slot 32"), std::string::npos);
  header.request = 31;
  header.source_stream = 3;
  EXPECT_NE(refusal(header, Message()).find("RISC 3"), std::string::npos);
  header = header_of(MessageKind::atomic);
  header.source_core = 16;
  EXPECT_NE(refusal(header, Message()).find("core 16"), std::string::npos);
  header.source_core = -2;
  EXPECT_NE(refusal(header, Message()), "");
}

// Whatever the bytes are: the message is refused, or names memory that is there.
TEST(MessageCheck, BearsAnyBytes) {
  std::mt19937 random(20'26);
  const auto below = [&](std::uint32_t count) { return static_cast<std::uint32_t>(random() % count); };
  int taken = 0;
  const int rounds = test::fuzz_rounds(20'000);
  for (int round = 0; round < rounds; ++round) {
    MessageHeader header;
    const Message write = write_message(header, below(64), 0);
    if (below(2) == 0) header = header_of(static_cast<MessageKind>(below(9)), below(4), below(200));
    header.source_core = static_cast<std::int32_t>(below(20)) - 2;
    header.source_stream = below(4);
    header.request = below(40);
    std::vector<std::byte> bytes(write.payload().begin(), write.payload().end());
    for (std::uint32_t changes = below(4); changes > 0; --changes)
      bytes[below(static_cast<std::uint32_t>(bytes.size()))] ^= static_cast<std::byte>(1U << below(8));
    bytes.resize(below(3) == 0 ? below(static_cast<std::uint32_t>(bytes.size()) + 1)
                               : static_cast<std::uint32_t>(bytes.size()));
    Message mutant(header);
    mutant.append(bytes);
    taken += refusal(header, mutant).empty() ? 1 : 0;
  }
  EXPECT_GT(taken, 100);
  EXPECT_LT(taken, rounds);
}

}  // namespace
}  // namespace tilegrid::noc
