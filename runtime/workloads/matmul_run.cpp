// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/matmul_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "core/tile.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/check_arguments.h"
#include "runtime/data/attention_data.h"
#include "runtime/report/matmul_report.h"
#include "runtime/report/print_report.h"
#include "runtime/report/progress.h"
#include "runtime/workloads/matmul_verify.h"
#include "runtime/workloads/tensor_io.h"

namespace tilegrid::cli {
namespace {

using matmul::Config;
using matmul::Shape;

constexpr std::array<const char*, 2> input_flags{"--a", "--b"};
constexpr int default_side = 1024;

/// Before anything is computed, so that a typing error does not cost a run.
void check_paths(const MatmulOptions& options) {
  std::vector<NamedPath> outputs;
  if (!options.out.empty()) outputs.push_back({"--out", options.out});
  if (!options.json.empty() && !options.quiet()) outputs.push_back({"--json", options.json});
  if (!options.log.empty()) outputs.push_back({"--log", options.log});
  std::vector<NamedPath> inputs;
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    if (!options.inputs.at(i).empty()) inputs.push_back({input_flags.at(i), options.inputs.at(i)});
  }
  check_output_files(outputs, inputs);
}

/// What the factors are: the user's, or empty until they are made.
using Factors = std::array<std::vector<float>, 2>;

/// A dimension from the flag, the files that have it, or by default; all of them must agree.
class Dimension {
 public:
  Dimension(const char* flag, std::optional<int> given) : flag_(flag), given_(given) {}
  void is(const std::string& path, std::int64_t extent) {
    check_flag(flag_, given_, path, extent);
    if (!from_.empty() && value_ != extent) {
      throw UsageError(fmt::format("--b {}: {} is {}, but {} has {}", path, flag_, extent, from_, value_));
    }
    from_ = path;
    value_ = static_cast<int>(extent);
  }
  [[nodiscard]] int value(int otherwise) const { return from_.empty() ? given_.value_or(otherwise) : value_; }

 private:
  const char* flag_;
  std::optional<int> given_;
  std::string from_;
  int value_ = 0;
};

Factors load_factors(const MatmulOptions& options, Shape& shape) {
  Factors factors;
  Dimension batch("--batch", options.shape.batch);
  Dimension m("--m", options.shape.m);
  Dimension k("--k", options.shape.k);
  Dimension n("--n", options.shape.n);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const std::string& path = options.inputs.at(i);
    if (path.empty()) continue;
    const DimensionRule rule{2, 3, i == 0 ? "[m, k] or [batch, m, k] is expected" : "[k, n] or [batch, k, n] is expected"};
    NpyArray array = load_input(input_flags.at(i), path, rule);
    const bool batched = array.shape.size() == 3;
    // B without a batch is for all of A's.
    if (batched) batch.is(path, array.shape[0]);
    if (!batched && i == 0) batch.is(path, 1);
    if (!batched && i == 1) shape.shared_b = true;
    (i == 0 ? m : k).is(path, array.shape[array.shape.size() - 2]);
    (i == 0 ? k : n).is(path, array.shape.back());
    factors.at(i) = std::move(array.values);
  }
  shape.batch = batch.value(1);
  shape.m = m.value(default_side);
  shape.k = k.value(default_side);
  shape.n = n.value(default_side);
  return factors;
}

std::size_t elements(int count, int rows, int columns) {
  return static_cast<std::size_t>(count) * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

void make_random(const MatmulOptions& options, const Shape& shape, Factors& factors) {
  const std::array<std::size_t, 2> counts{elements(shape.batch, shape.m, shape.k),
                                          elements(shape.shared_b ? 1 : shape.batch, shape.k, shape.n)};
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (!factors.at(i).empty()) continue;
    factors.at(i) =
        attention::random_samples(options.seed, static_cast<int>(i), counts.at(i), attention::Distribution::normal);
  }
}

struct Buffers {
  Buffer a, b, out;
};

/// All of them: when DRAM is too small for one, nothing has been done yet.
Buffers create_buffers(Device& device, const Config& config) {
  const Shape& shape = config.shape;
  const auto create = [&](int count, int rows, int columns) {
    return device.create_buffer(matrix_bytes(count, rows, columns, config.format), tile_bytes(config.format));
  };
  const Buffer a = create(shape.batch, shape.m, shape.k);
  const Buffer b = create(shape.shared_b ? 1 : shape.batch, shape.k, shape.n);
  return {a, b, create(shape.batch, shape.m, shape.n)};
}

void upload(Device& device, const Config& config, const Buffers& buffers, const Factors& factors) {
  const Shape& shape = config.shape;
  upload_matrices(device, buffers.a, factors[0], shape.batch, shape.m, shape.k, config.format);
  upload_matrices(device, buffers.b, factors[1], shape.shared_b ? 1 : shape.batch, shape.k, shape.n, config.format);
}

void launch(Device& device, MatmulOutcome& outcome, const Buffers& buffers) {
  const Program program = matmul::make_program(outcome.config, {buffers.a.address, buffers.b.address, buffers.out.address});
  outcome.circular_buffers = program.circular_buffers;
  Progress progress("matmul", outcome.expected_matmul_tiles, outcome.options.progress);
  LaunchOptions options;
  options.dry = outcome.options.dry_run;
  options.record_log = !outcome.options.log.empty() || outcome.options.architecture.has_value();
  options.on_progress = [&](std::uint64_t done) { progress.update(done); };
  outcome.result = device.launch(program, options);
}

void use_log(MatmulOutcome& outcome) {
  const MatmulOptions& options = outcome.options;
  if (options.log.empty() && !options.architecture) return;
  RunLog log{outcome.grid, one_line_summary(outcome), {std::move(outcome.result.log)}};
  outcome.result.log = {};
  const Shape& shape = outcome.config.shape;
  log.useful_flops = 2.0 * shape.batch * shape.m * shape.k * shape.n;
  if (!options.log.empty()) save_log(log, options.log);
  if (options.architecture) outcome.device = replay_run(log, *options.architecture);
}

void use_output(Device& device, MatmulOutcome& outcome, const Factors& factors, const Buffer& buffer) {
  const Config& config = outcome.config;
  const Shape& shape = config.shape;
  const MatmulOptions& options = outcome.options;
  if (options.verify.mode == VerifyMode::off && options.out.empty()) return;
  const std::vector<float> output = download_matrices(device, buffer, shape.batch, shape.m, shape.n, config.format);
  if (options.verify.mode != VerifyMode::off) {
    outcome.verification = verify_matmul(config, options.verify, factors[0], factors[1], output);
    outcome.verify_seconds = outcome.verification->seconds;
  }
  if (options.out.empty()) return;
  std::vector<std::int64_t> extents{shape.m, shape.n};
  if (shape.batch > 1) extents.insert(extents.begin(), shape.batch);
  save_npy(options.out, extents, output);
}

}  // namespace

MatmulOutcome matmul_outcome(const Session& session, Device& device, const MatmulOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  check_paths(options);
  MatmulOutcome outcome;
  outcome.options = options;
  outcome.shake = options.shake;
  Config config = options.config;
  Factors factors = load_factors(options, config.shape);
  outcome.config = matmul::with_blocks(config);
  outcome.grid = outcome.config.grid;
  outcome.expected_matmul_tiles = matmul::matmul_tiles(outcome.config);
  outcome.options.verify = resolve(options.verify, outcome.config.shape);
  outcome.ranks = device.ranks();
  outcome.transport = session.uses_mpi() ? "MPI messages" : "in process";

  const Buffers buffers = create_buffers(device, outcome.config);
  if (!options.dry_run) {
    make_random(options, outcome.config.shape, factors);
    upload(device, outcome.config, buffers, factors);
  }
  launch(device, outcome, buffers);
  use_log(outcome);
  if (!options.dry_run) use_output(device, outcome, factors, buffers.out);
  outcome.total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

int run_matmul(const Session& session, Device& device, const MatmulOptions& options) {
  return with_json_twin(options.json, options.config.grid, [&] {
    const MatmulOutcome outcome = matmul_outcome(session, device, options);
    print_report(
        options.json, [&] { return text_report(outcome); }, [&] { return json_report(outcome); });
    const bool passed = !outcome.verification || outcome.verification->passed();
    return static_cast<int>(passed ? ExitCode::ok : ExitCode::mismatch);
  });
}

}  // namespace tilegrid::cli
