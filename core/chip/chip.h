// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/chip/core_cycles.h"
#include "core/chip/geometry.h"

namespace tilegrid {

/// A named constant of a chip, as its file has it.
struct Parameter {
  double value = 0;
  std::string unit;
  std::string source;  ///< where the number comes from: document and section, or "estimate: why"
};

/// Memories of a chip and what a core has of things.
struct ChipMemory {
  std::uint32_t l1_bytes = 0;         ///< of a core, the firmware's part included
  std::uint64_t dram_bank_bytes = 0;  ///< of a bank
  std::uint32_t dram_alignment = 0;   ///< of DRAM reads and buffer pages
  std::uint32_t packet_bytes = 0;     ///< largest payload of a NoC packet
  int dst_tiles = 0;                  ///< of 16 bits in the whole DST
  int circular_buffers = 0;           ///< of a core
  friend bool operator==(const ChipMemory&, const ChipMemory&) = default;
};

/// What cores reach of the NoC and of DRAM, for choices that are made before anything runs. Bytes a cycle.
struct TrafficRates {
  double dram = 0;        ///< of all banks together, read by cores that do not get into each other's way
  double dram_crowd = 0;  ///< the same when cores anywhere read for themselves
  double reader = 0;      ///< of one core that reads DRAM
  double forward = 0;     ///< from core to core
  double multicast = 0;   ///< of linked multicasts
  double handshake = 0;   ///< cycles: a credit there, and the first byte of data back
};

/// A chip: geometry, memories, and cycles, made from one JSON file (core/chip/*.json; two are built in, wormhole_b0 and
/// blackhole). All that depends on the chip gets it from here. A handle: copies are cheap and share what they hold.
class Chip {
 public:
  /// wormhole_b0
  Chip();
  /// Built-in name or path of a file. Throws UsageError: no such file, too large, not JSON (line and column), an entry that
  /// is missing, unknown (with the nearest name), of a wrong type, without a unit or a source, out of its range, or a
  /// geometry that does not fit together.
  [[nodiscard]] static Chip load(const std::string& name_or_path);
  /// The same of a file's text; `where` names it in errors.
  [[nodiscard]] static Chip parse(const std::string& text, const std::string& where);
  [[nodiscard]] static std::vector<std::string> built_in();
  /// Text of a chip's file. Throws UsageError as load() does.
  [[nodiscard]] static std::string text_of_file(const std::string& path);
  /// From now on load() takes this text for the path: ranks of other hosts may not have the file.
  static void provide(const std::string& path, std::string text);

  [[nodiscard]] const std::string& name() const { return data_->name; }
  [[nodiscard]] const Geometry& geometry() const { return data_->geometry; }
  [[nodiscard]] const Places& places() const { return data_->places; }
  [[nodiscard]] const ChipMemory& memory() const { return data_->memory; }
  [[nodiscard]] const CoreCycles& cycles() const { return data_->cycles; }
  [[nodiscard]] const TrafficRates& rates() const { return data_->rates; }

  /// The largest grid whose cores all have coordinates of their own.
  [[nodiscard]] GridSize workers() const { return data_->places.workers(); }
  /// Throws UsageError, `what` first, for a grid that is larger than the chip's, if the chip does not allow that.
  void check_grid(GridSize grid, const std::string& what) const;
  /// Whether a program for one runs on the other: the same name, geometry and memories.
  [[nodiscard]] bool same_as(const Chip& other) const;
  /// Slots of a DST section: all tiles, or half of them in half-sync, half as many of 32 bits (tensix.md 1.2).
  [[nodiscard]] int dst_slots(bool fp32, bool full_sync) const {
    return data_->memory.dst_tiles / (fp32 ? 2 : 1) / (full_sync ? 1 : 2);
  }

  /// Applies "key=value" to a memory or a cycle. Throws UsageError for an unknown key, with the nearest name, or a bad
  /// value. Other copies stay as they are.
  void set(const std::string& assignment);
  /// Throws std::logic_error for a name that no chip has.
  [[nodiscard]] double operator[](const std::string& name) const;
  /// Memories and cycles by name.
  [[nodiscard]] const std::map<std::string, Parameter>& parameters() const { return data_->parameters; }
  /// As a file has it.
  [[nodiscard]] std::string json() const;

 private:
  struct Data {
    std::string name;
    Geometry geometry;
    std::map<std::string, std::pair<std::string, std::string>> geometry_notes;  ///< unit and source
    std::map<std::string, Parameter> parameters;
    Places places;
    ChipMemory memory;
    CoreCycles cycles;
    TrafficRates rates;
    /// Fills what follows from geometry and parameters. Throws UsageError, `where` first.
    void complete(const std::string& where);
  };
  friend class ChipFile;
  explicit Chip(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

  std::shared_ptr<const Data> data_;
};

}  // namespace tilegrid
