// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/l1.h"
#include "kernels/attention/config.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/delivery.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/planned.h"
#include "kernels/attention/unfused/unfused.h"

namespace tilegrid::attention {
namespace {

constexpr int max_chunk_tiles = 16;

// What a K step costs, for the choice of chunks only: it must rank chunk pairs, not predict times. Cycles of 1 GHz.
constexpr std::int64_t matmul_tile_phase_cycles = 16;  // a 32x32x32 product, per fidelity phase (attention.md 3)
constexpr std::int64_t exp_fast_cycles = 71;           // a tile of fast-approximate exp (attention.md 3)
constexpr std::int64_t exp_accurate_cycles = 1344;     // a tile of accurate exp (attention.md 3)
constexpr std::int64_t score_tile_cycles = 529;        // estimate: max, subtract, packs of a score tile; 600 with fast exp
constexpr std::int64_t rescale_tile_cycles = 250;      // estimate: a tile of the output times alpha, added in L1
constexpr std::int64_t step_cycles = 2400;             // the non-streaming kernel's 2406 a step (attention.md 3), rounded

/// Of a core.
std::uint32_t l1_of(const Config& config) { return config.chip.memory().l1_bytes; }

int tiles_of(int rows) { return ceil_div(rows, tile_side); }

std::uint64_t l1_bytes_of(const Config& config) {
  if (config.kernel == Kernel::unfused) return unfused::l1_bytes_needed(config);
  Program program;
  program.chip = config.chip;
  // Plans are not made for every pair of chunks that is tried.
  program.circular_buffers = config.kernel == Kernel::planned ? expected_planned_buffers(config) : circular_buffers(config);
  return l1_bytes_needed(program);
}

/// Whether the buffers that the plans really have fit.
bool planned_fits(const Config& config) {
  Program program;
  program.chip = config.chip;
  program.circular_buffers = circular_buffers(config);
  return l1_bytes_needed(program) <= l1_of(config);
}

/// Largest value of one chunk, the other kept, that fits L1; 0 when none does.
int largest_that_fits(Config config, int Config::*chunk) {
  for (config.*chunk = max_chunk_tiles * tile_side; config.*chunk > 0; config.*chunk -= tile_side) {
    if (l1_bytes_of(config) <= l1_of(config)) break;
  }
  return config.*chunk;
}

std::string advice(const Config& config, int Config::*chunk, const char* flag, const char* kept_flag, int kept) {
  const int largest = largest_that_fits(config, chunk);
  if (largest == 0) return fmt::format("no {} fits with {} {}", flag, kept_flag, kept);
  return fmt::format("largest {} with {} {}: {}", flag, kept_flag, kept, largest);
}

[[noreturn]] void throw_does_not_fit(Config config) {
  // A chunk that was left open counts with its smallest size: if that does not fit, nothing does.
  if (config.q_chunk == 0) config.q_chunk = tile_side;
  if (config.k_chunk == 0) config.k_chunk = tile_side;
  Config equal = config;
  for (equal.q_chunk = max_chunk_tiles * tile_side; equal.q_chunk > tile_side; equal.q_chunk -= tile_side) {
    equal.k_chunk = equal.q_chunk;
    if (l1_bytes_of(equal) <= l1_of(config)) break;
  }
  throw UsageError(
      fmt::format("`q_chunk` {} `k_chunk` {}: asked {} bytes of L1, available {}; {}; {}; largest equal pair: {}",
                  config.q_chunk, config.k_chunk, l1_bytes_of(config), l1_of(config),
                  advice(config, &Config::q_chunk, "`q_chunk`", "`k_chunk`", config.k_chunk),
                  advice(config, &Config::k_chunk, "`k_chunk`", "`q_chunk`", config.q_chunk), equal.q_chunk));
}

/// Chunk sizes in tiles to try, largest first: the given one, or all that the sequence can use.
struct Candidates {
  int largest;
  int smallest;
};
Candidates candidates(int given, int sequence) {
  if (given > 0) return {given / tile_side, given / tile_side};
  return {std::min(max_chunk_tiles, tiles_of(sequence)), 1};
}

}  // namespace

std::int64_t cycles_of_step(const Config& config) {
  const std::int64_t sq = config.q_chunk / tile_side;
  const std::int64_t sk = config.k_chunk / tile_side;
  const std::int64_t dim = config.shape.dim / tile_side;
  const std::int64_t phases = to_underlying(config.compute.fidelity);
  const std::int64_t matmuls = sq * sk * dim * 2 * matmul_tile_phase_cycles * phases;
  const std::int64_t exp = config.exp_accurate ? exp_accurate_cycles : exp_fast_cycles;
  return matmuls + sq * sk * (score_tile_cycles + exp) + sq * dim * rescale_tile_cycles + step_cycles;
}

std::vector<CircularBufferConfig> circular_buffers(const Config& config) {
  if (config.kernel == Kernel::planned) return plan_kernel(config).circular_buffers;
  if (config.kernel == Kernel::unfused) return unfused::circular_buffers(config);
  const std::uint32_t sq = config.q_chunk / tile_side;
  const std::uint32_t sk = config.k_chunk / tile_side;
  const std::uint32_t dim = config.shape.dim / tile_side;
  const DataFormat data = config.format;
  const bool wide = config.format == DataFormat::fp32 && config.compute.dst_fp32;
  const DataFormat inner = wide ? DataFormat::fp32 : DataFormat::bf16;
  const std::uint32_t q_slots = Dealing(config).most_items() > 1 ? 2 : 1;
  std::vector<CircularBufferConfig> buffers;
  const auto add = [&](int id, std::uint32_t pages, DataFormat format, const char* role) {
    buffers.push_back({id, pages, tile_bytes(format), format, role});
  };
  add(0, sq * dim * q_slots, data, "Q");
  add(1, sk * dim * kv_slots, data, "K");
  add(2, sk * dim * kv_slots, data, "V");
  if (needs_mask(config)) add(3, sq * sk * 2, DataFormat::bfp4_b, "mask");
  if (config.kernel == Kernel::multipass && !config.steps.has(Step::fused_scale)) add(4, 1, inner, "scale");
  add(5, 1, DataFormat::bf16, "scaler");
  add(7, 1, DataFormat::bf16, "ones column");
  add(16, sq * dim, data, "output");
  add(24, sq * sk, inner, "scores");
  add(25, sq * dim, inner, "output accumulator A");
  add(26, sq * dim, inner, "output accumulator B");
  add(27, sq, inner, "max A");
  add(28, sq, inner, "max B");
  add(29, sq, inner, "sum A");
  add(30, sq, inner, "sum B");
  add(31, sq, inner, "alpha");
  return buffers;
}

Config with_chunks(Config config) {
  validate(config);
  if (config.kernel == Kernel::unfused) config.balance = Balance::contiguous;
  const Candidates q = candidates(config.q_chunk, config.shape.seq_q);
  const Candidates k = candidates(config.k_chunk, config.shape.seq_kv);
  struct Choice {
    std::int64_t cycles;
    Config config;
  };
  std::vector<Choice> choices;
  for (int sq = q.largest; sq >= q.smallest; --sq) {
    Config tried = config;
    tried.q_chunk = sq * tile_side;
    for (int sk = k.largest; sk >= k.smallest; --sk) {
      tried.k_chunk = sk * tile_side;
      tried = with_team(tried);
      if (l1_bytes_of(tried) > l1_of(config)) continue;
      choices.push_back({estimate(tried).cycles, tried});
    }
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return a.cycles < b.cycles; });
  const auto best = std::find_if(choices.begin(), choices.end(), [](const Choice& choice) {
    return choice.config.kernel != Kernel::planned || planned_fits(choice.config);
  });
  if (best == choices.end()) throw_does_not_fit(config);
  return best->config;
}

Config with_chunks_for_all(Config config) {
  Config best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const KvDelivery delivery :
       {KvDelivery::dram, KvDelivery::chain, KvDelivery::multicast_row, KvDelivery::multicast_grid}) {
    Config tried = config;
    tried.kv = delivery;
    tried = with_chunks(tried);
    const std::int64_t cycles = estimate(tried).cycles;
    if (cycles >= least) continue;
    least = cycles;
    best = tried;
  }
  config.q_chunk = best.q_chunk;
  config.k_chunk = best.k_chunk;
  return with_chunks(config);
}

}  // namespace tilegrid::attention
