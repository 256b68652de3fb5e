// SPDX-License-Identifier: Apache-2.0
// TRISC of softmax: tile row by tile row, one pass for each operation. A row that fits L1 is read once:
//   scale, mask | max | exp(x - max) | sum | times 1 / sum
// A longer one comes in parts three times, for max, for the sum, and for the result; what was left in L1 is computed again.
#include "kernels/api/compute.h"
#include "kernels/attention/phases.h"
#include "kernels/attention/unfused/arguments.h"
#include "kernels/common/passes.h"

namespace tilegrid::unfused {
namespace {

using namespace tilegrid::api;
using attention::Phase;
using passes::for_each_tile;
using passes::in_place;
using passes::section_to;

/// A 16-bit DST or L1 that adds up all tiles of a long row would lose what the last ones add.
constexpr std::uint32_t tiles_of_a_sum = 32;

class Softmax {
 public:
  explicit Softmax(const SoftmaxArgs& args) : args_(args) {}
  void start() const;
  /// A tile row.
  void row() const;

 private:
  /// Columns [first, first + count) of the row, in cb_work; a part has part_t pages, whatever the count.
  struct Part {
    std::uint32_t first, count;
  };
  [[nodiscard]] Part part(std::uint32_t index) const { return {index * args_.part_t, args_.columns_of(index)}; }

  void load(const Part& part) const;
  void add_mask(const Part& part) const;
  void close_edge(const Part& part) const;
  void find_max(const Part& part) const;
  void exponential(const Part& part) const;
  void add_up(const Part& part) const;
  void invert_sum() const;
  void normalise(const Part& part) const;
  void drop() const { cb_pop_front(cb_work, args_.part_t); }

  SoftmaxArgs args_;
};

/// The tile of the scale, which passes read as a scalar.
void Softmax::start() const {
  pack_reconfig_data_format(cb_scale);
  cb_reserve_back(cb_scale, 1);
  section_to(cb_scale, 0, 1, [&] { fill_tile(0, args_.scale()); });
  cb_push_back(cb_scale, 1);
  cb_wait_front(cb_scale, 1);
  cb_wait_front(cb_scaler, 1);
  if (args_.needs_edge()) cb_wait_front(cb_edge, 1);
}

/// Scores of the part, times scale and with mask.
void Softmax::load(const Part& part) const {
  zone(Phase::mask);
  reconfig_data_format(cb_scores_in, cb_scale);
  pack_reconfig_data_format(cb_work);
  cb_wait_front(cb_scores_in, args_.part_t);
  cb_reserve_back(cb_work, args_.part_t);
  for_each_tile(cb_work, part.count, args_.slots, [](std::uint32_t tile, std::uint32_t slot) {
    mul_tiles_bcast_scalar(cb_scores_in, cb_scale, tile, 0, slot);
  });
  cb_push_back(cb_work, args_.part_t);
  cb_pop_front(cb_scores_in, args_.part_t);
  if (args_.has_mask_in != 0) add_mask(part);
  if (args_.needs_edge() && part.first + part.count == args_.columns_t) close_edge(part);
}

/// Most tiles of a causal mask are all zeros or all closed, but the kernel doesn't know: it is any mask.
void Softmax::add_mask(const Part& part) const {
  reconfig_data_format(cb_work, cb_mask_in);
  cb_wait_front(cb_mask_in, args_.part_t);
  in_place(cb_work, args_.part_t, [&] {
    for_each_tile(cb_work, part.count, args_.slots,
                  [](std::uint32_t tile, std::uint32_t slot) { add_tiles(cb_work, cb_mask_in, tile, tile, slot); });
  });
  cb_pop_front(cb_mask_in, args_.part_t);
}

void Softmax::close_edge(const Part& part) const {
  reconfig_data_format(cb_work, cb_edge);
  in_place(cb_work, args_.part_t,
           [&] { section_to(cb_work, part.count - 1, 1, [&] { add_tiles(cb_work, cb_edge, part.count - 1, 0, 0); }); });
}

/// cb_max gets the maximum of the row up to here.
void Softmax::find_max(const Part& part) const {
  zone(Phase::max);
  reconfig_data_format(cb_work, cb_scaler);
  pack_reconfig_data_format(cb_max);
  cb_wait_front(cb_work, args_.part_t);
  const auto reduce = [&](bool merge) {
    section_to(cb_max, 0, 1, [&] {
      if (merge) copy_tile(cb_max, 0, 0);
      reduce_block_max_row(cb_work, cb_scaler, 0, part.count, 0);
    });
  };
  if (part.first != 0) return in_place(cb_max, 1, [&] { reduce(true); });
  cb_reserve_back(cb_max, 1);
  reduce(false);
  cb_push_back(cb_max, 1);
}

void Softmax::exponential(const Part& part) const {
  zone(Phase::exp);
  reconfig_data_format(cb_work, cb_max);
  pack_reconfig_data_format(cb_work);
  cb_wait_front(cb_max, 1);
  in_place(cb_work, args_.part_t, [&] {
    for_each_tile(cb_work, part.count, args_.slots, [&](std::uint32_t tile, std::uint32_t slot) {
      sub_tiles_bcast_cols(cb_work, cb_max, tile, 0, slot);
      exp_tile(slot, args_.exp_accurate == 0);
    });
  });
}

/// cb_sum gets the sum of the row up to here; the packer adds the sums of some tiles each.
void Softmax::add_up(const Part& part) const {
  zone(Phase::sum);
  reconfig_data_format(cb_work, cb_scaler);
  pack_reconfig_data_format(cb_sum);
  cb_wait_front(cb_work, args_.part_t);
  const auto add = [&](bool begun) {
    if (begun) pack_reconfig_l1_acc(true);
    for (std::uint32_t first = 0; first < part.count; first += tiles_of_a_sum) {
      if (!begun && first == tiles_of_a_sum) pack_reconfig_l1_acc(true);
      section_to(cb_sum, 0, 1, [&] {
        for (std::uint32_t c = first; c < part.count && c < first + tiles_of_a_sum; ++c) {
          reduce_tile(Pool::sum, ReduceDim::row, cb_work, cb_scaler, c, 0, 0);
        }
      });
    }
    if (begun || part.count > tiles_of_a_sum) pack_reconfig_l1_acc(false);
  };
  if (part.first != 0) return in_place(cb_sum, 1, [&] { add(true); });
  cb_reserve_back(cb_sum, 1);
  add(false);
  cb_push_back(cb_sum, 1);
}

void Softmax::invert_sum() const {
  zone(Phase::normalise);
  reconfig_data_format(cb_sum, cb_sum);
  pack_reconfig_data_format(cb_sum);
  in_place(cb_sum, 1, [&] {
    section_to(cb_sum, 0, 1, [&] {
      copy_tile(cb_sum, 0, 0);
      recip_tile(0);
    });
  });
}

/// Pops the part.
void Softmax::normalise(const Part& part) const {
  zone(Phase::normalise);
  reconfig_data_format(cb_work, cb_sum);
  pack_reconfig_data_format(cb_softmax);
  cb_wait_front(cb_work, args_.part_t);
  cb_wait_front(cb_sum, 1);
  cb_reserve_back(cb_softmax, args_.part_t);
  for_each_tile(cb_softmax, part.count, args_.slots,
                [](std::uint32_t tile, std::uint32_t slot) { mul_tiles_bcast_cols(cb_work, cb_sum, tile, 0, slot); });
  cb_push_back(cb_softmax, args_.part_t);
  drop();
}

void Softmax::row() const {
  for (std::uint32_t i = 0; i < args_.parts; ++i) {
    mark_loop();
    load(part(i));
    find_max(part(i));
    if (args_.parts > 1) drop();
  }
  for (std::uint32_t i = 0; i < args_.parts; ++i) {
    mark_loop();
    if (args_.parts > 1) load(part(i));
    exponential(part(i));
    add_up(part(i));
    if (args_.parts > 1) drop();
  }
  mark_loop();
  invert_sum();
  for (std::uint32_t i = 0; i < args_.parts; ++i) {
    mark_loop();
    if (args_.parts > 1) {
      load(part(i));
      exponential(part(i));
    }
    normalise(part(i));
  }
  mark_loop();
  cb_pop_front(cb_max, 1);
  cb_pop_front(cb_sum, 1);
}

}  // namespace

void softmax_compute() {
  const auto args = args_of_this_kernel<SoftmaxArgs>();
  const auto count = get_arg_val<std::uint32_t>(1);
  compute_kernel_hw_startup(cb_scores_in, cb_scale, cb_work);
  const Softmax softmax(args);
  softmax.start();
  for (std::uint32_t row = 0; row < count; ++row) softmax.row();
}

}  // namespace tilegrid::unfused
