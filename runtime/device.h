// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/events/event_log.h"
#include "kernels/program.h"
#include "runtime/launch.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// A buffer interleaved over the DRAM banks: page i is in bank i mod banks at address + i / banks * page_bytes.
struct Buffer {
  std::uint32_t address = 0;     ///< the same in every bank
  std::uint32_t page_bytes = 0;  ///< a multiple of the chip's DRAM alignment
  std::uint64_t pages = 0;
  [[nodiscard]] std::uint64_t bytes() const { return pages * page_bytes; }
};

struct LaunchOptions {
  bool record_log = true;
  /// A dry run: kernels run their control flow without arithmetic, and no data moves. Semaphores, circular buffers, DST
  /// sections, checks, counts and logs are as in a full run; what DRAM holds afterwards is not.
  bool dry = false;
  /// Runs fibers and traffic in another order that the hardware allows, chosen by this seed: a correct program gives the
  /// same results, logs and device time. Takes precedence over the device's own seed (set_shake).
  std::optional<std::uint64_t> shake{};
  bool watch_numbers = false;  ///< CoreCounters::numbers: what became of numbers; takes several times as long
  /// Called about twice a second with the tile multiplications done so far.
  std::function<void(std::uint64_t)> on_progress;
};

/// The emulated device as the host (rank 0) sees it. Made by Session::run.
class Device {
 public:
  explicit Device(ControlChannel& control) : control_(control) {}

  /// Seed for launches that have none of their own (LaunchOptions::shake). Without a seed launches are not shaken.
  void set_shake(std::optional<std::uint64_t> seed) { shake_ = seed; }

  /// What kernels print goes to `sink` when their launch is over, before anything is said of how it ended; without one to
  /// standard output. Without a call all of it.
  void set_output(PrintFilter filter, std::function<void(std::string_view)> sink = {});
  /// While a launch goes on, where every core stands is shown on standard error each so many seconds; 0: when SIGUSR1 comes.
  void set_watch(double seconds) { watch_seconds_ = seconds; }

  [[nodiscard]] const Chip& chip() const { return control_.node().chip(); }
  [[nodiscard]] GridSize grid() const { return control_.node().placement().grid; }
  [[nodiscard]] const noc::Placement& placement() const { return control_.node().placement(); }
  [[nodiscard]] int ranks() const { return control_.node().transport().size(); }

  /// Allocates ceil(bytes / page_bytes) pages. Throws UsageError when a bank would overflow or the page is not a
  /// multiple of the chip's DRAM alignment.
  [[nodiscard]] Buffer create_buffer(std::uint64_t bytes, std::uint32_t page_bytes);
  /// Frees all buffers.
  void free_buffers() { dram_used_ = 0; }
  /// Copies to and from DRAM; sizes must equal buffer.bytes().
  void write(const Buffer& buffer, std::span<const std::byte> data);
  /// Whole pages, from a page of the buffer on.
  void write_pages(const Buffer& buffer, std::uint64_t first, std::span<const std::byte> data);
  void read(const Buffer& buffer, std::span<std::byte> data);
  template <class T>
  void write(const Buffer& buffer, const std::vector<T>& data) {
    write(buffer, std::as_bytes(std::span(data)));
  }
  template <class T>
  void read(const Buffer& buffer, std::vector<T>& data) {
    read(buffer, std::as_writable_bytes(std::span(data)));
  }

  /// Copies to and from the L1 of a core, at an offset within it. Throws UsageError for what lies outside.
  void write_l1(LogicalCore core, std::uint32_t offset, std::span<const std::byte> data);
  void read_l1(LogicalCore core, std::uint32_t offset, std::span<std::byte> data);

  /// For a host that places its buffers by itself: copies to and from any memory of the chip, many before one finish().
  /// What is written has to stay as it is until then, what is read is there then.
  void start_write(noc::Target target, std::uint64_t offset, std::span<const std::byte> data);
  void start_read(noc::Target target, std::uint64_t offset, std::span<std::byte> data);
  void finish();
  /// DRAM below this offset is in use, in every bank: kernels may read and write there. Throws UsageError for more than a
  /// bank has.
  void use_dram(std::uint64_t bytes);

  /// Virtual coordinates of a worker, as kernels use them in NoC addresses.
  struct WorkerCoordinates {
    std::uint32_t x;
    std::uint32_t y;
  };
  [[nodiscard]] static WorkerCoordinates worker_core(LogicalCore core);

  /// Runs a program on all ranks and returns when all its kernels have ended. Throws UsageError (invalid program, or for
  /// another chip), KernelError (a kernel broke a rule; the message of the first core, and what else was found) or
  /// DeadlockError.
  RunResult launch(const Program& program, const LaunchOptions& options = {});

  /// The log of the last launch as far as it goes, when that ended in a deadlock or a kernel's error and was to be recorded.
  [[nodiscard]] const std::optional<LaunchLog>& cut_log() const { return cut_log_; }

  /// Warnings of all launches so far.
  [[nodiscard]] const std::vector<checks::Finding>& warnings() const { return warnings_; }

  /// Runs a task on every rank with its own input; returns the outputs by rank.
  [[nodiscard]] std::vector<std::vector<std::byte>> map(const std::string& task,
                                                        const std::vector<std::vector<std::byte>>& inputs);

 private:
  [[nodiscard]] LaunchCommand command_for(const Program& program, const LaunchOptions& options);
  void check_memory(noc::Target target, std::uint64_t offset, std::uint64_t size, const char* who) const;
  void print(const std::string& output) const;
  void find_races(const LaunchCommand& command, RunResult& result);
  void keep_findings(const std::vector<checks::Finding>& findings, const std::string& more = {},
                     const std::vector<checks::Finding>& behind = {});
  [[noreturn]] void end_in_deadlock(const LaunchCommand& command, Launch& launch, std::vector<checks::Finding> findings);
  void transfer_pages(const Buffer& buffer, std::uint64_t first, std::size_t size, const char* who,
                      const std::function<void(noc::Target, std::uint64_t, std::uint64_t)>& transfer);

  ControlChannel& control_;
  std::uint64_t dram_used_ = 0;
  std::uint32_t epoch_ = 0;
  std::optional<std::uint64_t> shake_;
  PrintFilter print_{.riscs = PrintFilter::all_riscs, .cores = {}};
  std::function<void(std::string_view)> sink_;
  double watch_seconds_ = 0;
  std::optional<LaunchLog> cut_log_;
  std::set<std::string> sent_objects_;  ///< keys of compiled kernels that all ranks have
  std::vector<checks::Finding> warnings_;
};

}  // namespace tilegrid
