// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "noc/mpi_doorbell.h"
#include "noc/mpi_sockets.h"
#include "noc/shared_memory.h"
#include "noc/transport.h"

namespace tilegrid::noc {

/// The ranks of a communicator that are on this host, and the CPUs that they may use together. Errors on `comm` are
/// returned.
struct HostRanks {
  MPI_Comm comm = MPI_COMM_NULL;
  int cpus = 1;
};
/// Collective over `parent`; who calls frees the communicator.
[[nodiscard]] HostRanks ranks_of_host(MPI_Comm parent);

/// Two-sided messages over one private communicator with one tag, received into a ring of posted receives. MPI matches
/// messages of one source to receives in the order of posting, and the ring is emptied in that order only: so the order per
/// source is kept, which a ring with MPI_Testsome loses (distsim.md 0.3). Compared with MPI_Improbe and MPI_Mrecv the ring
/// saves a copy: MPI has to buffer a message for which no receive is posted.
///
/// Flow control: a rank may have sent another one at most `window` messages for which no credit has come back; the receiver
/// gives credits back `credit_batch` at a time. Eager messages that nobody receives would otherwise pile up at the receiver
/// without bound (distsim.md 2.3). Credits are not part of stats(), which counts what callers sent and got.
///
/// Errors of MPI become Error(ExitCode::lost_rank); a message out of sequence, to the own rank, without a receiver or above
/// max_payload is a std::logic_error.
class MpiTransport final : public Transport {
 public:
  static constexpr int window = 64;
  static constexpr int credit_batch = 32;
  static constexpr int posted_receives = 16;

  /// Collective over `parent`, whose ranks keep their numbers. With `share` the ranks of a host share memory, as far as the
  /// host lets them; see sharing_failure(). `host` is that of `parent`, which stays the caller's; asked for when it is not
  /// given.
  explicit MpiTransport(MPI_Comm parent, bool share = true, std::optional<HostRanks> host = {});
  /// Collective; messages that still arrive are dropped. While an exception unwinds the stack nothing is taken down, since
  /// the other ranks will not take part: all of it stays until the process ends.
  ~MpiTransport() override;
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return count_of(peers_); }
  void send(int destination_rank, Message message, bool more = false) override;
  int poll(MessageSink& sink, int budget) override;
  void wait(std::chrono::microseconds limit) override;
  [[nodiscard]] bool sends_done() const override { return held_ == 0 && requests_.empty(); }
  [[nodiscard]] TransportStats stats() const override { return stats_; }
  [[nodiscard]] bool one_host() const override { return !remote_peers_; }
  [[nodiscard]] SharedMemory* shared_memory(int rank) override;
  [[nodiscard]] std::string sharing_failure() const override { return sharing_failure_; }

 private:
  struct Peer {
    std::uint32_t next_out = 0;  // sequence numbers
    std::uint32_t next_in = 0;
    int credits = window;      // messages that may go out before the peer gives more
    int owed = 0;              // messages received and not yet credited
    int host_rank = -1;        // on this host, -1 if elsewhere
    SharedMemory memory{};     // of the ranks of this host, when they share
    std::deque<Message> held;  // in order, waiting for credits
  };
  struct Incoming {
    std::vector<std::byte> buffer;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status status{};
    bool complete = false;
  };
  struct Outgoing {
    int destination = 0;
    Message message;
  };

  void find_neighbours(const HostRanks& ranks_here);
  void share_memory(MPI_Comm host);
  Peer& peer(int rank) { return peers_[rank]; }
  void post(int destination, Message message, bool more);
  void ring(int destination);
  void reap();
  bool receive_one(MessageSink& sink, int& delivered);
  void accept(MessageSink& sink, Incoming& incoming, int& delivered);
  void take_credit(int source, std::uint64_t credits);
  void give_credit(int source);
  void post_receive(Incoming& incoming);
  [[nodiscard]] bool arrived();
  void cancel_receives();
  [[nodiscard]] bool look(bool was_sending);
  /// False when MPI can't have anything for us: no neighbour has posted what we have not taken, none of our sends is
  /// incomplete, and nothing has come from other hosts.
  [[nodiscard]] bool worth_looking();
  /// True when a neighbour has announced a message that we have not taken. Needs a doorbell.
  [[nodiscard]] bool neighbours_posted() const;
  /// True when ranks of other hosts may have sent something.
  [[nodiscard]] bool network_ready();
  /// False when a message may come, or a send of ours go on, of which sockets would not tell.
  [[nodiscard]] bool sockets_tell() const;
  void sleep_at_sockets(std::chrono::microseconds limit);
  void judge_sockets();
  void drain();
  void meet(MessageSink& sink);
  void abandon_sends();

  MPI_Comm comm_ = MPI_COMM_NULL;
  bool own_comm_ = true;
  int rank_ = 0;
  std::vector<Peer> peers_;
  std::unique_ptr<MpiDoorbell> doorbell_;  // none when the host has one rank
  bool core_each_ = false;                 // the ranks of this host have a core each: they spin before they sleep
  bool remote_peers_ = false;
  std::optional<MpiSockets> sockets_;  // with remote_peers_, while they tell what comes
  // Of the sockets: what ended the last sleep, if MPI has not been asked since; how often in a row they were ready and MPI
  // had no message; how often there was one, and they had not told of it or had.
  enum class Woken : std::uint8_t { asked_since, by_network, by_bell, by_nothing } woken_ = Woken::asked_since;
  int fruitless_ = 0;
  std::uint64_t untold_ = 0;
  std::uint64_t told_ = 0;
  bool unsettled_ = true;  // MPI may have taken messages from the sockets for which it has not been asked
  bool shares_ = false;
  std::string sharing_failure_;
  std::vector<MPI_Request> requests_;  // incomplete sends, and at the same index what they send
  std::vector<Outgoing> outgoing_;
  std::vector<int> finished_;
  std::vector<Incoming> incoming_;  // the ring; receives were posted in the order from next_incoming_ on
  std::size_t next_incoming_ = 0;
  std::uint32_t taken_ = 0;  // messages accepted from ranks of this host; wraps
  std::uint64_t held_ = 0;   // over all peers
  bool polling_ = false;
  bool leaving_ = false;
  int exceptions_;
  TransportStats stats_;
};

}  // namespace tilegrid::noc
