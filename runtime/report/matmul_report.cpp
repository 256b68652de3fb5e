// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/matmul_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/simd/dispatch.h"
#include "core/tile.h"
#include "runtime/report/comparison_text.h"
#include "runtime/report/report.h"
#include "runtime/report/run_report_json.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;
using matmul::Config;
using matmul::Extent;
using matmul::Shape;

std::string tiles_text(Extent extent) { return fmt::format("{}x{}", extent.rows, extent.columns); }

std::string data_text(const MatmulOptions& options) {
  if (options.dry_run) return "no data";
  std::string text;
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    const std::string& file = options.inputs.at(i);
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", i == 0 ? "A" : "B", file.empty() ? "random normal" : file);
  }
  if (options.inputs[0].empty() || options.inputs[1].empty()) text += fmt::format(", seed {}", options.seed);
  return text;
}

std::string delivery_text(const Config& config) {
  const GridSize used = matmul::cores_used(config);
  const std::string cores = fmt::format("{} of {} cores have a share", used.cores(), config.grid.cores());
  if (config.delivery == matmul::Delivery::dram) return "dram: every core reads its own blocks; " + cores;
  return fmt::format("multicast: column 0 reads A for its rows, row 0 reads B for its columns; {}", cores);
}

std::string header(const MatmulOutcome& outcome) {
  const Config& config = outcome.config;
  const Shape& shape = config.shape;
  const matmul::Config& asked = outcome.options.config;
  const auto chosen = [](bool was) { return was ? " (chosen)" : ""; };
  std::string text = fmt::format("tilegrid {} matmul\n", TILEGRID_VERSION);
  text += fmt::format("  shape      batch {}, m {}, k {}, n {}{}; {}\n", shape.batch, shape.m, shape.k, shape.n,
                      shape.shared_b && shape.batch > 1 ? ", one B for all" : "", data_text(outcome.options));
  text += fmt::format("  numbers    {} in DRAM, {} DST in {} sync, fidelity {}\n", name_of(config.format),
                      config.compute.dst_fp32 ? "fp32" : "bf16", config.compute.full_sync ? "full" : "half",
                      text_of(config.compute.fidelity));
  const Extent blocks = matmul::blocks_of_core(config);
  text += fmt::format("  blocks     {} tiles of the output a core{}, {}{} at a time ({} blocks), subblocks {}x{}{}\n",
                      tiles_text(config.per_core), chosen(asked.per_core.tiles() == 0), tiles_text(config.out_block),
                      chosen(asked.out_block.tiles() == 0), blocks.tiles(), config.sub.h, config.sub.w,
                      chosen(asked.sub.h == 0));
  text += fmt::format("             K {} tiles at a time{}, {} blocks; partial sums by {}\n", config.k_block,
                      chosen(asked.k_block == 0), matmul::k_blocks(config),
                      config.carrier == matmul::Carrier::packer ? "the packer" : "reload");
  text += fmt::format("  delivery   {}\n", delivery_text(config));
  return text + place_text(outcome);
}

std::string verification_text(const MatmulOutcome& outcome) {
  if (outcome.options.dry_run) return "\nDry run: no numbers\n";
  if (!outcome.verification) return "\nVerification: not verified (--verify off)\n";
  const MatmulVerification& v = *outcome.verification;
  const Shape& shape = outcome.config.shape;
  std::string text = fmt::format("\nVerification against double precision: {} ({} of {} rows), {:.2f} s\n",
                                 text_of(v.request.mode), v.rows, std::int64_t{shape.batch} * shape.m, v.seconds);
  text += comparison_text("out", v.compared, static_cast<std::size_t>(shape.n));
  if (v.not_finite > 0) text += fmt::format("  {} values of the output are NaN or infinite\n", v.not_finite);
  text += fmt::format("  gate: every element within its bound, RMSE over RMS {:.3e} < {:.3g}, all finite: {}\n", v.error,
                      v.gate, v.passed() ? "PASS" : "FAIL");
  return text;
}

Json config_json(const MatmulOutcome& outcome) {
  const Config& config = outcome.config;
  const Shape& shape = config.shape;
  const MatmulOptions& options = outcome.options;
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  const auto extent = [](int rows, int columns) { return Json{{"rows", rows}, {"columns", columns}}; };
  return {{"version", TILEGRID_VERSION},
          {"grid", text_of(outcome.grid)},
          {"batch", shape.batch},
          {"m", shape.m},
          {"k", shape.k},
          {"n", shape.n},
          {"shared_b", shape.shared_b},
          {"format", name_of(config.format)},
          {"fidelity", text_of(config.compute.fidelity)},
          {"dst", config.compute.dst_fp32 ? "fp32" : "bf16"},
          {"sync", config.compute.full_sync ? "full" : "half"},
          {"delivery", text_of(config.delivery)},
          {"sums", text_of(config.carrier)},
          {"cores_used", matmul::cores_used(config).cores()},
          {"per_core", extent(config.per_core.rows, config.per_core.columns)},
          {"out_block", extent(config.out_block.rows, config.out_block.columns)},
          {"block", config.k_block},
          {"k_blocks", matmul::k_blocks(config)},
          {"subblock", extent(config.sub.h, config.sub.w)},
          {"a", text(options.inputs[0])},
          {"b", text(options.inputs[1])},
          {"seed", options.seed},
          {"dry_run", options.dry_run},
          {"log", text(options.log)},
          {"view", options.view},
          {"shake", options.shake ? Json(*options.shake) : Json()},
          {"ranks", outcome.ranks},
          {"transport", outcome.transport},
          {"simd", simd_target_name()}};
}

Json verify_json(const MatmulOutcome& outcome) {
  if (!outcome.verification) return {};
  const MatmulVerification& v = *outcome.verification;
  Json json = comparison_json("out", v.compared);
  json["mode"] = text_of(v.request.mode);
  json["rows"] = v.rows;
  json["error"] = v.error;
  json["gate"] = v.gate;
  json["passed"] = v.passed();
  return json;
}

/// Tiles of the output that exist among those of a core.
Json share_json(const Config& config, std::size_t index) {
  const LogicalCore core = config.grid.core(static_cast<int>(index));
  const auto part = [](int at, int share, int all) { return std::clamp(all - at * share, 0, share); };
  return {{"tile_rows", part(core.y, config.per_core.rows, tiles_of(config.shape.m))},
          {"tile_columns", part(core.x, config.per_core.columns, tiles_of(config.shape.n))}};
}

}  // namespace

const char* text_of(matmul::Delivery delivery) { return delivery == matmul::Delivery::multicast ? "multicast" : "dram"; }
const char* text_of(matmul::Carrier carrier) { return carrier == matmul::Carrier::packer ? "packer" : "reload"; }

std::string text_report(const MatmulOutcome& outcome) {
  return header(outcome) + verification_text(outcome) + device_text(outcome) + host_text(outcome) +
         view_text(outcome, outcome.options.view);
}

std::string one_line_summary(const MatmulOutcome& outcome) {
  const Config& config = outcome.config;
  const Shape& shape = config.shape;
  return fmt::format(
      "matmul batch {} m {} k {} n {} per-core {} out-block {} block {} subblock {}x{} sums {} delivery {} {} dst {} {} "
      "sync {} grid {}",
      shape.batch, shape.m, shape.k, shape.n, tiles_text(config.per_core), tiles_text(config.out_block), config.k_block,
      config.sub.h, config.sub.w, text_of(config.carrier), text_of(config.delivery), name_of(config.format),
      config.compute.dst_fp32 ? "fp32" : "bf16", config.compute.full_sync ? "full" : "half",
      text_of(config.compute.fidelity), text_of(config.grid));
}

Json json_report(const MatmulOutcome& outcome) {
  const auto work = [&](std::size_t core) { return share_json(outcome.config, core); };
  Json report{{"config", config_json(outcome)}, {"verify", verify_json(outcome)}};
  add_run_json(report, outcome, work);
  return report;
}

}  // namespace tilegrid::cli
