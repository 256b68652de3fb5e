// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/checks/classes.h"
#include "kernels/planner/reference/reference.h"
#include "kernels/planner/run/fused_program.h"
#include "runtime/cli/graph_arguments.h"
#include "runtime/report/run_report.h"
#include "runtime/session.h"

namespace tilegrid::cli {

/// What the flags of `tilegrid fused` say.
struct FusedOptions {
  enum class Verify : std::uint8_t { choose, off, full };
  struct Extent {
    int rows = 0;
    int cols = 0;
  };
  GraphRequest graph;
  planner::Strategy strategy = planner::Strategy::best;
  GridSize grid;
  std::optional<Extent> tensor;                ///< elements of the first output
  std::map<std::string, std::string> inputs;   ///< file by name; the others are random
  std::map<std::string, std::string> outputs;  ///< file by name
  std::uint64_t seed = 0;
  double scale = 1;  ///< standard deviation of random inputs
  Verify verify = Verify::choose;
  bool force = false;
  std::string json;
  std::string log;
  std::string view;
  std::optional<ChosenArchitecture> architecture;  ///< for device time; none when that is not wanted
  bool progress = true;
  std::optional<std::uint64_t> shake;  ///< LaunchOptions::shake
  checks::Config checks;
  [[nodiscard]] bool quiet() const { return json == "-"; }
};

/// Above this many multiply-adds the output is not verified unless that is asked for.
inline constexpr double fused_verification_limit = 2e10;

struct FusedVerification {
  std::vector<planner::Comparison> outputs;  ///< in the graph's order
  double seconds = 0;
  [[nodiscard]] bool passed() const;
};

/// Everything that is known when a run is over; text and JSON are made from it.
struct FusedOutcome : RunOutcome {
  FusedOptions options;
  planner::Graph graph;  ///< as it was asked for
  planner::FusedJob job;
  std::vector<planner::TensorExtent> inputs;  ///< of the plan's graph, in its order
  std::vector<planner::TensorExtent> outputs;
  double multiply_adds = 0;  ///< of the reference
  std::optional<FusedVerification> verification;
};

/// Blocks that each core works through: contiguous runs, the remainder to the first cores.
[[nodiscard]] int blocks_of_core(const FusedOutcome& outcome, int core);

/// Rows and columns of blocks that make up the first output: what `tensor` says in elements, else what the files `extents`
/// of inputs (by name) say, else about one block of the asked graph for each core, in rows and columns where the graph can
/// be split there. `asked` is the graph before planning, whose blocks a plan may have cut. Throws UsageError.
struct FileExtent {
  std::string path;
  int rows = 0;
  int cols = 0;
};
void choose_blocks(const planner::Graph& asked, const std::optional<FusedOptions::Extent>& tensor,
                   const std::map<std::string, FileExtent>& files, planner::FusedJob& job);

/// The host's side of `tilegrid fused`; runs on rank 0. Returns the exit code.
int run_fused(const Session& session, Device& device, const FusedOptions& options);

}  // namespace tilegrid::cli
