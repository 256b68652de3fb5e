// SPDX-License-Identifier: Apache-2.0
#include "runtime/launches.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tilegrid {
namespace {

template <class Array>
void add_each(Array& sum, const Array& more) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

void add(TransferCounters& sum, const TransferCounters& more) {
  sum.transactions += more.transactions;
  sum.bytes += more.bytes;
  sum.hops += more.hops;
  sum.byte_hops += more.byte_hops;
}

/// What is a count adds up, what is a size is the largest.
void add(CoreCounters& sum, const CoreCounters& more) {
  add_each(sum.tiles, more.tiles);
  sum.dest_reuses += more.dest_reuses;
  sum.dst_sections += more.dst_sections;
  sum.dst_peak_slots = std::max(sum.dst_peak_slots, more.dst_peak_slots);
  sum.dst_capacity = std::max(sum.dst_capacity, more.dst_capacity);
  for (std::size_t i = 0; i < sum.cbs.size(); ++i) {
    CbCounters& cb = sum.cbs.at(i);
    cb.capacity_pages = std::max(cb.capacity_pages, more.cbs.at(i).capacity_pages);
    cb.page_bytes = std::max(cb.page_bytes, more.cbs.at(i).page_bytes);
    cb.high_water_pages = std::max(cb.high_water_pages, more.cbs.at(i).high_water_pages);
    cb.pushed_pages += more.cbs.at(i).pushed_pages;
  }
  sum.l1_used_bytes = std::max(sum.l1_used_bytes, more.l1_used_bytes);
  for (std::size_t noc = 0; noc < sum.transfers.size(); ++noc) {
    for (std::size_t kind = 0; kind < sum.transfers.at(noc).size(); ++kind) {
      add(sum.transfers.at(noc).at(kind), more.transfers.at(noc).at(kind));
    }
  }
  sum.ambiguous_waits += more.ambiguous_waits;
  sum.longest_sum = std::max(sum.longest_sum, more.longest_sum);
  sum.faults_struck += more.faults_struck;
  for (const NumberRecord& record : more.numbers) {
    const auto same = [&](const NumberRecord& one) {
      return one.event == record.event && one.operation == record.operation;
    };
    const auto found = std::find_if(sum.numbers.begin(), sum.numbers.end(), same);
    if (found == sum.numbers.end()) {
      sum.numbers.push_back(record);
    } else {
      found->count += record.count;
    }
  }
}

void add(CoreHostCost& sum, const CoreHostCost& more) {
  add_each(sum.kernel_seconds, more.kernel_seconds);
  for (std::size_t risc = 0; risc < risc_count; ++risc) {
    add_each(sum.blocked_seconds.at(risc), more.blocked_seconds.at(risc));
    add_each(sum.blocked_count.at(risc), more.blocked_count.at(risc));
  }
}

void add(RankHostCost& sum, const RankHostCost& more) {
  sum.kernel_seconds += more.kernel_seconds;
  sum.serving_seconds += more.serving_seconds;
  sum.waiting_seconds += more.waiting_seconds;
  sum.wall_seconds += more.wall_seconds;
  sum.messages += more.messages;
  sum.bytes += more.bytes;
  sum.shared_bytes += more.shared_bytes;
  sum.longest_gap_us = std::max(sum.longest_gap_us, more.longest_gap_us);
  sum.resident_bytes = std::max(sum.resident_bytes, more.resident_bytes);
}

std::uint64_t matmul_tiles(const RunResult& result) {
  std::uint64_t tiles = 0;
  for (const CoreCounters& core : result.cores) tiles += core.tiles[TileOp::matmul];
  return tiles;
}

/// What one core did.
ComputeUse use_of(const Program& program, LogicalCore core, const CoreCounters& counters) {
  const ComputeConfig& compute = compute_of(program, core);
  const auto tiles = [&](TileOp op) { return counters.tiles[op]; };
  ComputeUse use{compute.fidelity, compute.dst_fp32, tiles(TileOp::matmul), counters.dest_reuses, tiles(TileOp::reduce_sum)};
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    use.fp32_buffers = use.fp32_buffers || cb.format == DataFormat::fp32;
    use.bf16_buffers = use.bf16_buffers || cb.format == DataFormat::bf16;
  }
  return use;
}

}  // namespace

KnownFaults faults_relied_on(const Program& program, const RunResult& result) {
  KnownFaults faults;
  for (int i = 0; i < count_of(result.cores); ++i) {
    add(faults, faults_relied_on(program.chip, use_of(program, program.grid.core(i), result.cores[i])));
  }
  return faults;
}

NumericsUse numerics_of(const Program& program, const RunResult& result) {
  NumericsUse all;
  for (std::size_t i = 0; i < result.cores.size(); ++i) {
    const CoreCounters& counters = result.cores[i];
    const ComputeConfig& compute = compute_of(program, program.grid.core(static_cast<int>(i)));
    NumericsUse use;
    if (compute.numerics == Numerics::fast && counters.longest_sum > 0) {
      use.too_seldom = rounding_bound(compute.fidelity, compute.dst_fp32, counters.longest_sum);
    }
    if (compute.numerics == Numerics::exact && has_matrix_fault(program.chip)) {
      use.faults_struck = counters.faults_struck;
      use.known_faults = compute.known_faults;
    }
    add(all, use);
  }
  return all;
}

void add(RunResult& sum, RunResult&& more) {
  for (std::size_t i = 0; i < sum.cores.size(); ++i) add(sum.cores[i], more.cores[i]);
  for (std::size_t i = 0; i < sum.core_hosts.size(); ++i) add(sum.core_hosts[i], more.core_hosts[i]);
  for (std::size_t i = 0; i < sum.ranks.size(); ++i) add(sum.ranks[i], more.ranks[i]);
  sum.log = std::move(more.log);
  sum.findings.insert(sum.findings.end(), more.findings.begin(), more.findings.end());
  sum.wall_seconds += more.wall_seconds;
}

Launches launch_in_order(Device& device, const std::vector<Program>& programs, const LaunchOptions& options) {
  Launches launches;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    LaunchOptions own = options;
    const std::uint64_t before = matmul_tiles(launches.result);
    if (options.on_progress) own.on_progress = [&](std::uint64_t done) { options.on_progress(before + done); };
    RunResult result = device.launch(programs[i], own);
    add(launches.known_faults, faults_relied_on(programs[i], result));
    add(launches.numerics, numerics_of(programs[i], result));
    if (i == 0) {
      launches.result = std::move(result);
      continue;
    }
    if (options.record_log) launches.earlier_logs.push_back(std::move(launches.result.log));
    add(launches.result, std::move(result));
  }
  return launches;
}

}  // namespace tilegrid
