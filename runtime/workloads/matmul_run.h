// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "kernels/planner/reference/reference.h"
#include "runtime/report/run_report.h"
#include "runtime/session.h"
#include "runtime/workloads/verify.h"

namespace tilegrid::cli {

/// What the flags of `tilegrid matmul` say. The shape is what was given; defaults and files are applied by run_matmul.
struct MatmulOptions {
  matmul::Config config;  ///< all but the shape
  struct GivenShape {
    std::optional<int> batch, m, k, n;
  } shape;
  std::uint64_t seed = 0;
  std::array<std::string, 2> inputs;  ///< files of a and b; one may be random
  std::string out;
  std::string json;
  std::string log;
  VerifyRequest verify;
  std::string view;
  bool dry_run = false;
  std::optional<ChosenArchitecture> architecture;  ///< for device time; none when that is not wanted
  bool progress = true;
  checks::Config checks;
  std::optional<std::uint64_t> shake;  ///< LaunchOptions::shake
  [[nodiscard]] bool quiet() const { return json == "-"; }
};

/// Above this many multiply-adds of the reference the default is a sample of rows.
inline constexpr double matmul_verification_limit = 2e9;

/// The output, or a sample of its rows, against double precision: every element within the bound of its roundings, and all
/// together much nearer, since bounds are worst cases.
struct MatmulVerification {
  VerifyRequest request;  ///< mode is full or sample
  std::uint64_t rows = 0;
  planner::Comparison compared;
  std::uint64_t not_finite = 0;  ///< elements of the whole output that are NaN or infinite
  /// Root mean square of the error, over that of the output or of what products that cancel nowhere would add up to,
  /// whichever is larger.
  double error = 0;
  double gate = 0;  ///< what `error` must be below
  double seconds = 0;
  [[nodiscard]] bool passed() const { return not_finite == 0 && compared.passed() && error < gate; }
};

/// Everything that is known when a run is over; text and JSON are made from it.
struct MatmulOutcome : RunOutcome {
  MatmulOptions options;
  matmul::Config config;  ///< resolved: shape and blocks are set
  std::optional<MatmulVerification> verification;
};

/// Runs the matmul and verifies it; nothing is printed.
[[nodiscard]] MatmulOutcome matmul_outcome(const Session& session, Device& device, const MatmulOptions& options);

/// The host's side of `tilegrid matmul`; runs on rank 0. Returns the exit code.
int run_matmul(const Session& session, Device& device, const MatmulOptions& options);

}  // namespace tilegrid::cli
