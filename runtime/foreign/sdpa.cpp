// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign/sdpa.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/dealing.h"
#include "kernels/common/divisor.h"
#include "kernels/common/subblock.h"

namespace tilegrid::foreign {
namespace {

namespace fs = std::filesystem;
using attention::CbIndex;
using attention::Config;
using attention::Division;
using attention::Shape;
using Words = std::vector<std::uint32_t>;

/// What a kind's files are called, and the last compile-time argument that each of the three takes: other years' kernels
/// have the same names and other arguments.
struct KindFacts {
  const char* reader;
  const char* compute;
  const char* writer;
  int last_arg[3];  // NOLINT(modernize-avoid-c-arrays): reader, compute, writer
};
const KindFacts& facts_of(Sdpa kind) {
  static constexpr KindFacts interleaved{
      "dataflow/reader_interleaved.cpp", "compute/sdpa.cpp", "dataflow/writer_interleaved.cpp", {20, 29, 19}};
  static constexpr KindFacts noncausal{"dataflow/reader_noncausal_interleaved.cpp",
                                       "compute/sdpa_noncausal.cpp",
                                       "dataflow/writer_noncausal_interleaved.cpp",
                                       {9, 21, 11}};
  return kind == Sdpa::interleaved ? interleaved : noncausal;
}

/// In the vendor's repository.
constexpr const char* folder_in_checkout = "ttnn/cpp/ttnn/operations/transformer/sdpa/device/kernels";

/// A file by its place in the vendor's folder, or beside the others; none when it is in neither.
std::optional<fs::path> find_file(const fs::path& folder, const fs::path& name) {
  for (const fs::path& path : {folder / name, folder / name.filename()}) {
    if (fs::is_regular_file(path)) return path;
  }
  return std::nullopt;
}

int last_argument_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string source = text.str();
  static const std::regex argument(R"(get_compile_time_arg_val\s*\(\s*(\d{1,4})\s*\))");
  int last = -1;
  for (std::sregex_iterator match(source.begin(), source.end(), argument), end; match != end; ++match) {
    last = std::max(last, std::stoi((*match)[1].str()));
  }
  return last;
}

std::string other_generation_of(const SdpaFiles& files) {
  const KindFacts& facts = facts_of(files.kind);
  const fs::path* paths[] = {&files.reader, &files.compute, &files.writer};  // NOLINT(modernize-avoid-c-arrays)
  for (int i = 0; i < 3; ++i) {
    const int last = last_argument_of(*paths[i]);
    if (last == facts.last_arg[i]) continue;
    return fmt::format("{} takes {} compile-time arguments, where that of {} takes {}", paths[i]->string(), last + 1,
                       files.kind == Sdpa::interleaved ? "December 2025" : "September 2024", facts.last_arg[i] + 1);
  }
  return {};
}

std::uint32_t word(int value) { return value; }

/// Sizes in tiles and chunks; sequences are filled up to whole chunks.
struct Sizes {
  explicit Sizes(const Config& config)
      : q_t(config.q_chunk / tile_side),
        k_t(config.k_chunk / tile_side),
        d_t(config.shape.dim_t()),
        q_chunks(ceil_div(config.shape.seq_q, config.q_chunk)),
        k_chunks(ceil_div(config.shape.seq_kv, config.k_chunk)),
        slots(config.compute.dst_fp32 ? 4 : 8) {}
  int q_t, k_t, d_t;       ///< of a Q chunk, of a K chunk, of a row
  int q_chunks, k_chunks;  ///< of a head
  int slots;               ///< of half of DST, which is all that these kernels use
};

/// Half-open ranges of batches, heads and Q chunks that one core does.
Words share_of(const Division& division, std::uint32_t core) {
  Words words;
  for (const Division::Range& range : {division.outer_of(core), division.inner_of(core), division.chunks_of(core)}) {
    words.insert(words.end(), {range.begin, range.begin + range.count});
  }
  return words;
}

/// Keys of the last chunk that do not exist have to be masked.
bool has_padded_mask(const Config& config) { return !config.shape.causal && config.shape.seq_kv % config.k_chunk != 0; }

/// Shapes of the blocks of a matmul that DST holds: whole rows where they fit, else parts of one row, or of two.
Subblock block_of(int rows, int columns, int slots, bool prefers_two_rows) {
  const int w = largest_divisor(columns, slots);
  const int h = w == columns ? largest_divisor(rows, slots / w) : 1;
  if (prefers_two_rows && w == slots && h == 1 && rows % 2 == 0) return {2, w / 2};
  return {h, w};
}

/// Compile-time arguments of the compute kernels that tell both products.
Words products_of(Sdpa kind, const Config& config) {
  const Sizes sizes(config);
  const Subblock qk = block_of(sizes.q_t, sizes.k_t, sizes.slots, kind == Sdpa::interleaved);
  const Subblock pv = block_of(sizes.q_t, sizes.d_t, sizes.slots, false);
  return {word(sizes.d_t), word(qk.w), word(qk.h), word(sizes.q_t / qk.h), word(sizes.k_t / qk.w), 1,
          word(sizes.k_t), word(pv.w), word(pv.h), word(sizes.q_t / pv.h), word(sizes.d_t / pv.w), 1};
}

std::map<std::string, std::string> defines_of(const Config& config) {
  const Sizes sizes(config);
  std::map<std::string, std::string> defines;
  // Tiles of a DST section, and the logarithm of their number; it has to divide what there is, or the rest is left out.
  const auto granularity = [&](const std::string& name, int count, int most) {
    int tiles = 1, power = 0;
    for (; count % (2 * tiles) == 0 && 2 * tiles <= most; tiles *= 2) ++power;
    defines[name + "_GRANULARITY"] = std::to_string(tiles);
    defines["LOG2_" + name + "_GRANULARITY"] = std::to_string(power);
  };
  granularity("STATS", sizes.q_t, sizes.slots);
  granularity("SUB_EXP", sizes.k_t, sizes.slots);
  granularity("MUL_BCAST", sizes.q_t * sizes.k_t, sizes.slots);
  granularity("DHT", sizes.d_t, sizes.slots);
  granularity("REDUCE", sizes.q_t, sizes.slots / 2);
  defines["EXP_APPROX_MODE"] = config.exp_accurate ? "0" : "1";
  defines["TILEGRID_SILENT"] = "1";  // standard output is the report's
  if (division_of(config).paired != 0) defines["BALANCED_Q_PARALLEL"] = "1";
  return defines;
}

std::vector<CircularBufferConfig> buffers_of(Sdpa kind, const Config& config) {
  const Sizes sizes(config);
  std::vector<CircularBufferConfig> buffers;
  const auto add = [&](CbIndex id, const char* role, int pages, DataFormat format) {
    buffers.push_back(CircularBufferConfig::of_tiles(id, pages, format, role));
  };
  const bool decodes = kind == Sdpa::noncausal;
  const int rows = sizes.q_t;
  add(attention::cb_q, "Q", rows * sizes.d_t * (!decodes && division_of(config).chunks_of(0).count > 1 ? 2 : 1),
      config.format.q);
  add(attention::cb_k, "K", sizes.k_t * sizes.d_t * 2, config.format.k);
  add(attention::cb_v, "V", sizes.k_t * sizes.d_t * 2, config.format.v);
  if (decodes || config.shape.causal || has_padded_mask(config)) {
    add(attention::cb_mask, "mask", rows * sizes.k_t * 2, decodes ? DataFormat::bf16 : DataFormat::bfp4_b);
  }
  if (decodes) add(attention::cb_scale, "scale", 1, DataFormat::bf16);
  add(attention::cb_scaler, "scaler", 1, DataFormat::bf16);
  if (!decodes) add(attention::cb_ones_column, "ones", 1, DataFormat::bf16);
  add(attention::cb_scores, "scores", rows * sizes.k_t, DataFormat::bf16);
  add(attention::cb_accumulator_a, "O", rows * sizes.d_t, DataFormat::bf16);
  add(attention::cb_accumulator_b, "O", rows * sizes.d_t, DataFormat::bf16);
  add(attention::cb_max_a, "max", rows, DataFormat::bf16);
  add(attention::cb_max_b, "max", rows, DataFormat::bf16);
  add(attention::cb_sum_a, "sum", rows, DataFormat::bf16);
  add(attention::cb_sum_b, "sum", rows, DataFormat::bf16);
  add(attention::cb_alpha, "alpha", rows, DataFormat::bf16);
  add(attention::cb_out, "out", rows * sizes.d_t, config.format.out);
  if (decodes) buffers.front().on_buffer = true;
  return buffers;
}

constexpr std::uint32_t two_ones = 0x3F80'3F80;  // bf16
/// How a TensorAccessor of an interleaved buffer is told: one word, bit 1 for DRAM.
constexpr std::uint32_t in_dram = 2;

std::uint32_t scale_bits(const Config& config) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(config.shape.score_scale()));
}

Words operator+(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// Compile-time arguments of reader, compute and writer. What the kernels can do and the host side here does not - masks of
/// the user's, paged keys, windows, sinks - is 0.
std::array<Words, 3> interleaved_args(const Config& config) {
  const Shape& shape = config.shape;
  const Sizes sizes(config);
  const Words heads{word(shape.batch), word(shape.heads), word(shape.kv_heads)};
  const std::uint32_t q_t = word(sizes.q_chunks * sizes.q_t);
  const std::uint32_t k_t = word(sizes.k_chunks * sizes.k_t);
  const std::uint32_t d_t = word(sizes.d_t);
  const Words chunks{word(sizes.q_t), word(sizes.q_chunks), word(sizes.k_t), word(sizes.k_chunks)};
  const Words masks{word(config.grid.cores()), shape.causal ? 1U : 0U, 0, has_padded_mask(config) ? 1U : 0U, 0};
  const Words reader = heads + Words{q_t, k_t, word(tiles_of(shape.seq_q)), word(tiles_of(shape.seq_kv)), d_t, d_t} +
                       chunks + masks + Words{0, 0, 0} + Words(6, in_dram);
  const Words compute = heads + Words{k_t, d_t, d_t} + chunks + products_of(Sdpa::interleaved, config) + masks +
                        Words{scale_bits(config), 0, 0, in_dram};
  const Words writer = heads + Words{q_t, word(tiles_of(shape.seq_q)), word(shape.seq_kv), d_t, d_t} + chunks +
                       Words{two_ones, scale_bits(config)} + masks + Words{0, in_dram};
  return {reader, compute, writer};
}

std::array<Words, 3> noncausal_args(const Config& config) {
  const Shape& shape = config.shape;
  const Sizes sizes(config);
  const std::uint32_t cores = word(config.grid.cores());
  const Words sides{word(shape.heads),
                    word(shape.batch),
                    0,
                    word(tiles_of(shape.seq_kv)),
                    word(sizes.d_t),
                    word(sizes.q_t),
                    word(sizes.q_chunks),
                    word(sizes.k_t),
                    word(sizes.k_chunks)};
  return {sides + Words{cores}, sides + products_of(Sdpa::noncausal, config) + Words{cores},
          sides + Words{two_ones, scale_bits(config), cores}};
}

std::array<Words, 3> compile_args_of(Sdpa kind, const Config& config) {
  return kind == Sdpa::interleaved ? interleaved_args(config) : noncausal_args(config);
}

/// The three kernels in the order of compile_args_of(): a reader is on NCRISC and NoC 0, a writer on BRISC and NoC 1.
struct Seat {
  const fs::path SdpaFiles::*file;
  Risc risc;
  NocId noc;
};
constexpr std::array<Seat, 3> seats{Seat{&SdpaFiles::reader, Risc::ncrisc, NocId::noc0},
                                    Seat{&SdpaFiles::compute, Risc::trisc, NocId::noc0},
                                    Seat{&SdpaFiles::writer, Risc::brisc, NocId::noc1}};

/// Runtime arguments of reader, compute and writer of a core. Prefill in one phase, from the first row on.
std::array<Words, 3> runtime_args_of(Sdpa kind, const Division& division, const attention::TensorAddresses& at,
                                     std::uint32_t mask, int core) {
  const Words share = Words{word(core)} + share_of(division, word(core));
  if (kind == Sdpa::noncausal) return {Words{at.q, at.k, at.v, mask} + share, share, Words{at.out} + share};
  return {Words{at.q, at.k, at.v, 0, 0, 0} + share + Words{1, 0, 0}, share + Words{1, 0},
          Words{at.out} + share + Words{1, 0, 0}};
}

std::string decoding_refusal(const Config& config) {
  const Shape& shape = config.shape;
  if (shape.causal) return "it is not causal";
  if (shape.kv_heads != shape.heads)
    return fmt::format("{} heads, {} kv heads: it needs as many", shape.heads, shape.kv_heads);
  if (shape.seq_q > config.q_chunk) {
    return fmt::format("{} rows of Q in chunks of {}: it does one chunk of a head", shape.seq_q, config.q_chunk);
  }
  if (shape.batch * shape.heads > config.grid.cores()) {
    return fmt::format("{} heads in all on {} cores: it does one on a core", shape.batch * shape.heads, config.grid.cores());
  }
  if (shape.seq_kv % config.k_chunk != 0) {
    return fmt::format("{} rows of K in chunks of {}: it needs whole chunks", shape.seq_kv, config.k_chunk);
  }
  return {};
}

}  // namespace

const char* name_of(Sdpa kind) { return kind == Sdpa::interleaved ? "sdpa" : "sdpa_noncausal"; }

std::vector<SdpaFiles> find_sdpa(const std::string& folder) {
  if (!fs::is_directory(folder)) throw UsageError(fmt::format("--foreign {}: there is no such folder", folder));
  std::vector<SdpaFiles> found;
  std::vector<std::string> names;
  const std::vector<fs::path> places{fs::path(folder) / folder_in_checkout, folder};
  for (const Sdpa kind : {Sdpa::interleaved, Sdpa::noncausal}) {
    const KindFacts& facts = facts_of(kind);
    names.emplace_back(facts.compute);
    for (const fs::path& place : places) {
      const auto compute = find_file(place, facts.compute);
      if (!compute) continue;
      SdpaFiles files{kind, {}, *compute, {}, {}};
      for (const auto& [name, file] : {std::pair(facts.reader, &files.reader), std::pair(facts.writer, &files.writer)}) {
        const auto path = find_file(place, name);
        if (!path) {
          throw UsageError(fmt::format("--foreign {}: {} is there, but neither {} nor {}", folder, compute->string(),
                                       (place / name).string(), (place / fs::path(name).filename()).string()));
        }
        *file = *path;
      }
      files.other_generation = other_generation_of(files);
      found.push_back(std::move(files));
      break;
    }
  }
  if (!found.empty()) return found;
  throw UsageError(fmt::format("--foreign {}: neither {} in {} nor in the folder itself", folder, fmt::join(names, " nor "),
                               folder_in_checkout));
}

std::string refusal_of(const SdpaFiles& files, const Config& config) {
  if (!files.other_generation.empty()) return files.other_generation;
  const Shape& shape = config.shape;
  if (shape.value_dim() != shape.dim) {
    return fmt::format("--v-dim {}: it needs that of Q and K, {}", shape.value_dim(), shape.dim);
  }
  for (const DataFormat format : {config.format.q, config.format.k, config.format.v, config.format.out}) {
    if (format == DataFormat::fp32) return "--format fp32: it keeps scores and sums as bf16";
  }
  if (files.kind == Sdpa::noncausal) {
    if (std::string reason = decoding_refusal(config); !reason.empty()) return reason;
  } else if (shape.causal && shape.seq_q != shape.seq_kv) {
    return fmt::format("causal with {} rows of Q and {} of K: it needs as many", shape.seq_q, shape.seq_kv);
  }
  Program program;
  program.name = name_of(files.kind);
  program.grid = config.grid;
  program.chip = config.chip;
  program.circular_buffers = buffers_of(files.kind, config);
  try {
    validate(program);
  } catch (const UsageError& error) {
    return error.message();
  }
  return {};
}

Config dealt_out(Config config) {
  config.partition = attention::Partition::heads_first;
  config.balance = attention::Balance::zigzag;
  return config;
}

std::vector<jit::KernelSource> sources_of(const SdpaFiles& files, const Config& config) {
  const std::array<Words, 3> args = compile_args_of(files.kind, config);
  std::vector<jit::KernelSource> sources(seats.size());
  for (std::size_t i = 0; i < seats.size(); ++i) {
    jit::KernelSource& source = sources[i];
    source.path = files.*(seats.at(i).file);
    source.compile_args = args.at(i);
    source.defines = defines_of(config);
    source.risc = seats.at(i).risc;
    source.noc = seats.at(i).noc;
    source.compute = config.compute;
    source.chip = config.chip.name();
    source.dram_banks = config.chip.places().banks();
    // Headers are named from the root of the repository, or from a folder within it.
    for (fs::path above = fs::absolute(source.path).parent_path(); above.has_relative_path(); above = above.parent_path()) {
      source.include_dirs.push_back(above);
    }
    for (const CircularBufferConfig& buffer : buffers_of(files.kind, config)) {
      source.buffers.push_back({buffer.id, buffer.page_bytes, buffer.format});
    }
  }
  return sources;
}

Program program_of(const SdpaFiles& files, const Config& config, const attention::TensorAddresses& addresses,
                   std::uint32_t mask, std::span<const jit::Object> objects) {
  Program program;
  program.name = name_of(files.kind);
  program.grid = config.grid;
  program.chip = config.chip;
  program.compute = config.compute;
  program.circular_buffers = buffers_of(files.kind, config);
  program.keep_l1 = files.kind == Sdpa::noncausal;
  const std::array<Words, 3> args = compile_args_of(files.kind, config);
  const Division division = division_of(config);
  std::set<std::string> keys;
  for (std::size_t i = 0; i < seats.size(); ++i) {
    KernelConfig kernel;
    kernel.name = (files.*(seats.at(i).file)).string();
    kernel.risc = seats.at(i).risc;
    kernel.noc = seats.at(i).noc;
    kernel.cores = CoreRange::all(config.grid);
    kernel.compile_args = args.at(i);
    kernel.object = objects[i].key;
    for (int core = 0; core < config.grid.cores(); ++core) {
      kernel.runtime_args.emplace_back(core, runtime_args_of(files.kind, division, addresses, mask, core).at(i));
    }
    program.kernels.push_back(std::move(kernel));
    if (keys.insert(objects[i].key).second) program.objects.push_back(objects[i].for_program());
  }
  return program;
}

}  // namespace tilegrid::foreign
