// SPDX-License-Identifier: Apache-2.0
// The matmul on several grids: exact results for small whole numbers, and the same bits, logs and device time on any number
// of ranks and in a dry run. A run with TILEGRID_HASHES_OUT=FILE writes its hashes there; with TILEGRID_HASHES_IN=FILE they
// are compared with the file's.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "core/tile.h"
#include "kernels/matmul/matmul.h"
#include "runtime/timing/replay.h"
#include "tests/support/result_hashes.h"
#include "tests/support/session_support.h"

namespace tilegrid::matmul {
namespace {

using test::Hash;
using test::Result;

struct Case {
  std::string name;
  Shape shape;  ///< batch, m, k, n, shared b
  Delivery delivery = Delivery::multicast;
  Carrier carrier = Carrier::packer;
  Extent out_block = {};
  int k_block = 0;
  bool exact = false;  ///< fp32 data and DST
  bool full_sync = false;
  Formats format{};
};

/// -1, 0 and 1 are the same in all of them.
const Formats mixed = [] {
  Formats formats;
  formats.a = DataFormat::bfp2_b;
  formats.b = DataFormat::bfp4_b;
  return formats;
}();

/// K is at most 250: sums of -1, 0 and 1 are whole numbers that bf16 has.
std::vector<Case> cases() {
  return {{"ragged", {1, 100, 200, 300, false}},
          {"tiny", {1, 7, 5, 3, false}},
          {"wide", {1, 40, 70, 1000, false}},
          {"tall", {2, 700, 96, 33, true}},
          {"blocks", {1, 320, 224, 352, false}, Delivery::multicast, Carrier::packer, {2, 3}, 3},
          {"reload", {1, 256, 250, 192, false}, Delivery::multicast, Carrier::reload, {}, 1},
          {"packer", {1, 256, 250, 192, false}, Delivery::multicast, Carrier::packer, {}, 1},
          {"two_blocks", {3, 96, 64, 96, false}, Delivery::multicast, Carrier::packer, {1, 1}, 1},
          {"dram", {2, 200, 130, 260, false}, Delivery::dram, Carrier::packer, {}, 2},
          {"exact", {1, 130, 192, 130, false}, Delivery::multicast, Carrier::packer, {}, 2, true},
          {"exact_reload", {1, 130, 192, 130, false}, Delivery::dram, Carrier::reload, {}, 2, true, true},
          {"mixed_formats", {1, 70, 100, 130, false}, Delivery::multicast, Carrier::packer, {}, 1, false, false, mixed},
          {"fp16", {1, 70, 100, 130, false}, Delivery::dram, Carrier::reload, {}, 1, false, false, DataFormat::fp16}};
}

struct GridCase {
  Case config;
  GridSize grid;
};
std::string name_of(const GridCase& c) {
  return c.config.name + "_" + std::to_string(c.grid.x) + "x" + std::to_string(c.grid.y);
}
std::ostream& operator<<(std::ostream& out, const GridCase& c) { return out << name_of(c); }

/// Grids that have a core for every rank.
std::vector<GridCase> grid_cases() {
  const int ranks = test::session().info().size;
  std::vector<GridCase> out;
  for (const Case& c : cases()) {
    for (const GridSize grid :
         {GridSize{1, 1}, GridSize{1, 3}, GridSize{4, 1}, GridSize{3, 2}, GridSize{2, 4}, GridSize{8, 10}}) {
      if (grid.cores() >= ranks) out.push_back({c, grid});
    }
  }
  return out;
}

Config config_of(const GridCase& c) {
  Config config;
  config.shape = c.config.shape;
  config.grid = c.grid;
  config.delivery = c.config.delivery;
  config.carrier = c.config.carrier;
  config.k_block = c.config.k_block;
  config.compute.full_sync = c.config.full_sync;
  config.format = c.config.format;
  if (c.config.exact) {
    config.format = DataFormat::fp32;
    config.compute.dst_fp32 = true;
    config.compute.fidelity = Fidelity::hifi4;
  }
  const Config whole = with_blocks(config);
  config.out_block = c.config.out_block;
  // What a core has may be less.
  config.out_block.rows = std::min(config.out_block.rows, whole.per_core.rows);
  config.out_block.columns = std::min(config.out_block.columns, whole.per_core.columns);
  return with_blocks(config);
}

/// -1, 0 and 1, by a multiplicative hash of the place.
std::vector<float> small_numbers(std::size_t count, std::uint32_t seed) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t mixed = (static_cast<std::uint32_t>(i) + seed) * 2654435761U;
    values[i] = static_cast<float>((mixed >> 16U) % 3) - 1;
  }
  return values;
}

struct Matrices {
  int count, rows, columns;
  [[nodiscard]] std::size_t elements() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }
  [[nodiscard]] std::size_t all() const { return static_cast<std::size_t>(count) * elements(); }
  [[nodiscard]] std::size_t bytes(DataFormat format) const {
    return static_cast<std::size_t>(tiles_of(rows)) * static_cast<std::size_t>(tiles_of(columns)) * tile_bytes(format);
  }
};

Buffer create(Device& device, const Matrices& m, DataFormat format) {
  return device.create_buffer(static_cast<std::size_t>(m.count) * m.bytes(format), tile_bytes(format));
}

Buffer upload(Device& device, const Matrices& m, DataFormat format, std::span<const float> values) {
  const Buffer buffer = create(device, m, format);
  std::vector<std::byte> tiles(buffer.bytes());
  for (std::size_t i = 0; i < static_cast<std::size_t>(m.count); ++i) {
    tilize(values.subspan(i * m.elements(), m.elements()), m.rows, m.columns, format,
           std::span(tiles).subspan(i * m.bytes(format), m.bytes(format)));
  }
  device.write(buffer, tiles);
  return buffer;
}

std::vector<float> download(Device& device, const Matrices& m, DataFormat format, const Buffer& buffer) {
  std::vector<std::byte> tiles(buffer.bytes());
  device.read(buffer, std::span(tiles));
  std::vector<float> values(m.all());
  for (std::size_t i = 0; i < static_cast<std::size_t>(m.count); ++i) {
    untilize(std::span(tiles).subspan(i * m.bytes(format), m.bytes(format)), m.rows, m.columns, format,
             std::span(values).subspan(i * m.elements(), m.elements()));
  }
  return values;
}

std::vector<float> product(const Shape& shape, const std::vector<float>& a, const std::vector<float>& b) {
  const auto at = [](int i, int stride, int j) {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(stride) + static_cast<std::size_t>(j);
  };
  std::vector<float> out(at(shape.batch * shape.m, shape.n, 0));
  for (int batch = 0; batch < shape.batch; ++batch) {
    const int first_b = shape.shared_b ? 0 : batch * shape.k;
    for (int row = batch * shape.m; row < (batch + 1) * shape.m; ++row) {
      for (int k = 0; k < shape.k; ++k) {
        const float left = a[at(row, shape.k, k)];
        for (int n = 0; n < shape.n; ++n) out[at(row, shape.n, n)] += left * b[at(first_b + k, shape.n, n)];
      }
    }
  }
  return out;
}

std::uint64_t hash_of(const LaunchLog& log) {
  Hash hash;
  test::add_events(log, hash);
  return hash.value();
}

double device_cycles(const Config& config, const LaunchLog& log) {
  return timing::replay({config.grid, "matmul", {log}}, Chip::load("wormhole_b0")).cycles;
}

/// Each factor comes from DRAM once for every block of the other dimension, on every core without multicast.
void expect_reads(const Config& config, const RunResult& run) {
  const Shape& shape = config.shape;
  const GridSize used = cores_used(config);
  const Extent blocks = blocks_of_core(config);
  const bool shared = config.delivery == Delivery::multicast;
  const auto tiles = [](int rows, int columns) { return std::int64_t{tiles_of(rows)} * tiles_of(columns); };
  const std::int64_t of_a = tiles(shape.m, shape.k) * blocks.columns * (shared ? 1 : used.x);
  const std::int64_t of_b = tiles(shape.k, shape.n) * blocks.rows * (shared ? 1 : used.y);
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  for (const CoreCounters& core : run.cores) {
    EXPECT_EQ(core.ambiguous_waits, 0U);
    for (const auto& noc : core.transfers) {
      read += noc[static_cast<std::size_t>(TransferKind::dram_read)].transactions;
      written += noc[static_cast<std::size_t>(TransferKind::dram_write)].transactions;
    }
  }
  EXPECT_EQ(read, static_cast<std::uint64_t>(shape.batch * (of_a + of_b)));
  EXPECT_EQ(written, static_cast<std::uint64_t>(shape.batch * tiles(shape.m, shape.n)));
}

Result run_on(Device& device, const GridCase& c) {
  const Config config = config_of(c);
  const Shape& shape = config.shape;
  const Matrices of_a{shape.batch, shape.m, shape.k};
  const Matrices of_b{shape.shared_b ? 1 : shape.batch, shape.k, shape.n};
  const Matrices of_out{shape.batch, shape.m, shape.n};
  const std::vector<float> a = small_numbers(of_a.all(), 1);
  const std::vector<float> b = small_numbers(of_b.all(), 77);
  const Buffer a_buffer = upload(device, of_a, config.format.a, a);
  const Buffer b_buffer = upload(device, of_b, config.format.b, b);
  const Buffer out = create(device, of_out, config.format.out);
  const Program program = make_program(config, {a_buffer.address, b_buffer.address, out.address});
  const RunResult run = device.launch(program);
  const std::vector<float> values = download(device, of_out, config.format.out, out);
  EXPECT_EQ(values, product(shape, a, b));
  EXPECT_EQ(check_log({config.grid, "matmul", {run.log}}), std::vector<std::string>{});
  expect_reads(config, run);

  LaunchOptions dry;
  dry.dry = true;
  const RunResult again = device.launch(program, dry);
  EXPECT_EQ(hash_of(again.log), hash_of(run.log));
  const double cycles = device_cycles(config, run.log);
  EXPECT_EQ(device_cycles(config, again.log), cycles);
  EXPECT_GT(cycles, 3000);
  Hash all;
  all.add(std::as_bytes(std::span(values)));
  all.add(std::as_bytes(std::span(&cycles, 1)));
  return {all.value(), hash_of(run.log)};
}

class MatmulEndToEnd : public testing::TestWithParam<GridCase> {
 protected:
  static void SetUpTestSuite() { register_kernels(); }
  static void TearDownTestSuite() { test::save_computed(); }
};

TEST_P(MatmulEndToEnd, IsRightAndTheSameOnAnyNumberOfRanks) {
  Result result;
  const test::Outcome outcome =
      test::run_session(GetParam().grid, [&](Device& device) { result = run_on(device, GetParam()); });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  test::keep_and_compare(name_of(GetParam()), result);
}

INSTANTIATE_TEST_SUITE_P(Grids, MatmulEndToEnd, testing::ValuesIn(grid_cases()),
                         [](const auto& instance) { return name_of(instance.param); });

}  // namespace
}  // namespace tilegrid::matmul
