// SPDX-License-Identifier: Apache-2.0
// c = a + b on a 2x2 grid, a whole tilegrid program. Each core adds four tiles.
#include <tilegrid/core/tile.h>
#include <tilegrid/kernels/api/compute.h>
#include <tilegrid/kernels/api/dataflow.h>
#include <tilegrid/kernels/registry.h>
#include <tilegrid/runtime/session.h>

#include <cstdio>

using namespace tilegrid;
using namespace tilegrid::api;

constexpr std::uint32_t share = 4, tiles = 16, page = 2048;  // tiles a core, tiles in all, bytes of a bf16 tile

const auto reader = register_kernel("reader", [] {  // arguments: first tile; a and b
  for (std::uint32_t first = get_arg_val<std::uint32_t>(0), i = first; i < first + share; ++i) {
    cb_reserve_back(0, 1), cb_reserve_back(1, 1);
    noc_async_read_page(i, {get_common_arg_val<std::uint32_t>(0), page}, get_write_ptr(0));
    noc_async_read_page(i, {get_common_arg_val<std::uint32_t>(1), page}, get_write_ptr(1));
    noc_async_read_barrier();
    cb_push_back(0, 1), cb_push_back(1, 1);
  }
});
const auto adder = register_kernel("adder", [] {
  for (std::uint32_t i = 0; i < share; ++i) {
    cb_wait_front(0, 1), cb_wait_front(1, 1), cb_reserve_back(16, 1);
    tile_regs_acquire(), add_tiles(0, 1, 0, 0, 0), tile_regs_commit();
    tile_regs_wait(), pack_tile(0, 16), tile_regs_release();
    cb_push_back(16, 1), cb_pop_front(0, 1), cb_pop_front(1, 1);
  }
});
const auto writer = register_kernel("writer", [] {  // arguments: first tile; c
  for (std::uint32_t first = get_arg_val<std::uint32_t>(0), i = first; i < first + share; ++i) {
    cb_wait_front(16, 1);
    noc_async_write_page(i, {get_common_arg_val<std::uint32_t>(0), page}, get_read_ptr(16)), noc_async_write_barrier();
    cb_pop_front(16, 1);
  }
});

int run(Device& device) {
  std::vector<float> x(tiles * tile_elements), y(x.size()), sum(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97), y[i] = static_cast<float>(i % 89);
  std::vector<std::byte> packed(tiles * page);
  const Buffer a = device.create_buffer(tiles * page, page), b = device.create_buffer(tiles * page, page),
               c = device.create_buffer(tiles * page, page);
  tilize(x, tile_side, tiles * tile_side, DataFormat::bf16, packed), device.write(a, packed);
  tilize(y, tile_side, tiles * tile_side, DataFormat::bf16, packed), device.write(b, packed);

  Program program{.name = "vector add", .grid = device.grid()};
  for (const int cb : {0, 1, 16}) program.circular_buffers.push_back({cb, 2, page, DataFormat::bf16, "tiles"});
  const CoreRange all = CoreRange::all(device.grid());
  program.kernels = {{reader, Risc::ncrisc, NocId::noc0, all, {}, {a.address, b.address}, {}},
                     {adder, Risc::trisc, NocId::noc0, all, {}, {}, {}},
                     {writer, Risc::brisc, NocId::noc1, all, {}, {c.address}, {}}};
  for (KernelConfig& kernel : program.kernels)
    for (int core = 0; core < 4; ++core) kernel.runtime_args.push_back({core, {static_cast<std::uint32_t>(core) * share}});
  const RunResult result = device.launch(program);

  device.read(c, packed);
  untilize(packed, tile_side, tiles * tile_side, DataFormat::bf16, sum);
  for (std::size_t i = 0; i < sum.size(); ++i)
    if (sum[i] != x[i] + y[i]) return std::printf("element %zu is %g, not %g\n", i, sum[i], x[i] + y[i]), 4;
  return std::printf("%zu cores added %u tiles\n", result.cores.size(), tiles), 0;
}

int main(int argc, char** argv) { return Session(&argc, &argv).run({.grid = {2, 2}}, run); }
