// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/execution_context.h"
#include "runtime/session.h"

namespace tilegrid::test {

/// The process's session. For tests that are linked with session_main.cpp: they run in one process, or on every rank of an
/// mpirun, where all ranks run every test.
Session& session();

/// How a run of the session ended: the exit code, on all ranks; the message of the error that left the host function, on
/// rank 0.
struct Outcome {
  int code = 0;
  std::string error;
};

/// What units refuse by themselves is an error; nothing else is checked, as kernels of tests leave out what they do not
/// test.
[[nodiscard]] checks::Config checks_of_units();

/// Runs `host` on rank 0 of the session. Errors are kept instead of printed. Collective.
Outcome run_session(GridSize grid, const std::function<void(Device&)>& host, FiberBackend fibers = FiberBackend::boost,
                    const checks::Config& checks = checks_of_units());

/// Runs a program of one launch; kernels hand numbers to the test with put_result() and store_results().
class TestProgram {
 public:
  explicit TestProgram(Device& device);

  TestProgram& cb(int id, std::uint32_t pages, std::uint32_t page_bytes = 2048, DataFormat format = DataFormat::bf16);
  TestProgram& semaphores(std::vector<std::uint32_t> initial_values);
  TestProgram& kernel(const std::string& name, Risc risc, CoreRange cores, std::vector<std::uint32_t> compile_args = {},
                      NocId noc = NocId::noc0);
  /// For what the calls above do not set.
  [[nodiscard]] Program& program() { return program_; }

  RunResult launch();
  /// Number `index` of the kernel's results, after launch().
  [[nodiscard]] std::uint32_t result(LogicalCore core, Risc risc, std::uint32_t index) const;

 private:
  Device& device_;
  Program program_;
  Buffer buffer_;
  std::vector<std::uint32_t> results_;
};

/// A rectangle of one core.
[[nodiscard]] inline CoreRange only(LogicalCore core) { return {core, core}; }

inline constexpr std::uint32_t results_cb = 31;  ///< taken by TestProgram
inline constexpr std::uint32_t results_per_kernel = 256;

/// For kernels of a TestProgram: sets result `index`, below results_per_kernel.
void put_result(std::uint32_t index, std::uint32_t value);
/// Writes the results to DRAM with the kernel's default NoC: one page.
void store_results();

}  // namespace tilegrid::test
