// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/verify/verify.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/tile.h"

namespace tilegrid::attention {
namespace {

/// K and V of the head that this process made last: the next piece often has the same.
struct GeneratedHead {
  std::uint64_t seed = 0;
  std::uint8_t distribution = 0;
  std::uint64_t first_sample = 0;
  std::size_t count = 0;
  std::vector<float> k;
  std::vector<float> v;
};

const GeneratedHead& generated_head(const Piece& piece) {
  static GeneratedHead head;
  const std::size_t count = static_cast<std::size_t>(piece.seq_kv) * static_cast<std::size_t>(piece.dim);
  if (head.count == count && head.seed == piece.seed && head.distribution == piece.distribution &&
      head.first_sample == piece.first_sample) {
    return head;
  }
  const auto make = [&](int stream) {
    auto samples =
        random_samples(piece.seed, stream, piece.first_sample + count, static_cast<Distribution>(piece.distribution));
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(piece.first_sample));
    samples.shrink_to_fit();
    return samples;
  };
  head = {piece.seed, piece.distribution, piece.first_sample, count, {}, {}};
  head.k = make(1);
  head.v = make(2);
  return head;
}

constexpr std::uint64_t longest_generated = 3'000'000;

}  // namespace

std::span<const float> Inputs::tensor(int which, std::size_t count) {
  auto& values = tensors_.at(static_cast<std::size_t>(which));
  if (values.empty() && !given_) values = random_samples(seed_, which, count, distribution_);
  if (values.size() != count) throw std::logic_error("an input tensor has another size than the shape says");
  return values;
}

void Inputs::release(int which) {
  if (!given_) std::vector<float>().swap(tensors_.at(static_cast<std::size_t>(which)));  // `= {}` would keep the memory
}

std::size_t OutputTiles::head_bytes() const {
  return static_cast<std::size_t>(tiles_of(shape.seq_q)) * static_cast<std::size_t>(tiles_of(shape.dim)) *
         tile_bytes(format);
}

void OutputTiles::head(int index, std::vector<float>& values) const {
  values.resize(static_cast<std::size_t>(shape.seq_q) * static_cast<std::size_t>(shape.dim));
  untilize(std::span(bytes).subspan(static_cast<std::size_t>(index) * head_bytes(), head_bytes()), shape.seq_q, shape.dim,
           format, values);
}

VerifySums compare(const Piece& piece) {
  const std::vector<float>* k = &piece.k;
  const std::vector<float>* v = &piece.v;
  if (piece.generated) {
    const GeneratedHead& head = generated_head(piece);
    k = &head.k;
    v = &head.v;
  }
  VerifySums sums;
  std::ptrdiff_t at = 0;
  for (const auto& [first, last] : piece.ranges) {
    const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(last - first) * piece.dim;
    const std::ptrdiff_t keys = static_cast<std::ptrdiff_t>(piece.causal ? last : piece.seq_kv) * piece.dim;
    VerifyRows rows{first, last, piece.dim, piece.seq_kv, piece.causal, {}, {}, {}, {}};
    rows.q.assign(piece.q.begin() + at, piece.q.begin() + at + count);
    rows.output.assign(piece.output.begin() + at, piece.output.begin() + at + count);
    rows.k.assign(k->begin(), k->begin() + keys);
    rows.v.assign(v->begin(), v->begin() + keys);
    sums.add(compare_with_reference(rows));
    at += count;
  }
  return sums;
}

Pieces::Pieces(const Shape& shape, const VerifyRequest& request, Inputs& inputs, const OutputTiles& output)
    : shape_(shape), inputs_(inputs), output_(output) {
  const std::size_t all_keys = elements(shape.kv_heads, shape.seq_kv);
  // A generator starts at the first sample: making a late head from a long stream costs more than sending it.
  generate_ = inputs.generated() && all_keys <= longest_generated;
  cut(request, generate_ ? 64 : 256);
}

void Pieces::cut(const VerifyRequest& request, int rows_at_once) {
  const std::uint64_t heads = static_cast<std::uint64_t>(shape_.batch) * static_cast<std::uint64_t>(shape_.heads);
  const auto seq = static_cast<std::uint64_t>(shape_.seq_q);
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
  piece.dim = shape_.dim;
  piece.seq_kv = shape_.seq_kv;
  piece.causal = shape_.causal;
  piece.ranges = part.ranges;
  if (head_ != part.head) {
    output_.head(part.head, head_values_);
    head_ = part.head;
  }
  const auto q = inputs_.tensor(0, elements(shape_.heads, shape_.seq_q));
  const std::size_t head_at = static_cast<std::size_t>(part.head) * head_values_.size();
  for (const auto& [first, last] : part.ranges) {
    const std::size_t begin = static_cast<std::size_t>(first) * static_cast<std::size_t>(shape_.dim);
    const std::size_t count = static_cast<std::size_t>(last - first) * static_cast<std::size_t>(shape_.dim);
    const auto rows = q.subspan(head_at + begin, count);
    piece.q.insert(piece.q.end(), rows.begin(), rows.end());
    const auto values = std::span<const float>(head_values_).subspan(begin, count);
    piece.output.insert(piece.output.end(), values.begin(), values.end());
  }
  add_keys(part, piece);
  return piece;
}

void Pieces::add_keys(const HeadRows& part, Piece& piece) {
  const int batch = part.head / shape_.heads;
  const int kv_head = batch * shape_.kv_heads + part.head % shape_.heads / (shape_.heads / shape_.kv_heads);
  const std::size_t head_elements = static_cast<std::size_t>(shape_.seq_kv) * static_cast<std::size_t>(shape_.dim);
  const std::size_t begin = static_cast<std::size_t>(kv_head) * head_elements;
  if (generate_) {
    piece.generated = true;
    piece.seed = inputs_.seed();
    piece.distribution = static_cast<std::uint8_t>(inputs_.distribution());
    piece.first_sample = begin;
    return;
  }
  const int keys = shape_.causal ? part.ranges.back().second : shape_.seq_kv;
  const std::size_t count = static_cast<std::size_t>(keys) * static_cast<std::size_t>(shape_.dim);
  const std::size_t all = elements(shape_.kv_heads, shape_.seq_kv);
  const auto k = inputs_.tensor(1, all).subspan(begin, count);
  const auto v = inputs_.tensor(2, all).subspan(begin, count);
  piece.k.assign(k.begin(), k.end());
  piece.v.assign(v.begin(), v.end());
}

std::size_t Pieces::elements(int heads, int rows) const {
  return static_cast<std::size_t>(shape_.batch) * static_cast<std::size_t>(heads) * static_cast<std::size_t>(rows) *
         static_cast<std::size_t>(shape_.dim);
}

std::pair<int, int> workers(int ranks, const Shape& shape) {
  constexpr double memory = 4e9;
  const double each = 32.0 * shape.seq_kv * shape.dim;
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

Gate gate_for(const Config& config, double spread) {
  // Two to three times the worst relative L2 that was measured over normal and outlier data, causal and not, 512 to 16384
  // keys, head dims of 32 to 256. What was measured stands behind each bound; of block floats the worst are unfused.
  const bool fp32 = config.format == DataFormat::fp32;
  const bool block_floats = config.format == DataFormat::bfp8_b;
  double bound = block_floats ? 0.09 : 0.07;  // 0.039, 0.0225
  if (config.compute.fidelity == Fidelity::lofi) {
    bound = 0.3;  // 0.124: the product cuts one operand to five bits
  } else if (!config.exp_accurate) {
    bound = block_floats ? 0.1 : 0.08;  // 0.041, 0.028: the fast exp, whatever the number of keys up to 65536
    // Beyond, bf16 sums begin to swallow what is added: 0.18 at 262144 keys on silicon (attention.md 5).
    bound *= std::max(1.0, config.shape.seq_kv / 65536.0);
  } else if (fp32 && config.compute.dst_fp32 && config.compute.fidelity == Fidelity::hifi4) {
    bound = 0.015;  // 0.0047
  }
  // Errors of a relative size e that are independent of the values leave a correlation of 1 - e^2 / 2. Correlation leaves
  // the mean out: where the mean is most of the output, as with a constant V, the same errors are large against the rest.
  constexpr double mostly_spread = 0.9;
  const double in_spread = bound / std::max(spread, 1e-9);
  const double correlation =
      spread > mostly_spread ? std::max(0.9, 1 - bound * bound) : std::max(-1.0, 1 - in_spread * in_spread);
  return {correlation, std::min(bound, 0.5)};
}

}  // namespace tilegrid::attention
