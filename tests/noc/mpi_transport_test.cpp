// SPDX-License-Identifier: Apache-2.0
// What is MPI's own affair; what holds for every transport is in transport_contract_test.cpp.
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
#include <string>
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

Message message_of(std::size_t payload_bytes) {
  MessageHeader header;
  header.kind = MessageKind::write;
  Message message(header, payload_bytes);
  message.append(std::vector<std::byte>(payload_bytes));
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

  /// Serves messages until `done`.
  void serve(MessageSink& sink, const std::function<bool()>& done) {
    while (!done()) {
      if (transport_->poll(sink, 16) == 0) transport_->wait(5ms);
    }
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

TEST_F(MpiTransportTest, FloodOfOneReceiverNeedsBoundedMemory) {
  constexpr int total = 20000;
  constexpr std::size_t payload_bytes = 2048;
  const int share = total / (size_ - 1);
  if (rank_ != 0) {
    Receiver nothing([](int, const MessageHeader&, std::span<const std::byte>) { ADD_FAILURE() << "nobody sends here"; });
    for (int number = 0; number < share; ++number) transport_->send(0, message_of(payload_bytes));
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

}  // namespace
}  // namespace tilegrid::noc
