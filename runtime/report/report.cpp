// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/workloads/delivery_choice.h"

namespace tilegrid::cli {
namespace {

using attention::Config;
using attention::Shape;

std::string header(const AttentionOutcome& outcome) {
  const Config& config = outcome.config;
  const Shape& shape = config.shape;
  const AttentionOptions& options = outcome.options;
  std::string data = fmt::format(
      "random {}, seed {}", options.distribution == attention::Distribution::normal ? "normal" : "outlier", options.seed);
  if (options.dry_run) data = "no data";
  if (options.has_files()) data = fmt::format("{}, {}, {}", options.inputs[0], options.inputs[1], options.inputs[2]);
  const auto [least, most] = std::minmax_element(outcome.split.begin(), outcome.split.end(),
                                                 [](const auto& a, const auto& b) { return a.size() < b.size(); });
  std::string text = fmt::format("tilegrid {} attention{}\n", TILEGRID_VERSION, shape.causal ? ", causal" : "");
  text += fmt::format("  shape      batch {}, heads {}, kv heads {}, seq {}, kv seq {}, dim {}; {}\n", shape.batch,
                      shape.heads, shape.kv_heads, shape.seq_q, shape.seq_kv, shape.dim, data);
  text += fmt::format("  numbers    {} in DRAM, {} DST in {} sync, fidelity {}, {} exp\n", name_of(config.format),
                      config.compute.dst_fp32 ? "fp32" : "bf16", config.compute.full_sync ? "full" : "half",
                      text_of(config.compute.fidelity), config.exp_accurate ? "accurate" : "fast");
  text += fmt::format("  kernel     {}\n", attention::name_of(config.kernel));
  text += fmt::format("  chunks     Q {} rows{}, K {} rows{}; {} to {} Q chunks a core{}\n", config.q_chunk,
                      outcome.q_chunk_chosen ? " (chosen)" : "", config.k_chunk, outcome.k_chunk_chosen ? " (chosen)" : "",
                      least->size(), most->size(),
                      !shape.causal                                  ? ""
                      : config.balance == attention::Balance::zigzag ? ", zigzag"
                                                                     : ", contiguous");
  return text + delivery_text(outcome) + place_text(outcome);
}

std::string verification_text(const AttentionOutcome& outcome) {
  if (outcome.options.dry_run) return "\nDry run: no numbers\n";
  if (!outcome.verification) return "\nVerification: not verified (--verify off)\n";
  const Verification& v = *outcome.verification;
  std::string text = fmt::format(
      "\nVerification against double precision: {} ({} of {} rows), {:.2f} s\n", text_of(v.request.mode), v.figures.rows,
      static_cast<std::int64_t>(outcome.config.shape.batch) * outcome.config.shape.heads * outcome.config.shape.seq_q,
      v.seconds);
  text += fmt::format("  correlation {:.7f}   RMSE {:.3e}   relative L2 {:.3e}   largest error {:.3e}\n",
                      v.figures.correlation, v.figures.rmse, v.figures.relative_l2, v.figures.max_abs);
  if (v.not_finite > 0) text += fmt::format("  {} values of the output are NaN or infinite\n", v.not_finite);
  text += fmt::format("  gate: correlation > {:.6g}, relative L2 < {:.3g}, all finite: {}\n", v.gate.correlation,
                      v.gate.relative_l2, v.passed ? "PASS" : "FAIL");
  return text;
}

std::string split_text(const AttentionOutcome& outcome) {
  if (!outcome.options.split) return {};
  std::string text = "\nDevice counts: work split, as batch/head:Q chunks; K steps are visits of K chunks\n";
  for (std::size_t core = 0; core < outcome.split.size(); ++core) {
    const LogicalCore at = outcome.config.grid.core(static_cast<int>(core));
    std::string items;
    int steps = 0;
    const attention::WorkItem* previous = nullptr;
    for (const attention::WorkItem& item : outcome.split[core]) {
      const bool same_head = previous != nullptr && previous->batch == item.batch && previous->head == item.head;
      items += same_head ? fmt::format(",{}", item.chunk) : fmt::format(" {}/{}:{}", item.batch, item.head, item.chunk);
      steps += attention::k_chunks_of(outcome.config, item.chunk);
      previous = &item;
    }
    text += fmt::format("  core {:<8} {:>3} chunks {:>5} K steps {}\n", fmt::format("({},{})", at.x, at.y),
                        outcome.split[core].size(), steps, items);
  }
  return text;
}

}  // namespace

const char* text_of(VerifyMode mode) {
  constexpr std::array<const char*, 4> names{"choose", "off", "sample", "full"};
  return names.at(static_cast<std::size_t>(mode));
}

std::string one_line_summary(const AttentionOutcome& outcome) {
  const Config& config = outcome.config;
  const Shape& shape = config.shape;
  return fmt::format(
      "attention{} {} kernel batch {} heads {} kv-heads {} seq {} kv-seq {} dim {} q-chunk {} k-chunk {} read-batch {} {} "
      "dst {} {} "
      "sync {} {} exp "
      "{} "
      "grid {}{}",
      shape.causal ? " causal" : "", attention::name_of(config.kernel), shape.batch, shape.heads, shape.kv_heads,
      shape.seq_q, shape.seq_kv, shape.dim, config.q_chunk, config.k_chunk, config.read_batch, name_of(config.format),
      config.compute.dst_fp32 ? "fp32" : "bf16", config.compute.full_sync ? "full" : "half",
      text_of(config.compute.fidelity), config.exp_accurate ? "accurate" : "fast",
      config.balance == attention::Balance::zigzag ? "zigzag" : "contiguous", text_of(config.grid),
      config.delivery == attention::KvDelivery::dram
          ? std::string()
          : fmt::format(" kv {} {}x{}", name_of(config.delivery), config.team.columns, config.team.rows));
}

std::string text_report(const AttentionOutcome& outcome) {
  return header(outcome) + verification_text(outcome) + split_text(outcome) + device_text(outcome) + host_text(outcome) +
         view_text(outcome, outcome.options.view);
}

}  // namespace tilegrid::cli
