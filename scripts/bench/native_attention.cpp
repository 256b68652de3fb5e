// SPDX-License-Identifier: Apache-2.0
// CPU seconds of the native attention alone, as JSON: what scripts/bench/run compares whole commands with.
#include <cblas.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <vector>

#include "scripts/bench/yardstick.h"

int main(int argc, char** argv) {
  using namespace tilegrid;
  openblas_set_num_threads(1);
  bench::BlockedAttention shape{.heads = 8, .kv_heads = 1, .seq = 2560, .dim = 128};
  std::vector<int> blocks;
  int repeats = 1;
  CLI::App app("Blocked flash attention in fp32 with OpenBLAS on one thread", "native_attention");
  app.add_option("--heads", shape.heads, "Query heads")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--kv-heads", shape.kv_heads, "Key and value heads")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seq", shape.seq, "Rows, a multiple of 64")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--dim", shape.dim, "Elements of a head")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--causal,!--no-causal", shape.causal, "A query sees the keys up to its own row");
  app.add_option("--blocks", blocks, "Rows of a block of Q and of K [those that suit this machine best]")
      ->delimiter(',')
      ->expected(2)
      ->check(CLI::PositiveNumber);
  app.add_option("--repeats", repeats, "Runs, after one that is not counted")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  if (!blocks.empty()) {
    shape.q_block = blocks[0];
    shape.k_block = blocks[1];
  }
  if (shape.seq % 64 != 0 || shape.seq % shape.q_block != 0 || shape.heads % shape.kv_heads != 0) {
    fmt::print(stderr, "native_attention: --seq is a multiple of 64 and of the Q block, --heads one of --kv-heads\n");
    return 1;
  }
  bench::Tensors tensors = bench::random_tensors(shape);
  if (blocks.empty()) bench::choose_blocks(shape, tensors);
  static_cast<void>(bench::timed(shape, tensors));
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(repeats));
  for (int i = 0; i < repeats; ++i) seconds.push_back(bench::timed(shape, tensors));
  fmt::print("{{\"blocks\": [{}, {}], \"seconds\": [{}]}}\n", shape.q_block, shape.k_block, fmt::join(seconds, ", "));
  return 0;
}
