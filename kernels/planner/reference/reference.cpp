// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/reference/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/tile.h"
#include "core/types.h"
#include "kernels/planner/plan/stages.h"
#include "kernels/planner/reference/reference_functions.h"

namespace tilegrid::planner {
namespace {

std::size_t at(int index) { return index; }

/// A value of the graph over the whole tensor.
struct Work {
  int rows = 0;
  int cols = 0;
  int places = 24;  ///< of the significand, at most
  std::vector<double> values;
  std::vector<double> bounds;
  std::vector<bool> lost;  ///< as in Evaluated

  void resize(int r, int c) {
    rows = r;
    cols = c;
    values.assign(at(r) * at(c), 0);
    bounds.assign(at(r) * at(c), 0);
  }
  [[nodiscard]] std::size_t index(int r, int c) const { return at(r) * at(cols) + at(c); }
  [[nodiscard]] Bounded get(int r, int c) const { return {.value = values[index(r, c)], .bound = bounds[index(r, c)]}; }
  [[nodiscard]] Bounded broadcast(int r, int c) const { return get(rows == 1 ? 0 : r, cols == 1 ? 0 : c); }
  void set(int r, int c, Bounded x) {
    values[index(r, c)] = x.value;
    bounds[index(r, c)] = x.bound;
  }
};

/// The tensor after a trip through tiles of a block-float format.
std::vector<float> in_block_floats(const Tensor& tensor, DataFormat format) {
  const std::size_t tiles = at(tiles_of(tensor.rows)) * at(tiles_of(tensor.cols));
  std::vector<std::byte> packed(tiles * tile_bytes(format));
  tilize(tensor.values, tensor.rows, tensor.cols, format, packed);
  std::vector<float> values(tensor.values.size());
  untilize(packed, tensor.rows, tensor.cols, format, values);
  return values;
}

/// Where one result of a reduction comes from: elements [row, row_end) x [col, col_end).
struct Region {
  int row = 0, row_end = 0, col = 0, col_end = 0;
  /// What of the region is in each tile, or in each face.
  template <class Visit>
  void for_each_block(int side, const Visit& visit) const {
    for (int r = row; r < row_end; r += side - r % side) {
      for (int c = col; c < col_end; c += side - c % side) {
        visit(Region{.row = r,
                     .row_end = std::min(row_end, r + side - r % side),
                     .col = c,
                     .col_end = std::min(col_end, c + side - c % side)});
      }
    }
  }
};

/// Sums and error bounds of one row of results of a matmul, as they grow over blocks of 32 of K.
struct MatmulRow {
  double* values;
  double* bounds;
  double* largest;  ///< of the partial sums, bounds included
};

class Evaluation {
 public:
  Evaluation(const Graph& graph, const ErrorModel& model, const std::function<void(std::uint64_t)>& progress)
      : graph_(graph), model_(model), progress_(progress), works_(graph.values().size()) {}

  void load(const std::vector<Tensor>& inputs) {
    if (inputs.size() != at(graph_.input_count())) {
      throw UsageError(fmt::format("{} inputs given, the graph has {}", inputs.size(), graph_.input_count()));
    }
    for (int i = 0; i < graph_.input_count(); ++i) load(i, inputs[at(i)]);
  }

  void run() {
    for (int i = 0; i < count_of(graph_.ops()); ++i) {
      Work& out = works_[at(graph_.result_of(i))];
      out.places = dst_places();
      compute(i, out);
      for (std::size_t e = 0; e < out.values.size(); ++e) {
        const Bounded x{.value = out.values[e], .bound = out.bounds[e]};
        out.bounds[e] = settle(x).bound;
        const double size = std::fabs(x.value);
        leaves_range_ = leaves_range_ || !(size + x.bound <= largest_result) || (size > 0 && size < smallest_kept);
      }
      if (!model_.limited_range) find_lost(i, out);
    }
  }
  /// Whether a number on the way may have been too large or too small for the device.
  [[nodiscard]] bool leaves_range() const { return leaves_range_; }

  [[nodiscard]] Evaluated output(ValueId id) const {
    const Work& work = works_[at(id)];
    if (is_block_float(output_format())) return block_float_output(work);
    const int kept = places_of(output_format());
    // The packer rounds half away from zero to the format (tensix.md 1.6), and cuts 32-bit DST to fp16.
    const bool half = output_format() == DataFormat::fp16;
    const double unit = work.places > kept ? std::ldexp(half && model_.dst_fp32 ? 2.0 : 1.0, -kept) : 0;
    Evaluated out = evaluated(work);
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      const double flushed = half ? smallest_half : 0;
      const Bounded packed = with_loss({.value = out.values[i], .bound = out.bounds[i] + flushed}, unit);
      out.bounds[i] = (half ? settled_half(packed) : settle(packed)).bound;
    }
    return out;
  }

 private:
  static constexpr double smallest_kept = 0x1p-100;  ///< what is flushed is less than a rounding of this

  [[nodiscard]] Bounded settle(Bounded x) const { return half_dst() ? settled_half(x) : settled(x, model_.limited_range); }
  /// 16-bit DST is fp16 when what comes in is.
  [[nodiscard]] bool half_dst() const { return !model_.dst_fp32 && model_.format == DataFormat::fp16; }
  /// What is flushed to 0.
  [[nodiscard]] double flushed() const {
    if (half_dst()) return smallest_half;
    return model_.limited_range ? smallest_normal : 0;
  }
  [[nodiscard]] static Evaluated evaluated(const Work& work) {
    return {.rows = work.rows,
            .cols = work.cols,
            .values = work.values,
            .bounds = work.bounds,
            .roundings = {},
            .lost = work.lost};
  }

  /// Marks results that are, or stem from, numbers that are too large for double precision. A product or a sum over a whole
  /// axis is marked as a whole.
  void find_lost(int index, Work& out) const {
    const Op& op = graph_.op(index);
    bool from_operands = false;
    for (const ValueId id : op.in) from_operands = from_operands || !works_[at(id)].lost.empty();
    const bool elementwise = op.kind <= OpKind::ternary;
    const bool pole = op.function != nullptr && has_pole(*op.function);
    const bool infinite = std::any_of(out.values.begin(), out.values.end(), [](double x) { return std::isinf(x); });
    if (!from_operands && (!infinite || pole)) return;
    std::vector<bool> lost(out.values.size());
    for (int e = 0; e < count_of(lost); ++e) {
      bool finite = true;
      bool any = !elementwise && from_operands;
      const int row = e / out.cols;
      const int col = e % out.cols;
      for (std::size_t i = 0; elementwise && i < op.in.size(); ++i) {
        const Work& in = operand(op, i);
        const std::size_t from = in.index(in.rows == 1 ? 0 : row, in.cols == 1 ? 0 : col);
        finite = finite && std::isfinite(in.values[from]);
        any = any || (!in.lost.empty() && in.lost[from]);
      }
      lost[e] = any || (elementwise && finite && !pole && std::isinf(out.values[e]));
    }
    if (std::find(lost.begin(), lost.end(), true) != lost.end()) out.lost = std::move(lost);
  }

  /// The packer rounds to 7 places, and then to the nearest of up to 127 64ths of the power of two below the largest of 16
  /// neighbours: up to three quarters of a 64th off, and a little more where the first rounding raised that power (tensix.md
  /// 1.6). Formats of fewer bits are cut off that.
  [[nodiscard]] Evaluated block_float_output(const Work& work) const {
    Evaluated out = evaluated(work);
    const int bits = magnitude_bits(output_format());
    const double most = 0.76 * 0x1p-6 + (bits < 7 ? std::ldexp(1.0, 1 - bits) : 0);
    for (std::size_t first = 0; first < out.values.size(); first += block_float_group) {
      const std::size_t end = std::min(first + block_float_group, out.values.size());
      double largest = 0;
      for (std::size_t i = first; i < end; ++i) largest = std::max(largest, std::fabs(out.values[i]) + out.bounds[i]);
      for (std::size_t i = first; i < end; ++i) {
        out.bounds[i] = settle({.value = out.values[i], .bound = out.bounds[i] + most * largest}).bound;
      }
    }
    return out;
  }
  [[nodiscard]] DataFormat output_format() const { return model_.output_format.value_or(model_.format); }
  [[nodiscard]] int dst_places() const { return planner::dst_places(model_.dst_fp32); }
  [[nodiscard]] int source_places() const { return planner::source_places(model_.dst_fp32); }
  [[nodiscard]] const Work& operand(const Op& op, std::size_t index) const { return works_[at(op.in[index])]; }

  void load(ValueId id, const Tensor& tensor) {
    const Value& value = graph_.value(id);
    const auto fits = [](Extent extent, int elements) {
      return extent.unit ? elements == 1 : elements > 0 && elements % tile_side == 0;
    };
    if (!fits(value.shape.rows, tensor.rows) || !fits(value.shape.cols, tensor.cols) ||
        tensor.values.size() != at(tensor.rows) * at(tensor.cols)) {
      throw UsageError(fmt::format("input '{}': {} values as {}x{} do not fit shape {}", value.name, tensor.values.size(),
                                   tensor.rows, tensor.cols, text_of(value.shape)));
    }
    Work& work = works_[at(id)];
    work.resize(tensor.rows, tensor.cols);
    const DataFormat format = model_.input_formats.empty() ? model_.format : model_.input_formats.at(at(id));
    work.places = places_of(format);
    if (is_block_float(format)) {
      const std::vector<float> rounded = in_block_floats(tensor, format);
      std::copy(rounded.begin(), rounded.end(), work.values.begin());
      return;
    }
    std::transform(tensor.values.begin(), tensor.values.end(), work.values.begin(),
                   [format](float x) { return rounded_to(x, format); });
  }

  void compute(int index, Work& out) {
    const Op& op = graph_.op(index);
    switch (op.kind) {
      case OpKind::matmul:
        return matmul(op, out);
      case OpKind::reduce:
        return op.pool == Pool::max ? reduce_max(op, out) : reduce_sum(op, out);
      case OpKind::tile_sum:
        return tile_sum(op, graph_.is_output(graph_.result_of(index)), out);
      case OpKind::transpose:
        return transpose(op, out);
      default:
        elementwise(op, out);
    }
  }

  /// Whether the FPU may do an element-wise operation: not when that cuts fp32 values and nobody allowed it.
  [[nodiscard]] bool may_use_fpu(const Op& op) const {
    if (!model_.dst_fp32 || model_.allow_tf32 || op.form != FormRule::any) return true;
    return std::all_of(op.in.begin(), op.in.end(), [this](ValueId id) { return works_[at(id)].places <= source_places(); });
  }
  /// What an operand of an element-wise operation may lose on its way: 16-bit DST holds 8 places of any format.
  [[nodiscard]] double element_cut(const Op& op, const Work& in) const {
    if (!model_.dst_fp32) return truncation(in.places, 8);
    return model_.allow_tf32 || op.form != FormRule::any ? truncation(in.places, 11) : 0;
  }

  /// How often DST is rounded on the way, for each 16 products or each product of an element-wise operation.
  [[nodiscard]] int phases() const { return model_.numerics == Numerics::fast ? 1 : to_underlying(model_.fidelity); }
  /// What the alignment of products in groups of eight takes in exact numerics, relative to the sum of their sizes: seven
  /// may lose half a unit in the last of 11 places of the largest, in the later phases of less.
  [[nodiscard]] double group_cut() const { return model_.numerics == Numerics::exact ? 7 * 0x1p-11 * 1.05 : 0; }
  /// Relative to the largest of three terms, what one of several additions to DST takes: with 16 bits exact numerics cut
  /// each term to 11 places, too.
  [[nodiscard]] double step_unit() const {
    const double cut = model_.numerics == Numerics::exact && !model_.dst_fp32 ? 3 * 0x1p-11 : 0;
    return (model_.numerics == Numerics::exact ? 4 : 1) * fp32_unit + (model_.dst_fp32 ? 0 : bf16_unit) + cut;
  }
  [[nodiscard]] double product_cut(int places_a, int places_b) const {
    return planner::product_cut(model_.fidelity, model_.dst_fp32, places_a, places_b);
  }

  void check_broadcast(const Op& op, Work& out) const {
    int rows = 1;
    int cols = 1;
    for (const ValueId id : op.in) {
      rows = std::max(rows, works_[at(id)].rows);
      cols = std::max(cols, works_[at(id)].cols);
    }
    for (const ValueId id : op.in) {
      const Work& in = works_[at(id)];
      if ((in.rows == 1 || in.rows == rows) && (in.cols == 1 || in.cols == cols)) continue;
      throw UsageError(fmt::format("operation '{}': '{}' is {}x{} and can't be broadcast to {}x{}", op.name,
                                   graph_.value(id).name, in.rows, in.cols, rows, cols));
    }
    out.resize(rows, cols);
  }

  void elementwise(const Op& op, Work& out) const {
    const Evaluator evaluator = find_evaluator(*op.function);
    if (evaluator == nullptr) {
      throw UsageError(fmt::format("operation '{}': function '{}' can be planned but not run", op.name, op.function->name));
    }
    check_broadcast(op, out);
    ElementErrors errors{.dst_fp32 = model_.dst_fp32,
                         .half_dst = half_dst(),
                         .fast_exp = model_.fast_exp,
                         .sfpu_steps = model_.numerics == Numerics::exact,
                         .limited_range = model_.limited_range};
    if (op.kind == OpKind::binary && (model_.fpu || op.form != FormRule::any) && may_use_fpu(op)) {
      const int a = operand(op, 0).places;
      const int b = operand(op, 1).places;
      // A planner may swap the factors.
      errors.product_cut = std::max(product_cut(a, b), product_cut(b, a));
    }
    // Where the fidelity takes nothing from a product it may be one of the FPU in any case.
    if (op.kind == OpKind::binary && may_use_fpu(op)) {
      errors.product_roundings = phases();
      // Half a unit in the last of 11 places.
      if (model_.numerics == Numerics::exact) errors.sum_cut = 0x1p-11;
    }
    std::array<Bounded, 3> in;
    for (int r = 0; r < out.rows; ++r) {
      for (int c = 0; c < out.cols; ++c) {
        for (std::size_t i = 0; i < op.in.size(); ++i) {
          in[i] = operand(op, i).broadcast(r, c);
          in[i] = with_loss(in[i], element_cut(op, operand(op, i)));
        }
        out.set(r, c, evaluator(errors, std::span(in.data(), op.in.size()), op.parameter));
      }
    }
  }

  /// The accumulator as it enters a slot, or nothing.
  [[nodiscard]] Bounded accumulator(const Op& op, int r, int c) const {
    if (!op.accumulate) return {};
    const Work& in = works_[at(op.in.back())];
    return with_loss(in.get(r, c), element_cut(op, in));
  }
  void check_accumulator(const Op& op, const Work& out) const {
    if (!op.accumulate) return;
    const Work& in = works_[at(op.in.back())];
    if (in.rows == out.rows && in.cols == out.cols) return;
    throw UsageError(fmt::format("operation '{}': accumulator '{}' is {}x{}, the result is {}x{}", op.name,
                                 graph_.value(op.in.back()).name, in.rows, in.cols, out.rows, out.cols));
  }

  static Work transposed(const Work& in) {
    Work out;
    out.resize(in.cols, in.rows);
    out.places = in.places;
    for (int r = 0; r < in.rows; ++r) {
      for (int c = 0; c < in.cols; ++c) out.set(c, r, in.get(r, c));
    }
    return out;
  }

  void matmul(const Op& op, Work& out) {
    const Work& a = operand(op, 0);
    const Work turned = op.transpose_b ? transposed(operand(op, 1)) : Work{};
    const Work& b = op.transpose_b ? turned : operand(op, 1);
    if (a.cols != b.rows) {
      throw UsageError(fmt::format("operation '{}': '{}' has {} columns, '{}' has {} along K", op.name,
                                   graph_.value(op.in[0]).name, a.cols, graph_.value(op.in[1]).name, b.rows));
    }
    out.resize(a.rows, b.cols);
    check_accumulator(op, out);
    std::vector<double> largest(out.values.size());
    for (int r = 0; r < out.rows; ++r) {
      for (int c = 0; c < out.cols; ++c) {
        const Bounded start = accumulator(op, r, c);
        out.set(r, c, start);
        largest[out.index(r, c)] = std::fabs(start.value) + start.bound;
      }
    }
    // Factors swap sources: in0 goes to SrcB, in1 to SrcA.
    const double cut = product_cut(b.places, a.places);
    for (int k = 0; k < a.cols; k += tile_side) {
      for (int r = 0; r < out.rows; ++r) {
        const std::size_t row = out.index(r, 0);
        add_products(a, b, r, k, cut, {&out.values[row], &out.bounds[row], &largest[row]});
      }
      multiply_adds_ += tile_side * out.values.size();
      if (progress_) progress_(multiply_adds_);
    }
  }

  /// One row of results over 32 of K: products added one after another in fp32, then a rounding to DST. Errors of fp32 are
  /// relative to the partial sums on the way (`path`).
  void add_products(const Work& a, const Work& b, int row, int k, double cut, MatmulRow out) const {
    const std::size_t n = at(b.cols);
    std::vector<double> sum(out.values, out.values + n);
    std::vector<double> path(n);
    std::vector<double> most(n);    // sum of |a b|, bounds included
    std::vector<double> peak(n);    // largest partial sum
    std::vector<double> spread(n);  // what the factors' bounds can do
    for (int i = k; i < std::min(k + tile_side, a.cols); ++i) {
      const Bounded left = a.get(row, i);
      const double left_most = std::fabs(left.value) + left.bound;
      const double* value = &b.values[b.index(i, 0)];
      const double* bound = &b.bounds[b.index(i, 0)];
      for (std::size_t c = 0; c < n; ++c) {
        const double size = std::fabs(value[c]) + bound[c];
        sum[c] += left.value * value[c];
        path[c] += std::fabs(sum[c]);
        peak[c] = std::max(peak[c], std::fabs(sum[c]));
        most[c] += left_most * size;
        spread[c] += std::fabs(left.value) * bound[c] + left.bound * size;
      }
    }
    // The second pass of HiFi3 adds terms that are 2^-6 of the products at most.
    const bool two_passes = model_.fidelity == Fidelity::hifi3;
    for (std::size_t c = 0; c < n; ++c) {
      double bound = out.bounds[c] + spread[c] + (cut + group_cut()) * most[c];
      if (model_.numerics != Numerics::fast) bound += rounded_steps(peak[c] + std::fabs(out.values[c]) + bound, most[c]);
      double way = path[c] + tile_side * bound;
      if (two_passes) way += tile_side * (std::fabs(sum[c]) + bound + most[c] * 0x1p-6);
      out.largest[c] = std::max(out.largest[c], std::fabs(sum[c]) + bound);
      double written = std::fabs(sum[c]) + bound;
      if (model_.packer_sums) {
        // Partial sums of one block of K differ from those from the start by what was there before it, and the packer
        // rounds once more.
        way += (two_passes ? 2 : 1) * tile_side * out.largest[c];
        written = 3 * out.largest[c];
      }
      // Of fp16 a group of eight products that are too small counts as 0, in each phase.
      bound += fp32_unit * way + dst_rounding() * written + flushed() * (half_dst() ? tile_side * phases() : 1);
      out.values[c] = sum[c];
      out.bounds[c] = bound;
    }
  }
  /// What DST loses over 32 of K when it is rounded after every 16 products of a phase, the last time apart: each time as
  /// much of the sum so far, to which the later phases come back with less than 2^-4 of the products.
  [[nodiscard]] double rounded_steps(double largest, double most) const {
    const int steps = 2 * phases() - (model_.numerics == Numerics::exact ? 0 : 1);
    return steps * step_unit() * (largest + (phases() > 1 ? most * 0x1p-4 : 0));
  }
  /// Of a sum that is fp32 already.
  [[nodiscard]] double dst_rounding() const {
    if (!model_.dst_fp32) return bf16_unit;
    return model_.packer_sums ? fp32_unit : 0;
  }

  /// Extents of a reduction's result, and the region that element (r, c) of it comes from.
  static void reduced_extents(const Op& op, const Work& in, Work& out) {
    out.resize(op.dim == ReduceDim::row ? in.rows : 1, op.dim == ReduceDim::col ? in.cols : 1);
  }
  static Region region_of(const Op& op, const Work& in, int r, int c) {
    Region region{.row = 0, .row_end = in.rows, .col = 0, .col_end = in.cols};
    if (op.dim == ReduceDim::row) region.row_end = 1 + (region.row = r);
    if (op.dim == ReduceDim::col) region.col_end = 1 + (region.col = c);
    return region;
  }

  /// The error of a maximum is at most that of its operands. It sees the operands, and the maximum so far, cut to what a
  /// source register holds.
  void reduce_max(const Op& op, Work& out) const {
    const Work& in = operand(op, 0);
    reduced_extents(op, in, out);
    check_accumulator(op, out);
    const int places = op.accumulate ? std::max(in.places, works_[at(op.in.back())].places) : in.places;
    const double cut = truncation(places, source_places());
    out.places = std::min(places, source_places());
    for (int r = 0; r < out.rows; ++r) {
      for (int c = 0; c < out.cols; ++c) {
        Bounded most =
            op.accumulate ? accumulator(op, r, c) : in.get(region_of(op, in, r, c).row, region_of(op, in, r, c).col);
        most = with_loss(most, cut);
        const auto take = [&](Bounded x) {
          x = with_loss(x, cut);
          // The device's maximum lies between the largest lower and the largest upper end.
          const double value = std::max(most.value, x.value);
          const double upper = std::max(most.value + most.bound, x.value + x.bound);
          const double lower = std::max(most.value - most.bound, x.value - x.bound);
          const bool certain = upper == value && lower == value;  // as between two of -inf
          most = {.value = value, .bound = certain ? 0 : std::max(upper - value, value - lower)};
        };
        const Region region = region_of(op, in, r, c);
        for (int i = region.row; i < region.row_end; ++i) {
          for (int j = region.col; j < region.col_end; ++j) take(in.get(i, j));
        }
        out.set(r, c, most);
      }
    }
  }

  /// Roundings in fp32 between an element and the sum of its tile: partial sums by column mod 16 and a tree for a row, one
  /// after another for a column, both for a scalar; those of HiFi3 twice (core/simd/matrix_kernels.h).
  [[nodiscard]] int roundings_in_tile(ReduceDim dim) const {
    if (model_.numerics != Numerics::fast) return (dim == ReduceDim::scalar ? 4 : 2) * tile_side * phases();
    const int passes = model_.fidelity == Fidelity::hifi3 ? 2 : 1;
    const int along_row = 2 * passes + 4;
    if (dim == ReduceDim::row) return along_row;
    return tile_side * passes + (dim == ReduceDim::scalar ? along_row : 0);
  }

  /// Sums along a row go through a source register of the operand's format when they are not fast.
  [[nodiscard]] double passed_cut(const Op& op, const Work& in) const {
    if (model_.numerics == Numerics::fast || op.dim == ReduceDim::col) return 0;
    return truncation(dst_places(), in.places > 8 ? source_places() : 8);
  }

  void reduce_sum(const Op& op, Work& out) const {
    const Work& in = operand(op, 0);
    reduced_extents(op, in, out);
    check_accumulator(op, out);
    // The scaler, 1, fits any source.
    const double cut = product_cut(in.places, 1) + group_cut() + passed_cut(op, in);
    const double unit = fp32_unit * roundings_in_tile(op.dim);
    // DST is rounded once a tile; else after each phase of a face, and of the second pooling of a scalar, which is cut, too.
    const bool stepped = model_.numerics != Numerics::fast;
    const int steps = op.dim == ReduceDim::scalar ? 2 * phases() : phases();
    const double of_block = stepped ? steps * step_unit() + passed_cut(op, in) : dst_unit(model_.dst_fp32);
    for (int r = 0; r < out.rows; ++r) {
      for (int c = 0; c < out.cols; ++c) {
        Bounded total = accumulator(op, r, c);
        double largest = std::fabs(total.value) + total.bound;  // of partial sums in any order of blocks
        int blocks = 0;
        region_of(op, in, r, c).for_each_block(stepped ? face_side : tile_side, [&](const Region& block) {
          const Bounded sum = sum_of(in, block, cut + unit);
          total = {.value = total.value + sum.value, .bound = total.bound + sum.bound};
          largest += std::fabs(sum.value) + sum.bound;
          ++blocks;
        });
        total.bound += blocks * (of_block * largest + flushed());
        out.set(r, c, total);
      }
    }
  }
  static Bounded sum_of(const Work& in, const Region& block, double relative) {
    Bounded sum;
    for (int r = block.row; r < block.row_end; ++r) {
      for (int c = block.col; c < block.col_end; ++c) {
        const Bounded x = in.get(r, c);
        sum.value += x.value;
        sum.bound += x.bound + relative * (std::fabs(x.value) + x.bound);
      }
    }
    return sum;
  }

  /// Dest-reuse additions cut the sum so far to a source register each time; the SFPU and the packer only round.
  void tile_sum(const Op& op, bool is_output, Work& out) const {
    const Work& in = operand(op, 0);
    const bool along_row = op.dim == ReduceDim::row;
    out.resize(along_row ? in.rows : tile_side, along_row ? tile_side : in.cols);
    const double cut = element_cut(op, in);
    const bool reuse = model_.dst_fp32 && model_.allow_tf32;
    // The packer adds in the format of its buffer: an output's may be narrower than DST.
    const bool packed = model_.packer_sums && is_output && summed_by_packer(graph_, op);
    const bool narrow = packed && output_format() == DataFormat::bf16 && model_.dst_fp32;
    // Half a unit in the last of 11 places of the larger operand.
    const bool on_fpu = !model_.dst_fp32 || model_.allow_tf32 || in.places <= source_places();
    const double alignment = on_fpu && model_.numerics == Numerics::exact ? 0x1p-11 : 0;
    const double unit = dst_unit(model_.dst_fp32 && !narrow) + (reuse ? truncation(24, 11) : 0) + alignment;
    const int tiles = (along_row ? in.cols : in.rows) / tile_side;
    for (int r = 0; r < out.rows; ++r) {
      for (int c = 0; c < out.cols; ++c) {
        Bounded total;
        double largest = 0;
        for (int t = 0; t < tiles; ++t) {
          const Bounded x = along_row ? in.get(r, c + t * tile_side) : in.get(r + t * tile_side, c);
          const double size = std::fabs(x.value) + x.bound;
          total = {.value = total.value + x.value, .bound = total.bound + x.bound + cut * size};
          largest += size * (1 + cut);
        }
        total.bound += (tiles - 1) * (unit * largest + flushed());
        out.set(r, c, total);
      }
    }
  }

  void transpose(const Op& op, Work& out) const {
    const Work& in = operand(op, 0);
    out = transposed(in);
    const double cut = truncation(in.places, source_places());
    out.places = std::min(in.places, source_places());
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      out.bounds[i] = with_loss({.value = out.values[i], .bound = out.bounds[i]}, cut).bound;
    }
  }

  const Graph& graph_;
  const ErrorModel& model_;
  const std::function<void(std::uint64_t)>& progress_;
  std::uint64_t multiply_adds_ = 0;  ///< of all matmuls so far
  std::vector<Work> works_;
  bool leaves_range_ = false;
};

}  // namespace

std::vector<Evaluated> evaluate(const Graph& graph, const std::vector<Tensor>& inputs, const ErrorModel& model,
                                const std::function<void(std::uint64_t)>& progress) {
  Evaluation evaluation(graph, model, progress);
  evaluation.load(inputs);
  evaluation.run();
  std::vector<Evaluated> outputs;
  outputs.reserve(graph.outputs().size());
  for (const ValueId id : graph.outputs()) outputs.push_back(evaluation.output(id));
  if (!evaluation.leaves_range() || !model.limited_range) return outputs;
  ErrorModel roundings = model;
  roundings.limited_range = false;
  const std::vector<Evaluated> unlimited = evaluate(graph, inputs, roundings);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i].roundings = unlimited[i].bounds;
    outputs[i].lost = unlimited[i].lost;
  }
  return outputs;
}

}  // namespace tilegrid::planner
