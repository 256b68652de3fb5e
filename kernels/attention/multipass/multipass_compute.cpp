// SPDX-License-Identifier: Apache-2.0
// TRISC: flash attention as the kernel of 2024 did it ("G1", attention.md 1.4), one pass over the buffers for each
// operation. Per K chunk:
//   1. S = Q K^T
//   2. S *= scale
//   3. S += mask                        chunks on the diagonal or with padding
//   4. m = rowmax S
//   5. m = max(m, m_prev)
//   6. S = exp(S - m)
//   7. l = rowsum S
//   8. O = S V, or a second buffer after the first chunk
//   9. alpha = exp(m_prev - m); l += alpha l_prev; O *= alpha; O += S V
//  10. m_prev = m, l_prev = l           copies
// and at the end O / l. Each of multipass.h's steps replaces a part; with all of them nothing is left of it, and the
// kernel does what compute.cpp does.
#include <algorithm>
#include <utility>

#include "kernels/api/compute.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/multipass/multipass.h"
#include "kernels/attention/phases.h"
#include "kernels/common/passes.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;
using passes::divisor;
using passes::for_each_tile;
using passes::in_place;
using passes::Product;
using passes::section_to;

class MultipassKernel {
 public:
  explicit MultipassKernel(const KernelArgs& args)
      : args_(args), steps_(args.steps), score_tiles_(args.q_chunk_t * args.k_chunk_t) {}

  void start() const;
  void attend(std::uint32_t q_chunk);

 private:
  [[nodiscard]] bool has(Step step) const { return steps_.has(step); }
  [[nodiscard]] VectorMode column_mode() const { return has(Step::column_sfpu) ? VectorMode::first_column : VectorMode::rc; }
  [[nodiscard]] float scale_in_exp() const { return has(Step::fused_scale) ? args_.scale() : 1.0F; }
  [[nodiscard]] Product qk() const {
    return {cb_q, cb_k, args_.q_chunk_t, args_.k_chunk_t, args_.dim_t, args_.qk_h, args_.qk_w, true};
  }
  [[nodiscard]] Product pv() const {
    return {cb_scores, cb_v, args_.q_chunk_t, args_.v_dim_t, args_.k_chunk_t, args_.pv_h, args_.pv_w, false};
  }

  void fast_exp(std::uint32_t dst, VectorMode mode) const;
  void scale_scores() const;
  void add_mask() const;
  void row_max(bool merge) const;
  void merge_max() const;
  void subtract_exp() const;
  void sum_rows() const;
  void sum_rows_by_matmul() const;
  void make_alpha() const;
  void rescale_sum() const;
  void rescale_output() const;
  void add_output() const;
  void rescale_output_by_packer() const;
  void copy_statistic(std::uint32_t from, std::uint32_t to) const;
  void finish_sum() const;
  void normalise() const;

  KernelArgs args_;
  Steps steps_;
  std::uint32_t score_tiles_;
  std::uint32_t max_prev_ = 0, max_cur_ = 0;
  std::uint32_t sum_prev_ = 0, sum_cur_ = 0;
  std::uint32_t out_prev_ = 0, out_cur_ = 0;
};

/// The tile of the scale, which passes read as a scalar.
void MultipassKernel::start() const {
  if (has(Step::fused_scale)) return;
  pack_reconfig_data_format(cb_scale);
  cb_reserve_back(cb_scale, 1);
  section_to(cb_scale, 0, 1, [&] { fill_tile(0, args_.scale()); });
  cb_push_back(cb_scale, 1);
}

void MultipassKernel::fast_exp(std::uint32_t dst, VectorMode mode) const {
  if (has(Step::no_positive_check)) {
    exp_tile(dst, true, mode, scale_in_exp());
  } else {
    exp_tile_checked(dst, mode, scale_in_exp());
  }
}

void MultipassKernel::scale_scores() const {
  reconfig_data_format(cb_scores, cb_scale);
  cb_wait_front(cb_scale, 1);
  in_place(cb_scores, score_tiles_, [&] {
    for_each_tile(cb_scores, score_tiles_, divisor(score_tiles_, args_.slots), [](std::uint32_t tile, std::uint32_t slot) {
      mul_tiles_bcast_scalar(cb_scores, cb_scale, tile, 0, slot);
    });
  });
}

/// Pops the mask.
void MultipassKernel::add_mask() const {
  zone(Phase::mask);
  reconfig_data_format(cb_scores, cb_mask);
  cb_wait_front(cb_mask, score_tiles_);
  in_place(cb_scores, score_tiles_, [&] {
    for_each_tile(cb_scores, score_tiles_, 1,
                  [](std::uint32_t tile, std::uint32_t slot) { add_tiles(cb_scores, cb_mask, tile, tile, slot); });
  });
  cb_pop_front(cb_mask, score_tiles_);
}

/// With `merge` the maximum so far takes part.
void MultipassKernel::row_max(bool merge) const {
  zone(Phase::max);
  constexpr std::uint32_t most_rows = 4;
  const std::uint32_t rows = has(Step::fused_max) ? divisor(args_.q_chunk_t, std::min(most_rows, args_.slots)) : 1;
  reconfig_data_format(cb_scores, cb_scaler);
  cb_wait_front(cb_scaler, 1);
  cb_wait_front(cb_scores, score_tiles_);
  if (merge) cb_wait_front(max_prev_, args_.q_chunk_t);
  cb_reserve_back(max_cur_, args_.q_chunk_t);
  for_each_tile(max_cur_, args_.q_chunk_t, rows, [&](std::uint32_t row, std::uint32_t slot) {
    if (merge) copy_tile(max_prev_, row, slot);
    reduce_block_max_row(cb_scores, cb_scaler, row * args_.k_chunk_t, args_.k_chunk_t, slot);
  });
  cb_push_back(max_cur_, args_.q_chunk_t);
}

void MultipassKernel::merge_max() const {
  reconfig_data_format(max_cur_, max_prev_);
  cb_wait_front(max_prev_, args_.q_chunk_t);
  in_place(max_cur_, args_.q_chunk_t, [&] {
    for_each_tile(max_cur_, args_.q_chunk_t, 1, [&](std::uint32_t row, std::uint32_t) {
      copy_tile(max_cur_, row, 0);
      copy_tile(max_prev_, row, 1);
      binary_max_tile(0, 1, 0, column_mode());
    });
  });
}

/// Scores become P in place; with packer_sum the sums get the row sums of P, still 32 columns wide.
void MultipassKernel::subtract_exp() const {
  zone(Phase::exp);
  const std::uint32_t columns = divisor(args_.k_chunk_t, args_.slots);
  const bool add_up = has(Step::packer_sum);
  reconfig_data_format(cb_scores, max_cur_);
  cb_wait_front(max_cur_, args_.q_chunk_t);
  if (add_up) cb_reserve_back(sum_cur_, args_.q_chunk_t);
  in_place(cb_scores, score_tiles_, [&] {
    for (std::uint32_t first = 0; first < score_tiles_; first += columns) {
      const std::uint32_t row = first / args_.k_chunk_t;
      const bool row_begins = first % args_.k_chunk_t == 0;
      passes::section(
          [&] {
            for (std::uint32_t c = 0; c < columns; ++c) {
              sub_tiles_bcast_cols(cb_scores, max_cur_, first + c, row, c);
              if (args_.exp_accurate != 0) {
                exp_tile(c, false, VectorMode::rc, scale_in_exp());
              } else {
                fast_exp(c, VectorMode::rc);
              }
            }
          },
          [&] {
            for (std::uint32_t c = 0; c < columns; ++c) pack_tile_at(c, cb_scores, first + c);
            if (!add_up) return;
            zone(Phase::sum);
            for (std::uint32_t c = 0; c < columns; ++c) {
              if (c == (row_begins ? 1U : 0U)) pack_reconfig_l1_acc(true);
              pack_tile_at(c, sum_cur_, row);
            }
            pack_reconfig_l1_acc(false);
            zone(Phase::exp);
          });
    }
  });
  if (add_up) cb_push_back(sum_cur_, args_.q_chunk_t);
}

/// Sums of the rows of P, in column 0.
void MultipassKernel::sum_rows() const {
  zone(Phase::sum);
  cb_wait_front(cb_scores, score_tiles_);
  cb_reserve_back(sum_cur_, args_.q_chunk_t);
  if (has(Step::matmul_sum)) {
    sum_rows_by_matmul();
  } else {
    cb_wait_front(cb_scaler, 1);
    reconfig_data_format(cb_scores, cb_scaler);
    for_each_tile(sum_cur_, args_.q_chunk_t, 1, [&](std::uint32_t row, std::uint32_t slot) {
      for (std::uint32_t tile = row * args_.k_chunk_t; tile < (row + 1) * args_.k_chunk_t; ++tile) {
        reduce_tile(Pool::sum, ReduceDim::row, cb_scores, cb_scaler, tile, 0, slot);
      }
    });
  }
  cb_push_back(sum_cur_, args_.q_chunk_t);
}

/// The column of ones stays in its source register for a block of rows.
void MultipassKernel::sum_rows_by_matmul() const {
  const std::uint32_t rows = divisor(args_.q_chunk_t, args_.slots);
  cb_wait_front(cb_ones_column, 1);
  reconfig_data_format(cb_ones_column, cb_scores);
  mm_block_init_short(cb_scores, cb_ones_column, false, 1, rows, args_.k_chunk_t);
  for (std::uint32_t row = 0; row < args_.q_chunk_t; row += rows) {
    section_to(sum_cur_, row, rows, [&] {
      for (std::uint32_t column = 0; column < args_.k_chunk_t; ++column) {
        const std::uint32_t first = row * args_.k_chunk_t + column;
        matmul_block(cb_scores, cb_ones_column, first, 0, 0, false, 1, rows, args_.k_chunk_t);
      }
    });
  }
}

/// Pops the maximum so far.
void MultipassKernel::make_alpha() const {
  zone(Phase::rescale);
  const bool fast = args_.exp_accurate == 0 && has(Step::fast_alpha) && !has(Step::exact_alpha);
  reconfig_data_format(max_prev_, max_cur_);
  cb_wait_front(max_prev_, args_.q_chunk_t);
  cb_wait_front(max_cur_, args_.q_chunk_t);
  cb_reserve_back(cb_alpha, args_.q_chunk_t);
  for_each_tile(cb_alpha, args_.q_chunk_t, 1, [&](std::uint32_t row, std::uint32_t) {
    sub_tiles(max_prev_, max_cur_, row, row, 0);
    if (!fast) {
      exp_tile(0, false, column_mode(), scale_in_exp());
      return;
    }
    // The fast exponential is below 1 at 0: without the correction old chunks would fade with every step.
    fast_exp(0, column_mode());
    mul_unary_tile(0, args_.alpha_correction(), column_mode());
  });
  cb_push_back(cb_alpha, args_.q_chunk_t);
  cb_pop_front(max_prev_, args_.q_chunk_t);
}

/// l += alpha l_prev; pops l_prev.
void MultipassKernel::rescale_sum() const {
  reconfig_data_format(sum_prev_, cb_alpha);
  cb_wait_front(cb_alpha, args_.q_chunk_t);
  in_place(sum_prev_, args_.q_chunk_t, [&] {
    for_each_tile(sum_prev_, args_.q_chunk_t, 1,
                  [&](std::uint32_t row, std::uint32_t slot) { mul_tiles_bcast_cols(sum_prev_, cb_alpha, row, row, slot); });
  });
  reconfig_data_format(sum_cur_, sum_prev_);
  cb_wait_front(sum_prev_, args_.q_chunk_t);
  in_place(sum_cur_, args_.q_chunk_t, [&] {
    for_each_tile(sum_cur_, args_.q_chunk_t, 1,
                  [&](std::uint32_t row, std::uint32_t slot) { add_tiles(sum_cur_, sum_prev_, row, row, slot); });
  });
  cb_pop_front(sum_prev_, args_.q_chunk_t);
}

/// O_prev *= alpha; pops alpha.
void MultipassKernel::rescale_output() const {
  const std::uint32_t tiles = args_.q_chunk_t * args_.v_dim_t;
  reconfig_data_format(out_prev_, cb_alpha);
  in_place(out_prev_, tiles, [&] {
    for_each_tile(out_prev_, tiles, divisor(args_.v_dim_t, args_.slots), [&](std::uint32_t tile, std::uint32_t slot) {
      mul_tiles_bcast_cols(out_prev_, cb_alpha, tile, tile / args_.v_dim_t, slot);
    });
  });
  cb_pop_front(cb_alpha, args_.q_chunk_t);
}

/// O_prev += O_cur; pops O_cur.
void MultipassKernel::add_output() const {
  const std::uint32_t tiles = args_.q_chunk_t * args_.v_dim_t;
  reconfig_data_format(out_prev_, out_cur_);
  cb_wait_front(out_cur_, tiles);
  in_place(out_prev_, tiles, [&] {
    for_each_tile(out_prev_, tiles, 1,
                  [&](std::uint32_t tile, std::uint32_t slot) { add_tiles(out_prev_, out_cur_, tile, tile, slot); });
  });
  cb_pop_front(out_cur_, tiles);
}

/// O_cur += alpha O_prev; pops O_prev and alpha.
void MultipassKernel::rescale_output_by_packer() const {
  const std::uint32_t tiles = args_.q_chunk_t * args_.v_dim_t;
  reconfig_data_format(out_prev_, cb_alpha);
  cb_wait_front(out_prev_, tiles);
  pack_reconfig_l1_acc(true);
  in_place(out_cur_, tiles, [&] {
    for_each_tile(out_cur_, tiles, divisor(args_.v_dim_t, args_.slots), [&](std::uint32_t tile, std::uint32_t slot) {
      mul_tiles_bcast_cols(out_prev_, cb_alpha, tile, tile / args_.v_dim_t, slot);
    });
  });
  pack_reconfig_l1_acc(false);
  cb_pop_front(out_prev_, tiles);
  cb_pop_front(cb_alpha, args_.q_chunk_t);
}

/// Pops what it copies.
void MultipassKernel::copy_statistic(std::uint32_t from, std::uint32_t to) const {
  reconfig_data_format(from, from);
  cb_wait_front(from, args_.q_chunk_t);
  cb_reserve_back(to, args_.q_chunk_t);
  for_each_tile(to, args_.q_chunk_t, 1, [&](std::uint32_t row, std::uint32_t slot) { copy_tile(from, row, slot); });
  cb_push_back(to, args_.q_chunk_t);
  cb_pop_front(from, args_.q_chunk_t);
}

/// l becomes 1 / l, in column 0.
void MultipassKernel::finish_sum() const {
  zone(Phase::normalise);
  if (has(Step::packer_sum)) {
    cb_wait_front(cb_ones_column, 1);
    reconfig_data_format(cb_ones_column, sum_prev_);
    mm_block_init_short(sum_prev_, cb_ones_column, false, 1, 1, 1);
    in_place(sum_prev_, args_.q_chunk_t, [&] {
      for_each_tile(sum_prev_, args_.q_chunk_t, 1,
                    [&](std::uint32_t row, std::uint32_t slot) { matmul_tiles(sum_prev_, cb_ones_column, row, 0, slot); });
    });
  }
  if (get_dataformat(sum_prev_) != get_dataformat(cb_ones_column)) reconfig_data_format(sum_prev_, sum_prev_);
  in_place(sum_prev_, args_.q_chunk_t, [&] {
    for_each_tile(sum_prev_, args_.q_chunk_t, 1, [&](std::uint32_t row, std::uint32_t slot) {
      copy_tile(sum_prev_, row, slot);
      recip_tile(slot, column_mode());
    });
  });
}

/// The output is O_prev times 1 / l; pops both.
void MultipassKernel::normalise() const {
  const std::uint32_t tiles = args_.q_chunk_t * args_.v_dim_t;
  reconfig_data_format(out_prev_, sum_prev_);
  pack_reconfig_data_format(cb_out);
  cb_wait_front(out_prev_, tiles);
  cb_wait_front(sum_prev_, args_.q_chunk_t);
  cb_reserve_back(cb_out, tiles);
  for_each_tile(cb_out, tiles, divisor(args_.v_dim_t, args_.slots), [&](std::uint32_t tile, std::uint32_t slot) {
    mul_tiles_bcast_cols(out_prev_, sum_prev_, tile, tile / args_.v_dim_t, slot);
  });
  cb_push_back(cb_out, tiles);
  cb_pop_front(out_prev_, tiles);
  cb_pop_front(sum_prev_, args_.q_chunk_t);
}

/// One Q chunk against all the K chunks that it visits.
void MultipassKernel::attend(std::uint32_t q_chunk) {
  max_prev_ = cb_max_a;
  max_cur_ = cb_max_b;
  sum_prev_ = cb_sum_a;
  sum_cur_ = cb_sum_b;
  out_prev_ = cb_accumulator_a;
  out_cur_ = cb_accumulator_b;
  zone(Phase::qk);
  cb_wait_front(cb_q, args_.q_chunk_t * args_.dim_t);
  for (std::uint32_t j = 0; j < args_.visited_chunks(q_chunk); ++j) {
    mark_loop();
    const bool masked = args_.masked(q_chunk, j);
    repeat({max_prev_, sum_prev_, out_prev_, j != 0, masked}, [&] {
      zone(Phase::qk);
      qk().run(cb_scores);
      if (!has(Step::fused_scale)) scale_scores();
      if (masked) add_mask();
      row_max(j != 0 && has(Step::fused_max));
      if (j != 0 && !has(Step::fused_max)) merge_max();
      subtract_exp();
      if (!has(Step::packer_sum)) sum_rows();
      zone(Phase::pv);
      cb_wait_front(cb_scores, score_tiles_);
      pv().run(j == 0 && !has(Step::l1_add) ? out_prev_ : out_cur_);
      cb_pop_front(cb_scores, score_tiles_);
      if (j != 0) {
        make_alpha();
        rescale_sum();
        if (has(Step::l1_add)) {
          rescale_output_by_packer();
        } else {
          rescale_output();
          add_output();
        }
      }
    });
    if (has(Step::l1_add)) std::swap(out_prev_, out_cur_);
    if (has(Step::ping_pong)) {
      std::swap(max_prev_, max_cur_);
      std::swap(sum_prev_, sum_cur_);
    } else {
      zone(Phase::rescale);
      copy_statistic(max_cur_, max_prev_);
      copy_statistic(sum_cur_, sum_prev_);
    }
  }
  mark_loop();
  cb_pop_front(cb_q, args_.q_chunk_t * args_.dim_t);
  if (!has(Step::ping_pong)) cb_wait_front(max_prev_, args_.q_chunk_t);
  cb_pop_front(max_prev_, args_.q_chunk_t);
  finish_sum();
  normalise();
}

}  // namespace

void multipass_compute() {
  const KernelArgs args = KernelArgs::of_this_kernel();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  compute_kernel_hw_startup(cb_q, cb_k, cb_scores);
  MultipassKernel kernel(args);
  kernel.start();
  for (std::uint32_t position = first; position < first + count; ++position) {
    kernel.attend(args.item_at(position).chunk);
  }
}

}  // namespace tilegrid::attention
