// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "runtime/traces/traces.h"

namespace tilegrid::traces {

/// The timeline of tt-npe, version 1.0.0 (interop.md C2), as ttnn-visualizer opens it: packets with their routes, and how
/// busy links are in steps of time. The times are those of the replay. Places are [device, row, column].
class Npeviz final : public Writer {
 public:
  Npeviz(std::string path, const RunLog& log);
  void started(const timing::Start& launch) override;
  void called(const timing::Call& call) override;
  void moved(const timing::Movement& packet) override;
  void sampled(double time, std::span<const timing::LinkTime> links) override;
  [[nodiscard]] double next_sample() const override { return next_sample_; }
  void ended(const timing::LaunchTime& launch) override;
  void finish() override;

 private:
  static constexpr std::size_t most_steps = 1024;
  struct Step {
    double begin = 0, end = 0;
    std::map<int, double> busy;  ///< cycles by link
  };
  struct Flight {
    std::int64_t begin = 0, end = 0;
    double multicast = 0;  ///< cycles of links that a multicast takes, all together
  };
  struct Zone {
    int core = 0;
    timing::Lane lane{};
    int number = 0;  ///< of the RISC's kernels
    std::int64_t begin = 0, end = 0;
  };
  [[nodiscard]] std::string place(PhysicalCore node) const;
  /// The way as text; `tree`, where it is given, learns its links.
  [[nodiscard]] std::string links_of(NocId noc, PhysicalCore from, PhysicalCore to, std::set<int>* tree) const;
  void halve();
  void put_steps();
  void put_zones();
  void put_common();

  OutputFile file_;
  GridSize grid_;
  Places places_;
  std::string chip_;
  double offset_ = 0, next_sample_ = 0, last_sample_ = 0, interval_ = 512;
  double flit_bytes_ = 32;  ///< that a NIU injects and a link carries in a cycle
  double link_use_ = 0, multicast_use_ = 0, dram_use_ = 0, cycles_ = 0;
  std::array<double, 2> noc_use_{}, noc_most_{};
  std::map<int, double> busy_;  ///< of links, in the launch so far
  std::vector<Step> steps_;
  std::vector<Flight> flights_;  ///< by id
  std::vector<Zone> zones_;
  std::map<std::pair<int, timing::Lane>, Zone> open_;  ///< by core and lane
  std::map<std::pair<int, timing::Lane>, int> kernels_;
};

}  // namespace tilegrid::traces
