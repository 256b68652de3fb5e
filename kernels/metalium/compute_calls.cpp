// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "core/error.h"
#include "kernels/api/compute.h"
#include "kernels/api/rearrange.h"
#include "kernels/metalium/calls.h"

namespace tilegrid::metalium {
namespace {

// ---- DST sections. UNPACK and MATH go on; what PACK has to wait for goes into its queue.

void acquire(KernelContext& kernel, Line at) {
  PackQueue& packs = kernel.foreign->packs;
  packs.drain();
  const Dst& dst = kernel.core->dst;
  const int sections = dst.full_sync() ? 1 : 2;
  while (!dst.acquired() && dst.committed() == sections && !packs.empty()) packs.block_for_first();
  api::tile_regs_acquire(here(at));
}

void dst(int what, Line at) {
  KernelContext& kernel = enter(at);
  PackQueue& packs = kernel.foreign->packs;
  switch (what) {
    case 0:
      return acquire(kernel, at);
    case 1:
      api::tile_regs_commit(here(at));
      return packs.drain();
    case 2:
      return packs.wait(here(at));
    default:
      return packs.submit([=] { api::tile_regs_release(here(at)); }, here(at));
  }
}

// ---- Configuration

void set_formats(KernelContext& kernel, std::uint32_t cb_a, std::uint32_t cb_b, Line at) {
  ForeignKernel& foreign = *kernel.foreign;
  foreign.cb_a = cb_a;
  foreign.cb_b = cb_b;
  if (configured(kernel, cb_a, "reconfig_data_format") && configured(kernel, cb_b, "reconfig_data_format")) {
    api::reconfig_data_format(cb_a, cb_b, here(at));
  }
}

void startup(std::uint32_t cb_a, std::uint32_t cb_b, std::uint32_t cb_out, Line at) {
  KernelContext& kernel = enter(at);
  kernel.foreign->cb_a = cb_a;
  kernel.foreign->cb_b = cb_b;
  bool all = true;
  for (const std::uint32_t cb : {cb_a, cb_b, cb_out}) all = configured(kernel, cb, "an initialisation") && all;
  if (all) api::compute_kernel_hw_startup(cb_a, cb_b, cb_out, here(at));
}

void reconfigure(int what, std::uint32_t cb_a, std::uint32_t cb_b, Line at) {
  KernelContext& kernel = enter(at);
  const ForeignKernel& foreign = *kernel.foreign;
  switch (what) {
    case 0:
      return set_formats(kernel, cb_a, cb_b, at);
    case 1:
      return set_formats(kernel, cb_a, foreign.cb_b, at);
    case 2:
      return set_formats(kernel, foreign.cb_a, cb_b, at);
    default:
      if (!configured(kernel, cb_a, "pack_reconfig_data_format")) return;
      kernel.foreign->packs.submit([=] { api::pack_reconfig_data_format(cb_a, here(at)); }, here(at));
  }
}

void matmul_init(std::uint32_t in0, std::uint32_t in1, bool transpose, Line at) {
  KernelContext& kernel = enter(at);
  kernel.foreign->transpose = transpose;
  if (!configured(kernel, in0, "mm_init") || !configured(kernel, in1, "mm_init")) return;
  api::mm_block_init_short(in0, in1, transpose, 1, 1, 1, here(at));
}

void fill_configuration(Interface& table) {
  table.startup = startup;
  table.reconfigure = reconfigure;
  table.matmul_init = matmul_init;
  table.pack_accumulate = [](bool on, Line at) {
    enter(at).foreign->packs.submit([=] { api::pack_reconfig_l1_acc(on, here(at)); }, here(at));
  };
  table.pack_relu = [](std::uint32_t mode, float threshold, Line at) {
    enter(at).foreign->packs.submit([=] { api::pack_relu_config(static_cast<ReluMode>(mode), threshold, here(at)); },
                                    here(at));
  };
  table.unpack_to_dst = [](bool on, Line at) {
    enter(at);
    api::unpack_to_dst_config(on, here(at));
  };
}

// ---- Matrix unit

void fill_matrix(Interface& table) {
  table.matmul = [](std::uint32_t in0, std::uint32_t in1, std::uint32_t i0, std::uint32_t i1, std::uint32_t dst,
                    bool transpose, std::uint32_t ct, std::uint32_t rt, std::uint32_t kt, Line at) {
    const bool transposed = transpose || enter(at).foreign->transpose;
    api::matmul_block(in0, in1, i0, i1, dst, transposed, ct, rt, kt, here(at));
  };
  table.eltwise = [](int op, int broadcast, std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib,
                     std::uint32_t dst, bool accumulate, Line at) {
    enter(at);
    api::eltwise_tiles(static_cast<EltwiseOp>(op), static_cast<Broadcast>(broadcast), a, b, ia, ib, dst, accumulate,
                       here(at));
  };
  table.dest_reuse = [](int op, bool dst_is_a, std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Line at) {
    enter(at);
    api::binary_dest_reuse_tiles(static_cast<EltwiseOp>(op), dst_is_a, cb, index, dst, here(at));
  };
  table.reduce = [](int pool, int dim, std::uint32_t cb, std::uint32_t scaler, std::uint32_t index,
                    std::uint32_t scaler_index, std::uint32_t dst, Line at) {
    enter(at);
    api::reduce_tile(static_cast<Pool>(pool), static_cast<ReduceDim>(dim), cb, scaler, index, scaler_index, dst, here(at));
  };
  table.copy = [](int broadcast, std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Line at) {
    enter(at);
    if (broadcast == 0) return api::copy_tile(cb, index, dst, here(at));
    api::unary_bcast(static_cast<Broadcast>(broadcast), cb, index, dst, here(at));
  };
  table.transpose = [](std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Line at) {
    enter(at);
    api::transpose_wh_tile(cb, index, dst, here(at));
  };
}

// ---- Packer, tilize, untilize

void pack(std::uint32_t dst, std::uint32_t cb, std::int64_t index, Line at) {
  KernelContext& kernel = enter(at);
  kernel.foreign->packs.submit(
      [=] {
        if (index < 0) return api::pack_tile(dst, cb, here(at));
        api::pack_tile_at(dst, cb, static_cast<std::uint32_t>(index), here(at));
      },
      here(at));
}

/// The section that every tile of tilize_block and untilize_block takes for itself.
template <class Math, class Pack>
void section(KernelContext& kernel, Line at, const Math& math, const Pack& pack) {
  PackQueue& packs = kernel.foreign->packs;
  acquire(kernel, at);
  math();
  api::tile_regs_commit(here(at));
  packs.wait(here(at));
  packs.submit(pack, here(at));
  packs.submit([=] { api::tile_regs_release(here(at)); }, here(at));
}

void tilize(std::uint32_t in, std::uint32_t tiles, std::uint32_t out, std::uint32_t in_index, std::uint32_t out_index,
            Line at) {
  KernelContext& kernel = enter(at);
  for (std::uint32_t tile = 0; tile < tiles; ++tile) {
    section(
        kernel, at, [&] { api::tilize_tile(in, in_index, tiles, tile, 0, here(at)); },
        [=] { api::pack_tile_at(0, out, out_index + tile, here(at)); });
  }
}

void untilize(std::uint32_t in, std::uint32_t tiles, std::uint32_t out, Line at) {
  KernelContext& kernel = enter(at);
  for (std::uint32_t tile = 0; tile < tiles; ++tile) {
    section(
        kernel, at, [&] { api::copy_tile(in, tile, 0, here(at)); },
        [=] { api::pack_rows(0, out, tiles, tile, 0, here(at)); });
  }
}

void fill_packer(Interface& table) {
  table.pack = pack;
  table.pack_rows = [](std::uint32_t dst, std::uint32_t cb, std::uint32_t tiles, std::uint32_t row_tiles,
                       std::uint32_t first_tile, std::uint32_t block_row, Line at) {
    KernelContext& kernel = enter(at);
    for (std::uint32_t tile = 0; tile < tiles; ++tile) {
      kernel.foreign->packs.submit(
          [=] { api::pack_rows(dst + tile, cb, row_tiles, first_tile + tile, block_row, here(at)); }, here(at));
    }
  };
  table.tilize = tilize;
  table.untilize = untilize;
  table.tilize_to_dst = [](std::uint32_t in, std::uint32_t row_tiles, std::uint32_t tile, std::uint32_t dst, Line at) {
    enter(at);
    api::tilize_tile(in, 0, row_tiles, tile, dst, here(at));
  };
}

}  // namespace

void fill_compute_calls(Interface& table) {
  table.dst = dst;
  fill_configuration(table);
  fill_matrix(table);
  fill_packer(table);
}

}  // namespace tilegrid::metalium
