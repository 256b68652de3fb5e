// SPDX-License-Identifier: Apache-2.0
// TRISC: flash attention as the shipped Wormhole kernel of 2025 does it ("G2", attention.md 1.4). Per K chunk:
//   1. S = Q K^T                        subblocks, the sum over the head dimension stays in DST
//   2. S += mask                        chunks on the diagonal or with padding
//   3. m = max(m_prev, rowmax S)        m_prev is put into DST first
//   4. P = exp((S - m) scale)           in place; the same DST tiles are packed again with L1 accumulation into l
//   5. O = P V
//   6. alpha = exp((m_prev - m) scale); l += alpha l_prev; O += alpha O_prev
// and at the end O / l. Of parts of the K chunks (split_k) that comes after m, l and O of all have been merged, on one core,
// by step 6 for both sides. Statistics and accumulators ping-pong between two buffers each.
#include <algorithm>
#include <utility>

#include "kernels/api/compute.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/phases.h"
#include "kernels/common/dst_section.h"
#include "kernels/common/passes.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;
using passes::divisor;

struct Subblock2 {
  std::uint32_t h;
  std::uint32_t w;
};

/// The legal in-place update of a full buffer: pop, reserve again, read by index, pack to the same index, push.
template <class Body>
void in_place(std::uint32_t cb, std::uint32_t tiles, Body body) {
  cb_wait_front(cb, tiles);
  cb_pop_front(cb, tiles);
  cb_reserve_back(cb, tiles);
  body();
  cb_push_back(cb, tiles);
}

/// out[M, N] = in0[M, K] in1[K, N]; pushed row of subblocks by row of subblocks. Pops in1, leaves in0.
void matmul_blocks(std::uint32_t in0, std::uint32_t in1, std::uint32_t out, std::uint32_t m, std::uint32_t n,
                   std::uint32_t k, Subblock2 sub, bool transpose) {
  reconfig_data_format(in1, in0);
  pack_reconfig_data_format(out);
  mm_block_init_short(in0, in1, transpose, sub.w, sub.h, k);
  cb_wait_front(in1, k * n);
  for (std::uint32_t row = 0; row < m; row += sub.h) {
    cb_reserve_back(out, sub.h * n);
    for (std::uint32_t column = 0; column < n; column += sub.w) {
      section(
          [&] {
            for (std::uint32_t i = 0; i < k; ++i) {
              matmul_block(in0, in1, row * k + i, i * n + column, 0, transpose, sub.w, sub.h, k);
            }
          },
          [&] {
            for (std::uint32_t r = 0; r < sub.h; ++r) {
              for (std::uint32_t c = 0; c < sub.w; ++c) pack_tile_at(r * sub.w + c, out, r * n + column + c);
            }
          });
    }
    cb_push_back(out, sub.h * n);
  }
  cb_pop_front(in1, k * n);
}

/// Scores += mask, tile by tile; pops the mask.
void add_mask(std::uint32_t tiles) {
  zone(Phase::mask);
  reconfig_data_format(cb_scores, cb_mask);
  cb_wait_front(cb_mask, tiles);
  in_place(cb_scores, tiles, [&] {
    for (std::uint32_t i = 0; i < tiles; ++i) {
      section([&] { add_tiles(cb_scores, cb_mask, i, i, 0); }, [&] { pack_tile_at(0, cb_scores, i); });
    }
  });
  cb_pop_front(cb_mask, tiles);
}

/// max_cur = rowmax of the scores, and of max_prev when there is one.
void row_max(const KernelArgs& args, std::uint32_t max_cur, std::uint32_t max_prev, bool has_prev) {
  zone(Phase::max);
  constexpr std::uint32_t most_rows = 4;
  const std::uint32_t rows = divisor(args.q_chunk_t, std::min(most_rows, args.slots));
  reconfig_data_format(cb_scores, cb_scaler);
  cb_wait_front(cb_scaler, 1);
  cb_wait_front(cb_scores, args.q_chunk_t * args.k_chunk_t);
  if (has_prev) cb_wait_front(max_prev, args.q_chunk_t);
  cb_reserve_back(max_cur, args.q_chunk_t);
  for (std::uint32_t row = 0; row < args.q_chunk_t; row += rows) {
    section(
        [&] {
          for (std::uint32_t r = 0; r < rows; ++r) {
            if (has_prev) copy_tile(max_prev, row + r, r);
            reduce_block_max_row(cb_scores, cb_scaler, (row + r) * args.k_chunk_t, args.k_chunk_t, r);
          }
        },
        [&] {
          for (std::uint32_t r = 0; r < rows; ++r) pack_tile_at(r, max_cur, row + r);
        });
  }
  cb_push_back(max_cur, args.q_chunk_t);
}

/// Scores become P = exp((S - max) scale) in place; sum gets the row sums of P, still 32 columns wide.
void subtract_exp(const KernelArgs& args, std::uint32_t max_cur, std::uint32_t sum_cur) {
  zone(Phase::exp);
  const std::uint32_t columns = divisor(args.k_chunk_t, args.slots);
  reconfig_data_format(cb_scores, max_cur);
  cb_wait_front(max_cur, args.q_chunk_t);
  cb_reserve_back(sum_cur, args.q_chunk_t);
  in_place(cb_scores, args.q_chunk_t * args.k_chunk_t, [&] {
    for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
      for (std::uint32_t column = 0; column < args.k_chunk_t; column += columns) {
        const std::uint32_t first = row * args.k_chunk_t + column;
        section(
            [&] {
              for (std::uint32_t c = 0; c < columns; ++c) {
                sub_tiles_bcast_cols(cb_scores, max_cur, first + c, row, c);
                if (args.exp_unclamped != 0) {
                  exp_tile_unclamped(c, VectorMode::rc, args.scale());
                } else {
                  exp_tile(c, args.exp_accurate == 0, VectorMode::rc, args.scale());
                }
              }
            },
            [&] {
              for (std::uint32_t c = 0; c < columns; ++c) pack_tile_at(c, cb_scores, first + c);
              zone(Phase::sum);
              for (std::uint32_t c = 0; c < columns; ++c) {
                if (c + column == 1 || (c == 0 && column != 0)) pack_reconfig_l1_acc(true);
                pack_tile_at(c, sum_cur, row);
              }
              pack_reconfig_l1_acc(false);
              zone(Phase::exp);
            });
      }
    }
  });
  cb_push_back(sum_cur, args.q_chunk_t);
}

/// alpha = exp((max_prev - max_cur) scale), a column. The shipped kernel's column exp is a polynomial (tensix.md 2.3): with
/// the fast exp, whose exp(0) is 0.978, old chunks would fade with every step. `at`: of the first tile of max_prev.
void make_alpha(const KernelArgs& args, std::uint32_t max_prev, std::uint32_t at, std::uint32_t max_cur) {
  zone(Phase::rescale);
  reconfig_data_format(max_prev, max_cur);
  cb_wait_front(max_prev, at + args.q_chunk_t);
  cb_wait_front(max_cur, args.q_chunk_t);
  cb_reserve_back(cb_alpha, args.q_chunk_t);
  for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
    section(
        [&] {
          sub_tiles(max_prev, max_cur, at + row, row, 0);
          exp_tile(0, false, VectorMode::first_column, args.scale());
        },
        [&] { pack_tile_at(0, cb_alpha, row); });
  }
  cb_push_back(cb_alpha, args.q_chunk_t);
}

/// sum_cur += alpha sum_prev; pops sum_prev.
void rescale_sum(const KernelArgs& args, std::uint32_t sum_prev, std::uint32_t sum_cur) {
  reconfig_data_format(sum_prev, cb_alpha);
  cb_wait_front(cb_alpha, args.q_chunk_t);
  in_place(sum_prev, args.q_chunk_t, [&] {
    for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
      section([&] { mul_tiles_bcast_cols(sum_prev, cb_alpha, row, row, 0); }, [&] { pack_tile_at(0, sum_prev, row); });
    }
  });
  reconfig_data_format(sum_cur, sum_prev);
  cb_wait_front(sum_prev, args.q_chunk_t);
  in_place(sum_cur, args.q_chunk_t, [&] {
    for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
      section([&] { add_tiles(sum_cur, sum_prev, row, row, 0); }, [&] { pack_tile_at(0, sum_cur, row); });
    }
  });
  cb_pop_front(sum_prev, args.q_chunk_t);
}

/// out_cur += alpha out_prev by the packer's L1 accumulation; pops out_prev and alpha.
void rescale_output(const KernelArgs& args, std::uint32_t out_prev, std::uint32_t out_cur) {
  const std::uint32_t columns = divisor(args.v_dim_t, args.slots);
  const std::uint32_t tiles = args.q_chunk_t * args.v_dim_t;
  reconfig_data_format(out_prev, cb_alpha);
  cb_wait_front(out_prev, tiles);
  pack_reconfig_l1_acc(true);
  in_place(out_cur, tiles, [&] {
    for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
      for (std::uint32_t column = 0; column < args.v_dim_t; column += columns) {
        const std::uint32_t first = row * args.v_dim_t + column;
        section(
            [&] {
              for (std::uint32_t c = 0; c < columns; ++c) mul_tiles_bcast_cols(out_prev, cb_alpha, first + c, row, c);
            },
            [&] {
              for (std::uint32_t c = 0; c < columns; ++c) pack_tile_at(c, out_cur, first + c);
            });
      }
    }
  });
  pack_reconfig_l1_acc(false);
  cb_pop_front(out_prev, tiles);
  cb_pop_front(cb_alpha, args.q_chunk_t);
}

/// sum becomes 1 / (sum over its columns), in column 0.
void invert_sum(const KernelArgs& args, std::uint32_t sum) {
  zone(Phase::normalise);
  cb_wait_front(cb_ones_column, 1);
  reconfig_data_format(cb_ones_column, sum);
  mm_block_init_short(sum, cb_ones_column, false, 1, 1, 1);
  in_place(sum, args.q_chunk_t, [&] {
    for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
      section([&] { matmul_tiles(sum, cb_ones_column, row, 0, 0); }, [&] { pack_tile_at(0, sum, row); });
    }
  });
  if (get_dataformat(sum) != get_dataformat(cb_ones_column)) reconfig_data_format(sum, sum);
  in_place(sum, args.q_chunk_t, [&] {
    for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
      section(
          [&] {
            copy_tile(sum, row, 0);
            recip_tile(0, VectorMode::first_column);
          },
          [&] { pack_tile_at(0, sum, row); });
    }
  });
}

/// cb_out = accumulator * 1/l; pops both.
void normalise(const KernelArgs& args, std::uint32_t accumulator, std::uint32_t sum) {
  const std::uint32_t columns = divisor(args.v_dim_t, args.slots);
  const std::uint32_t tiles = args.q_chunk_t * args.v_dim_t;
  reconfig_data_format(accumulator, sum);
  pack_reconfig_data_format(cb_out);
  cb_wait_front(accumulator, tiles);
  cb_wait_front(sum, args.q_chunk_t);
  cb_reserve_back(cb_out, tiles);
  for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
    for (std::uint32_t column = 0; column < args.v_dim_t; column += columns) {
      const std::uint32_t first = row * args.v_dim_t + column;
      section(
          [&] {
            for (std::uint32_t c = 0; c < columns; ++c) mul_tiles_bcast_cols(accumulator, sum, first + c, row, c);
          },
          [&] {
            for (std::uint32_t c = 0; c < columns; ++c) pack_tile_at(c, cb_out, first + c);
          });
    }
  }
  cb_push_back(cb_out, tiles);
  cb_pop_front(accumulator, tiles);
  cb_pop_front(sum, args.q_chunk_t);
}

/// Buffers that hold a Q chunk's maximum, sum and output so far, and those that get the next ones.
struct Running {
  std::uint32_t max_prev = cb_max_a, max_cur = cb_max_b;
  std::uint32_t sum_prev = cb_sum_a, sum_cur = cb_sum_b;
  std::uint32_t out_prev = cb_accumulator_a, out_cur = cb_accumulator_b;
  void step() {
    std::swap(max_prev, max_cur);
    std::swap(sum_prev, sum_cur);
    std::swap(out_prev, out_cur);
  }
};

/// One Q chunk against this core's K chunks of it.
Running attend(const KernelArgs& args, const Turn& turn) {
  const KParts::Range range = turn.range();
  Running now;
  zone(Phase::qk);
  cb_wait_front(cb_q, args.q_chunk_t * args.dim_t);
  for (std::uint32_t j = range.begin; j < range.end; ++j) {
    mark_loop();
    const std::uint32_t step = j - range.begin;
    const bool masked = args.masked(turn.item.chunk, j, turn.keys);
    repeat({step % 2, step != 0, masked}, [&] {
      zone(Phase::qk);
      matmul_blocks(cb_q, cb_k, cb_scores, args.q_chunk_t, args.k_chunk_t, args.dim_t, {args.qk_h, args.qk_w}, true);
      if (masked) add_mask(args.q_chunk_t * args.k_chunk_t);
      row_max(args, now.max_cur, now.max_prev, step != 0);
      subtract_exp(args, now.max_cur, now.sum_cur);
      zone(Phase::pv);
      cb_wait_front(cb_scores, args.q_chunk_t * args.k_chunk_t);
      matmul_blocks(cb_scores, cb_v, now.out_cur, args.q_chunk_t, args.v_dim_t, args.k_chunk_t, {args.pv_h, args.pv_w},
                    false);
      cb_pop_front(cb_scores, args.q_chunk_t * args.k_chunk_t);
      if (step != 0) {
        make_alpha(args, now.max_prev, 0, now.max_cur);
        cb_pop_front(now.max_prev, args.q_chunk_t);
        rescale_sum(args, now.sum_prev, now.sum_cur);
        rescale_output(args, now.out_prev, now.out_cur);
      }
    });
    now.step();
  }
  mark_loop();
  cb_pop_front(cb_q, args.q_chunk_t * args.dim_t);
  return now;
}

/// The result of a Q chunk, once all of its K chunks have gone into it.
void finish(const KernelArgs& args, const Running& now) {
  cb_pop_front(now.max_prev, args.q_chunk_t);
  invert_sum(args, now.sum_prev);
  normalise(args, now.out_prev, now.sum_prev);
}

/// max_cur = the larger of max_prev and the maximum of a partial result.
void merge_max(const KernelArgs& args, std::uint32_t max_prev, std::uint32_t max_cur, std::uint32_t at) {
  zone(Phase::max);
  reconfig_data_format(max_prev, cb_partials);
  cb_wait_front(max_prev, args.q_chunk_t);
  cb_reserve_back(max_cur, args.q_chunk_t);
  for (std::uint32_t row = 0; row < args.q_chunk_t; ++row) {
    section(
        [&] {
          copy_tile(max_prev, row, 0);
          copy_tile(cb_partials, at + row, 1);
          binary_max_tile(0, 1, 0, VectorMode::first_column);
        },
        [&] { pack_tile_at(0, max_cur, row); });
  }
  cb_push_back(max_cur, args.q_chunk_t);
}

/// Tiles of a buffer, in rows and columns, the first of them at `at`.
struct Block {
  std::uint32_t cb = 0;
  std::uint32_t at = 0;
  std::uint32_t columns = 0;
};

/// Tiles of `to` = alpha times those of `from`; the window of `to` is reserved. With L1 accumulation: they are added.
void pack_scaled(const KernelArgs& args, Block from, std::uint32_t to) {
  const std::uint32_t columns = divisor(from.columns, args.slots);
  for (std::uint32_t first = 0; first < args.q_chunk_t * from.columns; first += columns) {
    section(
        [&] {
          for (std::uint32_t c = 0; c < columns; ++c) {
            mul_tiles_bcast_cols(from.cb, cb_alpha, from.at + first + c, first / from.columns, c);
          }
        },
        [&] {
          for (std::uint32_t c = 0; c < columns; ++c) pack_tile_at(c, to, first + c);
        });
  }
}

/// A statistic or the output so far, rescaled to the new maximum; pops it.
void rescale_own(const KernelArgs& args, std::uint32_t prev, std::uint32_t cur, std::uint32_t columns) {
  const std::uint32_t tiles = args.q_chunk_t * columns;
  reconfig_data_format(prev, cb_alpha);
  cb_wait_front(prev, tiles);
  cb_reserve_back(cur, tiles);
  pack_scaled(args, {prev, 0, columns}, cur);
  cb_push_back(cur, tiles);
  cb_pop_front(prev, tiles);
}

/// The same of a partial result, added by the packer's L1 accumulation.
void add_partial(const KernelArgs& args, Block part, std::uint32_t cur) {
  reconfig_data_format(part.cb, cb_alpha);
  pack_reconfig_l1_acc(true);
  in_place(cur, args.q_chunk_t * part.columns, [&] { pack_scaled(args, part, cur); });
  pack_reconfig_l1_acc(false);
}

/// Merges the partial result of another core (attention.md 1.9): m = max(m, m'), and output and sum of both sides are
/// multiplied by exp((old m - m) scale) and added. A partial result is output, maximum and sum, one behind the other.
void merge(const KernelArgs& args, Running& now) {
  const std::uint32_t max_at = args.q_chunk_t * args.v_dim_t;
  const std::uint32_t sum_at = max_at + args.q_chunk_t;
  cb_wait_front(cb_partials, args.partial_tiles());
  merge_max(args, now.max_prev, now.max_cur, max_at);
  make_alpha(args, now.max_prev, 0, now.max_cur);
  cb_pop_front(now.max_prev, args.q_chunk_t);
  cb_wait_front(cb_alpha, args.q_chunk_t);
  rescale_own(args, now.sum_prev, now.sum_cur, 1);
  rescale_own(args, now.out_prev, now.out_cur, args.v_dim_t);
  cb_pop_front(cb_alpha, args.q_chunk_t);
  make_alpha(args, cb_partials, max_at, now.max_cur);
  cb_wait_front(cb_alpha, args.q_chunk_t);
  add_partial(args, {cb_partials, sum_at, 1}, now.sum_cur);
  add_partial(args, {cb_partials, 0, args.v_dim_t}, now.out_cur);
  cb_pop_front(cb_alpha, args.q_chunk_t);
  cb_pop_front(cb_partials, args.partial_tiles());
  now.step();
}

/// Puts output, maximum and sum together for the writer, which sends them to the core that merges them; pops them.
void hand_on(const KernelArgs& args, const Running& now) {
  zone(Phase::rescale);
  cb_reserve_back(cb_partial, args.partial_tiles());
  std::uint32_t at = 0;
  for (const auto& [cb, columns] : {std::pair{now.out_prev, args.v_dim_t}, {now.max_prev, 1U}, {now.sum_prev, 1U}}) {
    const std::uint32_t tiles = args.q_chunk_t * columns;
    const std::uint32_t slots = divisor(tiles, args.slots);
    reconfig_data_format(cb, cb);
    cb_wait_front(cb, tiles);
    for (std::uint32_t first = 0; first < tiles; first += slots) {
      passes::section_to(cb_partial, at + first, slots, [&, source = cb] {
        for (std::uint32_t i = 0; i < slots; ++i) copy_tile(source, first + i, i);
      });
    }
    cb_pop_front(cb, tiles);
    at += tiles;
  }
  cb_push_back(cb_partial, args.partial_tiles());
}

/// A part of a Q chunk's K chunks, and what of other parts comes to this core.
void attend_part(const KernelArgs& args, const Turn& turn, std::uint32_t part) {
  if (part >= turn.active) return;
  Running now = attend(args, turn);
  for (std::uint32_t i = 0; i < MergeTree::children(part, turn.active); ++i) merge(args, now);
  if (part == 0) {
    finish(args, now);
  } else {
    hand_on(args, now);
  }
}

/// Drops K and V chunks that came only because other cores of the team need them.
void drop(const KernelArgs& args, std::uint32_t chunks) {
  for (std::uint32_t j = 0; j < chunks; ++j) {
    mark_loop();
    for (const std::uint32_t cb : {cb_k, cb_v}) {
      cb_wait_front(cb, args.kv_chunk_tiles(cb));
      cb_pop_front(cb, args.kv_chunk_tiles(cb));
    }
  }
  mark_loop();
}

}  // namespace

void compute() {
  const KernelArgs args = KernelArgs::of_this_kernel();
  const auto first = get_arg_val<std::uint32_t>(arg_first);
  const auto count = get_arg_val<std::uint32_t>(arg_count);
  const Seat seat = args.lanes > 1 || args.parts > 1 ? args.seat_of(get_arg_val<std::uint32_t>(arg_seat)) : Seat{};
  compute_kernel_hw_startup(cb_q, cb_k, cb_scores);
  for (std::uint32_t position = first; position < first + count; ++position) {
    const Turn turn = args.turn_at(position, seat);
    if (turn.has_item && args.parts > 1) {
      attend_part(args, turn, seat.part);
    } else if (turn.has_item) {
      finish(args, attend(args, turn));
    }
    if (turn.chunks > turn.visits) drop(args, turn.chunks - turn.visits);
  }
}

}  // namespace tilegrid::attention
