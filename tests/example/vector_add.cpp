// SPDX-License-Identifier: Apache-2.0
// c = a + b on a 2x2 grid: a whole tilegrid program. Core i takes tiles i, i + 4, i + 8, ...
#include <tilegrid/core/tile.h>
#include <tilegrid/kernels/api/compute.h>
#include <tilegrid/kernels/api/dataflow.h>
#include <tilegrid/kernels/registry.h>
#include <tilegrid/runtime/session.h>
#include <cstdio>

using namespace tilegrid;
using namespace tilegrid::api;
using u32 = std::uint32_t;

constexpr u32 tiles = 16, cores = 4, page = 2048, bytes = tiles * page;  // a page is a tile of bf16

const auto reader = register_kernel("reader", [] {
  for (u32 i = get_arg_val<u32>(0); i < tiles; i += cores) {
    cb_reserve_back(0, 1), noc_async_read_page(i, {get_common_arg_val<u32>(0), page}, get_write_ptr(0));
    cb_reserve_back(1, 1), noc_async_read_page(i, {get_common_arg_val<u32>(1), page}, get_write_ptr(1));
    noc_async_read_barrier(), cb_push_back(0, 1), cb_push_back(1, 1);
  }
});
const auto adder = register_kernel("adder", [] {
  for (u32 i = get_arg_val<u32>(0); i < tiles; i += cores) {
    cb_wait_front(0, 1), cb_wait_front(1, 1), cb_reserve_back(16, 1);
    tile_regs_acquire(), add_tiles(0, 1, 0, 0, 0), tile_regs_commit();
    tile_regs_wait(), pack_tile(0, 16), tile_regs_release();
    cb_push_back(16, 1), cb_pop_front(0, 1), cb_pop_front(1, 1);
  }
});
const auto writer = register_kernel("writer", [] {
  for (u32 i = get_arg_val<u32>(0); i < tiles; i += cores) {
    cb_wait_front(16, 1), noc_async_write_page(i, {get_common_arg_val<u32>(0), page}, get_read_ptr(16));
    noc_async_write_barrier(), cb_pop_front(16, 1);
  }
});

int main(int argc, char** argv) {
  return Session(&argc, &argv).run({.grid = {2, 2}}, [](Device& device) {
    std::vector<float> x(tiles * tile_elements), y(x.size()), wanted(x.size()), sum(x.size());
    for (u32 i = 0; i < x.size(); ++i) wanted[i] = (x[i] = i % 97) + (y[i] = i % 89);
    std::vector<std::byte> packed(bytes);
    Buffer a = device.create_buffer(bytes, page), b = device.create_buffer(bytes, page),
           c = device.create_buffer(bytes, page);
    tilize(x, 32, tiles * 32, DataFormat::bf16, packed), device.write(a, packed);
    tilize(y, 32, tiles * 32, DataFormat::bf16, packed), device.write(b, packed);
    Program program{.name = "vector add", .grid = device.grid()};
    for (int cb : {0, 1, 16}) program.circular_buffers.push_back({cb, 2, page, DataFormat::bf16, "tiles"});
    const CoreRange all = CoreRange::all(device.grid());
    program.kernels = {{reader, Risc::ncrisc, NocId::noc0, all, {}, {a.address, b.address}, {}},
                       {adder, Risc::trisc, NocId::noc0, all, {}, {}, {}},
                       {writer, Risc::brisc, NocId::noc1, all, {}, {c.address}, {}}};
    for (KernelConfig& kernel : program.kernels)
      for (u32 core = 0; core < cores; ++core) kernel.runtime_args.push_back({static_cast<int>(core), {core}});
    device.launch(program), device.read(c, packed);
    untilize(packed, 32, tiles * 32, DataFormat::bf16, sum);
    return sum == wanted ? (std::printf("%u cores added %u tiles\n", cores, tiles), 0) : (std::puts("wrong sum"), 4);
  });
}
