// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/matmul.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/stopwatch.h"
#include "core/tile.h"
#include "kernels/attention/verify/samples.h"
#include "runtime/data/tensors.h"
#include "runtime/flags/format_flag.h"
#include "runtime/progress.h"
#include "runtime/report/table.h"
#include "runtime/workloads/comparison.h"

namespace tilegrid::workloads {
namespace {

constexpr int default_side = 1024;

const EnumNames<matmul::Delivery> delivery_names{{"multicast", matmul::Delivery::multicast},
                                                 {"dram", matmul::Delivery::dram}};
const EnumNames<matmul::Carrier> carrier_names{{"packer", matmul::Carrier::packer}, {"reload", matmul::Carrier::reload}};

/// Rows and columns in tiles: "4x2".
void add_extent_flag(Flags& flags, const std::string& name, const char* field, const std::string& help, int& rows,
                     int& columns) {
  flags
      .add(name, "RxC", help,
           [&](const Given& given) {
             const auto pair = parse_pair(given.text);
             if (!pair) given.refuse("rows and columns in tiles are expected, as in 4x2");
             std::tie(rows, columns) = *pair;
           })
      .named(field == std::string("sub") ? "subblock" : field, field)
      .is([&]() -> report::Value {
        return {{"rows", rows}, {"columns", columns}};
      });
}

/// A dimension that a flag, or files, or both say, and which must agree.
class Dimension {
 public:
  Dimension(const Flags& flags, const char* flag, int& value) : flag_(flag), given_(flags.given(flag)), value_(value) {}
  void is(const std::string& path, std::int64_t extent) {
    if (given_) check_flag(flag_, value_, path, extent);
    if (!from_.empty() && value_ != extent) {
      throw UsageError(fmt::format("`b` {}: {} is {}, but {} has {}", path, flag_, extent, from_, value_));
    }
    from_ = path;
    value_ = static_cast<int>(extent);
  }

 private:
  const char* flag_;
  bool given_;
  std::string from_;
  int& value_;
};

FormatTargets targets_of(matmul::Formats& formats) {
  return {{"a", {&formats.a}}, {"b", {&formats.b}}, {"out", {&formats.out}}};
}
std::string format_text(matmul::Formats formats) { return formats_text(targets_of(formats)); }

std::string tiles_text(matmul::Extent extent) { return fmt::format("{}x{}", extent.rows, extent.columns); }

std::string delivery_text(const matmul::Config& config) {
  const std::string cores =
      fmt::format("{} of {} cores have a share", matmul::cores_used(config).cores(), config.grid.cores());
  if (config.delivery == matmul::Delivery::dram) return "dram: every core reads its own blocks; " + cores;
  return fmt::format("multicast: column 0 reads A for its rows, row 0 reads B for its columns; {}", cores);
}

}  // namespace

Matmul::Matmul() { config.shape.m = config.shape.k = config.shape.n = default_side; }

About Matmul::about() const {
  return {.name = "matmul",
          .summary = "Multiply two matrices on the grid, verify, report what every core did",
          .examples =
              "Examples: tilegrid matmul --grid 8x8 --m 2048 --k 2048 --n 2048 --dry-run\n"
              "          tilegrid matmul --a a.npy --b b.npy --out out.npy --fidelity hifi4 --dst fp32\n",
          .sweep_examples =
              "Example: tilegrid sweep matmul --grid 8x8 --m 4096 --k 4096 --n 4096 --block 2,4,8\n"
              "                               --out-block 8x8,8x16,16x16 --delivery multicast,dram\n"};
}

void Matmul::declare(Flags& flags) {
  matmul::Shape& shape = config.shape;
  flags.in("Shape").add("--m", "ELEMENTS", "Rows of A and of the output [$]", shape.m);
  flags.add("--k", "ELEMENTS", "Columns of A, rows of B [$]", shape.k);
  flags.add("--n", "ELEMENTS", "Columns of B and of the output [$]", shape.n);
  flags.add("--batch", "N", "Products, each of an A and a B of its own [$]", shape.batch);
  flags.in("Device").add("--delivery",
                         "multicast: the first core of a row reads blocks of A and multicasts them along\nit, the first of "
                         "a column those of B; dram: every core reads its own [$]",
                         config.delivery, delivery_names);
  add_extent_flag(flags, "--per-core", "per_core",
                  "Tiles of the output that a core computes, rows x columns [an equal share]", config.per_core.rows,
                  config.per_core.columns);
  add_extent_flag(flags, "--out-block", "out_block", "Of them, those that it computes at a time [all, or what fits]",
                  config.out_block.rows, config.out_block.columns);
  flags
      .add("--block", "TILES",
           "Tiles of K at a time, in0_block_w [the largest divisor of K with which 2 k M +\n2 k N + M N <= 400 and L1 "
           "suffices]",
           config.k_block)
      .named("block", "k_block");
  add_extent_flag(flags, "--subblock", "sub",
                  "Tiles of a DST section, divisors of --out-block [the first that fits of 4x2,\n2x4, 8x1, 1x8, 7x1, ...]",
                  config.sub.h, config.sub.w);
  flags.add("--sums", "Sums over blocks of K: packer, which adds them up in L1; reload: into DST for\nevery block [$]",
            config.carrier, carrier_names);
  add_format_flag(flags,
                  "Of A, B and output in DRAM: bf16, fp32, tf32, fp16 (A and B together), bfp8, bfp4,\nbfp2; one for all, "
                  "or a=bf16,b=bfp8,out=bf16",
                  targets_of(config.format));
  add_compute_flags(flags, config.compute);
  flags.in("Data").add("--seed", "N", "Of what is random, N(0,1) [$]", seed).of_data();
  flags.add("--a", "FILE", ".npy of floats, C order, [m, k] or [batch, m, k] [random]", inputs[0]).reads().of_data();
  flags.add("--b", "FILE", ".npy, [batch, k, n], or [k, n] for all batches [random]", inputs[1]).reads().of_data();
  flags.add("--out", "FILE", "Write the output there: .npy, float32 [none]", out).writes().of_data().of_one_run();
  add_verify_flag(flags, verify,
                  fmt::format("Compare with double precision and its error bounds: full, sample:N (N rows in\nall, evenly "
                              "spread) or off [full up to {:.0e} multiply-adds, else\nsample:256]",
                              matmul::verification_limit));
}

void Matmul::check() {
  if (options.dry_run) verify.mode = VerifyMode::off;
  if (out == "-") throw UsageError("`out` -: the output goes to a file only");
  if (!inputs[0].empty() && !inputs[1].empty() && flags().changes("--seed")) {
    throw UsageError("`seed` is for random data: it does not go with both `a` and `b`");
  }
}

void Matmul::load_factors() {
  matmul::Shape& shape = config.shape;
  Dimension batch(flags(), "--batch", shape.batch);
  Dimension m(flags(), "--m", shape.m);
  Dimension k(flags(), "--k", shape.k);
  Dimension n(flags(), "--n", shape.n);
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const std::string& path = inputs.at(i);
    if (path.empty()) continue;
    const DimensionRule rule{2, 3, i == 0 ? "[m, k] or [batch, m, k] is expected" : "[k, n] or [batch, k, n] is expected"};
    NpyArray array = load(i == 0 ? "--a" : "--b", path, rule);
    const bool batched = array.shape.size() == 3;
    // B without a batch is for all of A's.
    if (batched) batch.is(path, array.shape[0]);
    if (!batched && i == 0) batch.is(path, 1);
    if (!batched && i == 1) shape.shared_b = true;
    (i == 0 ? m : k).is(path, array.shape[array.shape.size() - 2]);
    (i == 0 ? k : n).is(path, array.shape.back());
    factors_.at(i) = std::move(array.values);
  }
}

void Matmul::prepare(Device& device) {
  load_factors();
  config.grid = options.grid;
  config.chip = options.chip;
  asked_ = config;
  config = matmul::with_blocks(config);
  const matmul::Shape& shape = config.shape;
  verify = verify.resolved(config.shape.useful_flops() / 2, matmul::verification_limit, 1.0 * shape.batch * shape.m);
  const auto create = [&](DataFormat format, int count, int rows, int columns) {
    return Matrices::create(device, count, rows, columns, format);
  };
  a_ = create(config.format.a, shape.batch, shape.m, shape.k);
  b_ = create(config.format.b, shape.shared_b ? 1 : shape.batch, shape.k, shape.n);
  out_ = create(config.format.out, shape.batch, shape.m, shape.n);
}

std::vector<Program> Matmul::programs(Device&) {
  return {matmul::make_program(config, {a_.address(), b_.address(), out_.address()})};
}

void Matmul::upload(Device& device) {
  for (int i = 0; i < 2; ++i) {
    const Matrices& matrices = i == 0 ? a_ : b_;
    std::vector<float>& values = factors_.at(i);
    if (values.empty()) values = attention::random_samples(seed, i, matrices.elements(), attention::Distribution::normal);
    matrices.upload(device, values);
  }
}

void Matmul::finish(Device& device, report::RunOutcome& outcome) {
  const matmul::Shape& shape = config.shape;
  if (verify.mode == VerifyMode::off && out.empty()) return;
  const std::vector<float> output = out_.download(device);
  if (verify.mode != VerifyMode::off) {
    const Stopwatch watch;
    const std::uint64_t rows = std::uint64_t{1} * shape.batch * shape.m;
    Progress line(name(), verify.mode == VerifyMode::full ? rows : std::min<std::uint64_t>(rows, verify.sample_rows),
                  options.progress, "rows verified");
    verification =
        matmul::verify(config, verify, factors_[0], factors_[1], output, [&](std::uint64_t done) { line.update(done); });
    verification->seconds = watch.seconds();
    passed = verification->passed();
    accuracy = accuracy_of(verification->compared);
    mismatch = account();
    if (mismatch.empty())
      mismatch = fmt::format("RMSE over RMS {:.3e}, not below {:.3g}", verification->error, verification->gate);
    outcome.verify_seconds = verification->seconds;
  }
  std::vector<std::int64_t> extents{shape.m, shape.n};
  if (shape.batch > 1) extents.insert(extents.begin(), shape.batch);
  save_tensor(out, extents, output);
}

std::string Matmul::line() const {
  const matmul::Shape& shape = config.shape;
  return fmt::format(
      "matmul batch {} m {} k {} n {} per-core {} out-block {} block {} subblock {}x{} sums {} delivery {} {} grid {}",
      shape.batch, shape.m, shape.k, shape.n, tiles_text(config.per_core), tiles_text(config.out_block), config.k_block,
      config.sub.h, config.sub.w, carrier_names.of(config.carrier), delivery_names.of(config.delivery),
      numbers_line(format_text(config.format), config.compute), report::text_of(config.grid));
}

void Matmul::describe(report::Document& document) const {
  const matmul::Shape& shape = config.shape;
  report::Value& facts = document.figures["config"];
  facts["shared_b"] = shape.shared_b;
  facts["cores_used"] = matmul::cores_used(config).cores();
  facts["k_blocks"] = matmul::k_blocks(config);

  const auto source = [&](std::size_t i) { return inputs.at(i).empty() ? "random normal" : inputs.at(i); };
  std::string data = fmt::format("A {}, B {}", source(0), source(1));
  if (inputs[0].empty() || inputs[1].empty()) data += fmt::format(", seed {}", seed);
  if (options.dry_run) data = "no data";
  const auto chosen = [](bool was) { return was ? " (chosen)" : ""; };
  document.add("shape", fmt::format("batch {}, m {}, k {}, n {}{}; {}", shape.batch, shape.m, shape.k, shape.n,
                                    shape.shared_b && shape.batch > 1 ? ", one B for all" : "", data));
  document.add("numbers", numbers_text(format_text(config.format), config.format.a, config.compute));
  document.add("blocks",
               fmt::format("{} tiles of the output a core{}, {}{} at a time ({} blocks), subblocks {}x{}{}",
                           tiles_text(config.per_core), chosen(asked_.per_core.tiles() == 0), tiles_text(config.out_block),
                           chosen(asked_.out_block.tiles() == 0), matmul::blocks_of_core(config).tiles(), config.sub.h,
                           config.sub.w, chosen(asked_.sub.h == 0)));
  document.add(
      "",
      fmt::format("K {} tiles at a time{}, {} blocks; partial sums by {}", config.k_block, chosen(asked_.k_block == 0),
                  matmul::k_blocks(config), config.carrier == matmul::Carrier::packer ? "the packer" : "reload"),
      true);
  document.add("delivery", delivery_text(config));

  report::Value& json = document.figures["verify"];
  if (!verification) return;
  const matmul::Verification& v = *verification;
  json = comparison_figures("out", v.compared, shape.n);
  const std::string mode(verify_names().of(v.request.mode));
  json["mode"] = mode;
  json["rows"] = v.rows;
  json["error"] = v.error;
  json["gate"] = v.gate;
  json["passed"] = v.passed();
  const std::int64_t rows = std::int64_t{shape.batch} * shape.m;
  if (v.passed()) {
    document.verdict = fmt::format("each element within its bound, error {:.3g}, {} of {} rows", v.error, v.rows, rows);
  }
  document.verification = fmt::format("\nVerification against double precision: {} ({} of {} rows), {:.2f} s\n{}", mode,
                                      v.rows, rows, v.seconds, comparison_text(json));
  document.verification +=
      gate_text(fmt::format("every element within its bound, RMSE over RMS {:.3e} < {:.3g}, all finite", v.error, v.gate),
                account(), v.passed());
}

std::string Matmul::account() const {
  const matmul::Verification& v = *verification;
  const matmul::Shape& shape = config.shape;
  if (v.finite.wrong() > 0) return tally_text(v.finite, {shape.batch, shape.m, shape.n});
  if (v.compared.wrong() + v.compared.undecided + v.compared.beyond == 0) return {};
  // A sample has other rows than the output.
  const std::string of = v.request.mode == VerifyMode::full ? "" : "in the sample, ";
  return of + tally_text(v.compared, {static_cast<std::int64_t>(v.rows), shape.n});
}

report::Value Matmul::work_of(int index) const {
  const LogicalCore core = config.grid.core(index);
  const auto part = [](int at, int share, int all) { return std::clamp(all - at * share, 0, share); };
  return {{"tile_rows", part(core.y, config.per_core.rows, tiles_of(config.shape.m))},
          {"tile_columns", part(core.x, config.per_core.columns, tiles_of(config.shape.n))}};
}

std::vector<Choice> Matmul::choices() const {
  return {{"block", "out_block", tiles_text(config.out_block)}, {"K", "block", config.k_block}};
}

}  // namespace tilegrid::workloads
