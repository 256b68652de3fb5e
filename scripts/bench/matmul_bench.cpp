// SPDX-License-Identifier: Apache-2.0
// The matrix unit against OpenBLAS on one thread, and the time of the element-wise operations on a tile.
// matmul: blocks of 2x4 tiles over 4 K tiles, bf16 in L1, 32-bit DST; OpenBLAS: sgemm of n = 1024.
#include <benchmark/benchmark.h>
#include <cblas.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/matrix_unit.h"
#include "core/types.h"

namespace {

using namespace tilegrid;

constexpr int rt = 2;
constexpr int ct = 4;
constexpr int kt = 4;
constexpr std::size_t bf16_tile = 2 * tile_elements;

struct alignas(64) FloatTile {
  float values[tile_elements];
};

std::vector<std::byte> random_tiles(int count) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<std::byte> out(static_cast<std::size_t>(count) * bf16_tile);
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const float value = normal(random);
    std::memcpy(&out[i], reinterpret_cast<const std::byte*>(&value) + 2, 2);
  }
  return out;
}

void count_flops(benchmark::State& state, double flops) {
  state.counters["FLOP/s"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void matmul_block(benchmark::State& state, Fidelity fidelity, bool transpose, bool dst_fp32) {
  const auto in0 = random_tiles(rt * kt);
  const auto in1 = random_tiles(ct * kt);
  std::vector<FloatTile> dst(rt * ct);
  const MatrixUnit unit(fidelity, dst_fp32);
  for (auto step : state) {
    (void)step;
    for (int k = 0; k < kt; ++k) {
      const auto at = static_cast<std::size_t>(k);
      unit.matmul_block({.in0 = {.data = in0.data() + at * bf16_tile, .format = DataFormat::bf16},
                         .in0_stride = kt * bf16_tile,
                         .in1 = {.data = in1.data() + at * ct * bf16_tile, .format = DataFormat::bf16},
                         .in1_stride = bf16_tile,
                         .transpose_in1 = transpose,
                         .rt = rt,
                         .ct = ct,
                         .dst = dst[0].values,
                         .cleared = k == 0 ? 0xFFU : 0U});
    }
    benchmark::DoNotOptimize(dst.data());
    benchmark::ClobberMemory();
  }
  count_flops(state, 2.0 * rt * ct * kt * tile_side * tile_side * tile_side);
}

void openblas_sgemm_1024(benchmark::State& state) {
  constexpr int n = 1024;
  openblas_set_num_threads(1);
  const std::vector<float> a(n * n, 0.5F);
  const std::vector<float> b(n * n, 0.25F);
  std::vector<float> c(n * n);
  for (auto step : state) {
    (void)step;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a.data(), n, b.data(), n, 0.0F, c.data(), n);
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  count_flops(state, 2.0 * n * n * n);
}

void eltwise(benchmark::State& state, EltwiseOp op, Broadcast broadcast, bool dst_fp32) {
  const auto in = random_tiles(2);
  FloatTile dst{};
  const MatrixUnit unit(Fidelity::hifi4, dst_fp32);
  for (auto step : state) {
    (void)step;
    unit.eltwise(op, broadcast, {.data = in.data()}, {.data = in.data() + bf16_tile}, dst.values, false);
    benchmark::DoNotOptimize(dst);
  }
}

void reduce(benchmark::State& state, Pool pool, ReduceDim dim) {
  const auto in = random_tiles(2);
  FloatTile dst{};
  const MatrixUnit unit(Fidelity::hifi4, true);
  for (auto step : state) {
    (void)step;
    unit.reduce(pool, dim, {.data = in.data()}, {.data = in.data() + bf16_tile}, dst.values, false);
    benchmark::DoNotOptimize(dst);
  }
}

void copy(benchmark::State& state, bool transpose) {
  const auto in = random_tiles(1);
  FloatTile dst{};
  const MatrixUnit unit(Fidelity::hifi4, true);
  for (auto step : state) {
    (void)step;
    transpose ? unit.transpose({.data = in.data()}, dst.values) : unit.copy({.data = in.data()}, dst.values, false);
    benchmark::DoNotOptimize(dst);
  }
}

void dest_reuse_add(benchmark::State& state) {
  const auto in = random_tiles(1);
  FloatTile dst{};
  const MatrixUnit unit(Fidelity::hifi4, true);
  for (auto step : state) {
    (void)step;
    unit.eltwise_dest_reuse(EltwiseOp::add, true, {.data = in.data()}, dst.values);
    benchmark::DoNotOptimize(dst);
  }
}

BENCHMARK(openblas_sgemm_1024)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(matmul_block, hifi2, Fidelity::hifi2, false, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(matmul_block, hifi4, Fidelity::hifi4, false, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(matmul_block, hifi2_transpose, Fidelity::hifi2, true, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(matmul_block, hifi4_transpose, Fidelity::hifi4, true, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(matmul_block, hifi4_dst16, Fidelity::hifi4, false, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(matmul_block, hifi3, Fidelity::hifi3, false, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(eltwise, add_dst32, EltwiseOp::add, Broadcast::none, true);
BENCHMARK_CAPTURE(eltwise, mul_dst32, EltwiseOp::mul, Broadcast::none, true);
BENCHMARK_CAPTURE(eltwise, sub_bcast_cols_dst32, EltwiseOp::sub, Broadcast::cols, true);
BENCHMARK_CAPTURE(eltwise, mul_bcast_cols_dst32, EltwiseOp::mul, Broadcast::cols, true);
BENCHMARK_CAPTURE(eltwise, add_bcast_rows_dst32, EltwiseOp::add, Broadcast::rows, true);
BENCHMARK_CAPTURE(eltwise, mul_bcast_scalar_dst32, EltwiseOp::mul, Broadcast::scalar, true);
BENCHMARK_CAPTURE(eltwise, add_dst16, EltwiseOp::add, Broadcast::none, false);
BENCHMARK_CAPTURE(eltwise, mul_dst16, EltwiseOp::mul, Broadcast::none, false);
BENCHMARK_CAPTURE(eltwise, sub_bcast_cols_dst16, EltwiseOp::sub, Broadcast::cols, false);
BENCHMARK_CAPTURE(eltwise, mul_bcast_cols_dst16, EltwiseOp::mul, Broadcast::cols, false);
BENCHMARK_CAPTURE(eltwise, add_bcast_rows_dst16, EltwiseOp::add, Broadcast::rows, false);
BENCHMARK_CAPTURE(eltwise, mul_bcast_scalar_dst16, EltwiseOp::mul, Broadcast::scalar, false);
BENCHMARK_CAPTURE(reduce, max_row, Pool::max, ReduceDim::row);
BENCHMARK_CAPTURE(reduce, sum_row, Pool::sum, ReduceDim::row);
BENCHMARK_CAPTURE(reduce, max_col, Pool::max, ReduceDim::col);
BENCHMARK_CAPTURE(reduce, sum_scalar, Pool::sum, ReduceDim::scalar);
BENCHMARK_CAPTURE(copy, straight, false);
BENCHMARK_CAPTURE(copy, transpose, true);
BENCHMARK(dest_reuse_add);

/// Prints as usual and keeps the best rate of OpenBLAS and of each matmul for the ratio.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(isatty(STDOUT_FILENO) != 0 ? OO_ColorTabular : OO_Tabular) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const auto rate = run.counters.find("FLOP/s");
      if (run.run_type != Run::RT_Iteration || rate == run.counters.end()) continue;
      const std::string name = run.run_name.function_name;
      const auto known = std::find_if(rates_.begin(), rates_.end(), [&](const auto& r) { return r.first == name; });
      if (known == rates_.end()) {
        rates_.emplace_back(name, rate->second.value);
      } else {
        known->second = std::max(known->second, rate->second.value);
      }
    }
  }
  void print_ratios() const {
    const auto blas =
        std::find_if(rates_.begin(), rates_.end(), [](const auto& r) { return r.first.starts_with("openblas"); });
    if (blas == rates_.end()) return;
    for (const auto& [name, rate] : rates_) {
      fmt::print("{:<32} {:8.1f} GFLOP/s  {:5.2f} of OpenBLAS\n", name, rate / 1e9, rate / blas->second);
    }
  }

 private:
  std::vector<std::pair<std::string, double>> rates_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_ratios();
  return 0;
}
