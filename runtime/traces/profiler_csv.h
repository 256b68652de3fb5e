// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "runtime/traces/traces.h"

namespace tilegrid::traces {

/// profile_log_device.csv of tt-metal's device profiler (interop.md C3): firmware and kernel of each RISC, and the zones
/// that kernels name, in NoC 0 coordinates. The run host ID is the launch's number, from 1 on.
class ProfilerCsv final : public Writer {
 public:
  ProfilerCsv(std::string path, const RunLog& log);
  void started(const timing::Start& launch) override;
  void scope(const timing::ScopePoint& point) override;
  void ended(const timing::LaunchTime& launch) override;
  void finish() override;

 private:
  void row(int core, int lane, double time, std::uint64_t data, const std::string& zone, const char* type,
           const std::string& file, unsigned line);

  OutputFile file_;
  GridSize grid_;
  const LaunchLog* log_ = nullptr;
  Places places_;
  double offset_ = 0;
  int number_ = 0;
  bool has_head_ = false;
  std::vector<EnumArray<timing::Lane, std::vector<timing::ScopePoint>>> scopes_;  ///< of the launch
};

}  // namespace tilegrid::traces
