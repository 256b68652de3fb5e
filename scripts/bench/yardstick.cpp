// SPDX-License-Identifier: Apache-2.0
#include "scripts/bench/yardstick.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "core/cpu_time.h"
#include "kernels/attention/verify/samples.h"

namespace tilegrid::bench {

Tensors random_tensors(const BlockedAttention& shape) {
  const auto head_values = static_cast<std::size_t>(shape.seq) * static_cast<std::size_t>(shape.dim);
  const auto samples = [&](int stream, int heads) {
    return attention::random_samples(0, stream, head_values * static_cast<std::size_t>(heads),
                                     attention::Distribution::normal);
  };
  Tensors made{samples(0, shape.heads), samples(1, shape.kv_heads), samples(2, shape.kv_heads), {}};
  made.out.resize(made.q.size());
  return made;
}

double timed(const BlockedAttention& shape, Tensors& tensors) {
  const double start = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  blocked_attention(shape, tensors.q, tensors.k, tensors.v, tensors.out);
  return cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

void choose_blocks(BlockedAttention& shape, Tensors& tensors) {
  BlockedAttention best = shape;
  double least = std::numeric_limits<double>::infinity();
  for (const int q_block : {64, 128, 256}) {
    for (const int k_block : {128, 256, 512}) {
      if (shape.seq % q_block != 0) continue;
      shape.q_block = q_block;
      shape.k_block = k_block;
      const double seconds = std::min(timed(shape, tensors), timed(shape, tensors));
      if (seconds >= least) continue;
      least = seconds;
      best = shape;
    }
  }
  shape = best;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace tilegrid::bench
