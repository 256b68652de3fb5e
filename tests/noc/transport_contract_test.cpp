// SPDX-License-Identifier: Apache-2.0
// What the comments of noc/transport.h promise, held against every transport that a run can have. A new transport is one
// more row of `kinds`. No test looks at a clock: what gets lost shows as a test that does not end.
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "noc/mpi_environment.h"
#include "noc/transport.h"
#include "tests/support/mpi_listener.h"

namespace tilegrid::noc {
namespace {

using namespace std::chrono_literals;

/// A transport, whether this run can have it, and how all ranks together make it.
struct Kind {
  const char* name;
  bool (*exists)();
  std::unique_ptr<Transport> (*make)();
};

std::unique_ptr<Transport> in_process() { return std::make_unique<InProcessTransport>(); }
std::unique_ptr<Transport> mpi_messages() { return test::mpi().make_transport(false); }
std::unique_ptr<Transport> mpi_windows() { return test::mpi().make_transport(); }

std::vector<Kind> kinds_of_this_run() {
  const Kind kinds[] = {
      {"in_process", [] { return !launched_by_mpi(); }, in_process},
      {"mpi_messages", launched_by_mpi, mpi_messages},
      {"mpi_windows", launched_by_mpi, mpi_windows},
  };
  std::vector<Kind> here;
  for (const Kind& kind : kinds) {
    if (kind.exists()) here.push_back(kind);
  }
  return here;
}

/// All ranks reach this place before any leaves it; no transport moves anything meanwhile.
void meet() {
  if (launched_by_mpi()) MPI_Barrier(MPI_COMM_WORLD);
}

/// Byte `i` of message `number` from one rank to another: different for each of them, so that mixed-up data shows.
std::byte pattern(int source, int destination, std::uint64_t number, std::size_t i) {
  const std::uint64_t pair = static_cast<std::uint64_t>(source) * 131 + static_cast<std::uint64_t>(destination) * 31;
  return static_cast<std::byte>((pair + number * 1009 + i * 7 + i / 256) * 0x9E3779B97F4A7C15U >> 56U);
}

Message numbered(int source, int destination, std::uint64_t number, std::size_t payload_bytes) {
  MessageHeader header;
  header.kind = MessageKind::write;
  header.value = number;
  header.bytes = payload_bytes;
  Message message(header, payload_bytes);
  std::vector<std::byte> payload(payload_bytes);
  for (std::size_t i = 0; i < payload_bytes; ++i) payload[i] = pattern(source, destination, number, i);
  message.append(payload);
  return message;
}

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

class TransportContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { make(); }
  void TearDown() override { transport_.reset(); }
  void make() {
    transport_ = GetParam().make();
    rank_ = transport_->rank();
    size_ = transport_->size();
    next_.assign(size_, 0);
    received_ = 0;
  }

  /// Polls until `done`, which may also be about sends.
  void serve(MessageSink& sink, const std::function<bool()>& done) {
    while (!done()) {
      if (transport_->poll(sink, 16) == 0) transport_->wait(1ms);
    }
  }
  /// Sleeps far longer than a test may take until messages have made `done` true: each of them must wake the rank.
  void sleep(MessageSink& sink, const std::function<bool()>& done) {
    while (!done()) {
      if (transport_->poll(sink, 16) == 0) transport_->wait(1h);
    }
  }

  void send_numbered(int destination, std::uint64_t number, std::size_t bytes, bool more = false) {
    transport_->send(destination, numbered(rank_, destination, number, bytes), more);
  }
  /// The rank `steps` after this one, in a ring.
  [[nodiscard]] int neighbour(int steps) const { return (rank_ + steps) % size_; }

  /// What a rank gets of numbered messages: each source's in order, whole, and as it was sent.
  void check_numbered(int source, const MessageHeader& header, std::span<const std::byte> payload) {
    ++received_;
    ASSERT_GE(source, 0);
    ASSERT_LT(source, size_);
    ASSERT_NE(source, rank_);
    const std::uint64_t number = next_[source]++;
    EXPECT_EQ(header.value, number) << "from rank " << source;
    EXPECT_EQ(header.bytes, payload.size());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < payload.size(); ++i) wrong += payload[i] != pattern(source, rank_, number, i) ? 1U : 0U;
    EXPECT_EQ(wrong, 0U) << "bytes of message " << number << " from rank " << source;
  }
  [[nodiscard]] Receiver checking_receiver() {
    return Receiver([this](int source, const MessageHeader& header, std::span<const std::byte> payload) {
      check_numbered(source, header, payload);
    });
  }

  /// Every rank sends `count` messages to every other one.
  void all_to_all(std::uint64_t count, std::size_t payload_bytes) {
    const TransportStats before = transport_->stats();
    next_.assign(size_, 0);
    received_ = 0;
    Receiver receiver = checking_receiver();
    for (std::uint64_t number = 0; number < count; ++number) {
      for (int step = 1; step < size_; ++step) send_numbered(neighbour(step), number, payload_bytes);
      if (number % 8 == 7) transport_->poll(receiver, 4);
    }
    const std::uint64_t expected = count * (size_ - 1);
    serve(receiver, [&] { return received_ == expected && transport_->sends_done(); });

    const TransportStats stats = transport_->stats();
    EXPECT_EQ(stats.messages_sent - before.messages_sent, expected);
    EXPECT_EQ(stats.messages_received - before.messages_received, expected);
    EXPECT_EQ(stats.bytes_sent - before.bytes_sent, expected * (sizeof(MessageHeader) + payload_bytes));
    EXPECT_EQ(stats.bytes_received - before.bytes_received, expected * (sizeof(MessageHeader) + payload_bytes));
    meet();  // the next messages of a peer belong to what follows
  }

  std::unique_ptr<Transport> transport_;
  int rank_ = 0;
  int size_ = 0;
  std::vector<std::uint64_t> next_;  ///< by source
  std::uint64_t received_ = 0;
};

TEST_P(TransportContract, AgreesWithTheLauncher) {
  EXPECT_EQ(size_, launched_by_mpi() ? test::mpi().info().size : 1);
  EXPECT_EQ(rank_, launched_by_mpi() ? test::mpi().info().rank : 0);
  EXPECT_TRUE(transport_->sends_done());
}

TEST_P(TransportContract, KeepsOrderAndBytesOfEveryPair) {
  for (const auto& [count, bytes] : {std::pair{33, std::size_t{0}}, {400, 24}, {64, max_payload}}) all_to_all(count, bytes);
}

TEST_P(TransportContract, KeepsOrderWhenSizesMixAndQueuesAreFull) {
  // Far more than may be under way, so that queued and direct messages meet, with sizes that travel in different ways.
  constexpr std::uint64_t count = 400;
  constexpr std::size_t sizes[] = {0, max_payload, 16, 2048, 8192, 1, max_payload - 1};
  if (size_ == 1) return;
  Receiver receiver = checking_receiver();
  for (std::uint64_t number = 0; number < count; ++number) {
    send_numbered(neighbour(1), number, sizes[number % std::size(sizes)]);
    if (number % 50 == 0) transport_->poll(receiver, 7);
  }
  serve(receiver, [&] { return received_ == count && transport_->sends_done(); });
  EXPECT_EQ(next_[neighbour(size_ - 1)], count);
}

TEST_P(TransportContract, HeadersTravelAsTheyAre) {
  constexpr MessageKind kinds[] = {MessageKind::read_request, MessageKind::read_reply, MessageKind::write,
                                   MessageKind::write_ack,    MessageKind::atomic,     MessageKind::atomic_ack,
                                   MessageKind::control};
  const auto header_of = [&](int source, int destination, MessageKind kind) {
    MessageHeader header;
    header.kind = kind;
    header.tag = static_cast<std::uint16_t>(0xFF00U + to_underlying(kind));
    header.source_core = -1 - source;
    header.source_stream = 0xFFFFFFF0U + destination;
    header.request = 0x80000001U + source;
    header.count = 7;
    header.value = 0x8000000000000002U;
    header.bytes = 0x4000000000000003U + destination;
    header.epoch = 0x2000000000000004U + source;
    return header;
  };
  Receiver receiver([&](int source, const MessageHeader& header, std::span<const std::byte> payload) {
    MessageHeader sent = header_of(source, rank_, kinds[next_[source]++]);
    sent.sequence = header.sequence;  // the transport's own
    EXPECT_EQ(std::memcmp(&sent, &header, sizeof sent), 0) << "from rank " << source;
    EXPECT_TRUE(payload.empty());
    ++received_;
  });
  for (const MessageKind kind : kinds) {
    for (int step = 1; step < size_; ++step) {
      transport_->send(neighbour(step), Message(header_of(rank_, neighbour(step), kind)));
    }
  }
  serve(receiver, [&] { return received_ == std::size(kinds) * (size_ - 1) && transport_->sends_done(); });
}

TEST_P(TransportContract, NothingBlocksAndNothingGetsLostInAFlood) {
  // Everybody sends to everybody before anybody looks: far more than may be under way, which stays queued.
  constexpr std::uint64_t count = 1000;
  constexpr std::size_t bytes = 2048;
  for (std::uint64_t number = 0; number < count; ++number) {
    for (int step = 1; step < size_; ++step) send_numbered(neighbour(step), number, bytes);
  }
  meet();
  EXPECT_EQ(transport_->sends_done(), size_ == 1);
  EXPECT_EQ(transport_->stats().queue_high_water > 0, size_ > 1);
  Receiver receiver = checking_receiver();
  serve(receiver, [&] { return received_ == count * (size_ - 1) && transport_->sends_done(); });
}

TEST_P(TransportContract, NoCallIsCollective) {
  // Ranks 0 and 1 talk while the others make no call at all.
  constexpr std::uint64_t count = 300;
  if (size_ > 1 && rank_ < 2) {
    Receiver receiver = checking_receiver();
    for (std::uint64_t number = 0; number < count; ++number) send_numbered(1 - rank_, number, 512);
    serve(receiver, [&] { return received_ == count && transport_->sends_done(); });
  }
  meet();
}

TEST_P(TransportContract, SinksMaySend) {
  // Tokens go around: who gets one hands it on from within the call.
  constexpr std::uint64_t tokens = 40;
  constexpr std::uint64_t rounds = 10;
  if (size_ == 1) return;
  const auto pass_on = [&](std::uint64_t hops_left) {
    MessageHeader header;
    header.value = hops_left;
    transport_->send(neighbour(1), Message(header));
  };
  Receiver receiver([&](int source, const MessageHeader& header, std::span<const std::byte>) {
    EXPECT_EQ(source, neighbour(size_ - 1));
    ++received_;
    if (header.value > 1) pass_on(header.value - 1);
  });
  for (std::uint64_t token = 0; token < tokens; ++token) pass_on(rounds * size_);
  serve(receiver, [&] { return received_ == tokens * rounds * size_ && transport_->sends_done(); });
}

TEST_P(TransportContract, SinksMustNotPoll) {
  if (size_ == 1) return;
  Receiver receiver([&](int, const MessageHeader&, std::span<const std::byte>) {
    ++received_;
    Receiver inner([](int, const MessageHeader&, std::span<const std::byte>) { ADD_FAILURE() << "delivered in a call"; });
    EXPECT_THROW(transport_->poll(inner, 1), std::logic_error);
  });
  for (int i = 0; i < 3; ++i) transport_->send(neighbour(1), Message());
  serve(receiver, [&] { return received_ == 3; });
}

TEST_P(TransportContract, PollKeepsToItsBudget) {
  if (size_ == 1) return;
  constexpr std::uint64_t count = 10;
  for (std::uint64_t number = 0; number < count; ++number) send_numbered(neighbour(1), number, 8);
  Receiver receiver = checking_receiver();
  EXPECT_EQ(transport_->poll(receiver, 0), 0);
  EXPECT_EQ(received_, 0U);
  while (received_ < count) {
    const std::uint64_t earlier = received_;
    const int delivered = transport_->poll(receiver, 3);
    ASSERT_LE(delivered, 3);
    ASSERT_EQ(received_ - earlier, static_cast<std::uint64_t>(delivered));
    if (delivered == 0) transport_->wait(1ms);
  }
  serve(receiver, [&] { return transport_->sends_done(); });
}

TEST_P(TransportContract, WaitEndsWithoutAMessageToo) {
  Receiver nothing([](int, const MessageHeader&, std::span<const std::byte>) { ADD_FAILURE() << "nobody has sent"; });
  for (const auto limit : {0us, 1us, 2000us}) transport_->wait(limit);
  EXPECT_EQ(transport_->poll(nothing, 16), 0);
  meet();
}

TEST_P(TransportContract, EveryMessageWakesItsReceiver) {
  // Ranks 0 and 1 play ping-pong, the others sleep until they are told to stop.
  constexpr std::uint64_t rounds = 300;
  if (size_ == 1) return;
  bool stop = false;
  Receiver receiver([&](int source, const MessageHeader& header, std::span<const std::byte> payload) {
    if (header.kind == MessageKind::control) {
      stop = true;
      return;
    }
    check_numbered(source, header, payload);
    if (rank_ == 1) send_numbered(source, header.value, 2048);
  });
  if (rank_ == 0) {
    for (std::uint64_t round = 0; round < rounds; ++round) {
      send_numbered(1, round, 2048);
      sleep(receiver, [&] { return received_ == round + 1; });
    }
    for (int rank = 1; rank < size_; ++rank) transport_->send(rank, Message());
  } else {
    sleep(receiver, [&] { return stop; });
    EXPECT_EQ(received_, rank_ == 1 ? rounds : 0U);
  }
  serve(receiver, [&] { return transport_->sends_done(); });
}

TEST_P(TransportContract, TheLastMessageOfABurstWakesForAllOfThem) {
  constexpr std::uint64_t rounds = 100;
  constexpr std::uint64_t burst = 5;
  if (size_ == 1) return;
  Receiver receiver = checking_receiver();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (std::uint64_t i = 0; i < burst; ++i) send_numbered(neighbour(1), round * burst + i, 128, i + 1 < burst);
    sleep(receiver, [&] { return received_ >= (round + 1) * burst; });
  }
  serve(receiver, [&] { return received_ == rounds * burst && transport_->sends_done(); });
}

TEST_P(TransportContract, MistakesOfTheCallerAreRefused) {
  MessageHeader credit;
  credit.kind = MessageKind::credit;
  EXPECT_THROW(transport_->send(rank_, Message()), std::logic_error);
  EXPECT_THROW(transport_->send(size_, Message()), std::logic_error);
  EXPECT_THROW(transport_->send(-1, Message()), std::logic_error);
  EXPECT_THROW(transport_->send(neighbour(1), Message(credit)), std::logic_error);
  EXPECT_THROW(send_numbered(neighbour(1), 0, max_payload + 1), std::logic_error);
  EXPECT_EQ(transport_->stats().messages_sent, 0U);
  EXPECT_EQ(transport_->stats().bytes_sent, 0U);
  EXPECT_TRUE(transport_->sends_done());
  all_to_all(3, 100);  // and it goes on as if nothing had been asked
}

TEST_P(TransportContract, EndsWithWhatNobodyTook) {
  for (const std::uint64_t count : {1U, 300U}) {
    for (std::uint64_t number = 0; number < count; ++number) {
      for (int step = 1; step < size_; ++step) send_numbered(neighbour(step), number + 1000, 2048);
    }
    transport_.reset();
    make();
    all_to_all(3, 64);  // the next one begins with nothing of it
  }
}

/// What one rank sends in a random run: every rank knows the plans of all.
struct Letter {
  int destination = 0;
  std::size_t bytes = 0;
};
std::vector<Letter> plan_of(int source, int size, unsigned seed) {
  std::mt19937 random(seed * 1000 + source);
  std::vector<Letter> plan(600);
  for (Letter& letter : plan) {
    letter.destination = static_cast<int>((source + 1 + random() % (size - 1)) % size);
    letter.bytes = random() % 4 == 0 ? random() % (max_payload + 1) : random() % 200;
  }
  return plan;
}

TEST_P(TransportContract, RandomTrafficArrivesInOrder) {
  if (size_ == 1) return;
  for (const unsigned seed : {1U, 2U}) {
    SCOPED_TRACE(seed);
    next_.assign(size_, 0);
    received_ = 0;
    std::uint64_t expected = 0;
    for (int source = 0; source < size_; ++source) {
      if (source == rank_) continue;
      for (const Letter& letter : plan_of(source, size_, seed)) expected += letter.destination == rank_ ? 1U : 0U;
    }
    Receiver receiver = checking_receiver();
    std::mt19937 random(rank_ + 77);
    std::vector<std::uint64_t> sent(size_);
    const std::vector<Letter> plan = plan_of(rank_, size_, seed);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      const auto [to, bytes] = plan[i];
      send_numbered(to, sent[to]++, bytes, i + 1 < plan.size() && plan[i + 1].destination == to);
      if (random() % 10 == 0) transport_->poll(receiver, static_cast<int>(random() % 5));
      if (random() % 40 == 0) transport_->wait(std::chrono::microseconds(random() % 200));
    }
    serve(receiver, [&] { return received_ == expected && transport_->sends_done(); });
    meet();
  }
}

INSTANTIATE_TEST_SUITE_P(Every, TransportContract, testing::ValuesIn(kinds_of_this_run()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tilegrid::noc
