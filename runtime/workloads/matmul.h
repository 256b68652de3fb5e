// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/verify.h"
#include "runtime/data/tensors.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// `tilegrid matmul`: a product on the grid, verified.
class Matmul : public Workload {
 public:
  Matmul();
  matmul::Config config;  ///< as asked for; prepare() completes it
  std::uint64_t seed = 0;
  std::array<std::string, 2> inputs;  ///< files of a and b; what has none is random
  std::string out;
  VerifyRequest verify;
  std::optional<matmul::Verification> verification;

  [[nodiscard]] About about() const override;
  void register_kernels() const override { matmul::register_kernels(); }
  void check() override;
  void prepare(Device& device) override;
  std::vector<Program> programs(Device& device) override;
  void upload(Device& device) override;
  void finish(Device& device, report::RunOutcome& outcome) override;
  [[nodiscard]] std::string line() const override;
  [[nodiscard]] double useful_flops() const override { return config.shape.useful_flops(); }
  [[nodiscard]] std::uint64_t matmul_tiles() const override { return matmul::matmul_tiles(config); }
  void describe(report::Document& document) const override;
  [[nodiscard]] report::Value work_of(int core) const override;
  [[nodiscard]] std::vector<Choice> choices() const override;

 protected:
  void declare(Flags& flags) override;

 private:
  void load_factors();
  /// What verification says of the elements of the output; empty where all are numbers, and right.
  [[nodiscard]] std::string account() const;

  matmul::Config asked_;
  std::array<std::vector<float>, 2> factors_;  ///< the user's, or empty until they are made
  Matrices a_, b_, out_;
};

}  // namespace tilegrid::workloads
