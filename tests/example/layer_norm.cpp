// SPDX-License-Identifier: Apache-2.0
// A workload of one's own: y = (x - mean) / sqrt(variance + epsilon) of each row, tile row by tile row over the grid. It has
// the flags, the report, the checks and the device time of all workloads: layer_norm --help.
#include <tilegrid/runtime/workloads/own.h>

#include <cmath>
#include <numeric>

using namespace tilegrid;
using namespace tilegrid::api;
using u32 = std::uint32_t;

// Circular buffers. Arguments of all kernels: first tile row, how many; of all cores: tiles in a row, DRAM addresses.
constexpr u32 x = 0, scaler = 1, y = 16, mean = 24, centred = 25, squares = 26, factor = 27;
constexpr u32 page = 2048;  // a tile of bf16

const auto reader = register_kernel("layer_norm/reader", [] {
  const u32 wide = get_common_arg_val<u32>(0);
  make_scaler(scaler, get_common_arg_val<float>(2));
  for (const u32 row : dealt()) read_pages(x, {get_common_arg_val<u32>(1), page}, row * wide, wide);
});

const auto compute = register_kernel("layer_norm/compute", [] {
  const u32 wide = get_common_arg_val<u32>(0);
  const float epsilon = get_common_arg_val<float>(1);
  const auto mean_of = [=](u32 cb) {
    for (u32 i = 0; i < wide; ++i) reduce_tile(Pool::sum, ReduceDim::row, cb, scaler, i, 0, 0);
  };
  cb_wait_front(scaler, 1);
  for (u32 row = 0; row < get_arg_val<u32>(1); ++row) {
    cb_wait_front(x, wide);
    keep_sections(mean, 1, [&](u32) { mean_of(x); });
    keep_sections(centred, wide, [](u32 i) { sub_tiles_bcast_cols(x, mean, i, 0, 0); });
    keep_sections(squares, wide, [](u32 i) { mul_tiles(centred, centred, i, i, 0); });
    keep_sections(factor, 1, [&](u32) { mean_of(squares), add_unary_tile(0, epsilon), rsqrt_tile(0); });
    pack_sections(y, wide, [](u32 i) { mul_tiles_bcast_cols(centred, factor, i, 0, 0); });
    for (const u32 cb : {x, centred, squares}) cb_pop_front(cb, wide);
    for (const u32 cb : {mean, factor}) cb_pop_front(cb, 1);
  }
});

const auto writer = register_kernel("layer_norm/writer", [] {
  const u32 wide = get_common_arg_val<u32>(0);
  for (const u32 row : dealt()) write_pages(y, {get_common_arg_val<u32>(1), page}, row * wide, wide);
});

class LayerNorm : public workloads::Workload {
 public:
  workloads::About about() const override {
    return {"layer_norm", "Normalise the rows of a matrix on the grid, and verify it"};
  }
  void declare(Flags& flags) override {
    flags.in("Shape").add("--rows", "N", "Rows, a multiple of 32 [$]", rows_);
    flags.add("--columns", "N", "Columns, a multiple of 32 [$]", columns_);
    flags.add("--epsilon", "X", "Added to the variance [$]", epsilon_);
    flags.in("Data").add("--in", "FILE", ".npy, [rows, columns] [random]", in_).reads().of_data();
    flags.add("--out", "FILE", "Write the result there: .npy, float32 [none]", out_).writes().of_data();
  }
  void prepare(Device& device) override {
    if (!in_.empty()) values_ = load_matrix("--in", in_, rows_, columns_);
    if (rows_ < 32 || rows_ % 32 != 0) throw UsageError("`rows`: a multiple of 32 is expected");
    if (columns_ < 32 || columns_ % 32 != 0) throw UsageError("`columns`: a multiple of 32 is expected");
    x_ = Matrices::create(device, 1, rows_, columns_, DataFormat::bf16);
    y_ = Matrices::create(device, 1, rows_, columns_, DataFormat::bf16);
  }
  std::vector<Program> programs(Device& device) override {
    const u32 wide = columns_ / 32;
    Program program{.name = "layer norm", .grid = device.grid()};
    add_buffers(program, DataFormat::bf16, wide, {{x, "x"}, {y, "y"}, {centred, "centred"}, {squares, "squares"}});
    add_buffers(program, DataFormat::bf16, 1, {{scaler, "1 / columns"}, {mean, "mean"}, {factor, "factor"}});
    add_kernels(program, {reader, {wide, x_.address(), 1.0 / columns_}}, {compute, {wide, epsilon_}},
                {writer, {wide, y_.address()}});
    deal(program, rows_ / 32);
    return {program};
  }
  void upload(Device& device) override {
    if (values_.empty()) values_ = attention::random_samples(0, 0, x_.elements(), attention::Distribution::normal);
    x_.upload(device, values_);
  }
  void finish(Device& device, report::RunOutcome&) override {
    std::vector<double> expected(values_.begin(), values_.end());
    for (auto row = expected.begin(); row != expected.end(); row += columns_) {
      const double mean = std::accumulate(row, row + columns_, 0.0) / columns_;
      for (auto at = row; at != row + columns_; ++at) *at -= mean;
      const double variance = std::inner_product(row, row + columns_, row, 0.0) / columns_;
      for (auto at = row; at != row + columns_; ++at) *at /= std::sqrt(variance + epsilon_);
    }
    const std::vector<float> result = y_.download(device);
    judge(expected, result, 0.02);
    save_tensor(out_, {rows_, columns_}, result);
  }

 private:
  int rows_ = 256, columns_ = 128;
  double epsilon_ = 1e-5;
  std::string in_, out_;
  std::vector<float> values_;
  Matrices x_, y_;
};

int main(int argc, char** argv) { return workloads::run_main(argc, argv, workloads::maker<LayerNorm>()); }
