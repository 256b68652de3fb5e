// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/report_json.h"

#include <fmt/format.h>

#include "core/simd/dispatch.h"
#include "runtime/report/report.h"
#include "runtime/report/run_report_json.h"
#include "runtime/workloads/delivery_choice.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

Json config_json(const AttentionOutcome& outcome) {
  const attention::Config& config = outcome.config;
  const AttentionOptions& options = outcome.options;
  const attention::Shape& shape = config.shape;
  const auto path = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  const bool random = !options.has_files() && !options.dry_run;
  return {{"version", TILEGRID_VERSION},
          {"grid", text_of(config.grid)},
          {"batch", shape.batch},
          {"heads", shape.heads},
          {"kv_heads", shape.kv_heads},
          {"seq", shape.seq_q},
          {"kv_seq", shape.seq_kv},
          {"dim", shape.dim},
          {"causal", shape.causal},
          {"q_chunk", config.q_chunk},
          {"k_chunk", config.k_chunk},
          {"q_chunk_chosen", outcome.q_chunk_chosen},
          {"k_chunk_chosen", outcome.k_chunk_chosen},
          {"read_batch", config.read_batch},
          {"format", name_of(config.format)},
          {"fidelity", text_of(config.compute.fidelity)},
          {"dst", config.compute.dst_fp32 ? "fp32" : "bf16"},
          {"sync", config.compute.full_sync ? "full" : "half"},
          {"balance", config.balance == attention::Balance::zigzag ? "zigzag" : "contiguous"},
          {"kv", delivery_json(outcome)},
          {"kernel", attention::name_of(config.kernel)},
          {"exp", config.exp_accurate ? "accurate" : "fast"},
          {"seed", random ? Json(options.seed) : Json()},
          {"distribution",
           random ? Json(options.distribution == attention::Distribution::normal ? "normal" : "outlier") : Json()},
          {"q", path(options.inputs[0])},
          {"k", path(options.inputs[1])},
          {"v", path(options.inputs[2])},
          {"out", path(options.out)},
          {"log", path(options.log)},
          {"verify", options.verify.mode == VerifyMode::sample ? fmt::format("sample:{}", options.verify.sample_rows)
                                                               : std::string(text_of(options.verify.mode))},
          {"dry_run", options.dry_run},
          {"view", options.view},
          {"shake", options.shake ? Json(*options.shake) : Json()},
          {"ranks", outcome.ranks},
          {"transport", outcome.transport},
          {"simd", simd_target_name()}};
}

Json verify_json(const AttentionOutcome& outcome) {
  if (!outcome.verification) return {};
  const Verification& v = *outcome.verification;
  return {{"correlation", v.figures.correlation},
          {"rmse", v.figures.rmse},
          {"relative_l2", v.figures.relative_l2},
          {"max_abs", v.figures.max_abs},
          {"rows", v.figures.rows},
          {"mode", text_of(v.request.mode)},
          {"passed", v.passed},
          {"gate", {{"correlation", v.gate.correlation}, {"relative_l2", v.gate.relative_l2}}},
          {"not_finite", v.not_finite}};
}

Json work_json(const AttentionOutcome& outcome, std::size_t core) {
  Json list = Json::array();
  for (const attention::WorkItem& item : outcome.split[core]) {
    list.push_back({{"batch", item.batch},
                    {"head", item.head},
                    {"q_chunk", item.chunk},
                    {"k_steps", attention::k_chunks_of(outcome.config, item.chunk)}});
  }
  return list;
}

}  // namespace

nlohmann::ordered_json json_report(const AttentionOutcome& outcome) {
  Json report{{"config", config_json(outcome)}, {"verify", verify_json(outcome)}};
  add_run_json(report, outcome, [&](std::size_t core) { return work_json(outcome, core); });
  return report;
}

}  // namespace tilegrid::cli
