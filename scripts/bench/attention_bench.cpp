// SPDX-License-Identifier: Apache-2.0
// How much slower the emulation computes an attention than a blocked flash attention in fp32 does on one thread: CPU seconds
// in kernels of 80 cores in one process against CPU seconds of blocked_attention(), in turn, medians. Start it alone,
// without mpirun.
#include <cblas.h>
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/kernel_args.h"
#include "runtime/session.h"
#include "scripts/bench/yardstick.h"

namespace {

using namespace tilegrid;

using bench::Tensors;

/// The attention on the emulated grid: tensors are uploaded once, launched as often as asked.
class Emulated {
 public:
  Emulated(Device& device, const attention::Config& config, const Tensors& tensors)
      : device_(device), shape_(config.shape), format_(config.format.q) {
    const Buffer q = upload(tensors.q);
    const Buffer k = upload(tensors.k);
    const Buffer v = upload(tensors.v);
    out_ = device.create_buffer(q.bytes(), q.page_bytes);
    program_ = attention::make_program(config, {q.address, k.address, v.address, out_.address});
  }

  /// CPU seconds in kernels.
  double run() { return device_.launch(program_, {.record_log = record_log_, .on_progress = {}}).ranks[0].kernel_seconds; }

  void record_log(bool on) { record_log_ = on; }

  [[nodiscard]] std::vector<float> output() {
    std::vector<std::byte> tiles(out_.bytes());
    device_.read(out_, tiles);
    std::vector<float> values(out_.bytes() / tile_bytes(format_) * tile_elements);
    untilize(tiles, shape_.heads * shape_.seq_q, shape_.dim, format_, values);
    return values;
  }

 private:
  /// Heads lie one below the other, and their rows are a multiple of 32: one matrix.
  Buffer upload(const std::vector<float>& values) {
    const auto page = static_cast<std::uint32_t>(tile_bytes(format_));
    std::vector<std::byte> tiles(values.size() / tile_elements * page);
    tilize(values, static_cast<int>(values.size()) / shape_.dim, shape_.dim, format_, tiles);
    const Buffer buffer = device_.create_buffer(tiles.size(), page);
    device_.write(buffer, tiles);
    return buffer;
  }

  Device& device_;
  attention::Shape shape_;
  DataFormat format_;
  Buffer out_;
  Program program_;
  bool record_log_ = true;
};

double root_mean_square_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

int compare(Device& device, const attention::Config& asked, int repeats) {
  attention::validate(asked);
  const attention::Config config = attention::with_chunks(asked);
  const attention::Shape& shape = config.shape;
  bench::BlockedAttention blocks{shape.heads, shape.kv_heads, shape.seq_q, shape.dim};
  Tensors tensors = bench::random_tensors(blocks);
  Emulated emulated(device, config, tensors);
  bench::choose_blocks(blocks, tensors);
  emulated.run();
  fmt::print("causal attention of {} heads ({} of K and V), {} rows, dim {}; CPU seconds on one thread\n", shape.heads,
             shape.kv_heads, shape.seq_q, shape.dim);
  fmt::print("emulated: {} cores, chunks {} and {} rows, with event log; yardstick: fp32, OpenBLAS, blocks {} and {} rows\n",
             config.grid.cores(), config.q_chunk, config.k_chunk, blocks.q_block, blocks.k_block);
  fmt::print("{:<6} {:>10} {:>10} {:>7}\n", "run", "emulated", "yardstick", "ratio");
  std::vector<double> ours;
  std::vector<double> theirs;
  for (int i = 0; i < repeats; ++i) {
    ours.push_back(emulated.run());
    theirs.push_back(bench::timed(blocks, tensors));
    fmt::print("{:<6} {:>10.3f} {:>10.3f} {:>7.2f}\n", i + 1, ours.back(), theirs.back(), ours.back() / theirs.back());
  }
  fmt::print("{:<6} {:>10.3f} {:>10.3f} {:>7.2f}\n", "median", bench::median(ours), bench::median(theirs),
             bench::median(ours) / bench::median(theirs));

  // Neither figure means anything unless both computed the same.
  const double difference = root_mean_square_difference(emulated.output(), tensors.out);
  fmt::print("root mean square difference of the two outputs {:.1e}\n", difference);
  return difference < 0.01 ? 0 : 4;
}

}  // namespace

int main(int argc, char** argv) {
  attention::register_kernels();
  Session session(&argc, &argv);
  openblas_set_num_threads(1);
  attention::Config config;
  config.shape = {.batch = 1, .heads = 8, .kv_heads = 1, .seq_q = 2560, .seq_kv = 2560, .dim = 128, .causal = true};
  int repeats = 9;
  CLI::App app("CPU seconds of the emulated attention against a blocked flash attention with OpenBLAS", "attention_bench");
  app.add_option("--heads", config.shape.heads, "Query heads")->capture_default_str();
  app.add_option("--kv-heads", config.shape.kv_heads, "Key and value heads")->capture_default_str();
  app.add_option("--seq", config.shape.seq_q, "Rows, a multiple of 64")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--dim", config.shape.dim, "Elements of a head")->capture_default_str();
  app.add_option("--repeats", repeats, "Runs of each")->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (config.shape.seq_q % 64 != 0 || session.uses_mpi()) {
    fmt::print(stderr, "attention_bench: needs --seq as a multiple of 64, and no mpirun\n");
    return 1;
  }
  config.shape.seq_kv = config.shape.seq_q;
  return session.run({.grid = config.grid}, [&](Device& device) { return compare(device, config, repeats); });
}
