// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_transport.h"

#include <gtest/gtest.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/mpi_listener.h"

namespace tilegrid::noc {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// Calls a function for every message.
class Receiver final : public MessageSink {
 public:
  using Function = std::function<void(int source, const MessageHeader&, std::span<const std::byte>)>;
  explicit Receiver(Function function) : function_(std::move(function)) {}
  void deliver(int source, const MessageHeader& header, std::span<const std::byte> payload) override {
    function_(source, header, payload);
  }

 private:
  Function function_;
};

/// Byte `i` of message `number` from one rank to another: different for each of them, so that mixed-up data shows.
std::byte pattern(int source, int destination, std::uint64_t number, std::size_t i) {
  const std::uint64_t mixed = (static_cast<std::uint64_t>(source) * 131 + static_cast<std::uint64_t>(destination) * 31 +
                               number * 1009 + i * 7 + i / 256) *
                              0x9E3779B97F4A7C15U;
  return static_cast<std::byte>(mixed >> 56U);
}

Message numbered(int source, int destination, std::uint64_t number, std::size_t payload_bytes) {
  MessageHeader header;
  header.kind = MessageKind::write;
  header.tag = static_cast<std::uint16_t>(number % 2);
  header.value = number;
  header.bytes = payload_bytes;
  Message message(header, payload_bytes);
  std::vector<std::byte> payload(payload_bytes);
  for (std::size_t i = 0; i < payload_bytes; ++i) payload[i] = pattern(source, destination, number, i);
  message.append(payload);
  return message;
}

/// Memory in use by this process, bytes.
std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class MpiTransportTest : public testing::Test {
 protected:
  void SetUp() override {
    transport_ = test::mpi().make_transport();
    rank_ = transport_->rank();
    size_ = transport_->size();
    ASSERT_GE(size_, 2);
  }
  void TearDown() override { transport_.reset(); }

  /// Serves messages until `done`, at most for two minutes.
  bool serve(MessageSink& sink, const std::function<bool()>& done, std::chrono::microseconds nap = 5ms) {
    const auto end = Clock::now() + 120s;
    while (!done()) {
      if (transport_->poll(sink, 16) == 0) transport_->wait(nap);
      if (Clock::now() > end) {
        ADD_FAILURE() << "no end after two minutes";
        return false;
      }
    }
    return true;
  }

  /// Every rank sends `count` messages to every other one and checks number, content and order of what it gets.
  void all_to_all(std::uint64_t count, std::size_t payload_bytes) {
    std::vector<std::uint64_t> next(static_cast<std::size_t>(size_));
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    Receiver receiver([&](int source, const MessageHeader& header, std::span<const std::byte> payload) {
      ++received;
      const std::uint64_t number = next[static_cast<std::size_t>(source)]++;
      EXPECT_EQ(header.value, number) << "from rank " << source;
      EXPECT_EQ(header.tag, number % 2);
      EXPECT_EQ(header.bytes, payload_bytes);
      if (payload.size() != payload_bytes) ++wrong;
      for (std::size_t i = 0; i < payload.size(); ++i) {
        if (payload[i] != pattern(source, rank_, number, i)) ++wrong;
      }
    });
    for (std::uint64_t number = 0; number < count; ++number) {
      for (int step = 1; step < size_; ++step) {
        const int destination = (rank_ + step) % size_;
        transport_->send(destination, numbered(rank_, destination, number, payload_bytes));
      }
      if (number % 8 == 7) transport_->poll(receiver, 4);
    }
    const std::uint64_t expected = count * static_cast<std::uint64_t>(size_ - 1);
    serve(receiver, [&] { return received == expected && transport_->sends_done(); });
    EXPECT_EQ(wrong, 0U);

    const TransportStats stats = transport_->stats();
    EXPECT_EQ(stats.messages_sent, expected);
    EXPECT_EQ(stats.messages_received, expected);
    EXPECT_EQ(stats.bytes_sent, expected * (sizeof(MessageHeader) + payload_bytes));
    EXPECT_EQ(stats.bytes_received, stats.bytes_sent);
  }

  std::unique_ptr<Transport> transport_;
  int rank_ = 0;
  int size_ = 0;
};

TEST(MpiEnvironment, AgreesWithTheLauncher) {
  const MpiInfo& info = test::mpi().info();
  EXPECT_TRUE(launched_by_mpi());
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  const char* local_rank = std::getenv("OMPI_COMM_WORLD_LOCAL_RANK");
  ASSERT_TRUE(size != nullptr && rank != nullptr && local_rank != nullptr) << "scripts/grid starts Open MPI";
  EXPECT_EQ(info.size, std::atoi(size));
  EXPECT_EQ(info.rank, std::atoi(rank));
  EXPECT_EQ(info.local_rank, std::atoi(local_rank));
  EXPECT_GT(info.local_size, info.local_rank);
  EXPECT_FALSE(info.host.empty());
  EXPECT_EQ(info.library.find('\n'), std::string::npos);
  EXPECT_NE(info.library.find("Open MPI"), std::string::npos) << info.library;
  EXPECT_TRUE(info.yields_when_idle) << "the launcher has to set it";
}

TEST_F(MpiTransportTest, ManySmallMessagesAllToAll) { all_to_all(400, 24); }

TEST_F(MpiTransportTest, LargestMessagesAllToAll) { all_to_all(100, max_payload); }

TEST_F(MpiTransportTest, MessagesWithoutPayload) { all_to_all(33, 0); }

TEST_F(MpiTransportTest, OrderHoldsForMixedSizesFromFloodedQueues) {
  // Far more than the window, so that messages from the queue and direct ones meet; sizes on both sides of MPI's limits.
  constexpr std::uint64_t count = 500;
  constexpr std::size_t sizes[] = {0, max_payload, 16, 2048, 8192, 1, max_payload};
  const auto bytes_of = [&](std::uint64_t number) { return sizes[number % std::size(sizes)]; };
  const int to = (rank_ + 1) % size_;
  const int from = (rank_ + size_ - 1) % size_;
  std::uint64_t next = 0;
  Receiver receiver([&](int source, const MessageHeader& header, std::span<const std::byte> payload) {
    EXPECT_EQ(source, from);
    EXPECT_EQ(header.value, next);
    EXPECT_EQ(payload.size(), bytes_of(next));
    ++next;
  });
  for (std::uint64_t number = 0; number < count; ++number) {
    transport_->send(to, numbered(rank_, to, number, bytes_of(number)));
    if (number % 50 == 0) transport_->poll(receiver, 7);
  }
  EXPECT_FALSE(transport_->sends_done());
  EXPECT_GT(transport_->stats().queue_high_water, 0U);
  serve(receiver, [&] { return next == count && transport_->sends_done(); });
}

TEST_F(MpiTransportTest, FloodOfOneReceiverNeedsBoundedMemory) {
  constexpr int total = 20000;
  constexpr std::size_t payload_bytes = 2048;
  const int share = total / (size_ - 1);
  if (rank_ != 0) {
    Receiver nothing([](int, const MessageHeader&, std::span<const std::byte>) { ADD_FAILURE() << "nobody sends here"; });
    for (int number = 0; number < share; ++number) {
      transport_->send(0, numbered(rank_, 0, static_cast<std::uint64_t>(number), payload_bytes));
    }
    EXPECT_FALSE(transport_->sends_done());
    EXPECT_GE(transport_->stats().queue_high_water + MpiTransport::window, static_cast<std::uint64_t>(share));
    serve(nothing, [&] { return transport_->sends_done(); });
    return;
  }
  const std::int64_t before = resident_bytes();
  std::int64_t most = before;
  // MPI takes in what comes while this rank works on something else: here a probe that never finds anything.
  for (const auto end = Clock::now() + 500ms; Clock::now() < end;) {
    int found = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &found, MPI_STATUS_IGNORE);
    most = std::max(most, resident_bytes());
  }
  int received = 0;
  Receiver receiver([&](int, const MessageHeader&, std::span<const std::byte> payload) {
    EXPECT_EQ(payload.size(), payload_bytes);
    if (++received % 100 == 0) most = std::max(most, resident_bytes());
  });
  serve(receiver, [&] { return received == share * (size_ - 1) && transport_->sends_done(); });
  // Without credits it is about 5 KB for each of the 20,000.
  EXPECT_LT(most - before, 32 << 20);
}

TEST_F(MpiTransportTest, SleepersAreWoken) {
  // Ranks 0 and 1 play ping-pong, the others sleep until told to stop. All sleep for longer than the test may run: one
  // wake-up that gets lost ends in its time-out.
  constexpr std::uint64_t rounds = 500;
  constexpr auto nap = 3600s;
  std::uint64_t received = 0;
  bool stop = false;
  Receiver receiver([&](int source, const MessageHeader& header, std::span<const std::byte>) {
    if (header.kind == MessageKind::control) {
      stop = true;
      return;
    }
    EXPECT_EQ(header.value, received++);
    if (rank_ == 1) transport_->send(source, numbered(rank_, source, header.value, 2048));
  });
  const auto start = Clock::now();
  if (rank_ == 0) {
    for (std::uint64_t round = 0; round < rounds; ++round) {
      transport_->send(1, numbered(0, 1, round, 2048));
      if (!serve(
              receiver, [&] { return received == round + 1; }, nap))
        break;
    }
    for (int rank = 1; rank < size_; ++rank) transport_->send(rank, Message());
    serve(receiver, [&] { return transport_->sends_done(); });
    const double one_way = std::chrono::duration<double, std::micro>(Clock::now() - start).count() / (2.0 * rounds);
    RecordProperty("one_way_microseconds", std::to_string(one_way));
  } else {
    serve(
        receiver, [&] { return stop && transport_->sends_done(); }, nap);
    EXPECT_EQ(received, rank_ == 1 ? rounds : 0U);
  }
}

TEST_F(MpiTransportTest, WaitEndsAtItsLimit) {
  // Nobody sends before all have waited: it returns by itself, or the test runs into its time-out.
  transport_->wait(20ms);
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(transport_->stats().messages_received, 0U);
}

TEST_F(MpiTransportTest, PollKeepsToItsBudget) {
  const int to = (rank_ + 1) % size_;
  for (std::uint64_t number = 0; number < 10; ++number) transport_->send(to, numbered(rank_, to, number, 8));
  int received = 0;
  Receiver receiver([&](int, const MessageHeader&, std::span<const std::byte>) { ++received; });
  while (received < 9) {
    const int earlier = received;
    const int delivered = transport_->poll(receiver, 3);
    ASSERT_LE(delivered, 3);
    ASSERT_EQ(received - earlier, delivered);
    if (delivered == 0) transport_->wait(5ms);
  }
  EXPECT_EQ(transport_->poll(receiver, 0), 0);
  serve(receiver, [&] { return received == 10; });
}

TEST_F(MpiTransportTest, MistakesOfTheCallerAreRefused) {
  MessageHeader credit;
  credit.kind = MessageKind::credit;
  const int other = (rank_ + 1) % size_;
  EXPECT_THROW(transport_->send(rank_, Message()), std::logic_error);
  EXPECT_THROW(transport_->send(size_, Message()), std::logic_error);
  EXPECT_THROW(transport_->send(-1, Message()), std::logic_error);
  EXPECT_THROW(transport_->send(other, Message(credit)), std::logic_error);
  EXPECT_THROW(transport_->send(other, numbered(rank_, other, 0, max_payload + 1)), std::logic_error);
  EXPECT_EQ(transport_->stats().messages_sent, 0U);

  int received = 0;
  Receiver receiver([&](int, const MessageHeader&, std::span<const std::byte>) {
    ++received;
    Receiver inner([](int, const MessageHeader&, std::span<const std::byte>) {});
    EXPECT_THROW(transport_->poll(inner, 1), std::logic_error);
  });
  transport_->send(other, Message());
  serve(receiver, [&] { return received == 1; });
}

TEST(InProcessTransport, HasNoPeers) {
  InProcessTransport transport;
  EXPECT_EQ(transport.size(), 1);
  EXPECT_TRUE(transport.sends_done());
  EXPECT_THROW(transport.send(0, Message()), std::logic_error);
}

}  // namespace
}  // namespace tilegrid::noc
