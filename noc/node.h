// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/chip/chip.h"
#include "core/core.h"
#include "core/fiber.h"
#include "noc/address.h"
#include "noc/host_memory.h"
#include "noc/memory.h"
#include "noc/transport.h"

namespace tilegrid::noc {

class Endpoint;
class HostPort;
class Port;
class ShakenTraffic;
struct Holdings;

/// Which rank holds which cores and banks: contiguous runs of banks on `bank_owners` ranks that are spread over the run;
/// cores in index order, dealt one after the other, or in contiguous runs. A program often leaves the last cores of a grid
/// with less to do, or with nothing: ranks that are dealt cores have equally much to do. Between hosts runs are better, as
/// neighbours talk most. Where things live changes host cost, and nothing else.
struct Placement {
  GridSize grid;
  int ranks = 1;
  int bank_owners = 1;
  int banks = 1;
  bool dealt = false;
  [[nodiscard]] int rank_of_core(int core) const {
    return dealt ? core % ranks : static_cast<int>(((std::int64_t{core} + 1) * ranks - 1) / grid.cores());
  }
  [[nodiscard]] int cores_of(int rank) const {
    return dealt ? (grid.cores() - rank + ranks - 1) / ranks : first_of_run(rank + 1) - first_of_run(rank);
  }
  /// Core `place` of a rank, and the place of a core on its rank.
  [[nodiscard]] int core_at(int rank, int place) const { return dealt ? rank + place * ranks : first_of_run(rank) + place; }
  [[nodiscard]] int place_of(int core) const { return dealt ? core / ranks : core - first_of_run(rank_of_core(core)); }
  [[nodiscard]] int rank_of_bank(int bank) const { return bank * bank_owners / banks * ranks / bank_owners; }
  [[nodiscard]] int rank_of(Target target) const {
    return target.kind == Target::Kind::core ? rank_of_core(target.index) : rank_of_bank(target.index);
  }
  [[nodiscard]] int first_of_run(int rank) const { return static_cast<int>(std::int64_t{rank} * grid.cores() / ranks); }
};

/// On how many ranks DRAM had best live, as a Node takes it: on as many as there are CPUs. More would mean more messages,
/// fewer that requests queue. Where ranks of several hosts share CPUs, one a host: all messages cross, which costs CPUs more
/// than one rank takes to answer.
[[nodiscard]] constexpr int best_bank_owners(int ranks, int hosts, int cpus) {
  return hosts > 1 && ranks > cpus ? hosts : cpus;
}

/// A range of a target's memory, in a read request or before the bytes of a write.
struct Segment {
  Target target;
  std::uint32_t bytes = 0;
  std::uint32_t repeats = 0;  ///< of writes; 1: no bytes follow, those of the previous segment are written here as well
  std::uint64_t offset = 0;
};
static_assert(std::is_trivially_copyable_v<Segment>);

struct AtomicSegment {
  Target target;
  std::uint32_t delta = 0;
  std::uint64_t offset = 0;
};

/// One rank of the emulated chip: its cores and DRAM banks, and what it does for other ranks.
///
/// NoC traffic between cores of the same rank is a copy; between ranks it is messages over the transport. Requests are
/// answered from poll(), at any time between begin_program() calls. Every message of a program carries the program's
/// epoch: one that arrives before this rank has begun the program is kept until then, one of a past program (after an
/// error) is dropped. Epoch 0 is the host's own traffic and always valid.
class Node final : public MessageSink {
 public:
  /// `bank_owners`: on how many ranks DRAM lives, at least 1, and at most the number of banks and of ranks; see
  /// best_bank_owners(). `chip`: the same on all ranks.
  Node(GridSize grid, Transport& transport, FiberBackend backend, int bank_owners = 1, Chip chip = {});
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const Chip& chip() const { return chip_; }
  [[nodiscard]] const Places& places() const { return chip_.places(); }
  [[nodiscard]] const Placement& placement() const { return placement_; }
  [[nodiscard]] Transport& transport() { return transport_; }
  [[nodiscard]] const Transport& transport() const { return transport_; }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }
  /// The cores of this rank, by their places.
  [[nodiscard]] std::span<const std::unique_ptr<Core>> cores() const { return cores_; }
  [[nodiscard]] Core& core(int index) { return *cores_[placement_.place_of(index)]; }
  [[nodiscard]] Endpoint& endpoint(int core, Risc risc);
  [[nodiscard]] std::span<const std::unique_ptr<Endpoint>> endpoints() const { return endpoints_; }
  /// The host's own way to the memory of all ranks.
  [[nodiscard]] HostPort& host_port() { return *host_port_; }

  /// What kernels are checked for, from the next program on; set before anything is written to DRAM.
  void set_checks(const checks::Config& config) { checks_ = config; }
  [[nodiscard]] const checks::Config& checks() const { return checks_; }
  /// Marks L1 offsets [first, end) of an own core as never written.
  void mark_unwritten_l1(const Core& core, std::uint32_t first, std::uint32_t end);
  /// Marks DRAM below the limit that nobody has written, as far as the checks need it.
  void mark_unwritten_dram();

  /// Zeroes L1 unless it is to be kept, starts new counters, and accepts messages of this epoch from here on.
  void begin_program(std::uint32_t epoch, std::uint64_t dram_limit, bool keep_l1 = false);
  /// Kernels of this and all later programs may use L1 offsets as pointers, see L1Arena::open_window().
  void open_l1_window();
  /// Delivers the messages of this epoch that arrived before begin_program(). To be called when the cores' memory has its
  /// initial values: written later, these would overwrite what the messages bring.
  void deliver_early_messages();
  /// Destroys the program's fibers, finished or not; what still arrives for them is dropped.
  void end_program();
  /// With a seed: the program that has begun runs with its fibers and its traffic shaken, until it ends.
  void shake(std::optional<std::uint64_t> seed);
  /// What is under way in a shaken program; null when it is not shaken.
  [[nodiscard]] ShakenTraffic* shaken() { return shaken_.get(); }
  [[nodiscard]] const ShakenTraffic* shaken() const { return shaken_.get(); }
  void dispatch_held(int source_rank, const MessageHeader& header, std::span<const std::byte> payload);
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  /// First DRAM offset beyond all buffers, in every bank.
  [[nodiscard]] std::uint64_t dram_limit() const { return dram_limit_; }

  /// Delivers arrived messages; returns how many.
  int poll(int budget = 64) { return transport_.poll(*this, budget); }
  void deliver(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) override;
  /// Receives control messages; set once by the runtime.
  void set_control_handler(std::function<void(int, const MessageHeader&, std::span<const std::byte>)> handler) {
    control_ = std::move(handler);
  }

  void send(int rank, Message message, bool more = false);

  /// NoC messages of the current program so far, for termination detection.
  [[nodiscard]] std::uint64_t program_messages_sent() const { return sent_; }
  [[nodiscard]] std::uint64_t program_messages_received() const { return received_; }

  [[nodiscard]] bool is_local(Target target) const { return placement_.rank_of(target) == transport_.rank(); }
  /// Memory of a target of this rank.
  [[nodiscard]] std::byte* memory(Target target, std::uint64_t offset);
  /// Memory of a target of another rank that this one may use without asking, see HostMemory: what lies in shared memory.
  /// Null: its owner has to be asked. What is copied there is counted. L1 is to be read only: a write has to wake who waits
  /// for it.
  [[nodiscard]] std::byte* shared(Target target, std::uint64_t offset, std::uint64_t epoch, std::uint64_t bytes);
  /// Bytes so copied in the current program.
  [[nodiscard]] std::uint64_t shared_bytes() const { return shared_bytes_; }
  void land_write(Target target, std::uint64_t offset, std::span<const std::byte> bytes, Issuer issuer);
  void land_increment(Target target, std::uint64_t offset, std::uint32_t delta, Issuer issuer);

 private:
  void dispatch(int source_rank, const MessageHeader& header, std::span<const std::byte> payload);
  void serve_read(int source_rank, const MessageHeader& header, std::span<const std::byte> payload);
  void serve_write(int source_rank, const MessageHeader& header, std::span<const std::byte> payload);
  void serve_atomic(int source_rank, const MessageHeader& header, std::span<const std::byte> payload);
  /// Whom an answer is for.
  [[nodiscard]] Port& asker(const MessageHeader& header);

  struct Deferred {
    int source_rank;
    MessageHeader header;
    std::vector<std::byte> payload;
  };

  Chip chip_;
  Placement placement_;
  checks::Config checks_;
  Transport& transport_;
  Scheduler scheduler_;
  HostMemory host_memory_;
  L1Arena arena_;
  DramBanks dram_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<HostPort> host_port_;
  std::unique_ptr<Holdings> holdings_;  ///< what messages may name
  std::unique_ptr<ShakenTraffic> shaken_;
  std::function<void(int, const MessageHeader&, std::span<const std::byte>)> control_;
  std::uint32_t epoch_ = 0;
  bool over_ = false;  ///< the program of this epoch has ended here
  std::uint64_t dram_limit_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t shared_bytes_ = 0;
  std::vector<Deferred> deferred_;
};

}  // namespace tilegrid::noc
