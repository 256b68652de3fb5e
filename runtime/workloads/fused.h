// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/planner/reference/judgement.h"
#include "kernels/planner/run/choose_blocks.h"
#include "kernels/planner/run/fused_program.h"
#include "runtime/data/npy.h"
#include "runtime/data/tensors.h"
#include "runtime/flags/graph_flags.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// Above this many multiply-adds the output is not verified unless that is asked for.
inline constexpr double fused_verification_limit = 2e10;

/// `tilegrid fused`: a planned block of tile operations over whole tensors, verified.
class Fused : public Workload {
 public:
  Fused() { options.view = "dst-sections"; }
  GraphRequest request;
  planner::Strategy strategy = planner::Strategy::best;
  std::optional<std::pair<int, int>> tensor;  ///< elements of the first output
  NamedFiles inputs, outputs;                 ///< inputs without a file are random
  std::uint64_t seed = 0;
  double scale = 1;  ///< standard deviation of random inputs
  VerifyMode verify = VerifyMode::choose;
  bool force = false;  ///< run a refused plan, too

  planner::Graph graph;  ///< as it was asked for
  planner::FusedJob job;
  std::vector<planner::TensorExtent> input_extents, output_extents;  ///< of the plan's graph, in its order
  double multiply_adds = 0;                                          ///< of the reference
  std::vector<planner::Comparison> verification;                     ///< of each output; empty without one

  [[nodiscard]] About about() const override;
  void register_kernels() const override { planner::register_kernels(); }
  void check() override;
  void prepare(Device& device) override;
  std::vector<Program> programs(Device& device) override;
  void upload(Device& device) override;
  void finish(Device& device, report::RunOutcome& outcome) override;
  [[nodiscard]] std::string line() const override;
  [[nodiscard]] std::uint64_t matmul_tiles() const override { return planner::matmul_tile_count(job); }
  void describe(report::Document& document) const override;
  [[nodiscard]] report::Value work_of(int core) const override;
  [[nodiscard]] std::vector<Choice> choices() const override;

 protected:
  void declare(Flags& flags) override;

 private:
  void describe_config(report::Document& document) const;
  [[nodiscard]] report::Value tensor_figures() const;
  [[nodiscard]] std::string tensors_text(const report::Value& tensors) const;
  [[nodiscard]] report::Value verification_figures() const;

  std::map<std::string, NpyArray> arrays_;  ///< of the user's files, by name
  std::vector<planner::Tensor> tensors_;    ///< inputs
  std::vector<Matrices> input_buffers_, output_buffers_;
  double verify_seconds_ = 0;
};

}  // namespace tilegrid::workloads
