// SPDX-License-Identifier: Apache-2.0
// TRISC of the matmul, as the shipped kernel of large blocks does it (dst.md 5): for each block of K the subblocks of the
// output block one after the other, each in one DST section.
#include <algorithm>

#include "kernels/api/compute.h"
#include "kernels/common/passes.h"
#include "kernels/matmul/arguments.h"

namespace tilegrid::matmul {
namespace {

using namespace tilegrid::api;
using passes::Product;
using passes::section;

class OutputBlock {
 public:
  explicit OutputBlock(const Args& args)
      : args_(args), product_{cb_a, cb_b, args.block_m, args.block_n, args.block_k, args.sub_h, args.sub_w, false} {}

  void configure() const { product_.configure(); }

  void run() const {
    pack_reconfig_data_format(args_.k_blocks > 1 ? cb_partial : cb_out);
    for (std::uint32_t k = 0; k < args_.k_blocks; ++k) {
      mark_loop();
      // step() asks of k no more than this.
      repeat({std::min(k, 2U), std::min(args_.k_blocks - k, 3U)}, [&] {
        cb_wait_front(cb_a, args_.block_m * args_.block_k);
        cb_wait_front(cb_b, args_.block_k * args_.block_n);
        step(k);
        cb_pop_front(cb_a, args_.block_m * args_.block_k);
        cb_pop_front(cb_b, args_.block_k * args_.block_n);
      });
    }
  }

 private:
  [[nodiscard]] std::uint32_t sub_tiles() const { return args_.sub_h * args_.sub_w; }

  /// One block of K.
  void step(std::uint32_t k) const {
    const bool last = k + 1 == args_.k_blocks;
    const bool packer = args_.packer_sums != 0;
    if (packer && k == 1 && !last) pack_reconfig_l1_acc(true);
    if (last && args_.k_blocks > 1) {
      if (packer && k > 1) pack_reconfig_l1_acc(false);
      pack_reconfig_data_format(cb_out);
    }
    const bool reload = k > 0 && (!packer || last);
    subblocks(reload, last ? cb_out : cb_partial);
    // The packer has added to what was there: the next block does so again, or reloads it.
    if (!packer || last || k + 2 >= args_.k_blocks) return;
    cb_wait_front(cb_partial, args_.block_m * args_.block_n);
    cb_pop_front(cb_partial, args_.block_m * args_.block_n);
  }

  void subblocks(bool reload, std::uint32_t to) const {
    for (std::uint32_t row = 0; row < args_.block_m; row += args_.sub_h) {
      for (std::uint32_t column = 0; column < args_.block_n; column += args_.sub_w) {
        section(
            [&] {
              if (reload) load_partial();
              product_.multiply(row, column);
            },
            [&] {
              cb_reserve_back(to, sub_tiles());
              pack_tile_block(0, to, sub_tiles());
            });
        cb_push_back(to, sub_tiles());
      }
    }
  }

  /// The next subblock's sums into DST.
  void load_partial() const {
    cb_wait_front(cb_partial, sub_tiles());
    reconfig_data_format(cb_partial, cb_partial);
    for (std::uint32_t i = 0; i < sub_tiles(); ++i) copy_tile(cb_partial, i, i);
    cb_pop_front(cb_partial, sub_tiles());
    product_.configure();
  }

  const Args& args_;
  Product product_;
};

}  // namespace

void compute() {
  const auto args = args_of_this_kernel<Args>();
  const OutputBlock block(args);
  compute_kernel_hw_startup(cb_a, cb_b, cb_out);
  // Partial sums in fp32 keep all of their bits on the way back.
  if (args.wide_partial != 0) unpack_to_dst_config(true);
  block.configure();
  const std::uint32_t blocks = args.batches * args.m_blocks * args.n_blocks;
  for (std::uint32_t i = 0; i < blocks; ++i) block.run();
  mark_loop();
}

}  // namespace tilegrid::matmul
