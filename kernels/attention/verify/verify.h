// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/format.h"
#include "kernels/attention/config.h"
#include "kernels/attention/verify/reference.h"
#include "kernels/attention/verify/samples.h"
#include "kernels/common/verify_request.h"
#include "kernels/planner/reference/judgement.h"

/// Verification of an output, in pieces that several processes can share.
namespace tilegrid::attention {

/// Q, K and V of a run as floats. Generated ones exist only while somebody holds them, as they can be made again.
class Inputs {
 public:
  Inputs(std::uint64_t seed, Distribution distribution) : seed_(seed), distribution_(distribution) {}
  /// Three tensors of the user's own.
  explicit Inputs(std::array<std::vector<float>, 3> tensors) : given_(true), tensors_(std::move(tensors)) {}

  Inputs() = default;

  /// Makes V all ones: the output is the sums of P's rows then.
  void set_ones() { ones_ = true; }

  [[nodiscard]] bool generated() const { return !given_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] Distribution distribution() const { return distribution_; }
  /// Tensor 0 Q, 1 K, 2 V of `count` elements; generates it when it is not there.
  [[nodiscard]] std::span<const float> tensor(int which, std::size_t count);
  /// Elements [first, first + count) of a tensor; what is generated for it is there until the next call.
  [[nodiscard]] std::span<const float> part(int which, std::size_t first, std::size_t count);
  /// Frees the memory of a generated tensor.
  void release(int which);
  /// Frees everything; no tensor can be had afterwards.
  void discard() { tensors_ = {}; }

 private:
  std::uint64_t seed_ = 0;
  Distribution distribution_ = Distribution::normal;
  bool given_ = false;
  bool ones_ = false;  ///< V
  std::array<std::vector<float>, 3> tensors_;
  std::vector<float> part_;
};

/// The output in DRAM's tiles, page by page as [batch, head, row tile, column tile].
struct OutputTiles {
  Shape shape;
  DataFormat format = DataFormat::bf16;
  std::vector<std::byte> bytes;
  [[nodiscard]] std::size_t head_bytes() const;
  /// One head (batch * heads + head) as [seq_q, v_dim].
  void head(int index, std::vector<float>& values) const;
};

/// Rows of one head for one process. K and V are those of its key-value head: with the message, or made again from the seed.
struct Piece {
  Shape shape;
  bool few = false;                         ///< all pieces together have few elements
  std::vector<std::pair<int, int>> ranges;  ///< [first, last) rows
  std::vector<float> q;                     ///< of all ranges, [rows, dim]
  std::vector<float> output;
  bool generated = false;
  std::uint64_t seed = 0;
  std::uint8_t distribution = 0;
  std::uint64_t first_k_sample = 0, first_v_sample = 0;  ///< where the head begins in the streams of K and V
  std::vector<float> k;                                  ///< not generated: [keys, dim], as many keys as the last row sees
  std::vector<float> v;
  [[nodiscard]] std::size_t bytes() const { return (q.size() + output.size() + k.size() + v.size()) * sizeof(float); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(shape, few, ranges, q, output, generated, seed, distribution, first_k_sample, first_v_sample, k, v);
  }
};

/// Compares a piece with the reference. Keeps K and V that it made, as the next piece often has the same.
[[nodiscard]] VerifySums compare(const Piece& piece);

/// All pieces of a verification, one after the other, so that only those under way are in memory. Neither the pieces nor
/// their order depend on how many processes share them.
class Pieces {
 public:
  Pieces(const Config& config, const VerifyRequest& request, Inputs& inputs, const OutputTiles& output);

  /// Whether K and V are made again by who compares, as that costs less than sending them.
  [[nodiscard]] bool generates() const { return generate_; }
  [[nodiscard]] bool done() const { return next_ == parts_.size(); }
  [[nodiscard]] Piece next() { return make(parts_[next_++]); }

 private:
  /// The rows of one head, in ranges.
  struct HeadRows {
    int head = 0;  ///< batch * heads + head
    std::vector<std::pair<int, int>> ranges;
  };
  void cut(const VerifyRequest& request, int rows_at_once);
  [[nodiscard]] Piece make(const HeadRows& part);
  void add_keys(const HeadRows& part, Piece& piece);
  [[nodiscard]] std::size_t elements(int heads, int rows, int dim) const;

  const Config& config_;
  Shape shape_;
  Inputs& inputs_;
  const OutputTiles& output_;
  bool generate_ = false;
  bool few_ = false;
  std::vector<HeadRows> parts_;
  std::size_t next_ = 0;
  int head_ = -1;
  std::vector<float> head_values_;
};

/// Ranks that take part, the first of them and how many. Each needs 16 bytes for an element of K and of V (two floats and a
/// double), which bounds their number on long sequences. Rank 0 has the tensors, and serves the others instead where
/// there are enough of them.
[[nodiscard]] std::pair<int, int> workers(int ranks, const Shape& shape);

/// Inputs are finite, and so is every weighted mean of them: an output that is not is wrong.
[[nodiscard]] planner::Tally tally_of(const OutputTiles& output);

/// What the figures must reach. Bounds are exclusive.
struct Gate {
  double correlation = 0;
  double relative_l2 = 0;
};

/// Above this many multiply-adds of the reference the default is a sample.
inline constexpr double full_verification_limit = 1e10;

/// The table of gates.
[[nodiscard]] Gate gate_for(const Config& config, const VerifyFigures& figures);

/// A verification, with what it found.
struct Verification {
  VerifyRequest request;  ///< mode is full or sample
  VerifyFigures figures;
  planner::Tally finite;  ///< whether all elements of the output are
  Gate gate;
  bool passed = false;
  double seconds = 0;
};

/// Pieces by rank, none for a rank that has nothing to do.
using Round = std::vector<std::optional<Piece>>;
/// Has a round's pieces compared; the sums by rank.
using CompareRound = std::function<std::vector<VerifySums>(Round round)>;
/// Compares the output with the reference in double precision, in rounds of pieces for `ranks` ranks. The figures do not
/// depend on how many there are.
[[nodiscard]] Verification verify(const Config& config, const VerifyRequest& request, Inputs& inputs,
                                  const OutputTiles& output, int ranks, const CompareRound& compare_round);

}  // namespace tilegrid::attention
