// SPDX-License-Identifier: Apache-2.0
// A workload of one's own: y = (x - mean) / sqrt(variance + epsilon) of each row, tile row by tile row over the grid. It has
// the flags, the report, the checks and the device time of all workloads: layer_norm --help.
#include <tilegrid/core/error.h>
#include <tilegrid/core/tile.h>
#include <tilegrid/kernels/api/compute.h>
#include <tilegrid/kernels/api/dataflow.h>
#include <tilegrid/kernels/attention/verify/samples.h>
#include <tilegrid/kernels/registry.h>
#include <tilegrid/runtime/data/tensors.h>
#include <tilegrid/runtime/workloads/driver.h>

#include <fmt/format.h>

#include <cmath>

using namespace tilegrid;
using namespace tilegrid::api;
using u32 = std::uint32_t;

// Circular buffers. Arguments of all kernels: first tile row, how many; of all cores: tiles in a row, DRAM addresses.
constexpr u32 x = 0, scaler = 1, y = 16, mean = 24, centred = 25, squares = 26, factor = 27;
constexpr u32 page = 2048;  // a tile of bf16

const auto reader = register_kernel("layer_norm/reader", [] {
  const u32 wide = get_common_arg_val<u32>(0);
  cb_reserve_back(scaler, 1), noc_async_read_page(0, {get_common_arg_val<u32>(2), page}, get_write_ptr(scaler));
  noc_async_read_barrier(), cb_push_back(scaler, 1);
  for (u32 row = get_arg_val<u32>(0), end = row + get_arg_val<u32>(1); row < end; ++row) {
    cb_reserve_back(x, wide);
    for (u32 i = 0; i < wide; ++i)
      noc_async_read_page(row * wide + i, {get_common_arg_val<u32>(1), page}, get_write_ptr(x) + i * page);
    noc_async_read_barrier(), cb_push_back(x, wide);
  }
});

/// A DST section for each of `tiles` tiles, all packed to `cb`.
template <class Math>
void sections(u32 cb, u32 tiles, const Math& math) {
  cb_reserve_back(cb, tiles);
  for (u32 i = 0; i < tiles; ++i) {
    tile_regs_acquire(), math(i), tile_regs_commit();
    tile_regs_wait(), pack_tile(0, cb), tile_regs_release();
  }
  cb_push_back(cb, tiles), cb_wait_front(cb, tiles);
}

const auto compute = register_kernel("layer_norm/compute", [] {
  const u32 wide = get_common_arg_val<u32>(0);
  const float epsilon = std::bit_cast<float>(get_common_arg_val<u32>(1));
  const auto mean_of = [=](u32 cb) {
    for (u32 i = 0; i < wide; ++i) reduce_tile(Pool::sum, ReduceDim::row, cb, scaler, i, 0, 0);
  };
  cb_wait_front(scaler, 1);
  for (u32 row = 0; row < get_arg_val<u32>(1); ++row) {
    cb_wait_front(x, wide);
    sections(mean, 1, [&](u32) { mean_of(x); });
    sections(centred, wide, [](u32 i) { sub_tiles_bcast_cols(x, mean, i, 0, 0); });
    sections(squares, wide, [](u32 i) { mul_tiles(centred, centred, i, i, 0); });
    sections(factor, 1, [&](u32) { mean_of(squares), add_unary_tile(0, epsilon), rsqrt_tile(0); });
    cb_reserve_back(y, wide);
    for (u32 i = 0; i < wide; ++i) {
      tile_regs_acquire(), mul_tiles_bcast_cols(centred, factor, i, 0, 0), tile_regs_commit();
      tile_regs_wait(), pack_tile(0, y), tile_regs_release();
    }
    cb_push_back(y, wide);
    for (const u32 cb : {x, centred, squares}) cb_pop_front(cb, wide);
    for (const u32 cb : {mean, factor}) cb_pop_front(cb, 1);
  }
});

const auto writer = register_kernel("layer_norm/writer", [] {
  const u32 wide = get_common_arg_val<u32>(0);
  for (u32 row = get_arg_val<u32>(0), end = row + get_arg_val<u32>(1); row < end; ++row) {
    cb_wait_front(y, wide);
    for (u32 i = 0; i < wide; ++i)
      noc_async_write_page(row * wide + i, {get_common_arg_val<u32>(1), page}, get_read_ptr(y) + i * page);
    noc_async_write_barrier(), cb_pop_front(y, wide);
  }
});

class LayerNorm : public workloads::Workload {
 public:
  std::string name() const override { return "layer_norm"; }
  std::string summary() const override { return "Normalise the rows of a matrix on the grid, and verify it"; }
  void register_kernels() const override {}

  void declare(Flags& flags) override {
    flags.in("Shape").add("--rows", "N", "Rows, a multiple of 32 [$]", rows_);
    flags.add("--columns", "N", "Columns, a multiple of 32 [$]", columns_);
    flags.add("--epsilon", "X", "Added to the variance [$]", epsilon_);
    flags.in("Data").add("--in", "FILE", ".npy, [rows, columns] [random]", in_).reads();
    flags.add("--out", "FILE", "Write the result there: .npy, float32 [none]", out_).writes();
  }
  void prepare(Device& device) override {
    if (!in_.empty()) {
      NpyArray array = load("--in", in_, {2, 2, "two dimensions are expected"});
      rows_ = static_cast<int>(array.shape[0]), columns_ = static_cast<int>(array.shape[1]);
      values_ = std::move(array.values);
    }
    if (rows_ < 32 || rows_ % 32 != 0) throw UsageError("`rows`: a multiple of 32 is expected");
    if (columns_ < 32 || columns_ % 32 != 0) throw UsageError("`columns`: a multiple of 32 is expected");
    const std::size_t bytes = matrix_bytes(1, rows_, columns_, DataFormat::bf16);
    x_ = device.create_buffer(bytes, page), scaler_ = device.create_buffer(page, page),
    y_ = device.create_buffer(bytes, page);
  }
  std::vector<Program> programs(Device& device) override {
    const GridSize grid = device.grid();
    const u32 wide = static_cast<u32>(columns_ / 32);
    Program program{.name = "layer norm", .grid = grid};
    for (const auto& [cb, role] : {std::pair{x, "x"}, {y, "y"}, {centred, "centred"}, {squares, "squares"}})
      program.circular_buffers.push_back({static_cast<int>(cb), wide, page, DataFormat::bf16, role});
    for (const auto& [cb, role] : {std::pair{scaler, "1 / columns"}, {mean, "mean"}, {factor, "factor"}})
      program.circular_buffers.push_back({static_cast<int>(cb), 1, page, DataFormat::bf16, role});
    const CoreRange all = CoreRange::all(grid);
    const u32 epsilon = std::bit_cast<u32>(static_cast<float>(epsilon_));
    program.kernels = {{reader, Risc::ncrisc, NocId::noc0, all, {}, {wide, x_.address, scaler_.address}, {}},
                       {compute, Risc::trisc, NocId::noc0, all, {}, {wide, epsilon}, {}},
                       {writer, Risc::brisc, NocId::noc1, all, {}, {wide, y_.address}, {}}};
    for (KernelConfig& kernel : program.kernels)
      for (int core = 0; core < grid.cores(); ++core)
        kernel.runtime_args.push_back({core, {static_cast<u32>(first_of(core)), static_cast<u32>(share_of(core))}});
    return {program};
  }
  void upload(Device& device) override {
    const auto count = static_cast<std::size_t>(rows_) * static_cast<std::size_t>(columns_);
    if (values_.empty()) values_ = attention::random_samples(0, 0, count, attention::Distribution::normal);
    upload_matrices(device, x_, values_, 1, rows_, columns_, DataFormat::bf16);
    const std::vector<float> part(tile_elements, 1.0F / static_cast<float>(columns_));
    upload_matrices(device, scaler_, part, 1, 32, 32, DataFormat::bf16);
  }
  void finish(Device& device, report::RunOutcome&) override {
    const std::vector<float> result = download_matrices(device, y_, 1, rows_, columns_, DataFormat::bf16);
    double wrong = 0, all = 0;
    for (int row = 0; row < rows_; ++row) {
      const float *at = &values_[static_cast<std::size_t>(row * columns_)],
                  *to = &result[static_cast<std::size_t>(row * columns_)];
      double sum = 0, square = 0;
      for (int i = 0; i < columns_; ++i) sum += at[i];
      for (int i = 0; i < columns_; ++i) square += std::pow(at[i] - sum / columns_, 2);
      for (int i = 0; i < columns_; ++i) {
        const double exact = (at[i] - sum / columns_) / std::sqrt(square / columns_ + epsilon_);
        wrong += std::pow(to[i] - exact, 2), all += exact * exact;
      }
    }
    error_ = std::sqrt(wrong / all);
    passed = error_ < 0.02;
    if (!out_.empty()) save([&] { save_npy(out_, std::array<std::int64_t, 2>{rows_, columns_}, result); });
  }
  std::string line() const override { return fmt::format("layer_norm {}x{}", rows_, columns_); }
  void describe(report::Document& document) const override {
    document.facts.emplace_back("shape", fmt::format("{} rows of {}", rows_, columns_));
    if (!passed) return;
    document.figures["verify"] = {{"relative_l2", error_}, {"passed", *passed}};
    document.verification = fmt::format("\nRelative L2 {:.4f} < 0.02: {}\n", error_, *passed ? "PASS" : "FAIL");
  }
  report::Value work_of(std::size_t core) const override { return {{"tile_rows", share_of(static_cast<int>(core))}}; }

 private:
  int first_of(int core) const { return rows_ / 32 * core / options.grid.cores(); }
  int share_of(int core) const { return first_of(core + 1) - first_of(core); }

  int rows_ = 256, columns_ = 128;
  double epsilon_ = 1e-5, error_ = 0;
  std::string in_, out_;
  std::vector<float> values_;
  Buffer x_, scaler_, y_;
};

int main(int argc, char** argv) { return workloads::run_main(argc, argv, workloads::maker<LayerNorm>()); }
