// SPDX-License-Identifier: Apache-2.0
// A product of matrices of tiles, one tile of it on each core of the grid, written against the API of the years before:
// CreateDevice, queues, multicast with semaphores, kernels on several core ranges. Prints a hash of the result's bits.
#include <cmath>

#include "common/bfloat16.hpp"
#include "tt_metal/common/test_tiles.hpp"
#include "tt_metal/common/tilize_untilize.hpp"
#include "tt_metal/detail/tt_metal.hpp"
#include "tt_metal/host_api.hpp"
#include "tt_metal/impl/device/device.hpp"

using namespace tt;
using namespace tt::tt_metal;

namespace {

constexpr uint32_t inner = 5;
constexpr uint32_t tile_bytes = 2 * 32 * 32;

std::shared_ptr<Buffer> tiles_in_dram(Device* device, uint32_t tiles) {
  InterleavedBufferConfig config{
      .device = device, .size = tiles * tile_bytes, .page_size = tile_bytes, .buffer_type = BufferType::DRAM};
  return CreateBuffer(config);
}

void add_buffer(Program& program, const CoreRange& cores, uint32_t id) {
  CircularBufferConfig config(2 * tile_bytes, {{id, DataFormat::Float16_b}});
  CreateCircularBuffer(program, cores, config.set_page_size(id, tile_bytes));
}

/// Against sums in double precision; prints a hash of the bits.
void check(const vector<bfloat16>& a, const vector<bfloat16>& b, vector<bfloat16> c, uint32_t rows, uint32_t columns) {
  uint64_t hash = 1469598103934665603ULL;
  for (const bfloat16 value : c) hash = (hash ^ value.to_packed()) * 1099511628211ULL;
  untilize(c, rows * 32, columns * 32);
  for (uint32_t i = 0; i < rows * 32; ++i) {
    for (uint32_t j = 0; j < columns * 32; ++j) {
      double expected = 0;
      double magnitude = 0;
      for (uint32_t k = 0; k < inner * 32; ++k) {
        const double product = double(a[i * inner * 32 + k].to_float()) * b[k * columns * 32 + j].to_float();
        expected += product;
        magnitude += std::abs(product);
      }
      const double got = c[i * columns * 32 + j].to_float();
      TT_FATAL(std::abs(got - expected) <= magnitude / 64, "({},{}): {} instead of {}", i, j, got, expected);
    }
  }
  printf("product %016llx\n", static_cast<unsigned long long>(hash));
}

}  // namespace

int main() {
  Device* device = CreateDevice(0);
  CommandQueue& queue = device->command_queue();
  const CoreCoord grid = device->compute_with_storage_grid_size();
  const uint32_t rows = grid.y;
  const uint32_t columns = grid.x;
  const CoreRange all({0, 0}, {grid.x - 1, grid.y - 1});
  vector<bfloat16> a = create_random_vector_of_bfloat16_native(rows * inner * tile_bytes, 2.0f, 7, -1.0f);
  vector<bfloat16> b = create_random_vector_of_bfloat16_native(inner * columns * tile_bytes, 2.0f, 8, -1.0f);
  vector<bfloat16> a_tiles = a;
  vector<bfloat16> b_tiles = b;
  tilize(a_tiles, rows * 32, inner * 32);
  tilize(b_tiles, inner * 32, columns * 32);
  const auto a_buffer = tiles_in_dram(device, rows * inner);
  const auto b_buffer = tiles_in_dram(device, inner * columns);
  const auto c_buffer = tiles_in_dram(device, rows * columns);
  EnqueueWriteBuffer(queue, a_buffer, a_tiles, false);
  EnqueueWriteBuffer(queue, b_buffer, b_tiles, false);

  Program program = CreateProgram();
  add_buffer(program, all, CB::c_in0);
  add_buffer(program, all, CB::c_in1);
  add_buffer(program, all, CB::c_out0);
  const uint32_t ready = CreateSemaphore(program, all, 0);
  const uint32_t sent = CreateSemaphore(program, all, INVALID);
  const vector<uint32_t> args = {inner, columns, ready, sent};
  const auto reader = CreateKernel(
      program, "tests/runtime/metalium/kernels/mcast_reader.cpp", all,
      DataMovementConfig{.processor = DataMovementProcessor::RISCV_1, .noc = NOC::RISCV_0_default, .compile_args = args});
  const auto writer =
      CreateKernel(program, "tests/runtime/metalium/kernels/one_tile_writer.cpp", all,
                   DataMovementConfig{.processor = DataMovementProcessor::RISCV_0, .noc = NOC::RISCV_1_default});
  CreateKernel(program, "tests/runtime/metalium/kernels/mcast_compute.cpp", all,
               ComputeConfig{.math_fidelity = MathFidelity::HiFi4, .fp32_dest_acc_en = true, .compile_args = {inner}});
  for (uint32_t row = 0; row < rows; ++row) {
    const CoreCoord left = device->worker_core_from_logical_core({0, row});
    const CoreCoord last = device->worker_core_from_logical_core({columns - 1, row});
    for (uint32_t column = 0; column < columns; ++column) {
      const CoreCoord core = {column, row};
      SetRuntimeArgs(program, reader, core,
                     {a_buffer->address(), b_buffer->address(), row, column, column == 0, (uint32_t)left.x, (uint32_t)last.x,
                      (uint32_t)left.y});
      SetRuntimeArgs(program, writer, core, {c_buffer->address(), row * columns + column});
    }
  }
  EnqueueProgram(queue, program, false);
  Finish(queue);
  vector<bfloat16> c;
  EnqueueReadBuffer(queue, c_buffer, c, true);
  check(a, b, c, rows, columns);
  return CloseDevice(device) ? 0 : 1;
}
