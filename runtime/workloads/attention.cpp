// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/attention.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/delivery.h"
#include "kernels/attention/paging.h"
#include "kernels/attention/planned.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/agreement.h"
#include "runtime/data/npy.h"
#include "runtime/data/tensors.h"
#include "runtime/progress.h"
#include "runtime/report/metrics.h"
#include "runtime/report/table.h"
#include "runtime/timing/replay.h"
#include "runtime/workloads/attention_formats.h"
#include "runtime/workloads/attention_verify.h"
#include "runtime/workloads/comparison.h"

namespace tilegrid::workloads {
namespace {

using attention::Config;
using attention::Kernel;
using attention::KvDelivery;
using attention::Shape;
using report::Value;

const EnumNames<attention::Balance> balance_names({attention::Balance::zigzag, attention::Balance::contiguous},
                                                  [](attention::Balance balance) { return name_of(balance); });
const EnumNames<attention::Partition> partition_names({attention::Partition::flat, attention::Partition::contiguous,
                                                       attention::Partition::heads_first, attention::Partition::rows,
                                                       attention::Partition::columns, attention::Partition::split_k},
                                                      [](attention::Partition partition) { return name_of(partition); });
const EnumNames<attention::Distribution> distribution_names{{"normal", attention::Distribution::normal},
                                                            {"outlier", attention::Distribution::outlier}};
const EnumNames<KvDelivery> kv_names({KvDelivery::dram, KvDelivery::chain, KvDelivery::multicast_row,
                                      KvDelivery::multicast_grid, KvDelivery::automatic},
                                     [](KvDelivery kv) { return name_of(kv); });
const EnumNames<Kernel> kernel_names({Kernel::hand_written, Kernel::planned, Kernel::multipass, Kernel::unfused},
                                     [](Kernel kernel) { return name_of(kernel); });

std::string step_list() {
  std::vector<std::string> steps;
  steps.reserve(attention::step_count);
  for (int i = 0; i < attention::step_count; ++i) steps.emplace_back(name_of(static_cast<attention::Step>(i)));
  return report::wrapped(steps, ",", "", "", 71);
}

/// Modelled cycles of a dry run.
double cycles_of(Device& device, const Program& program) {
  LaunchOptions options;
  options.dry = true;
  RunLog log{program.grid, "attention", {}};
  log.launches.push_back(device.launch(program, options).log);
  return timing::replay(log, program.chip).cycles;
}

std::string split_text(const Attention& run) {
  std::string text = "\nDevice counts: work split, as batch/head:Q chunks; K steps are visits of K chunks\n";
  for (int core = 0; core < count_of(run.split); ++core) {
    const LogicalCore at = run.config.grid.core(core);
    std::string items;
    int steps = 0;
    const attention::WorkItem* previous = nullptr;
    for (const attention::WorkItem& item : run.split[core]) {
      const bool same_head = previous != nullptr && previous->batch == item.batch && previous->head == item.head;
      items += same_head ? fmt::format(",{}", item.chunk) : fmt::format(" {}/{}:{}", item.batch, item.head, item.chunk);
      steps += attention::k_steps_of(run.config, item);
      previous = &item;
    }
    text += fmt::format("  core {:<8} {:>3} chunks {:>5} K steps {}\n", fmt::format("({},{})", at.x, at.y),
                        run.split[core].size(), steps, items);
  }
  return text;
}

std::string chosen_text(const Value& candidates) {
  std::string text;
  for (const Value& one : candidates.list()) {
    const std::string& refusal = one["refusal"].text();
    text += refusal.empty() ? fmt::format(" {} {:.0f} cycles ({}x{});", one["delivery"].text(), one["cycles"].number(),
                                          one["q_chunk"].count(), one["k_chunk"].count())
                            : fmt::format(" {} not possible: {};", one["delivery"].text(), refusal);
  }
  return text.empty() ? text : text.substr(1, text.size() - 2);
}

/// How work is dealt to cores, and how K and V come to them.
void add_dealing_flags(Flags& flags, Config& config, std::string& page_table) {
  flags.add("--balance", "Deal of Q chunks to cores when causal: zigzag, contiguous [$]", config.balance, balance_names);
  flags.add("--partition",
            "How heads and Q chunks are dealt: flat, all in one list; contiguous, the same without\nlight and heavy chunks "
            "in turn; heads-first, cores are divided among heads, as the\nshipped kernels did until May 2026; rows, "
            "columns: heads bound to those of the grid; split-k, flat to groups of cores which share\nthe K chunks of a Q "
            "chunk and merge their results, as flash decode [$]",
            config.partition, partition_names);
  flags.add("--k-parts", "CORES", "Of split-k, cores that share the K chunks of a Q chunk [0: by an estimate]",
            config.k_parts);
  flags.add("--kv",
            "How K and V come to the cores: dram, each reads them; chain, one of a team reads\nand they go from core to "
            "core; multicast-row, multicast-grid, to a row's or a\nrectangle's cores at once; auto, the one with the "
            "least device time [$]",
            config.kv, kv_names);
  flags.add("--kv-page", "ROWS",
            "K and V lie in pages of so many rows, in a shuffled order or as --page-table says [0: not]", config.kv_page);
  flags
      .add("--page-table", "FILE",
           "JSON, for each batch a list of the pages of its keys: [[1, 0], [2, 3]] [shuffled by --seed]", page_table)
      .reads();
  flags.add("--kv-cores", "CORES", "Cores that share a reading of K and V, 2 and more [0: by an estimate]", config.kv_cores);
}

}  // namespace

Attention::Attention() {
  Shape& shape = config.shape;
  shape.heads = 8;
  shape.kv_heads = 0;
  shape.seq_q = 640;
  shape.dim = 64;
}

About Attention::about() const {
  std::vector<std::string> views;
  for (const report::Metric& metric : report::metrics()) {
    views.push_back(metric.name + (metric.host ? " (host)" : metric.device_time ? " (time)" : ""));
  }
  return {.name = "attention",
          .summary = "Run flash attention on the grid, verify it, report what every core did",
          .examples = "Figures for --view (device counts unless marked host, or time: of the replay):\n" +
                      report::wrapped(views, "", " ", "  ", 110) +
                      "\n\nExample: tilegrid attention --heads 8 --kv-heads 1 --seq 2560 --dim 128 --causal\n",
          .sweep_examples =
              "Example: tilegrid sweep attention --seq 2048 --dim 128 --q-chunk 64,128,256 --k-chunk 128,256\n"
              "                                  --fidelity hifi2,hifi4 --top 5\n"};
}

void Attention::register_kernels() const {
  attention::register_kernels();
  register_verify_task();
}

void Attention::declare_shape(Flags& flags) {
  Shape& shape = config.shape;
  flags.in("Shape").add("--batch", "N", "Batches [$]", shape.batch);
  flags.add("--heads", "N", "Query heads [$]", shape.heads).is([&] { return this->shape().heads; });
  flags.add("--kv-heads", "N", "Key and value heads, a divisor of the query heads [--heads]", kv_heads_).is([&] {
    return shape.kv_heads;
  });
  flags
      .add("--seq", "ROWS",
           "Queries, in rows of Q [$]. Of 1, decoding, the heads that share a K/V head are rows of\none tile", shape.seq_q)
      .named("seq", "seq_q")
      .is([&] { return this->shape().seq_q; });
  flags.add("--kv-seq", "ROWS", "Keys, in rows of K and V [--seq]", seq_kv_).named("kv_seq", "seq_kv").is([&] {
    return shape.seq_kv;
  });
  flags
      .add("--kv-lengths", "LIST",
           "Keys of each batch, commas or + between (in a sweep +), where they differ: of those beyond\nnone is read; not "
           "with "
           "--causal but of one query a head [all have --kv-seq]",
           [&](const std::string& text) { config.kv_lengths = parse_lengths(text); })
      .named("kv_lengths", "kv_lengths")
      .is([&]() -> Value {
        if (!config.kv_lengths) return {};
        return report::Array(config.kv_lengths->begin(), config.kv_lengths->end());
      });
  flags.add("--dim", "ELEMENTS", fmt::format("Elements of a head of Q and K, 1 to {} [$]", attention::max_dim), shape.dim);
  flags
      .add("--v-dim", "ELEMENTS", "Elements of a head of V and of the output [--dim]",
           [&](const Given& given) { shape.v_dim = parse_int(given.flag, given.text, 1, attention::max_dim); })
      .named("v_dim", "v_dim")
      .is([&] { return shape.value_dim(); });
  flags.add("--scale", "X", "Of the scores, a positive number [1 / sqrt(--dim)]", shape.scale)
      .named("scale", "scale")
      .is([&] { return shape.score_scale(); });
  flags
      .add_switch("--causal",
                  "The last query sees all keys, each one before it one key less (aligned at the bottom\nright: with as "
                  "many queries as keys a query sees those up to its own row). Queries\nthat see no key give 0",
                  shape.causal)
      .is([&] { return this->shape().causal; });
}

void Attention::declare(Flags& flags) {
  declare_shape(flags);
  flags.in("Device").add("--q-chunk", "ROWS", "Rows of a Q chunk: 32 to 512 in steps of 32 [0: by an estimate; see sweep]",
                         config.q_chunk);
  flags.add("--k-chunk", "ROWS", "Rows of a K and V chunk, as --q-chunk [0: by an estimate]", config.k_chunk);
  flags.add("--read-batch", "TILES",
            "Tiles that the reader requests between two barriers [0: a whole chunk;\nthe shipped kernel takes 3 on 80 "
            "cores, 6 of bfp8]",
            config.read_batch);
  add_attention_formats(flags, config.format);
  add_compute_flags(flags, config.compute);
  add_dealing_flags(flags, config, page_table_);
  flags
      .add("--kernel",
           "hand-written; planned by the DST planner; multipass: one pass for each\noperation, as in 2024; unfused: "
           "matmul, softmax and matmul with all scores in\nDRAM, chunks are their blocks [$]",
           config.kernel, kernel_names)
      .unfit_for({Comparison::kernels, Comparison::rows});
  flags
      .add("--steps", "N|LIST",
           fmt::format("Of the multipass kernel, what is done as later kernels do it: the first N of\n{},\nor some of "
                       "them, or all, as hand-written [0]",
                       step_list()),
           steps_)
      .named("", "steps")
      .unfit_for({Comparison::kernels, Comparison::rows});
  add_attention_exp(flags, config);

  flags.in("Data").add("--seed", "N", "Of the random Q, K, V [$]", seed);
  flags.add("--distribution", "normal: N(0,1); outlier: plus 10 N(0,1) in 0.1% [$]", distribution, distribution_names);
  flags.add("--q", "FILE", ".npy of floats, C order, [batch, heads, seq, dim]; needs --k and --v", inputs[0])
      .reads()
      .of_data();
  flags.add("--k", "FILE", ".npy, [batch, kv heads, kv seq, dim]", inputs[1]).reads().of_data();
  flags.add("--v", "FILE", ".npy, [batch, kv heads, kv seq, v dim]", inputs[2]).reads().of_data();
  flags.add("--out", "FILE", "Write the output there: .npy, float32, [batch, heads, seq, v dim] [none]", out)
      .writes()
      .of_data()
      .of_one_run();
  add_verify_flag(flags, verify,
                  fmt::format("Compare with double precision: full, sample:N (N rows in all, evenly\nspread) or off [full "
                              "up to {:.0e} multiply-adds of the reference,\nelse sample:256]",
                              attention::full_verification_limit));
  flags.add_switch("--split", "Print which core does which Q chunks", show_split).no_fact().of_one_run();
  flags.add_switch("--show-plan", "Print the plans of the planned kernel's stages", show_plan)
      .no_fact()
      .unfit_for({Comparison::kernels, Comparison::precision});
}

void Attention::check() {
  config.grid = options.grid;
  config.chip = options.chip;
  if (!steps_.empty()) {
    config.steps = attention::parse_steps(steps_);
    if (config.kernel != Kernel::multipass && !(config.steps == attention::parse_steps("0"))) {
      throw UsageError("`steps`: goes with `kernel` multipass");
    }
  }
  if (options.dry_run) verify.mode = VerifyMode::off;
  if (show_plan && config.kernel != Kernel::planned) {
    throw UsageError(
        fmt::format("`show_plan`: the {} kernel has no plan, it goes with `kernel` planned", name_of(config.kernel)));
  }
  const auto files = std::count_if(inputs.begin(), inputs.end(), [](const std::string& path) { return !path.empty(); });
  if (files != 0 && files != 3) throw UsageError("`q`, `k` and `v` belong together: give all three or none");
  if (!page_table_.empty() && config.kv_page == 0) throw UsageError("`page_table`: goes with `kv_page`");
  if (out == "-") throw UsageError("`out` -: the output goes to a file only");
  if (files == 3 && (flags().changes("--seed") || flags().changes("--distribution"))) {
    throw UsageError("`seed` and `distribution` are for random data: they do not go with `q`, `k` and `v`");
  }
}

void Attention::load_files() {
  constexpr std::array<const char*, 3> names{"--q", "--k", "--v"};
  const DimensionRule four{4, 4, "four dimensions [batch, heads, seq, dim] are expected"};
  std::array<NpyArray, 3> arrays;
  for (std::size_t i = 0; i < arrays.size(); ++i) arrays.at(i) = load(names.at(i), inputs.at(i), four);
  const auto& [q, k, v] = arrays;
  if (!std::equal(k.shape.begin(), k.shape.end() - 1, v.shape.begin())) {
    throw UsageError(fmt::format("`v` {}: shape {}, but K has {}: only the last may differ", inputs[2], shape_text(v.shape),
                                 shape_text(k.shape)));
  }
  if (k.shape[0] != q.shape[0] || k.shape[3] != q.shape[3]) {
    throw UsageError(fmt::format("`k` {}: shape {} has another batch or dim than Q with {}", inputs[1], shape_text(k.shape),
                                 shape_text(q.shape)));
  }
  Shape& shape = config.shape;
  shape.kv_heads = kv_heads_.value_or(0);
  shape.seq_kv = seq_kv_.value_or(0);
  const auto take = [&](const char* flag, int& value, const std::string& path, std::int64_t extent) {
    if (flags().given(flag)) check_flag(flag, value, path, extent);
    value = static_cast<int>(extent);
  };
  take("--batch", shape.batch, inputs[0], q.shape[0]);
  take("--heads", shape.heads, inputs[0], q.shape[1]);
  take("--seq", shape.seq_q, inputs[0], q.shape[2]);
  take("--dim", shape.dim, inputs[0], q.shape[3]);
  take("--v-dim", shape.v_dim, inputs[2], v.shape[3]);
  take("--kv-heads", shape.kv_heads, inputs[1], k.shape[1]);
  take("--kv-seq", shape.seq_kv, inputs[1], k.shape[2]);
  data_ = attention::Inputs({std::move(arrays[0].values), std::move(arrays[1].values), std::move(arrays[2].values)});
}

bool Attention::chunks_differ() const {
  return dram_chunks_ && (dram_chunks_->q_chunk != config.q_chunk || dram_chunks_->k_chunk != config.k_chunk);
}

void Attention::prepare(Device& device) {
  Shape& shape = config.shape;
  config.grid = options.grid;
  config.chip = options.chip;
  if (inputs[0].empty()) {
    data_ = {seed, distribution};
    shape.kv_heads = kv_heads_.value_or(shape.kv_heads == 0 ? shape.heads : shape.kv_heads);
    const int longest =
        config.kv_lengths ? static_cast<int>(*std::max_element(config.kv_lengths->begin(), config.kv_lengths->end())) : 0;
    shape.seq_kv = seq_kv_.value_or(longest > 0 ? longest : shape.seq_kv == 0 ? shape.seq_q : shape.seq_kv);
  } else {
    load_files();
  }
  if (v_of_ones) data_.set_ones();
  Shape packed = attention::packed_heads(shape);
  if (config.kv_lengths && packed.seq_q == 1) packed.causal = false;  // the one query sees all keys
  if (!(packed == shape)) {
    Config plain = config;
    plain.kv_lengths = nullptr;
    attention::validate(plain);
    asked_shape_ = shape;
    shape = packed;
  }
  q_chunk_chosen = config.q_chunk == 0;
  k_chunk_chosen = config.k_chunk == 0;
  if (config.kernel == Kernel::unfused) {
    attention::validate(config);
    unfused::check_dram(config);
  }
  set_page_table(config, page_table_, seed);
  const Config asked = config;
  config = chunks_for_all ? attention::with_chunks_for_all(asked) : attention::with_chunks(asked);
  const auto create = [&](DataFormat format, int heads, int rows, int dim) {
    return Matrices::create(device, shape.batch * heads, rows, dim, format);
  };
  q_ = create(config.format.q, shape.heads, shape.seq_q, shape.dim);
  kv_ = KvTensors(device, config);
  out_ = create(config.format.out, shape.heads, shape.seq_q, shape.value_dim());
  if (asked.kv == KvDelivery::automatic) {
    candidates = delivery_candidates(asked, addresses(), [&](const Program& program) { return cycles_of(device, program); });
    config = best_of(candidates);
  }
  if (config.delivery != KvDelivery::dram && (q_chunk_chosen || k_chunk_chosen) && !chunks_for_all) {
    dram_chunks_ = attention::with_chunks_of_dram(asked);
  }
  split = attention::split_work(config);
  verify =
      verify.resolved(useful_flops() / 2, attention::full_verification_limit, 1.0 * shape.batch * shape.heads * shape.seq_q);
}

attention::TensorAddresses Attention::addresses() const {
  attention::TensorAddresses addresses{.q = q_.address(), .out = out_.address()};
  kv_.set_addresses(addresses);
  return addresses;
}

std::vector<Program> Attention::programs(Device& device) {
  if (config.kernel != Kernel::unfused) return {attention::make_program(config, addresses())};
  const std::uint32_t page = tile_bytes(config.format.out);
  unfused::Intermediates dram;
  dram.scores = device.create_buffer(unfused::score_bytes(config), page).address;
  if (config.shape.causal) {
    const Buffer mask = device.create_buffer(unfused::mask_bytes(config), page);
    if (!options.dry_run) device.write(mask, unfused::causal_mask(config));
    dram.mask = mask.address;
  }
  return unfused::make_programs(config, addresses(), dram);
}

void Attention::upload(Device& device) {
  q_.upload(device, [&](std::size_t first, std::size_t count) { return data_.part(0, first, count); });
  kv_.upload(device, config, data_);
}

void Attention::save_output(const attention::OutputTiles& output) {
  const Shape& shape = config.shape;
  std::vector<float> values, head;
  values.reserve(out_.elements());
  for (int i = 0; i < shape.batch * shape.heads; ++i) {
    output.head(i, head);
    values.insert(values.end(), head.begin(), head.end());
  }
  save_npy(out, output_extents(), values);
}

/// Of the rows that see a key.
static double largest_distance_from_one(const attention::OutputTiles& output) {
  const Shape& shape = output.shape;
  double largest = 0;
  std::vector<float> values;
  for (int head = 0; head < shape.batch * shape.heads; ++head) {
    output.head(head, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (shape.keys_seen(static_cast<int>(i / static_cast<std::size_t>(shape.value_dim()))) == 0) continue;
      const double distance = std::abs(values[i] - 1.0);
      largest = std::isnan(distance) ? std::numeric_limits<double>::infinity() : std::max(largest, distance);
    }
  }
  return largest;
}

void Attention::finish(Device& device, report::RunOutcome& outcome) {
  attention::OutputTiles output{config.shape, config.format.out, std::vector<std::byte>(out_.buffer.bytes())};
  device.read(out_.buffer, output.bytes);
  malloc_trim(0);
  if (hash_output) output_hash = fingerprint(output.bytes);
  if (v_of_ones) row_sum_error = largest_distance_from_one(output);
  if (verify.mode != VerifyMode::off) {
    const Shape& shape = config.shape;
    const std::uint64_t rows = std::uint64_t{1} * shape.batch * shape.heads * shape.seq_q;
    const bool all = verify.mode == VerifyMode::full;
    Progress line("attention", all ? rows : std::min<std::uint64_t>(rows, verify.sample_rows), options.progress,
                  "rows verified");
    const attention::CompareRound compare =
        share_out(device, outcome.result.ranks, [&](std::uint64_t done) { line.update(done); });
    verification = attention::verify(config, verify, data_, output, device.ranks(), compare);
    passed = verification->passed;
    const attention::VerifyFigures& figures = verification->figures;
    accuracy = {figures.correlation, figures.rmse, figures.relative_l2, figures.worst_row};
    if (!*passed) mismatch = mismatch_text();
    outcome.verify_seconds = verification->seconds;
  }
  data_.discard();
  if (!out.empty()) save([&] { save_output(output); });
}

/// Of the chunks of a core, when causal.
static std::string_view order_of(const Config& config) {
  const attention::Division division = division_of(config);
  const bool paired = division.is_there() ? division.paired != 0 : config.balance == attention::Balance::zigzag;
  return balance_names.of(paired ? attention::Balance::zigzag : attention::Balance::contiguous);
}

std::string Attention::line() const {
  const Shape& shape = this->shape();
  const std::string delivery = config.delivery == KvDelivery::dram ? std::string()
                                                                   : fmt::format(" kv {} {}x{}", name_of(config.delivery),
                                                                                 config.team.columns, config.team.rows);
  const std::string partition = config.partition == attention::Partition::flat
                                    ? std::string()
                                    : fmt::format(" partition {}", attention::partition_text(config));
  std::string own = shape.value_dim() == shape.dim ? "" : fmt::format(" v-dim {}", shape.value_dim());
  if (shape.scale) own += fmt::format(" scale {}", *shape.scale);
  return fmt::format(
      "attention{} {} kernel batch {} heads {} kv-heads {} seq {} kv-seq {} dim {}{} q-chunk {} k-chunk {} read-batch {} {} "
      "{} exp {} grid {}{}{}{}",
      shape.causal ? " causal" : "", attention::name_of(config.kernel), shape.batch, shape.heads, shape.kv_heads,
      shape.seq_q, shape.seq_kv, shape.dim, own, config.q_chunk, config.k_chunk, config.read_batch,
      numbers_line(format_text(config.format), config.compute), exp_text(config), balance_names.of(config.balance),
      report::text_of(config.grid), delivery, partition,
      config.kv_page == 0 ? "" : fmt::format(" kv-page {}", config.kv_page));
}

Value Attention::delivery_figures() const {
  const bool multicast = attention::is_multicast(config.delivery);
  Value figures{{"asked", name_of(config.kv)},
                {"delivery", name_of(config.delivery)},
                {"cores", config.team.cores()},
                {"columns", multicast ? Value(config.team.columns) : Value()},
                {"rows", multicast ? Value(config.team.rows) : Value()},
                {"teams", attention::team_count(config)},
                {"dropped_chunks", dropped_chunks(config)},
                {"fallback", report::text_or_null(fallback_reason(config))}};
  for (const attention::DeliveryCandidate& candidate : candidates) {
    figures["candidates"].push({{"delivery", name_of(candidate.delivery)},
                                {"cores", candidate.config.team.cores()},
                                {"q_chunk", candidate.config.q_chunk},
                                {"k_chunk", candidate.config.k_chunk},
                                {"cycles", candidate.refusal.empty() ? Value(candidate.cycles) : Value()},
                                {"refusal", report::text_or_null(candidate.refusal)}});
  }
  return figures;
}

void Attention::describe_config(report::Document& document) const {
  const Shape& shape = this->shape();
  Value& facts = document.figures["config"];
  facts["q_chunk_chosen"] = q_chunk_chosen;
  facts["k_chunk_chosen"] = k_chunk_chosen;
  facts["chunks_of_dram"] =
      chunks_differ() ? Value{{"q_chunk", dram_chunks_->q_chunk}, {"k_chunk", dram_chunks_->k_chunk}} : Value();
  facts["parts"] = config.parts;
  const Value kv = delivery_figures();
  facts["kv"] = kv;
  if (options.dry_run || !inputs[0].empty()) facts["seed"] = facts["distribution"] = Value();

  std::string data = fmt::format("random {}, seed {}", distribution_names.of(distribution), seed);
  if (options.dry_run) data = "no data";
  if (!inputs[0].empty()) data = fmt::format("{}, {}, {}", inputs[0], inputs[1], inputs[2]);
  const auto [least, most] =
      std::minmax_element(split.begin(), split.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  const auto chosen = [](bool was) { return was ? " (chosen)" : ""; };
  document.title = shape.causal ? "attention, causal" : "attention";
  document.add("shape", fmt::format("{}; {}", attention::shape_text(shape), data));
  if (shape.keys_before() > 0)
    document.add("causal", fmt::format("query i sees the keys up to i + {}", shape.keys_before()));
  if (shape.blind_rows() > 0) {
    document.add("causal", fmt::format("query i sees the keys up to i - {0}; the first {0} of a head see none and give 0",
                                       shape.blind_rows()));
  }
  if (config.kv_lengths) {
    const auto [fewest, longest] = std::minmax_element(config.kv_lengths->begin(), config.kv_lengths->end());
    document.add("lengths", fmt::format("{} to {} keys a batch", *fewest, *longest));
  }
  if (shape.seq_q != config.shape.seq_q) {
    document.add("decode", fmt::format("the {} heads that share a K/V head are rows of one matrix", config.shape.seq_q));
  }
  document.add("numbers",
               fmt::format("{}, {} exp", numbers_text(format_text(config.format), config.format.q, config.compute),
                           exp_text(config)));
  document.add("kernel", name_of(config.kernel), config.kernel == Kernel::hand_written);
  document.add("chunks", fmt::format("Q {} rows{}, K {} rows{}; {} to {} Q chunks a core{}{}", config.q_chunk,
                                     chosen(q_chunk_chosen), config.k_chunk, chosen(k_chunk_chosen), least->size(),
                                     most->size(), shape.causal ? ", " : "", shape.causal ? order_of(config) : ""));
  if (config.partition != attention::Partition::flat) document.add("partition", attention::partition_text(config));
  if (chunks_differ()) {
    document.add("",
                 fmt::format("chosen for {}: --kv dram has Q {}, K {}, so results differ in their last bits; --q-chunk and "
                             "--k-chunk keep them",
                             name_of(config.delivery), dram_chunks_->q_chunk, dram_chunks_->k_chunk),
                 true);
  }
  document.add("K/V", attention::team_text(config) + attention::causal_text(config));
  if (config.kv_page > 0) {
    document.add(
        "", fmt::format("in {} pages of {} rows, {}", attention::page_count(config), config.kv_page,
                        page_table_.empty() ? fmt::format("shuffled with seed {}", seed) : "as " + page_table_ + " says"));
  }
  if (const std::string& reason = kv["fallback"].text(); !reason.empty()) {
    document.add("fallback", fmt::format("{} instead of {}: {}", name_of(config.delivery), name_of(config.kv), reason));
  }
  if (!candidates.empty()) document.add("chosen by", chosen_text(kv["candidates"]), true);
}

std::vector<std::int64_t> Attention::output_extents() const {
  return {shape().batch, shape().heads, shape().seq_q, shape().value_dim()};
}

/// What did not pass.
std::string Attention::mismatch_text() const {
  const attention::Verification& v = *verification;
  if (v.finite.wrong() > 0) return tally_text(v.finite, output_extents());
  return fmt::format("correlation {:.7f}, not above {:.6g}, or relative L2 {:.3e}, not below {:.3g}", v.figures.correlation,
                     v.gate.correlation, v.figures.relative_l2, v.gate.relative_l2);
}

void Attention::describe_plans(report::Document& document) const {
  if (config.kernel == Kernel::multipass) {
    const std::string steps = text_of(config.steps);
    document.figures["steps"] = steps;
    document.appendix = fmt::format("\nSteps of the multi-pass kernel: {}\n", steps);
  }
  if (config.kernel != Kernel::planned) return;
  const attention::PlannedKernel kernel = attention::plan_kernel(config);
  Value& plans = document.figures["plans"];
  for (std::size_t i = 0; i < kernel.steps.size(); ++i) {
    if (!kernel.steps.at(i)) continue;
    const planner::Plan& plan = kernel.steps.at(i)->plan;
    const char* step = name_of(static_cast<attention::PlannedStep>(i));
    plans[step] = report::from_json(planner::plan_json_text(plan));
    if (!show_plan) continue;
    document.appendix +=
        fmt::format("\nPlan of a Q chunk's {}: {}\n{}", step, planner::verdict(plan), planner::loop_nest(plan));
  }
}

void Attention::describe(report::Document& document) const {
  describe_config(document);
  document.figures["verify"] = Value();
  if (verification) {
    const std::int64_t rows = std::int64_t{config.shape.batch} * config.shape.heads * config.shape.seq_q;
    workloads::describe(*verification, rows, output_extents(), document);
  }
  if (show_split) document.details = split_text(*this);
  describe_plans(document);
}

Value Attention::work_of(int core) const {
  report::Array list;
  for (const attention::WorkItem& item : split[core]) {
    list.push_back({{"batch", item.batch},
                    {"head", item.head},
                    {"q_chunk", item.chunk},
                    {"k_steps", attention::k_steps_of(config, item)}});
  }
  return list;
}

std::vector<Choice> Attention::choices() const {
  return {{"Q", "q_chunk", config.q_chunk}, {"K", "k_chunk", config.k_chunk}};
}

}  // namespace tilegrid::workloads
