// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/verify/verify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/stopwatch.h"
#include "core/tile.h"

namespace tilegrid::attention {
namespace {

/// K or V of the head that this process made last: the next piece often has the same.
struct GeneratedHead {
  std::uint64_t seed = 0;
  std::uint8_t distribution = 0;
  std::uint64_t first_sample = 0;
  std::vector<float> samples;
};

/// Of stream 1, K, or 2, V.
const std::vector<float>& generated_head(const Piece& piece, int stream) {
  static std::array<GeneratedHead, 2> heads;
  GeneratedHead& head = heads.at(stream - 1);
  const int dim = stream == 1 ? piece.shape.dim : piece.shape.value_dim();
  const std::uint64_t first = stream == 1 ? piece.first_k_sample : piece.first_v_sample;
  const std::size_t count = std::size_t{1} * piece.shape.seq_kv * dim;
  if (head.samples.size() == count && head.seed == piece.seed && head.distribution == piece.distribution &&
      head.first_sample == first) {
    return head.samples;
  }
  auto samples = random_samples(piece.seed, stream, count, static_cast<Distribution>(piece.distribution), first);
  head = {piece.seed, piece.distribution, first, std::move(samples)};
  return head.samples;
}

constexpr std::uint64_t longest_generated = 3'000'000;

}  // namespace

std::span<const float> Inputs::tensor(int which, std::size_t count) {
  auto& values = tensors_.at(which);
  if (ones_ && which == 2) values.assign(count, 1.0F);
  if (values.empty() && !given_) values = random_samples(seed_, which, count, distribution_);
  if (values.size() != count) throw std::logic_error("an input tensor has another size than the shape says");
  return values;
}

std::span<const float> Inputs::part(int which, std::size_t first, std::size_t count) {
  if (ones_ && which == 2) return part_.assign(count, 1.0F), part_;
  const std::vector<float>& values = tensors_.at(which);
  if (!values.empty() || given_) return std::span<const float>(values).subspan(first, count);
  part_ = random_samples(seed_, which, count, distribution_, first);
  return part_;
}

void Inputs::release(int which) {
  if (!given_) std::vector<float>().swap(tensors_.at(which));  // `= {}` would keep the memory
}

std::size_t OutputTiles::head_bytes() const {
  return std::size_t{1} * tiles_of(shape.seq_q) * shape.v_dim_t() * tile_bytes(format);
}

void OutputTiles::head(int index, std::vector<float>& values) const {
  values.resize(std::size_t{1} * shape.seq_q * shape.value_dim());
  untilize(std::span(bytes).subspan(index * head_bytes(), head_bytes()), shape.seq_q, shape.value_dim(), format, values);
}

VerifySums compare(const Piece& piece) {
  const std::vector<float>& k = piece.generated ? generated_head(piece, 1) : piece.k;
  const std::vector<float>& v = piece.generated ? generated_head(piece, 2) : piece.v;
  const std::ptrdiff_t dim = piece.shape.dim;
  const std::ptrdiff_t v_dim = piece.shape.value_dim();
  VerifySums sums;
  std::ptrdiff_t at = 0;
  for (const auto& [first, last] : piece.ranges) {
    VerifyRows rows{piece.shape, first, last, piece.few, {}, {}, {}, {}};
    const std::ptrdiff_t end = at + last - first;
    rows.q.assign(piece.q.begin() + at * dim, piece.q.begin() + end * dim);
    rows.output.assign(piece.output.begin() + at * v_dim, piece.output.begin() + end * v_dim);
    rows.k.assign(k.begin(), k.begin() + rows.keys() * dim);
    rows.v.assign(v.begin(), v.begin() + rows.keys() * v_dim);
    sums.add(compare_with_reference(rows));
    at = end;
  }
  return sums;
}

Pieces::Pieces(const Config& config, const VerifyRequest& request, Inputs& inputs, const OutputTiles& output)
    : config_(config), shape_(config.shape), inputs_(inputs), output_(output) {
  const Shape& shape = config.shape;
  const std::size_t all_keys = elements(shape.kv_heads, shape.seq_kv, std::max(shape.dim, shape.value_dim()));
  // A generator starts at the first sample: making a late head from a long stream costs more than sending it.
  generate_ = inputs.generated() && all_keys <= longest_generated;
  cut(request, generate_ ? 64 : 256);
  // Of that many independent values the root mean square is what it is expected to be within some percent.
  constexpr int few_elements = 1024;
  const double all_rows = 1.0 * shape.batch * shape.heads * shape.seq_q;
  const double rows =
      request.mode == VerifyMode::sample ? std::min(static_cast<double>(request.sample_rows), all_rows) : all_rows;
  few_ = rows * shape.value_dim() < few_elements;
}

void Pieces::cut(const VerifyRequest& request, int rows_at_once) {
  const std::uint64_t heads = std::uint64_t{1} * shape_.batch * shape_.heads;
  const std::uint64_t seq = shape_.seq_q;
  if (request.mode == VerifyMode::full) {
    for (int head = 0; head < static_cast<int>(heads); ++head) {
      for (int row = 0; row < shape_.seq_q; row += rows_at_once) {
        parts_.push_back({head, {{row, std::min(row + rows_at_once, shape_.seq_q)}}});
      }
    }
    return;
  }
  for (const std::uint64_t flat : sample_rows(request.sample_rows, heads * seq)) {
    const int head = static_cast<int>(flat / seq);
    const int row = static_cast<int>(flat % seq);
    if (parts_.empty() || parts_.back().head != head || parts_.back().ranges.size() >= 32) parts_.push_back({head, {}});
    auto& ranges = parts_.back().ranges;
    if (!ranges.empty() && ranges.back().second == row) {
      ++ranges.back().second;
    } else {
      ranges.emplace_back(row, row + 1);
    }
  }
}

Piece Pieces::make(const HeadRows& part) {
  Piece piece;
  piece.shape = shape_;
  piece.shape.seq_kv = keys_of(config_, part.head / shape_.heads);
  piece.few = few_;
  piece.ranges = part.ranges;
  if (head_ != part.head) {
    output_.head(part.head, head_values_);
    head_ = part.head;
  }
  const std::size_t dim = shape_.dim;
  const std::size_t v_dim = shape_.value_dim();
  const auto q = inputs_.tensor(0, elements(shape_.heads, shape_.seq_q, shape_.dim));
  const std::size_t head_row = std::size_t{1} * part.head * shape_.seq_q;
  for (const auto& [first, last] : part.ranges) {
    const std::size_t row = first;
    const std::size_t count = last - first;
    const auto rows = q.subspan((head_row + row) * dim, count * dim);
    piece.q.insert(piece.q.end(), rows.begin(), rows.end());
    const auto values = std::span<const float>(head_values_).subspan(row * v_dim, count * v_dim);
    piece.output.insert(piece.output.end(), values.begin(), values.end());
  }
  add_keys(part, piece);
  return piece;
}

void Pieces::add_keys(const HeadRows& part, Piece& piece) {
  const int batch = part.head / shape_.heads;
  const int kv_head = batch * shape_.kv_heads + part.head % shape_.heads / (shape_.heads / shape_.kv_heads);
  const std::size_t row = std::size_t{1} * kv_head * shape_.seq_kv;
  const std::size_t dim = shape_.dim;
  const std::size_t v_dim = shape_.value_dim();
  if (generate_) {
    piece.generated = true;
    piece.seed = inputs_.seed();
    piece.distribution = static_cast<std::uint8_t>(inputs_.distribution());
    piece.first_k_sample = row * dim;
    piece.first_v_sample = row * v_dim;
    return;
  }
  const std::size_t keys = piece.shape.keys_seen(part.ranges.back().second - 1);
  const auto k = inputs_.tensor(1, elements(shape_.kv_heads, shape_.seq_kv, shape_.dim)).subspan(row * dim, keys * dim);
  const auto v =
      inputs_.tensor(2, elements(shape_.kv_heads, shape_.seq_kv, shape_.value_dim())).subspan(row * v_dim, keys * v_dim);
  piece.k.assign(k.begin(), k.end());
  piece.v.assign(v.begin(), v.end());
}

std::size_t Pieces::elements(int heads, int rows, int dim) const {
  return std::size_t{1} * shape_.batch * heads * rows * dim;
}

std::pair<int, int> workers(int ranks, const Shape& shape) {
  constexpr double memory = 4e9;
  const double each = 16.0 * shape.seq_kv * (shape.dim + shape.value_dim());
  const int most = std::max(1, static_cast<int>(std::min(memory / each, 1e6)));
  const int first = ranks > 4 ? 1 : 0;
  return {first, std::min(ranks - first, most)};
}

planner::Tally tally_of(const OutputTiles& output) {
  planner::Tally all;
  std::vector<float> values;
  for (int head = 0; head < output.shape.batch * output.shape.heads; ++head) {
    output.head(head, values);
    const planner::Tally one = planner::tally_of_finite(values);
    if (all.wrong() == 0) all.first_wrong = all.elements + one.first_wrong;
    all.elements += one.elements;
    all.not_finite += one.not_finite;
  }
  return all;
}

/// Of the tensors' magnitudes, 8 of bf16 and more.
int fewest_bits(const Formats& formats) {
  int fewest = 8;
  for (const DataFormat format : {formats.q, formats.k, formats.v, formats.out}) {
    if (is_block_float(format)) fewest = std::min(fewest, magnitude_bits(format));
  }
  return fewest;
}

Gate gate_for(const Config& config, const VerifyFigures& figures) {
  // Two to three times the worst relative L2 that was measured over normal and outlier data, causal and not, 512 to 16384
  // keys, head dims of 32 to 256. What was measured stands behind each bound; of block floats the worst are unfused.
  const bool fp32 = config.format == DataFormat::fp32;
  const int bits = fewest_bits(config.format);
  const bool block_floats = bits <= 7;
  double bound = block_floats ? 0.09 : 0.07;  // 0.039, 0.0231
  if (config.compute.fidelity == Fidelity::lofi) {
    bound = 0.3;  // 0.124: the product cuts one operand to five bits
  } else if (!config.exp_accurate) {
    bound = block_floats ? 0.1 : 0.08;  // 0.041, 0.036: the fast exp, whatever the number of keys up to 65536
    // Beyond, bf16 sums begin to swallow what is added: 0.18 at 262144 keys on silicon (attention.md 5).
    bound *= std::max(1.0, config.shape.seq_kv / 65536.0);
  } else if (fp32 && config.compute.dst_fp32 && config.compute.fidelity == Fidelity::hifi4) {
    bound = 0.015;  // 0.0047
  }
  // Steps of a quarter and of one whole of the largest of 16: of bfp2 hardly more than signs are left.
  if (bits == 3) bound = std::max(bound, 0.6);
  if (bits == 1) bound = std::max(bound, 1.2);
  const double most = std::max(0.5, bits < 7 ? bound : 0.0);
  const double least = bits == 1 ? 0.3 : bits == 3 ? 0.8 : 0.9;
  // A larger scale makes softmax sharper, and errors of scores count for more: with 16 times the usual one 0.063 in bf16,
  // 0.16 in bfp8, with 2 to 8 times no more than without.
  const double sharper = config.shape.score_scale() * std::sqrt(config.shape.dim);
  bound *= std::max(1.0, std::sqrt(sharper / 8));
  // Errors of a relative size e that are independent of the values leave a correlation of 1 - e^2 / 2. Correlation leaves
  // the mean out: where the mean is most of the output, as with a constant V, the same errors are large against the rest.
  constexpr double mostly_spread = 0.9;
  const double capped = std::min(bound, most) * figures.cancelled;
  bound *= figures.cancelled;
  const double in_spread = bound / std::max(figures.spread, 1e-9);
  const double correlation = figures.spread > mostly_spread && figures.cancelled < 2
                                 ? std::max(least, 1 - bound * bound)
                                 : std::max(-1.0, 1 - in_spread * in_spread);
  return {correlation, capped};
}

Verification verify(const Config& config, const VerifyRequest& request, Inputs& inputs, const OutputTiles& output, int ranks,
                    const CompareRound& compare_round) {
  const Stopwatch watch;
  Pieces pieces(config, request, inputs, output);
  // Rank 0 holds what is on its way to the others: a few MiB when it is rows only, more when keys and values go along.
  const std::size_t round_bytes = (pieces.generates() ? std::size_t{2} : std::size_t{32}) << 20U;
  const auto [first_worker, worker_count] = workers(ranks, config.shape);

  Verification result;
  result.request = request;
  VerifySums sums;
  while (!pieces.done()) {
    Round round(ranks);
    std::size_t bytes = 0;
    int taken = 0;
    for (; taken < worker_count && !pieces.done() && bytes < round_bytes; ++taken) {
      bytes += round[first_worker + taken].emplace(pieces.next()).bytes();
    }
    const std::vector<VerifySums> answers = compare_round(std::move(round));
    for (int worker = 0; worker < taken; ++worker) sums.add(answers.at(first_worker + worker));
  }
  result.figures = figures(sums, config.shape.value_dim());
  result.finite = tally_of(output);
  result.gate = gate_for(config, result.figures);
  result.passed = result.finite.passed() && sums.not_finite == 0 && result.figures.correlation > result.gate.correlation &&
                  result.figures.relative_l2 < result.gate.relative_l2;
  result.seconds = watch.seconds();
  return result;
}

}  // namespace tilegrid::attention
