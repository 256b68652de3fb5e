// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "core/chance.h"
#include "core/types.h"
#include "noc/address.h"
#include "noc/message.h"

namespace tilegrid::noc {

class Port;
class Node;

/// A write or an increment that has left its core and has not landed.
struct Packet {
  Port* from = nullptr;
  NocId noc = NocId::noc0;
  Target target;
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes;        ///< what the source held when it left
  std::uint32_t slot = 0;              ///< of UnackedWrites
  std::optional<std::uint32_t> delta;  ///< of an increment, which has no bytes
};

/// What is under way on a rank whose schedule is shaken. Everything moves on when step() picks it, at random within what
/// silicon allows: writes and atomics of one RISC to one target on one NoC in their order, packets of different RISCs,
/// targets or NoCs in any (tensix.md 4.1). Writes leave (their source is read) at any time up to their flush and land in
/// parts, reads land at any time up to their barrier and in any order, messages from other ranks are served in any order
/// but that of their RISC.
class ShakenTraffic {
 public:
  ShakenTraffic(Node& node, std::uint64_t seed, std::uint64_t stream);

  /// A write leaves: in one to three packets.
  void depart(Port& from, NocId noc, Target target, std::uint64_t offset, std::span<const std::byte> bytes,
              std::uint32_t slot);
  void depart_increment(Port& from, NocId noc, Target target, std::uint64_t offset, std::uint32_t delta);
  /// A message of the program from another rank.
  void hold(int source_rank, const MessageHeader& header, std::span<const std::byte> payload);

  /// Moves one thing on. False when nothing is under way.
  bool step();
  /// Whether step() would find something.
  [[nodiscard]] bool any() const;
  [[nodiscard]] Chance& chance() { return chance_; }

 private:
  struct Held {
    int source_rank;
    MessageHeader header;
    std::vector<std::byte> payload;
  };
  using Lane = std::tuple<Port*, NocId, Target::Kind, int>;
  using Sender = std::tuple<int, int, int, std::uint32_t>;  ///< rank, what the messages are, core, RISC
  using Departure = std::pair<Port*, NocId>;

  void launch(Packet packet);
  [[nodiscard]] std::vector<Departure> departures() const;
  [[nodiscard]] std::vector<Port*> readers() const;
  void land_one(std::size_t lane);
  void deliver_one();

  Node& node_;
  Temper temper_;
  Chance chance_;
  std::map<std::size_t, std::deque<Packet>> lanes_;  ///< none is empty; by first use, not by address
  std::map<Lane, std::size_t> lane_numbers_;
  std::map<Sender, std::deque<Held>> held_;  ///< none is empty
};

}  // namespace tilegrid::noc
