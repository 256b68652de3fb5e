// SPDX-License-Identifier: Apache-2.0
// c = a + b on a 2x2 grid: a whole tilegrid program. Each core adds its share of the tiles.
#include <tilegrid/core/tile.h>
#include <tilegrid/kernels/api/compute.h>
#include <tilegrid/kernels/api/dataflow.h>
#include <tilegrid/kernels/registry.h>
#include <tilegrid/runtime/session.h>

#include <cstdio>

using namespace tilegrid;       // NOLINT(google-build-using-namespace)
using namespace tilegrid::api;  // NOLINT(google-build-using-namespace)

const auto reader = register_kernel("reader", [] {  // args: tiles, first tile, addresses of a and b
  for (std::uint32_t i = 0; i < get_arg_val<std::uint32_t>(0); ++i) {
    for (std::uint32_t cb = 0; cb < 2; ++cb) {
      cb_reserve_back(cb, 1);
      const InterleavedAddrGen source{get_arg_val<std::uint32_t>(2 + cb), get_tile_size(cb)};
      noc_async_read_page(get_arg_val<std::uint32_t>(1) + i, source, get_write_ptr(cb));
      noc_async_read_barrier();
      cb_push_back(cb, 1);
    }
  }
});
const auto adder = register_kernel("adder", [] {
  for (std::uint32_t i = 0; i < get_arg_val<std::uint32_t>(0); ++i) {
    cb_wait_front(0, 1), cb_wait_front(1, 1), cb_reserve_back(16, 1);
    tile_regs_acquire(), add_tiles(0, 1, 0, 0, 0), tile_regs_commit();
    tile_regs_wait(), pack_tile(0, 16), tile_regs_release();
    cb_push_back(16, 1), cb_pop_front(0, 1), cb_pop_front(1, 1);
  }
});
const auto writer = register_kernel("writer", [] {  // args: tiles, first tile, address of c
  for (std::uint32_t i = 0; i < get_arg_val<std::uint32_t>(0); ++i) {
    cb_wait_front(16, 1);
    noc_async_write_page(get_arg_val<std::uint32_t>(1) + i, {get_arg_val<std::uint32_t>(2), get_tile_size(16)}, get_read_ptr(16));
    noc_async_write_barrier();
    cb_pop_front(16, 1);
  }
});

int main(int argc, char** argv) {
  Session session(&argc, &argv);
  return session.run({.grid = {2, 2}}, [](Device& device) {
    constexpr std::uint32_t tiles = 16, page = 2048;
    std::vector<float> values(tiles * tile_elements, 1.5F), sum(values.size());
    std::vector<std::byte> packed(tiles * page);
    const Buffer a = device.create_buffer(packed.size(), page), b = device.create_buffer(packed.size(), page),
                 c = device.create_buffer(packed.size(), page);
    tilize(values, tile_side, tiles * tile_side, DataFormat::bf16, packed);
    device.write(a, packed), device.write(b, packed);
    Program program{.name = "vector add", .grid = device.grid()};
    for (int cb : {0, 1, 16}) program.circular_buffers.push_back({cb, 2, page, DataFormat::bf16, "tiles"});
    const CoreRange all = CoreRange::all(device.grid());
    program.kernels = {{reader, Risc::ncrisc, NocId::noc0, all}, {adder, Risc::trisc, NocId::noc0, all}, {writer, Risc::brisc, NocId::noc1, all}};
    for (int core = 0; core < 4; ++core) {
      program.kernels[0].runtime_args.push_back({core, {4, static_cast<std::uint32_t>(core) * 4, a.address, b.address}});
      program.kernels[1].runtime_args.push_back({core, {4}});
      program.kernels[2].runtime_args.push_back({core, {4, static_cast<std::uint32_t>(core) * 4, c.address}});
    }
    const RunResult result = device.launch(program);
    device.read(c, packed);
    untilize(packed, tile_side, tiles * tile_side, DataFormat::bf16, sum);
    for (float value : sum) if (value != 3.0F) return std::puts("wrong"), 4;
    return std::printf("%zu cores added %u tiles\n", result.cores.size(), tiles), 0;
  });
}
