// SPDX-License-Identifier: Apache-2.0
// Attention on several grids: right within bounds, and the same bits and logs on any number of ranks. A run with
// TILEGRID_HASHES_OUT=FILE writes its hashes there; with TILEGRID_HASHES_IN=FILE they are compared with the file's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/paging.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/attention/verify/reference.h"
#include "kernels/attention/verify/samples.h"
#include "tests/support/result_hashes.h"
#include "tests/support/session_support.h"

namespace tilegrid::attention {
namespace {

using test::computed;
using test::Hash;
using test::Result;

struct Case {
  std::string name;
  Shape shape;  ///< batch, heads, kv_heads, seq_q, seq_kv, dim, causal
  int q_chunk = 0;
  int k_chunk = 0;
  double bound = 0;    ///< of the relative L2 error against the reference: a fifth above what is measured
  bool exact = false;  ///< fp32 data, fp32 DST, HiFi4, accurate exp
  bool full_sync = false;
  Balance balance = Balance::zigzag;
  Distribution distribution = Distribution::normal;
  bool on_full_grid = false;  ///< on 8x10 too
  Kernel kernel = Kernel::hand_written;
  Steps steps{};  ///< of the multi-pass kernel
  Formats format{};
  bool wide_dst = false;  ///< fp32 DST
  KvDelivery kv = KvDelivery::dram;
  int k_parts = 0;  ///< of split_k; 0: not split
  Partition partition = Partition::flat;
  int kv_page = 0;  ///< rows of a page of K and V; 0: not paged
  Numerics numerics = Numerics::fast;
};

struct GridCase {
  Case config;
  GridSize grid;
};

std::ostream& operator<<(std::ostream& out, const GridCase& c) {
  return out << c.config.name << " on " << c.grid.x << "x" << c.grid.y;
}

std::string name_of(const GridCase& c) {
  return c.config.name + "_" + std::to_string(c.grid.x) + "x" + std::to_string(c.grid.y);
}

std::vector<Case> block_float_cases() {
  std::vector<Case> all{
      {"bfp8", {1, 2, 2, 256, 256, 64, false}, 64, 64, 0.033},
      {"bfp8_grouped_causal", {1, 8, 2, 192, 192, 128, true}, 32, 96, 0.031},
      {"bfp8_ragged_keys", {1, 2, 1, 77, 333, 96, false}, 32, 128, 0.033},
      {"bfp8_chosen_chunks", {1, 4, 2, 384, 384, 128, true}, 0, 0, 0.029},
      {"bfp8_wide_dst", {1, 2, 1, 160, 224, 64, false}, 64, 96, 0.036},
      {"bfp8_blind_rows", {1, 2, 1, 130, 70, 33, true, 48}, 32, 64, 0.036},
      {"bfp4_blind_rows", {1, 2, 1, 130, 70, 33, true, 48}, 32, 64, 0.5},
      {"mixed_formats", {1, 2, 1, 96, 160, 64, true}, 32, 64, 0.2},
      {"fp16", {1, 2, 1, 96, 160, 64, true}, 32, 64, 0.033},
      {"fp16_wide_dst", {1, 2, 1, 77, 130, 64, false}, 32, 64, 0.033},
  };
  for (Case& c : all) {
    c.format = DataFormat::bfp8_b;
    if (c.name == "bfp4_blind_rows") c.format = DataFormat::bfp4_b;
    if (c.name.starts_with("fp16")) c.format = DataFormat::fp16;
    if (c.name == "mixed_formats") {
      c.format.q = DataFormat::fp32;
      c.format.out = DataFormat::bf16;
      c.format.v = DataFormat::bfp4_b;
    }
    c.wide_dst = c.name.ends_with("_wide_dst");
    c.on_full_grid = c.name == "bfp8_grouped_causal";
    if (c.on_full_grid) c.distribution = Distribution::outlier;
  }
  return all;
}

std::vector<Case> numerics_cases() {
  std::vector<Case> all{
      {"rounded_causal", {1, 2, 1, 256, 256, 64, true}, 64, 64, 0.04},
      {"exact_causal", {1, 2, 1, 192, 192, 64, true}, 64, 64, 0.04},
  };
  for (Case& c : all) c.numerics = c.name == "exact_causal" ? Numerics::exact : Numerics::rounded;
  return all;
}

std::vector<Case> hand_written_cases() {
  std::vector<Case> all{
      {"full", {1, 2, 2, 256, 256, 64, false}, 64, 64, 0.044},
      {"causal", {1, 2, 2, 256, 256, 64, true}, 64, 64, 0.031, false, false, Balance::zigzag, Distribution::normal, true},
      {"causal_contiguous", {1, 2, 2, 320, 320, 64, true}, 64, 64, 0.031, false, false, Balance::contiguous},
      {"grouped_causal",
       {1, 8, 2, 192, 192, 128, true},
       32,
       96,
       0.029,
       false,
       false,
       Balance::zigzag,
       Distribution::outlier,
       true},
      {"one_kv_head", {2, 4, 1, 128, 192, 32, false}, 64, 96, 0.036},
      {"ragged_causal", {1, 3, 1, 201, 201, 64, true}, 64, 32, 0.033},
      {"ragged_keys", {1, 2, 1, 77, 333, 96, false}, 32, 128, 0.04},
      {"one_key", {1, 1, 1, 40, 1, 32, false}, 32, 32, 0.012},
      {"one_row", {1, 2, 2, 1, 130, 64, false}, 32, 64, 0.034},
      {"one_tile_chunks", {1, 1, 1, 256, 256, 256, true}, 32, 32, 0.036},
      {"wide_head", {1, 2, 1, 160, 224, 256, false}, 160, 32, 0.035},
      {"large_chunks", {1, 1, 1, 600, 600, 32, true}, 256, 512, 0.027},
      {"chosen_chunks",
       {1, 4, 2, 384, 384, 128, true},
       0,
       0,
       0.029,
       false,
       false,
       Balance::zigzag,
       Distribution::normal,
       true},
      {"full_sync", {1, 2, 2, 192, 192, 128, true}, 96, 64, 0.029, false, true},
      {"fp32", {1, 2, 1, 128, 128, 64, true}, 64, 32, 0.0028, true},
      {"fp32_full_sync",
       {2, 2, 1, 96, 160, 96, false},
       32,
       64,
       0.004,
       true,
       true,
       Balance::zigzag,
       Distribution::outlier,
       true},
  };
  // Causal with other numbers of queries than keys: decoding, prefill in chunks, and queries that see no key, whole chunks
  // of them and more.
  all.push_back({"decode", {1, 4, 2, 1, 500, 64, true}, 32, 64, 0.03});
  all.push_back({"chunked_prefill", {1, 4, 2, 70, 330, 64, true}, 32, 96, 0.03});
  all.push_back({"blind_rows", {1, 4, 2, 250, 90, 64, true}, 64, 32, 0.035});
  all.back().on_full_grid = true;
  // Dims that are no whole tiles, another one of V, a scale of one's own.
  all.push_back({"odd_dims", {1, 2, 1, 96, 160, 80, false, 33, 0.2}, 64, 64, 0.035});
  all.push_back({"odd_dims_blind", {2, 4, 2, 150, 50, 31, true, 96, {}}, 32, 32, 0.035});
  all.push_back({"odd_dims_decode", {1, 2, 1, 1, 130, 1, true, 31, {}}, 32, 64, 0.035});
  for (Case& c : block_float_cases()) all.push_back(std::move(c));
  for (Case& c : numerics_cases()) all.push_back(std::move(c));
  return all;
}

/// What the name of a case gets when the multi-pass kernel runs it with all steps.
constexpr const char* all_steps_suffix = "_all_steps";

/// Some of the cases by the multi-pass kernel, with its steps one by one, and by the unfused programs.
std::vector<Case> baseline_cases() {
  std::vector<Case> all;
  const std::set<std::string> chosen{
      "causal",          "grouped_causal", "ragged_causal",    "ragged_keys",         "one_key",
      "wide_head",       "full_sync",      "chosen_chunks",    "one_kv_head",         "fp32",
      "fp32_full_sync",  "bfp8",           "bfp8_ragged_keys", "bfp8_grouped_causal", "bfp8_wide_dst",
      "chunked_prefill", "blind_rows",     "odd_dims",         "odd_dims_blind",      "bfp8_blind_rows"};
  for (Case c : hand_written_cases()) {
    if (!chosen.contains(c.name)) continue;
    const std::string name = c.name;
    c.kernel = Kernel::multipass;
    c.name = name + all_steps_suffix;
    c.steps = Steps::all();
    all.push_back(c);
    c.bound *= 1.3;  // scores are rounded once more
    c.name = name + "_multipass";
    c.steps = {};
    all.push_back(c);
    c.name = name + "_unfused";
    c.kernel = Kernel::unfused;
    all.push_back(c);
  }
  for (int steps = 1; steps < step_count; ++steps) {
    const auto number = std::to_string(steps);
    all.push_back({.name = "steps_" + number,
                   .shape = {1, 2, 1, 160, 160, 64, true},
                   .q_chunk = 32,
                   .k_chunk = 64,
                   .bound = 0.035,
                   .kernel = Kernel::multipass,
                   .steps = Steps::first(steps)});
    Steps one;
    one.add(static_cast<Step>(steps));
    all.push_back({.name = "step_" + number,
                   .shape = {1, 2, 1, 96, 200, 64, false},
                   .q_chunk = 64,
                   .k_chunk = 64,
                   .bound = 0.045,
                   .kernel = Kernel::multipass,
                   .steps = one});
  }
  // Rows of scores that do not fit L1.
  all.push_back({.name = "long_rows_unfused",
                 .shape = {1, 1, 1, 96, 6000, 32, false},
                 .q_chunk = 32,
                 .k_chunk = 512,
                 .bound = 0.04,
                 .kernel = Kernel::unfused});
  return all;
}

/// What stands between the name of a case and the delivery that it is run with.
constexpr std::string_view delivered = "_by_";

/// Some of the cases with K and V delivered in every way, which must not change a bit.
std::vector<Case> delivery_cases() {
  std::vector<Case> all;
  const std::set<std::string> chosen{
      "full",          "causal",          "causal_contiguous", "grouped_causal", "one_kv_head",     "ragged_keys",
      "ragged_causal", "one_row",         "one_key",           "full_sync",      "one_tile_chunks", "fp32_full_sync",
      "decode",        "chunked_prefill", "blind_rows",        "odd_dims",       "odd_dims_blind"};
  for (Case c : hand_written_cases()) {
    if (!chosen.contains(c.name)) continue;
    const std::string name = c.name;
    for (const auto& [kv, word] :
         {std::pair{KvDelivery::chain, "chain"}, {KvDelivery::multicast_row, "row"}, {KvDelivery::multicast_grid, "grid"}}) {
      c.kv = kv;
      c.name = name + std::string(delivered) + word;
      all.push_back(c);
    }
  }
  return all;
}

/// K chunks of a Q chunk shared by several cores: more and fewer parts than chunks, with masks, blind rows and padding.
std::vector<Case> split_cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, Shape shape, int q_chunk, int k_chunk, int parts, double bound) -> Case& {
    all.push_back({.name = name, .shape = shape, .q_chunk = q_chunk, .k_chunk = k_chunk, .bound = bound, .k_parts = parts});
    return all.back();
  };
  add("split", {1, 2, 2, 96, 700, 64, false}, 32, 64, 4, 0.04);
  add("split_causal", {1, 4, 2, 256, 256, 64, true}, 64, 32, 4, 0.035).on_full_grid = true;
  add("split_contiguous", {2, 2, 1, 160, 160, 64, true}, 32, 32, 3, 0.035).balance = Balance::contiguous;
  add("split_one_chunk", {1, 2, 1, 70, 60, 64, false}, 32, 64, 2, 0.04);
  add("split_chunked_prefill", {1, 4, 2, 70, 330, 64, true}, 32, 96, 3, 0.035);
  add("split_blind_rows", {1, 4, 2, 250, 170, 64, true}, 64, 32, 4, 0.035);
  add("split_decode", {2, 2, 1, 1, 1000, 64, true}, 32, 64, 4, 0.035);
  add("split_fp32", {1, 2, 1, 64, 300, 96, true, 33}, 64, 32, 3, 0.004).exact = true;
  add("split_bfp8", {1, 2, 1, 64, 500, 64, false}, 32, 64, 4, 0.04).format = DataFormat::bfp8_b;
  return all;
}

/// Some of the cases with K and V in pages, which must not change a bit: smaller and larger ones than K chunks, on their
/// own, delivered, split over cores, by other kernels.
std::vector<Case> paged_cases() {
  std::vector<Case> all;
  const std::map<std::string, int> pages{
      {"grouped_causal", 64}, {"ragged_keys", 128}, {"one_key", 32}, {"odd_dims_blind", 32}, {"split_decode", 64}};
  std::vector<Case> cases = hand_written_cases();
  for (Case& c : split_cases()) cases.push_back(std::move(c));
  for (Case c : cases) {
    const auto found = pages.find(c.name);
    if (found == pages.end()) continue;
    const std::string name = c.name + std::string(delivered);
    c.kv_page = found->second;
    c.name = name + "pages";
    all.push_back(c);
    if (c.name.starts_with("grouped")) {
      c.name = name + "pages_and_chain";
      c.kv = KvDelivery::chain;
      c.on_full_grid = false;
      all.push_back(c);
    }
  }
  return all;
}

/// Heads bound to rows or columns of the grid, and their K and V delivered along them, which must not change a bit either.
std::vector<Case> line_cases() {
  std::vector<Case> all;
  for (Case c : hand_written_cases()) {
    if (c.name != "grouped_causal" && c.name != "ragged_causal") continue;
    const std::string name = c.name + std::string(delivered);
    for (const auto& [partition, kv, word] : {std::tuple{Partition::rows, KvDelivery::multicast_row, "rows"},
                                              {Partition::rows, KvDelivery::chain, "chains_in_rows"},
                                              {Partition::columns, KvDelivery::multicast_grid, "columns"}}) {
      c.partition = partition;
      c.kv = kv;
      c.name = name + word;
      c.on_full_grid = c.on_full_grid && kv == KvDelivery::multicast_row;
      all.push_back(c);
    }
  }
  return all;
}

/// The same bounds hold for the planned kernel.
std::vector<Case> cases() {
  std::vector<Case> all = hand_written_cases();
  const std::set<std::string> planned{"full",
                                      "causal",
                                      "grouped_causal",
                                      "ragged_causal",
                                      "ragged_keys",
                                      "one_key",
                                      "wide_head",
                                      "large_chunks",
                                      "chosen_chunks",
                                      "full_sync",
                                      "fp32",
                                      "fp32_full_sync",
                                      "one_kv_head",
                                      "one_tile_chunks",
                                      "bfp8",
                                      "bfp8_ragged_keys",
                                      "bfp8_grouped_causal",
                                      "bfp8_wide_dst",
                                      "decode",
                                      "chunked_prefill",
                                      "blind_rows",
                                      "odd_dims",
                                      "odd_dims_blind",
                                      "odd_dims_decode",
                                      "bfp8_blind_rows"};
  for (Case c : hand_written_cases()) {
    if (!planned.contains(c.name)) continue;
    c.name += "_planned";
    c.kernel = Kernel::planned;
    all.push_back(c);
  }
  for (Case& c : baseline_cases()) all.push_back(std::move(c));
  for (Case& c : delivery_cases()) all.push_back(std::move(c));
  for (Case& c : split_cases()) all.push_back(std::move(c));
  for (Case& c : paged_cases()) all.push_back(std::move(c));
  for (Case& c : line_cases()) all.push_back(std::move(c));
  return all;
}

/// Grids that have a core for every rank.
std::vector<GridCase> grid_cases() {
  const int ranks = test::session().info().size;
  std::vector<GridCase> out;
  for (const Case& config : cases()) {
    for (const GridSize grid : {GridSize{1, 1}, GridSize{2, 2}, GridSize{3, 3}, GridSize{4, 2}, GridSize{8, 10}}) {
      if (grid.cores() == 1 && config.kv == KvDelivery::dram) continue;  // nothing that other grids do not have
      if (grid.cores() >= ranks && (grid.cores() < 80 || config.on_full_grid)) out.push_back({config, grid});
    }
  }
  return out;
}

Config config_of(const GridCase& c) {
  Config config;
  config.shape = c.config.shape;
  config.grid = c.grid;
  config.q_chunk = c.config.q_chunk;
  config.k_chunk = c.config.k_chunk;
  config.balance = c.config.balance;
  config.kernel = c.config.kernel;
  config.steps = c.config.steps;
  config.kv = c.config.kv;
  config.partition = c.config.partition;
  config.k_parts = c.config.k_parts;
  if (config.k_parts > 0) config.partition = Partition::split_k;
  config.kv_page = c.config.kv_page;
  if (config.kv_page > 0) {
    config.page_table = std::make_shared<const std::vector<std::uint32_t>>(shuffled_page_table(config, 5));
  }
  config.compute.full_sync = c.config.full_sync;
  config.compute.dst_fp32 = c.config.wide_dst;
  config.compute.numerics = c.config.numerics;
  config.format = c.config.format;
  if (c.config.exact) {
    config.format = DataFormat::fp32;
    config.compute.dst_fp32 = true;
    config.compute.fidelity = Fidelity::hifi4;
    config.exp_accurate = true;
  }
  validate(config);
  return with_chunks(config);
}

/// A tensor [heads of all batches, seq, dim] and its tiles on the device.
class Tensor {
 public:
  Tensor(int heads, int seq, int dim, DataFormat format)
      : heads_(static_cast<std::size_t>(heads)), seq_(seq), dim_(dim), format_(format), values_(heads_ * head_elements()) {
    head_bytes_ = static_cast<std::size_t>(tiles_of(seq)) * static_cast<std::size_t>(tiles_of(dim)) * tile_bytes(format);
  }
  /// K or V in pages.
  [[nodiscard]] Tensor paged(const Config& config) const {
    Tensor pages(page_count(config) * config.shape.kv_heads, config.kv_page, dim_, format_);
    pages.values_ = in_pages(values_, config, dim_);
    return pages;
  }
  void fill(int stream, Distribution distribution) { values_ = random_samples(7, stream, values_.size(), distribution); }
  Buffer upload(Device& device) const {
    std::vector<std::byte> packed(heads_ * head_bytes_);
    for (std::size_t h = 0; h < heads_; ++h) {
      tilize(std::span(values_).subspan(h * head_elements(), head_elements()), seq_, dim_, format_,
             std::span(packed).subspan(h * head_bytes_, head_bytes_));
    }
    const Buffer buffer = device.create_buffer(packed.size(), static_cast<std::uint32_t>(tile_bytes(format_)));
    device.write(buffer, packed);
    return buffer;
  }
  void set(std::span<const std::byte> packed) {
    for (std::size_t h = 0; h < heads_; ++h) {
      untilize(packed.subspan(h * head_bytes_, head_bytes_), seq_, dim_, format_,
               std::span(values_).subspan(h * head_elements(), head_elements()));
    }
  }
  [[nodiscard]] std::vector<float> head(std::size_t h) const {
    const auto first = values_.begin() + static_cast<std::ptrdiff_t>(h * head_elements());
    return {first, first + static_cast<std::ptrdiff_t>(head_elements())};
  }
  [[nodiscard]] std::size_t heads() const { return heads_; }
  [[nodiscard]] std::size_t bytes() const { return heads_ * head_bytes_; }

 private:
  [[nodiscard]] std::size_t head_elements() const { return static_cast<std::size_t>(seq_) * static_cast<std::size_t>(dim_); }
  std::size_t heads_;
  int seq_;
  int dim_;
  DataFormat format_;
  std::size_t head_bytes_ = 0;
  std::vector<float> values_;
};

void check_against_reference(const Config& config, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                             double bound) {
  const Shape& shape = config.shape;
  VerifySums sums;
  for (std::size_t h = 0; h < q.heads(); ++h) {
    const auto heads = static_cast<std::size_t>(shape.heads);
    const auto kv_heads = static_cast<std::size_t>(shape.kv_heads);
    const std::size_t kv = h / heads * kv_heads + h % heads / (heads / kv_heads);
    sums.add(compare_with_reference({shape, 0, shape.seq_q, false, q.head(h), k.head(kv), v.head(kv), out.head(h)}));
  }
  const VerifyFigures result = figures(sums, shape.value_dim());
  EXPECT_EQ(sums.not_finite, 0U);
  EXPECT_EQ(result.rows, q.heads() * static_cast<std::size_t>(shape.seq_q));
  EXPECT_LT(result.relative_l2, bound);
  // An error of a relative size e leaves a correlation of 1 - e^2 / 2.
  EXPECT_GT(result.correlation, std::min(0.998, 1 - bound * bound / 2));
}

/// The programs of the config's kernel.
std::vector<Program> make_programs(Device& device, const Config& config, const TensorAddresses& tensors) {
  if (config.kernel != Kernel::unfused) return {make_program(config, tensors)};
  const Buffer scores = device.create_buffer(unfused::score_bytes(config), tile_bytes(config.format.out));
  unfused::Intermediates dram{scores.address, 0};
  if (config.shape.causal) {
    const Buffer mask = device.create_buffer(unfused::mask_bytes(config), tile_bytes(config.format.out));
    device.write(mask, unfused::causal_mask(config));
    dram.mask = mask.address;
  }
  return unfused::make_programs(config, tensors, dram);
}

std::vector<RunResult> launch(Device& device, const std::vector<Program>& programs, bool dry) {
  LaunchOptions options;
  options.dry = dry;
  std::vector<RunResult> runs;
  runs.reserve(programs.size());
  for (const Program& program : programs) runs.push_back(device.launch(program, options));
  return runs;
}

std::uint64_t hash_of_logs(const std::vector<RunResult>& runs) {
  Hash hash;
  for (const RunResult& run : runs) {
    test::add_events(run.log, hash);
  }
  return hash.value();
}

std::uint32_t upload_table(Device& device, const Config& config) {
  const std::vector<std::uint32_t> words = table_in_dram(config);
  const Buffer buffer = device.create_buffer(words.size() * sizeof(std::uint32_t), table_row_bytes(config));
  device.write(buffer, std::as_bytes(std::span(words)));
  return buffer.address;
}

Result run_on(Device& device, const GridCase& c) {
  const Config config = config_of(c);
  const Shape& shape = config.shape;
  Tensor q(shape.batch * shape.heads, shape.seq_q, shape.dim, config.format.q);
  Tensor k(shape.batch * shape.kv_heads, shape.seq_kv, shape.dim, config.format.k);
  Tensor v(shape.batch * shape.kv_heads, shape.seq_kv, shape.value_dim(), config.format.v);
  Tensor out(shape.batch * shape.heads, shape.seq_q, shape.value_dim(), config.format.out);
  q.fill(0, c.config.distribution);
  k.fill(1, c.config.distribution);
  v.fill(2, c.config.distribution);
  const Buffer q_buffer = q.upload(device);
  const bool paged = config.kv_page > 0;
  const Buffer k_buffer = (paged ? k.paged(config) : k).upload(device);
  const Buffer v_buffer = (paged ? v.paged(config) : v).upload(device);
  const Buffer out_buffer = device.create_buffer(out.bytes(), tile_bytes(config.format.out));
  TensorAddresses tensors{q_buffer.address, k_buffer.address, v_buffer.address, out_buffer.address};
  if (paged) tensors.page_table = upload_table(device, config);
  const std::vector<Program> programs = make_programs(device, config, tensors);
  const std::vector<RunResult> runs = launch(device, programs, false);
  std::vector<std::byte> packed(out_buffer.bytes());
  device.read(out_buffer, std::span(packed));
  out.set(packed);
  check_against_reference(config, q, k, v, out, c.config.bound);

  RunLog log{config.grid, c.config.name, {}};
  for (const RunResult& run : runs) {
    log.launches.push_back(run.log);
    for (const CoreCounters& core : run.cores) {
      EXPECT_EQ(core.ambiguous_waits, 0U);
      EXPECT_LE(core.dst_peak_slots, core.dst_capacity);
    }
  }
  EXPECT_EQ(check_log(log), std::vector<std::string>{});
  Hash output;
  output.add(packed);
  const Result result{output.value(), hash_of_logs(runs)};
  EXPECT_EQ(hash_of_logs(launch(device, programs, true)), result.logs) << "a dry run";
  return result;
}

class AttentionEndToEnd : public testing::TestWithParam<GridCase> {
 protected:
  /// Collective; the result is there on rank 0.
  static Result run(FiberBackend fibers) {
    Result result;
    const test::Outcome outcome = test::run_session(
        GetParam().grid, [&](Device& device) { result = run_on(device, GetParam()); }, fibers);
    EXPECT_EQ(outcome.code, 0) << outcome.error;
    return result;
  }
  /// Outputs do not depend on the grid, unless the chunks do. With all its steps nothing is left of the multi-pass kernel:
  /// events and numbers are those of the kernel written by hand, whose cases come first.
  static void check_against_others(const Result& result) {
    static std::map<std::string, std::uint64_t> first_of_case;
    const Case& c = GetParam().config;
    if (c.q_chunk != 0) {
      EXPECT_EQ(first_of_case.emplace(c.name, result.output).first->second, result.output);
    }
    if (c.name.find(delivered) != std::string::npos) {
      const auto read_by_all = first_of_case.find(c.name.substr(0, c.name.find(delivered)));
      if (read_by_all != first_of_case.end()) {
        EXPECT_EQ(read_by_all->second, result.output) << "K and V come in another way, and are the same";
      }
    }
    if (!c.name.ends_with(all_steps_suffix)) return;
    GridCase hand_written = GetParam();
    hand_written.config.name.resize(c.name.size() - std::string_view(all_steps_suffix).size());
    const auto found = computed().find(name_of(hand_written));
    if (found != computed().end()) {
      EXPECT_EQ(result, found->second);
    }
  }
  static void SetUpTestSuite() { register_kernels(); }
  static void TearDownTestSuite() { test::save_computed(); }
};

TEST_P(AttentionEndToEnd, IsRightAndTheSameOnAnyNumberOfRanks) {
  const Result result = run(FiberBackend::boost);
  if (!test::session().is_host()) return;
  test::keep_and_compare(name_of(GetParam()), result);
  check_against_others(result);
}

INSTANTIATE_TEST_SUITE_P(Grids, AttentionEndToEnd, testing::ValuesIn(grid_cases()),
                         [](const auto& instance) { return name_of(instance.param); });

using AttentionFibers = AttentionEndToEnd;

TEST_P(AttentionFibers, DoNotMatter) { EXPECT_EQ(run(FiberBackend::boost), run(FiberBackend::thread)); }

/// One case a grid; threads for 240 kernels in one process are slow.
std::vector<GridCase> fiber_cases() {
  std::vector<GridCase> out;
  for (const GridCase& c : grid_cases()) {
    if (c.config.name == "grouped_causal" && (c.grid.cores() < 80 || test::session().info().size == 80)) out.push_back(c);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Grids, AttentionFibers, testing::ValuesIn(fiber_cases()),
                         [](const auto& instance) { return name_of(instance.param); });

}  // namespace
}  // namespace tilegrid::attention
