// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/tile.h"
#include "kernels/matmul/arguments.h"
#include "kernels/matmul/matmul.h"
#include "kernels/registry.h"
#include "noc/address.h"

namespace tilegrid::matmul {
namespace {

constexpr const char* reader_name = "matmul/reader";
constexpr const char* compute_name = "matmul/compute";
constexpr const char* writer_name = "matmul/writer";

std::uint32_t word(int value) { return value; }

bool has(const std::vector<CircularBufferConfig>& buffers, CbIndex id) {
  return std::any_of(buffers.begin(), buffers.end(),
                     [id](const CircularBufferConfig& cb) { return cb.id == static_cast<int>(id); });
}

Args args_of(const Config& config, const Addresses& addresses, const std::vector<CircularBufferConfig>& buffers) {
  const Extent blocks = blocks_of_core(config);
  Args args;
  args.m_t = word(tiles_of(config.shape.m));
  args.k_t = word(tiles_of(config.shape.k));
  args.n_t = word(tiles_of(config.shape.n));
  args.batches = word(config.shape.batch);
  args.shared_b = config.shape.shared_b ? 1 : 0;
  args.core_m = word(config.per_core.rows);
  args.core_n = word(config.per_core.columns);
  args.block_m = word(config.out_block.rows);
  args.block_n = word(config.out_block.columns);
  args.block_k = word(config.k_block);
  args.m_blocks = word(blocks.rows);
  args.n_blocks = word(blocks.columns);
  args.k_blocks = word(k_blocks(config));
  args.sub_h = word(config.sub.h);
  args.sub_w = word(config.sub.w);
  args.packer_sums = config.carrier == Carrier::packer ? 1 : 0;
  args.wide_partial = config.compute.dst_fp32 ? 1 : 0;
  args.multicast = config.delivery == Delivery::multicast ? 1 : 0;
  args.zeros_a = has(buffers, cb_zeros_a) ? 1 : 0;
  args.zeros_b = has(buffers, cb_zeros_b) ? 1 : 0;
  args.a_base = addresses.a;
  args.b_base = addresses.b;
  args.out_base = addresses.out;
  return args;
}

/// Runtime arguments of one data-movement kernel: `along_x` for a line that is a row of cores, which the first core sends
/// to.
std::vector<std::uint32_t> line_args(LogicalCore core, const Config& config, bool along_x, NocId noc) {
  const GridSize used = cores_used(config);
  const auto virtual_of = [](int coordinate) { return word(coordinate + noc::virtual_base); };
  const LogicalCore sender = along_x ? LogicalCore{0, core.y} : LogicalCore{core.x, 0};
  LogicalCore first = along_x ? LogicalCore{1, core.y} : LogicalCore{core.x, 1};
  LogicalCore last = along_x ? LogicalCore{used.x - 1, core.y} : LogicalCore{core.x, used.y - 1};
  const int receivers = config.delivery == Delivery::dram ? 0 : (along_x ? used.x : used.y) - 1;
  if (receivers == 0) first = last = core;
  if (noc == NocId::noc1) std::swap(first, last);  // it goes the other way round (tensix.md 4.1)
  return {word(core.x),        word(core.y),       virtual_of(sender.x), virtual_of(sender.y), virtual_of(first.x),
          virtual_of(first.y), virtual_of(last.x), virtual_of(last.y),   word(receivers)};
}

/// Which NoC the two data-movement kernels of some cores use.
struct Placement {
  CoreRange cores;
  NocId reader;
  NocId writer;
};

/// The shipped factory's choice: a travels on NoC 1, along rows; b on NoC 0, down columns: each from DRAM first along the
/// other axis, so that lines don't share links. The output goes by the writer's NoC, which is the slower one for writes; so
/// the right half of those cores that only receive changes NoCs. Without multicast the reader has NoC 0, the writer NoC 1,
/// each fast in its direction (tensix.md 4.3).
std::vector<Placement> placements(const Config& config) {
  const GridSize used = cores_used(config);
  const LogicalCore last{used.x - 1, used.y - 1};
  if (config.delivery == Delivery::dram) return {{{{0, 0}, last}, NocId::noc0, NocId::noc1}};
  const int half = used.x / 2;
  if (used.x <= 2 || used.y <= 1 || half >= last.x) return {{{{0, 0}, last}, NocId::noc1, NocId::noc0}};
  return {{{{0, 0}, {half, last.y}}, NocId::noc1, NocId::noc0},
          {{{half + 1, 0}, {last.x, 0}}, NocId::noc1, NocId::noc0},
          {{{half + 1, 1}, last}, NocId::noc0, NocId::noc1}};
}

}  // namespace

Program make_program(const Config& config, const Addresses& addresses) {
  Program program;
  program.name = "matmul";
  program.grid = config.grid;
  program.compute = config.compute;
  program.chip = config.chip;
  program.circular_buffers = circular_buffers(config);
  program.semaphores.assign(semaphore_count, 0);
  program.phases = {"read", "write"};
  const GridSize used = cores_used(config);
  const std::vector<std::uint32_t> args = to_words(args_of(config, addresses, program.circular_buffers));
  program.kernels.push_back({compute_name, Risc::trisc, NocId::noc0, {{0, 0}, {used.x - 1, used.y - 1}}, args, {}, {}});
  for (const Placement& place : placements(config)) {
    KernelConfig reader{reader_name, Risc::ncrisc, place.reader, place.cores, args, {}, {}};
    KernelConfig writer{writer_name, Risc::brisc, place.writer, place.cores, args, {}, {}};
    for (int y = place.cores.first.y; y <= place.cores.last.y; ++y) {
      for (int x = place.cores.first.x; x <= place.cores.last.x; ++x) {
        const int index = config.grid.index({x, y});
        reader.runtime_args.emplace_back(index, line_args({x, y}, config, true, place.reader));
        writer.runtime_args.emplace_back(index, line_args({x, y}, config, false, place.writer));
      }
    }
    program.kernels.push_back(std::move(reader));
    program.kernels.push_back(std::move(writer));
  }
  validate(program);
  return program;
}

void register_kernels() {
  register_kernel(reader_name, &reader);
  register_kernel(compute_name, &compute);
  register_kernel(writer_name, &writer);
}

}  // namespace tilegrid::matmul
