// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/presets.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/error.h"
#include "kernels/planner/graph/expression.h"

namespace tilegrid::planner {
namespace {

using enum PresetOperand::Dimension;

// The scale c of attention presets is 1/sqrt(128), that of a head of 128. Column vectors hold one number a row, running row
// sums l are 32 partial sums wide (one tile), as the vendor's kernels keep them (dst.md 6).
std::vector<Preset> make_presets() {
  return {
      // The document counts K^T, the matmul's accumulator, one operand each of two binary operations, and the output of a
      // chain of unary ones; two of those make six operations.
      {"six-op", "the six-operation kernel: transpose, matmul, subtract, multiply, exp, recip",
       "KT = K.T; S = Q @ KT; d = S - m; e = d * c; p = exp(e); out = recip(p)"},
      {"attention-scores", "S = Q K^T", "S = Q @ K.T"},
      {"attention-row-max", "running row maximum of the scores", "m = maximum(m0[:, None], rowmax(S))"},
      {"attention-exp", "exponentials of the scores, with partial row sums",
       "P = exp((S - m[:, None]) / np.sqrt(128)); l = partial_rowsum(P); P, l"},
      {"attention-pv", "exponentials times V", "PV = P @ V"},
      {"attention-alpha", "what earlier sums are scaled by: exp of the change of the row maximum",
       "a = exp((m0[:, None] - m[:, None]) / np.sqrt(128))"},
      {"attention-rescale",
       "rescale and accumulate the output and the row sums",
       "O = a[:, None] * O0 + PV; l = a[:, None] * l0 + lp",
       {{"l0", rows, one}, {"lp", rows, one}}},
      {"attention-normalise", "the output divided by its row sums", "O = O0 * recip(rowsum(l))", {{"l", rows, one}}},
      {"attention-step",
       "one whole K step of flash attention",
       "S = Q @ K.T; m = maximum(m0[:, None], rowmax(S)); P = exp((S - m) / np.sqrt(128)); "
       "a = exp((m0[:, None] - m) / np.sqrt(128)); l = a * l0 + partial_rowsum(P); O = a * O0 + P @ V; m, l, O",
       {{"Q", rows, cols}}},
      {"softmax", "softmax of rows", "m = rowmax(x); p = exp(x - m); out = p * recip(rowsum(p))"},
      {"layer-norm", "layer normalisation of rows, with gamma and beta",
       "d = x - rowmean(x); v = rowmean(d**2); out = d * (v + 1e-5)**-0.5 * gamma[None, :] + beta[None, :]"},
      {"gelu", "gelu by tanh", "out = 0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x**3)))"},
      {"rescale-accumulate", "the output rescaled, and exponentials times V added", "O = a[:, None] * O0 + P @ V"},
  };
}

Extent extent_of(PresetOperand::Dimension dimension, Shape block) {
  switch (dimension) {
    case rows:
      return {block.rows.tiles, false};
    case cols:
      return {block.cols.tiles, false};
    case one:
      break;
  }
  return {1, false};
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = make_presets();
  return all;
}

Graph preset_graph(std::string_view name, Shape block, int inner) {
  return preset_graph(name, ExpressionShapes{.block = block, .inner = inner});
}

Graph preset_graph(std::string_view name, ExpressionShapes shapes) {
  const auto found =
      std::find_if(presets().begin(), presets().end(), [&](const Preset& preset) { return preset.name == name; });
  if (found == presets().end()) {
    std::string names;
    for (const Preset& preset : presets()) names += fmt::format("{}{}", names.empty() ? "" : ", ", preset.name);
    throw UsageError(fmt::format("unknown preset '{}' (expected one of {})", name, names));
  }
  for (const PresetOperand& operand : found->operands) {
    if (!shapes.factors.empty()) break;
    shapes.operands.try_emplace(std::string(operand.name),
                                Shape{extent_of(operand.rows, shapes.block), extent_of(operand.cols, shapes.block)});
  }
  Graph graph = parse_expression(found->expression, shapes);
  graph.name = std::string(name);
  return graph;
}

}  // namespace tilegrid::planner
