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
#include "kernels/attention/paging.h"
#include "kernels/attention/planned.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/common/divisor.h"

namespace tilegrid::attention {
namespace {

constexpr int max_chunk_tiles = 16;

/// Of a core.
std::uint32_t l1_of(const Config& config) { return config.chip.memory().l1_bytes; }

/// Of intermediates in L1. The matrix unit takes fp16 with nothing but fp16.
DataFormat inner_format(const Config& config) {
  if (config.format.q == DataFormat::fp16) return DataFormat::fp16;
  const bool wide = config.format.out == DataFormat::fp32 && config.compute.dst_fp32;
  return wide ? DataFormat::fp32 : DataFormat::bf16;
}

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
// NOLINTNEXTLINE(performance-unnecessary-value-param): it is changed, through `chunk`
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

namespace {

/// What a K step of the hand-written kernel costs by the chip's cycles, for the choice of chunks: stage by stage as
/// compute.cpp does them, each as long as its slowest unit, with the passes that the multi-pass kernel adds. Other kernels
/// are taken to be alike. It must rank pairs of chunks: what overlaps between stages, and masks, are left out.
class StepCost {
 public:
  explicit StepCost(const Config& config)
      : cycles_(config.chip.cycles()),
        steps_(config.kernel == Kernel::multipass ? &config.steps : nullptr),
        phases_(to_underlying(config.compute.fidelity)),
        slots_(dst_slots(config.chip, config.compute)),
        q_(operand(config.format.q)),
        k_(operand(config.format.k)),
        v_(operand(config.format.v)),
        inner_format_(inner_format(config)),
        inner_(operand(inner_format_)),
        pack_(pack(false)),
        pack_adds_(pack(true)),
        exp_(cycles_.vector(config.exp_accurate ? VectorOp::exp_accurate : VectorOp::exp_fast, VectorMode::rc)) {}

  /// Of a partial result into another: both are rescaled.
  [[nodiscard]] double merge(int sq, int v_dim) const {
    const double column = cycles_.vector(VectorOp::exp_accurate, VectorMode::first_column);
    const double mul = cycles_.eltwise(EltwiseOp::mul, phases_);
    const double alpha = stage(sq * two(), sq * (cycles_.eltwise(EltwiseOp::sub, phases_) + column), sq * pack_, sq);
    const double sum = stage(sq * two(), sq * mul, sq * pack_, sq);
    return 2 * (alpha + sum + rescale(sq, v_dim) + 2 * set_up() + 2 * cycles_.vector_switch);
  }
  [[nodiscard]] double step(int sq, int sk, int dim, int v_dim) const {
    return product(sq, sk, dim, q_, k_, true) + statistics(sq, sk) + product(sq, v_dim, sk, inner_, v_, false) +
           rescale(sq, v_dim) + more_passes(sq, sk, v_dim);
  }

 private:
  using Operand = CoreCycles::Operand;
  [[nodiscard]] Operand operand(DataFormat format) const {
    return {cycles_.unpack(tile_bytes(format)), cycles_.joint(tile_bytes(format))};
  }
  [[nodiscard]] double pack(bool adds) const {
    return cycles_.pack(tile_bytes(inner_format_), is_block_float(inner_format_), adds);
  }
  /// Math and pack work in turn on halves of DST.
  [[nodiscard]] double stage(double unpack, double math, double pack, double sections) const {
    return std::max({unpack, math + sections * (cycles_.dst_acquire + cycles_.dst_commit),
                     pack + sections * (cycles_.dst_wait + cycles_.dst_release)});
  }
  /// Operands' formats and the operation change.
  [[nodiscard]] double set_up() const { return cycles_.configure_format + cycles_.operation_switch; }
  [[nodiscard]] double two() const { return cycles_.unpack_tile + 2 * inner_.joint; }

  [[nodiscard]] double product(int rows, int columns, int k, Operand in0, Operand in1, bool transposed) const {
    const Subblock sub = sdpa_subblock(rows, columns, slots_);
    const int whole_blocks = rows / sub.h * (columns / sub.w);
    const double blocks = whole_blocks;
    const OperandSteps steps = cycles_.matmul_block_steps(sub.h, sub.w, k, in0, in1, transposed, phases_);
    const double set_up_all = set_up() + cycles_.configure_matmul + cycles_.configure_pack;
    return set_up_all + stage(blocks * steps.steps * steps.unpack, blocks * steps.steps * steps.math,
                              1.0 * rows * columns * pack_, blocks);
  }
  /// Maximum, exponential and sum of the scores, and what the sums of the chunks before are multiplied by.
  [[nodiscard]] double statistics(int sq, int sk) const {
    const double scores = 1.0 * sq * sk;
    const double row = cycles_.reduce(Pool::max, ReduceDim::row, phases_);
    const double max = stage(scores * inner_.unpack, scores * row + sq * cycles_.copy, sq * pack_,
                             1.0 * sq / largest_divisor(sq, std::min(4, slots_)));
    const double sub = cycles_.eltwise(EltwiseOp::sub, phases_);
    const double exp =
        stage(scores * two(), scores * (sub + exp_), scores * (pack_ + pack_adds_), scores / largest_divisor(sk, slots_));
    const double column = cycles_.vector(VectorOp::exp_accurate, VectorMode::first_column);
    const double alpha = stage(sq * two(), sq * (sub + column), sq * pack_, sq);
    const double mul = cycles_.eltwise(EltwiseOp::mul, phases_);
    const double add = cycles_.eltwise(EltwiseOp::add, phases_);
    const double sums = stage(sq * two(), sq * mul, sq * pack_, sq) + stage(sq * two(), sq * add, sq * pack_, sq);
    return max + exp + alpha + sums + 5 * set_up() + 2 * cycles_.vector_switch;
  }
  [[nodiscard]] double rescale(int sq, int v_dim) const {
    const double tiles = 1.0 * sq * v_dim;
    return set_up() + stage(tiles * two(), tiles * cycles_.eltwise(EltwiseOp::mul, phases_), tiles * pack_adds_,
                            tiles / largest_divisor(v_dim, slots_));
  }

  /// Of the multi-pass kernel, as far as its steps leave them (multipass.h).
  [[nodiscard]] double more_passes(int sq, int sk, int v_dim) const {
    if (steps_ == nullptr) return 0;
    const double scores = 1.0 * sq * sk;
    const double output = 1.0 * sq * v_dim;
    const auto pass = [&](double tiles, double unpack, double math) {
      return set_up() + stage(tiles * unpack, tiles * math, tiles * pack_, tiles);
    };
    double more = 0;
    if (!steps_->has(Step::fused_scale)) more += pass(scores, two(), cycles_.eltwise(EltwiseOp::mul, phases_));
    if (!steps_->has(Step::no_positive_check)) more += scores * cycles_.vector_check(VectorMode::rc);
    if (!steps_->has(Step::packer_sum)) {
      more += set_up() + scores * std::max(inner_.unpack, cycles_.reduce(Pool::sum, ReduceDim::row, phases_));
    }
    if (!steps_->has(Step::l1_add)) more += pass(output, two(), cycles_.eltwise(EltwiseOp::add, phases_));
    const VectorMode mode = steps_->has(Step::column_sfpu) ? VectorMode::first_column : VectorMode::rc;
    const bool fast = steps_->has(Step::fast_alpha) && !steps_->has(Step::exact_alpha);
    more += sq * (cycles_.vector(fast ? VectorOp::exp_fast : VectorOp::exp_accurate, mode) -
                  cycles_.vector(VectorOp::exp_accurate, VectorMode::first_column));
    if (!steps_->has(Step::fused_max)) {
      more += pass(sq, 2 * inner_.unpack, 2 * cycles_.copy + cycles_.vector(VectorOp::max_tile, mode));
    }
    if (!steps_->has(Step::ping_pong)) more += 2 * pass(sq, inner_.unpack, cycles_.copy);  // maximum and sum
    return more;
  }

  const CoreCycles& cycles_;
  const Steps* steps_;  ///< null: not the multi-pass kernel
  std::uint32_t phases_;
  int slots_;
  Operand q_, k_, v_;
  DataFormat inner_format_;
  Operand inner_;
  double pack_, pack_adds_, exp_;
};

}  // namespace

std::int64_t cycles_of_step(const Config& config) {
  const StepCost cost(config);
  return static_cast<std::int64_t>(
      cost.step(config.q_chunk / tile_side, config.k_chunk / tile_side, config.shape.dim_t(), config.shape.v_dim_t()));
}

std::int64_t cycles_of_merge(const Config& config) {
  return static_cast<std::int64_t>(StepCost(config).merge(config.q_chunk / tile_side, config.shape.v_dim_t()));
}

std::vector<CircularBufferConfig> circular_buffers(const Config& config) {
  if (config.kernel == Kernel::planned) return plan_kernel(config).circular_buffers;
  if (config.kernel == Kernel::unfused) return unfused::circular_buffers(config);
  const std::uint32_t sq = config.q_chunk / tile_side;
  const std::uint32_t sk = config.k_chunk / tile_side;
  const std::uint32_t dim = config.shape.dim_t();
  const std::uint32_t v_dim = config.shape.v_dim_t();
  const DataFormat inner = inner_format(config);
  const bool half = inner == DataFormat::fp16;
  const std::uint32_t q_slots = most_items(config) > 1 ? 2 : 1;
  std::vector<CircularBufferConfig> buffers;
  const auto add = [&](int id, std::uint32_t pages, DataFormat format, const char* role) {
    buffers.push_back(CircularBufferConfig::of_tiles(id, pages, format, role));
  };
  add(0, sq * dim * q_slots, config.format.q, "Q");
  add(1, sk * dim * kv_slots, config.format.k, "K");
  add(2, sk * v_dim * kv_slots, config.format.v, "V");
  if (needs_mask(config)) add(3, sq * sk * 2, half ? inner : DataFormat::bfp4_b, "mask");
  if (config.kernel == Kernel::multipass && !config.steps.has(Step::fused_scale)) add(4, 1, inner, "scale");
  add(5, 1, half ? inner : DataFormat::bf16, "scaler");
  if (blind_chunks_of(config) > 0) add(6, 1, config.format.out, "zeros");
  add(7, 1, half ? inner : DataFormat::bf16, "ones column");
  if (config.kv_page > 0) buffers.push_back(page_table_buffer(config));
  add(16, sq * v_dim, config.format.out, "output");
  const std::uint32_t partial = sq * (v_dim + 2);
  if (config.parts > 1) add(17, partial, inner, "partial result");
  if (config.parts > 1) add(19, partial * partial_slots, inner, "partial results of others");
  add(24, sq * sk, inner, "scores");
  add(25, sq * v_dim, inner, "output accumulator A");
  add(26, sq * v_dim, inner, "output accumulator B");
  add(27, sq, inner, "max A");
  add(28, sq, inner, "max B");
  add(29, sq, inner, "sum A");
  add(30, sq, inner, "sum B");
  add(31, sq, inner, "alpha");
  return buffers;
}

namespace {

/// Partitions whose teams are the cores that share K and V anyway: where nobody does there is nothing to deliver.
bool deals_to_sharers(const Config& config) {
  return config.partition == Partition::heads_first || config.partition == Partition::split_k;
}

}  // namespace

Config with_chunks(Config config) {
  validate(config);
  if (config.kernel == Kernel::unfused || config.partition == Partition::contiguous) config.balance = Balance::contiguous;
  const Candidates q = candidates(config.q_chunk, config.shape.seq_q);
  Candidates k = candidates(config.k_chunk, config.shape.seq_kv);
  // As many chunks as there are to be parts, as far as keys go.
  if (config.k_chunk == 0 && config.k_parts > 1) {
    k.largest = std::clamp(tiles_of(config.shape.seq_kv) / config.k_parts, 1, k.largest);
  }
  struct Choice {
    std::int64_t cycles;
    Config config;
  };
  std::vector<Choice> choices;
  const bool must_share = config.kv != KvDelivery::dram && config.kv != KvDelivery::automatic && deals_to_sharers(config);
  std::string nobody_shares;
  for (int sq = q.largest; sq >= q.smallest; --sq) {
    Config tried = config;
    tried.q_chunk = sq * tile_side;
    for (int sk = k.largest; sk >= k.smallest; --sk) {
      tried.k_chunk = sk * tile_side;
      tried = with_parts(tried);
      if (l1_bytes_of(tried) > l1_of(config)) continue;
      if (must_share && tried.delivery == KvDelivery::dram) {
        if (nobody_shares.empty()) nobody_shares = fallback_reason(tried);
        continue;
      }
      choices.push_back({estimate(tried).cycles, tried});
    }
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return a.cycles < b.cycles; });
  const auto best = std::find_if(choices.begin(), choices.end(), [](const Choice& choice) {
    return choice.config.kernel != Kernel::planned || planned_fits(choice.config);
  });
  if (best == choices.end() && !nobody_shares.empty()) {
    throw UsageError(
        fmt::format("`partition` {}: `kv` {}: {}", name_of(config.partition), name_of(config.kv), nobody_shares));
  }
  if (best == choices.end()) throw_does_not_fit(config);
  return best->config;
}

Config with_chunks_for_all(Config config) {
  Config best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const KvDelivery delivery : all_deliveries) {
    Config tried = config;
    tried.kv = delivery;
    try {
      tried = with_chunks(tried);
    } catch (const UsageError&) {
      if (delivery == KvDelivery::dram) throw;  // the first, and the one that there always is
      continue;
    }
    const std::int64_t cycles = estimate(tried).cycles;
    if (cycles >= least) continue;
    least = cycles;
    best = tried;
  }
  config.q_chunk = best.q_chunk;
  config.k_chunk = best.k_chunk;
  return with_chunks(config);
}

std::optional<Config> with_chunks_of_dram(Config config) {
  config.kv = KvDelivery::dram;
  config.kv_cores = 0;
  try {
    return with_chunks(config);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace tilegrid::attention
