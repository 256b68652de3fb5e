// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "core/tile.h"
#include "core/vector_unit.h"
#include "kernels/api/circular_buffer.h"
#include "kernels/attention/delivery.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/paging.h"
#include "kernels/attention/phases.h"
#include "kernels/attention/planned.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/registry.h"
#include "noc/address.h"

namespace tilegrid::attention {
namespace {

/// All fields of KernelWords are 32-bit words, in declaration order.
static_assert(sizeof(KernelWords) == KernelArgs::word_count * sizeof(std::uint32_t) &&
              std::is_trivially_copyable_v<KernelWords>);

constexpr const char* reader_name = "attention/reader";
constexpr const char* delivering_reader_name = "attention/delivering_reader";
constexpr const char* compute_name = "attention/compute";
constexpr const char* planned_compute_name = "attention/planned_compute";
constexpr const char* multipass_compute_name = "attention/multipass_compute";
constexpr const char* writer_name = "attention/writer";

/// 1 over what the fast exponential gives for 0.
float inverse_fast_exp_of_0(const ComputeConfig& compute) {
  alignas(64) std::array<float, tile_elements> tile{};
  VectorUnit(compute.dst_fp32, compute.numerics).unary(VectorOp::exp_fast, tile.data(), VectorMode::rc, 1.0F);
  return 1.0F / tile[0];
}

/// Rows as wide as DST has slots: what kernels did before the list of subblocks (attention.md 1.6). A width that does not
/// divide the columns becomes one that does.
Subblock wide_subblock(int rows, int columns, int slots) {
  const int w = largest_divisor(columns, slots);
  return {w == columns ? largest_divisor(rows, slots / w) : 1, w};
}

Subblock subblock(const Config& config, int rows, int columns) {
  const int slots = dst_slots(config.chip, config.compute);
  const bool wide = config.kernel == Kernel::multipass && !config.steps.has(Step::subblocks);
  return wide ? wide_subblock(rows, columns, slots) : sdpa_subblock(rows, columns, slots);
}

}  // namespace

KernelArgs KernelArgs::from(const Config& config, const TensorAddresses& addresses) {
  const auto word = [](int value) { return static_cast<std::uint32_t>(value); };
  const Shape& shape = config.shape;
  KernelArgs args;
  args.q_chunk_t = word(config.q_chunk / tile_side);
  args.k_chunk_t = word(config.k_chunk / tile_side);
  args.dim_t = word(shape.dim_t());
  args.v_dim_t = word(shape.v_dim_t());
  args.heads = word(shape.heads);
  args.kv_heads = word(shape.kv_heads);
  args.seq_q_t = word(tiles_of(shape.seq_q));
  args.seq_kv_t = word(tiles_of(shape.seq_kv));
  args.seq_q = word(shape.seq_q);
  args.seq_kv = word(shape.seq_kv);
  args.blind_rows = word(shape.blind_rows());
  args.keys_before = word(shape.keys_before());
  args.q_chunks = word((shape.seq_q + config.q_chunk - 1) / config.q_chunk);
  args.k_chunks = word((shape.seq_kv + config.k_chunk - 1) / config.k_chunk);
  args.causal = shape.causal ? 1 : 0;
  args.zigzag = shape.causal && config.balance == Balance::zigzag ? 1 : 0;
  args.slots = word(dst_slots(config.chip, config.compute));
  const Subblock qk = subblock(config, config.q_chunk / tile_side, config.k_chunk / tile_side);
  const Subblock pv = subblock(config, config.q_chunk / tile_side, shape.v_dim_t());
  args.qk_h = word(qk.h);
  args.qk_w = word(qk.w);
  args.pv_h = word(pv.h);
  args.pv_w = word(pv.w);
  args.exp_accurate = config.exp_accurate ? 1 : 0;
  args.exp_unclamped = config.exp_unclamped ? 1 : 0;
  args.scale_bits = std::bit_cast<std::uint32_t>(static_cast<float>(shape.score_scale()));
  args.read_batch = config.read_batch > 0 ? word(config.read_batch) : ~0U;
  args.steps = config.steps.bits();
  args.alpha_correction_bits = std::bit_cast<std::uint32_t>(inverse_fast_exp_of_0(config.compute));
  args.lanes = word(config.team.cores());
  args.multicast = config.delivery == KvDelivery::multicast_row || config.delivery == KvDelivery::multicast_grid ? 1 : 0;
  args.parts = word(config.parts);
  args.division = division_of(config);
  args.page_t = word(config.kv_page / tile_side);
  args.pages = config.kv_page > 0 ? word(pages_of_sequence(config)) : 0;
  if (config.kv_lengths) args.lengths = *config.kv_lengths;
  args.lengths_count = count_of<std::uint32_t>(args.lengths);
  args.table_base = addresses.page_table;
  args.q_base = addresses.q;
  args.k_base = addresses.k;
  args.v_base = addresses.v;
  args.out_base = addresses.out;
  return args;
}

std::vector<std::uint32_t> KernelArgs::words() const {
  std::vector<std::uint32_t> words(word_count);
  std::memcpy(words.data(), static_cast<const KernelWords*>(this), sizeof(KernelWords));
  words.insert(words.end(), lengths.begin(), lengths.end());
  return words;
}

KernelArgs KernelArgs::from_words(std::span<const std::uint32_t> words) {
  KernelArgs args;
  if (words.size() >= word_count)
    std::memcpy(static_cast<void*>(static_cast<KernelWords*>(&args)), words.data(), sizeof(KernelWords));
  if (words.size() != args.argument_count()) throw std::logic_error("attention: a wrong number of kernel arguments");
  args.lengths.assign(words.begin() + word_count, words.end());
  return args;
}

KernelArgs KernelArgs::of_this_kernel() {
  std::array<std::uint32_t, word_count> words{};
  for (std::uint32_t i = 0; i < word_count; ++i) words.at(i) = api::get_compile_time_arg_val(i);
  KernelArgs args;
  std::memcpy(static_cast<void*>(static_cast<KernelWords*>(&args)), words.data(), sizeof(KernelWords));
  args.lengths.reserve(args.lengths_count);
  for (std::uint32_t i = 0; i < args.lengths_count; ++i)
    args.lengths.push_back(api::get_compile_time_arg_val(word_count + i));
  return args;
}

void register_kernels() {
  register_kernel(reader_name, &reader);
  register_kernel(delivering_reader_name, &delivering_reader);
  register_kernel(compute_name, &compute);
  register_kernel(planned_compute_name, &planned_compute);
  register_kernel(multipass_compute_name, &multipass_compute);
  register_kernel(writer_name, &writer);
  unfused::register_kernels();
}

namespace {

CoreArg core_arg(LogicalCore core) {
  return {1, static_cast<std::uint32_t>(core.x + noc::virtual_base), static_cast<std::uint32_t>(core.y + noc::virtual_base)};
}

/// `team`: the places of the core's team, by lane.
DeliveryArgs delivery_args(const Config& config, std::span<const Place> team, const Place& place) {
  const GridSize grid = config.grid;
  const std::size_t lane = place.lane;
  DeliveryArgs args;
  if (config.delivery == KvDelivery::chain) {
    // Those of a division have lanes without items at the other end.
    const std::uint32_t last_slice_lacks = slices_of(config).count() * slices_of(config).lanes - slices_of(config).items();
    const std::size_t even = team.size() - last_slice_lacks;  // lanes that have an item in every slice
    const bool apart = config.uneven_apart && !config.shape.causal && config.partition != Partition::heads_first;
    const auto linked = [&](std::size_t next) { return next < team.size() && !(apart && next >= even); };
    if (lane > 0 && linked(lane)) args.left = core_arg(grid.core(team[lane - 1].core));
    if (linked(lane + 1)) args.right = core_arg(grid.core(team[lane + 1].core));
    return args;
  }
  const auto injector = std::find_if(team.begin(), team.end(), [](const Place& member) { return member.injector; });
  if (!place.injector) args.injector = core_arg(grid.core(injector->core));
  args.first = core_arg(grid.core(team.front().core));
  args.last = core_arg(grid.core(team.back().core));
  args.receivers = count_of<std::uint32_t>(team) - 1;
  return args;
}

/// Whom a core merges with: those with the same lane in the teams of its group.
MergeArgs merge_args(const Config& config, std::span<const Place> all, const Place& place) {
  const auto part = static_cast<std::uint32_t>(place.team % config.parts);
  const auto core_of = [&](std::uint32_t other) {
    const std::size_t team = place.team - part + other;
    return core_arg(config.grid.core(all[team * config.team.cores() + place.lane].core));
  };
  MergeArgs merge;
  if (part != 0) merge.parent = core_of(MergeTree::parent(part));
  const std::uint32_t children = MergeTree::children(part, static_cast<std::uint32_t>(config.parts));
  for (std::uint32_t i = 0; i < children; ++i) merge.children.at(i) = core_of(part + (1U << i));
  return merge;
}

/// Puts a struct of words behind the arguments, from `at` on.
template <class Words>
void append(std::vector<std::uint32_t>& arguments, std::uint32_t at, const Words& words) {
  arguments.resize(at + sizeof words / sizeof(std::uint32_t));
  std::memcpy(arguments.data() + at, &words, sizeof words);
}

/// Positions of a group, or with a division of a team. Nothing for those that are left over.
std::pair<std::int64_t, std::int64_t> positions_of(const Config& config, const Dealing& dealing, int group) {
  if (const Division division = division_of(config); division.is_there()) {
    const std::uint32_t lanes = config.team.cores();
    if (std::cmp_greater_equal(group, division.teams(lanes))) return {0, 0};
    return {std::int64_t{division.most()} * group, division.turns(lanes, group)};
  }
  if (group >= dealing.takers()) return {0, 0};
  const std::int64_t first = dealing.first_item(group);
  return {first, dealing.first_item(group + 1) - first};
}

/// Arguments and semaphores of teams, and of groups that share the K chunks of their items: of cores, or of teams, and then
/// of the cores with the same lane. Cores that are left over have no work.
void share(Program& program, const Config& config) {
  const Dealing dealing(config);
  const bool teams = config.team.cores() > 1;
  const bool parts = config.parts > 1;
  const std::size_t size = config.team.cores();
  const std::vector<Place> all = places(config);
  if (teams) program.kernels[0].name = delivering_reader_name;
  program.semaphores.assign(parts ? semaphore_count : sem_filled + 1, 0);
  program.semaphores[sem_filled] = flag_filled;
  std::vector<const Place*> of_core(config.grid.cores());
  for (const Place& place : all) of_core[place.core] = &place;
  for (int core = 0; core < count_of(of_core); ++core) {
    std::vector<std::uint32_t> words(arg_seat + 1);
    DeliveryArgs delivery;
    MergeArgs merge;
    if (const Place* place = of_core[core]) {
      const int group = place->team / config.parts;
      const auto part = static_cast<std::uint32_t>(place->team % config.parts);
      const auto [first, count] = positions_of(config, dealing, group);
      words = {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count),
               static_cast<std::uint32_t>(part * size + place->lane)};
      if (teams) delivery = delivery_args(config, std::span(all).subspan(place->team * size, size), *place);
      if (parts && group < dealing.takers()) merge = merge_args(config, all, *place);
    }
    for (KernelConfig& kernel : program.kernels) kernel.runtime_args.emplace_back(core, words);
    if (teams) append(program.kernels[0].runtime_args.back().second, arg_delivery, delivery);
    if (parts) append(program.kernels[2].runtime_args.back().second, arg_merge, merge);
  }
}

/// Deals the pages of Q chunks that see no key to the writers of all cores, evenly.
void add_blind_chunks(Program& program, const Config& config) {
  const Shape& shape = config.shape;
  const std::int64_t rows_t = std::int64_t{blind_chunks_of(config)} * (config.q_chunk / tile_side);
  const std::int64_t pages = std::int64_t{shape.batch} * shape.heads * rows_t * shape.v_dim_t();
  if (pages == 0) return;
  const std::int64_t cores = config.grid.cores();
  for (auto& [core, words] : program.kernels[2].runtime_args) {
    words.resize(std::max<std::size_t>(words.size(), arg_blind_count + 1));
    const std::int64_t first = core * pages / cores;
    words[arg_blind_first] = static_cast<std::uint32_t>(first);
    words[arg_blind_count] = static_cast<std::uint32_t>((core + 1) * pages / cores - first);
  }
}

}  // namespace

Program make_program(const Config& config, const TensorAddresses& addresses) {
  if (config.kernel == Kernel::unfused) throw std::logic_error("attention: the unfused kernel is several programs");
  Program program;
  program.name = "attention";
  program.grid = config.grid;
  program.compute = config.compute;
  program.chip = config.chip;
  program.phases = phase_names();
  const CoreRange cores = CoreRange::all(config.grid);
  const KernelArgs args = KernelArgs::from(config, addresses);
  const std::vector<std::uint32_t> compile_args = args.words();
  // As on the device: NCRISC reads on NoC 0, BRISC writes on NoC 1 (tensix.md 4.3: each NoC is fast in that direction).
  program.kernels = {{reader_name, Risc::ncrisc, NocId::noc0, cores, compile_args, {}, {}},
                     {compute_name, Risc::trisc, NocId::noc0, cores, compile_args, {}, {}},
                     {writer_name, Risc::brisc, NocId::noc1, cores, compile_args, {}, {}}};
  if (config.kv_page > 0) {
    // A dry run has no data, and yet must read what the table says.
    std::vector<std::uint32_t>& of_reader = program.kernels[0].compile_args;
    of_reader.insert(of_reader.end(), config.page_table->begin(), config.page_table->end());
  }
  if (config.kernel == Kernel::planned) {
    const PlannedKernel planned = plan_kernel(config);
    program.circular_buffers = planned.circular_buffers;
    program.kernels[1].name = planned_compute_name;
    planner::set_arguments(program.kernels[1], PlannedArguments{compile_args, planned.steps});
  } else {
    program.circular_buffers = circular_buffers(config);
    if (config.kernel == Kernel::multipass) program.kernels[1].name = multipass_compute_name;
  }
  if (config.team.cores() > 1 || config.parts > 1) {
    share(program, config);
    add_blind_chunks(program, config);
    validate(program);
    return program;
  }
  std::uint32_t first = 0;
  const auto work = split_work(config);
  for (int core = 0; core < config.grid.cores(); ++core) {
    const auto count = count_of<std::uint32_t>(work[core]);
    const auto slot = args.division.is_there() ? slot_of(config, args.division, core) : std::nullopt;
    if (slot) first = *slot * args.division.most();
    for (KernelConfig& kernel : program.kernels) kernel.runtime_args.push_back({core, {first, count}});
    first += count;
  }
  add_blind_chunks(program, config);
  validate(program);
  return program;
}

}  // namespace tilegrid::attention
