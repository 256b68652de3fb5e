// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "runtime/traces/traces.h"

namespace tilegrid::traces {

/// The noc-event JSON of tt-metal, as tt-npe reads it (interop.md C1): calls of the data-movement RISCs in NoC 0
/// coordinates, and around those of each RISC and launch a zone, without which tt-npe fails. Ordered by place, RISC, time.
class NocTrace final : public Writer {
 public:
  NocTrace(std::string path, const RunLog& log);
  void started(const timing::Start& launch) override;
  void called(const timing::Call& call) override;
  void finish() override;

 private:
  struct Entry {
    Event event;
    std::int64_t begin = 0, end = 0;
  };
  using Entries = EnumArray<timing::Lane, std::vector<Entry>>;  ///< of BRISC and NCRISC; the other lanes have none
  void put(const std::string& place, const Entry& entry);
  void put_line(std::string line);

  OutputFile file_;
  GridSize grid_;
  std::vector<Entries> cores_;
  Places places_;
  double offset_ = 0;
  bool first_ = true;
};

}  // namespace tilegrid::traces
