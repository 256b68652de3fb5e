// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/attention_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/host_memory.h"
#include "runtime/protocol.h"
#include "runtime/task.h"
#include "runtime/workloads/comparison.h"

namespace tilegrid::workloads {
namespace {

constexpr const char* task_name = "attention/verify";

struct PieceResult {
  attention::VerifySums sums;
  std::uint64_t resident_bytes = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sums, resident_bytes);
  }
};

std::vector<std::byte> compare_task(std::span<const std::byte> input) {
  if (input.empty()) return {};
  const attention::VerifySums sums = attention::compare(from_bytes<attention::Piece>(input));
  return to_bytes(PieceResult{sums, resident_high_water()});
}

std::uint64_t rows_of(const attention::Piece& piece) {
  std::uint64_t rows = 0;
  for (const auto& [first, last] : piece.ranges) rows += static_cast<std::uint64_t>(last - first);
  return rows;
}

}  // namespace

void register_verify_task() { register_task(task_name, &compare_task); }

attention::CompareRound share_out(Device& device, std::vector<RankHostCost>& costs,
                                  std::function<void(std::uint64_t)> on_progress) {
  return [&device, &costs, rows = std::uint64_t{0}, on_progress = std::move(on_progress)](attention::Round round) mutable {
    std::vector<std::vector<std::byte>> pieces(round.size());
    for (std::size_t rank = 0; rank < round.size(); ++rank) {
      if (round[rank]) pieces[rank] = to_bytes(*round[rank]);
      if (round[rank]) rows += rows_of(*round[rank]);
      round[rank].reset();  // it is in memory once
    }
    const auto answers = device.map(task_name, pieces);
    std::vector<attention::VerifySums> sums(round.size());
    for (std::size_t rank = 0; rank < answers.size(); ++rank) {
      PieceResult answer{{}, rank == 0 ? resident_high_water() : 0};
      if (!answers[rank].empty()) answer = from_bytes<PieceResult>(answers[rank]);
      sums[rank] = answer.sums;
      costs[rank].resident_bytes = std::max(costs[rank].resident_bytes, answer.resident_bytes);
    }
    if (on_progress) on_progress(rows);
    return sums;
  };
}

void describe(const attention::Verification& v, std::int64_t rows, const std::vector<std::int64_t>& extents,
              report::Document& document) {
  report::Value& json = document.figures["verify"];
  const std::string mode(verify_names().of(v.request.mode));
  json = {{"correlation", v.figures.correlation},
          {"rmse", v.figures.rmse},
          {"relative_l2", v.figures.relative_l2},
          {"max_abs", v.figures.max_abs},
          {"worst_row", v.figures.worst_row},
          {"rows", v.figures.rows},
          {"mode", mode},
          {"passed", v.passed},
          {"gate", {{"correlation", v.gate.correlation}, {"relative_l2", v.gate.relative_l2}}}};
  add_tally(json, v.finite, extents);
  if (v.passed) {
    document.verdict = fmt::format("correlation {:.5f}, relative L2 {:.3g}, {} of {} rows", v.figures.correlation,
                                   v.figures.relative_l2, v.figures.rows, rows);
  }
  std::string& text = document.verification;
  text = fmt::format("\nVerification against double precision: {} ({} of {} rows), {:.2f} s\n", mode, v.figures.rows, rows,
                     v.seconds);
  text += fmt::format("  correlation {:.7f}   RMSE {:.3e}   relative L2 {:.3e}   largest error {:.3e}\n",
                      v.figures.correlation, v.figures.rmse, v.figures.relative_l2, v.figures.max_abs);
  text += gate_text(
      fmt::format("correlation > {:.6g}, relative L2 < {:.3g}, all finite", v.gate.correlation, v.gate.relative_l2),
      v.finite.wrong() > 0 ? tally_text(v.finite, extents) : "", v.passed);
}

}  // namespace tilegrid::workloads
