// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/attention/config.h"
#include "kernels/planner/reference/judgement.h"
#include "runtime/data/attention_data.h"
#include "runtime/device.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// Q, K and V of a run as floats. Generated ones exist only while somebody holds them, as they can be made again.
class InputData {
 public:
  InputData(std::uint64_t seed, attention::Distribution distribution) : seed_(seed), distribution_(distribution) {}
  /// Three tensors of the user's own.
  explicit InputData(std::array<std::vector<float>, 3> tensors) : given_(true), tensors_(std::move(tensors)) {}

  InputData() = default;

  [[nodiscard]] bool generated() const { return !given_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] attention::Distribution distribution() const { return distribution_; }
  /// Tensor 0 Q, 1 K, 2 V of `count` elements; generates it when it is not there.
  [[nodiscard]] std::span<const float> tensor(int which, std::size_t count);
  /// Frees the memory of a generated tensor.
  void release(int which);
  /// Frees everything; no tensor can be had afterwards.
  void discard() { tensors_ = {}; }

 private:
  std::uint64_t seed_ = 0;
  attention::Distribution distribution_ = attention::Distribution::normal;
  bool given_ = false;
  std::array<std::vector<float>, 3> tensors_;
};

/// The output in DRAM's tiles, page by page as [batch, head, row tile, column tile].
struct OutputTiles {
  attention::Shape shape;
  DataFormat format = DataFormat::bf16;
  std::vector<std::byte> bytes;
  [[nodiscard]] std::size_t head_bytes() const;
  /// One head (batch * heads + head) as [seq_q, dim].
  void head(int index, std::vector<float>& values) const;
};

/// What the figures must reach. Bounds are exclusive.
struct Gate {
  double correlation = 0;
  double relative_l2 = 0;
};

struct Verification {
  VerifyRequest request;  ///< mode is full or sample
  attention::VerifyFigures figures;
  planner::Tally finite;  ///< whether all elements of the output are
  Gate gate;
  bool passed = false;
  double seconds = 0;
  std::vector<std::uint64_t> resident_bytes;  ///< by rank: high-water mark of the process after its part; 0 without a part
};

/// Above this many multiply-adds of the reference the default is a sample.
inline constexpr double full_verification_limit = 1e10;

/// The table of gates.
[[nodiscard]] Gate gate_for(const attention::Config& config, double spread);

/// Makes the task of verification known; every rank, before its session begins.
void register_verify_task();

/// Compares the output with the reference in double precision; the work is spread over the ranks. The figures do not depend
/// on the number of ranks.
[[nodiscard]] Verification verify(Device& device, const attention::Config& config, const VerifyRequest& request,
                                  InputData& inputs, const OutputTiles& output);

}  // namespace tilegrid::workloads
