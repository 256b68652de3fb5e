// SPDX-License-Identifier: Apache-2.0
// TRISC of a product. When K is split, the packer adds up the blocks of it in L1; the last one begins with that sum in DST
// and goes to the result.
#include "kernels/api/compute.h"
#include "kernels/attention/phases.h"
#include "kernels/attention/unfused/arguments.h"
#include "kernels/common/passes.h"

namespace tilegrid::unfused {
namespace {

using namespace tilegrid::api;
using attention::Phase;
using passes::in_place;
using passes::Product;
using passes::section;

/// A block of K that is not the last one; leaves its sum in cb_partial.
void add_partial(const Product& product, bool first) {
  const std::uint32_t tiles = product.m * product.n;
  const auto multiply = [&] {
    for (std::uint32_t row = 0; row < product.m; row += product.h) {
      for (std::uint32_t column = 0; column < product.n; column += product.w) {
        section([&] { product.multiply(row, column); }, [&] { product.pack(cb_partial, 0, row, column); });
      }
    }
  };
  product.configure();
  pack_reconfig_data_format(cb_partial);
  cb_wait_front(product.in1, product.k * product.n);
  if (first) {
    cb_reserve_back(cb_partial, tiles);
    multiply();
    cb_push_back(cb_partial, tiles);
  } else {
    pack_reconfig_l1_acc(true);
    in_place(cb_partial, tiles, multiply);
    pack_reconfig_l1_acc(false);
  }
  cb_pop_front(product.in1, product.k * product.n);
}

/// The last block of K, on top of cb_partial, which it pops.
void finish_partial(const Product& product, std::uint32_t result) {
  pack_reconfig_data_format(result);
  cb_wait_front(product.in1, product.k * product.n);
  cb_wait_front(cb_partial, product.m * product.n);
  for (std::uint32_t row = 0; row < product.m; row += product.h) {
    cb_reserve_back(result, product.h * product.n);
    for (std::uint32_t column = 0; column < product.n; column += product.w) {
      section(
          [&] {
            reconfig_data_format(cb_partial, cb_partial);
            for (std::uint32_t r = 0; r < product.h; ++r) {
              for (std::uint32_t c = 0; c < product.w; ++c) {
                copy_tile(cb_partial, (row + r) * product.n + column + c, r * product.w + c);
              }
            }
            product.configure();
            product.multiply(row, column);
          },
          [&] { product.pack(result, row, row, column); });
    }
    cb_push_back(result, product.h * product.n);
  }
  cb_pop_front(cb_partial, product.m * product.n);
  cb_pop_front(product.in1, product.k * product.n);
}

}  // namespace

void matmul_compute() {
  const auto args = args_of_this_kernel<MatmulArgs>();
  const auto count = get_arg_val<std::uint32_t>(1);
  const Product product{args.cb_a,    args.cb_b,  args.block_m, args.block_n,
                        args.block_k, args.sub_h, args.sub_w,   args.transposed != 0};
  compute_kernel_hw_startup(args.cb_a, args.cb_b, args.cb_result);
  zone(static_cast<Phase>(args.phase));
  for (std::uint32_t item = 0; item < count; ++item) {
    for (std::uint32_t i = 0; i < args.k_blocks; ++i) {
      mark_loop();
      cb_wait_front(args.cb_a, args.block_m * args.block_k);
      if (args.k_blocks == 1) {
        product.run(args.cb_result);
      } else if (i + 1 < args.k_blocks) {
        add_partial(product, i == 0);
      } else {
        finish_partial(product, args.cb_result);
      }
      cb_pop_front(args.cb_a, args.block_m * args.block_k);
    }
  }
  mark_loop();
}

}  // namespace tilegrid::unfused
