// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "kernels/planner/slot_cases/case_file.h"

namespace tilegrid::planner {
namespace {

using Json = nlohmann::ordered_json;

class Answers {
 public:
  template <class T>
  void add(const char* policy, const char* key, T value) {
    list_.push_back(Json{{"policy", policy}, {"key", key}, {"value", std::move(value)}});
  }
  [[nodiscard]] Json take() { return std::move(list_); }

 private:
  Json list_ = Json::array();
};

std::int64_t tiles_of(const std::vector<int>& block) {
  std::int64_t tiles = 1;
  for (const int extent : block) tiles = std::min<std::int64_t>(tiles * extent, std::int64_t{1} << 40);
  return tiles;
}

/// tt-lang's unroll factor (dst.md 2.2).
std::int64_t unroll_factor(int capacity, int slots, std::int64_t tiles) {
  return std::min<std::int64_t>(capacity / std::max(slots, 1), tiles);
}

/// Slots of a section of several tiles one after another (dst.md 3.1): finished tiles keep only their outputs.
std::int64_t section_slots(std::int64_t tiles, int outputs, int peak) { return (tiles - 1) * outputs + peak; }

void answer_exact(const Case& one, Answers& out) {
  struct Policy {
    const char* name;
    ExactRules rules;
  };
  const std::array<Policy, 4> policies{{{"exact_sfpu", {}},
                                        {"exact_sfpu_once", {.load_once = true}},
                                        {"exact_fpu", {.fpu_forms = true}},
                                        {"exact_fpu_clean", {.fpu_forms = true, .clean_slots = true}}}};
  const std::int64_t tiles = tiles_of(one.block);
  const int outputs = count_of(one.dag.outputs);
  const bool one_section = obstacle_to_one_section(without_dead_ops(one.dag)).empty();
  for (const Policy& policy : policies) {
    const std::optional<int> slots = exact_slots(one.dag, policy.rules);
    if (!slots) {
      if (!one_section) out.add(policy.name, "fits", false);
      continue;
    }
    out.add(policy.name, "min_slots", *slots);
    out.add(policy.name, "section_slots", section_slots(tiles, outputs, *slots));
    if (!one.dst_capacity) continue;
    const int spare = *one.dst_capacity - *slots;
    out.add(policy.name, "fits", spare >= 0);
    out.add(policy.name, "max_tiles_depth_first", spare < 0 ? 0 : spare / outputs + 1);
  }
}

void answer_linear_scan(const Case& one, const char* policy, LinearScanRules rules, Answers& out) {
  const LinearScan scan = linear_scan(one.dag, rules);
  out.add(policy, "max_slots", scan.slots);
  Json copies{{"copy_dst", scan.copies_in_dst}};
  if (scan.copies_from_cb > 0) copies["copy_tile"] = scan.copies_from_cb;
  out.add(policy, "copies", std::move(copies));
  Json slot_of = Json::object();
  for (const auto& [value, slot] : scan.slot_of) slot_of[value] = slot;
  out.add(policy, "slot_of", std::move(slot_of));
  if (!one.dst_capacity) return;
  const bool fits = scan.slots <= *one.dst_capacity;
  out.add(policy, "fits", fits);
  if (!fits) {
    out.add(policy, "error_contains", fmt::format("insufficient DST registers: all {} registers in use", *one.dst_capacity));
  }
}

/// A whole block in one section, tile by tile or all tiles of an operation together, which takes the peak for each tile.
void answer_order(const Case& one, Answers& out) {
  std::optional<int> peak = exact_slots(one.dag, {});
  if (!peak || !one.dst_capacity) return;
  const std::int64_t tiles = tiles_of(one.block);
  out.add("order", "fits_in_order",
          Json{{"tile_by_tile", section_slots(tiles, count_of(one.dag.outputs), *peak) <= *one.dst_capacity},
               {"grouped_by_kind", tiles * *peak <= *one.dst_capacity}});
}

void answer_dag(const Case& one, Answers& out) {
  answer_exact(one, out);
  answer_linear_scan(one, "linear_scan", {}, out);
  answer_linear_scan(one, "linear_scan_separate", {.separate_outputs = true}, out);
  out.add("breadth_first_fresh_result", "slots_needed", fresh_result_slots(one.dag, FreshOrder::breadth_first));
  out.add("depth_first_fresh_result", "slots_needed", fresh_result_slots(one.dag, FreshOrder::depth_first));
  answer_order(one, out);
  if (!one.dst_capacity) return;
  const std::int64_t tiles = tiles_of(one.block);
  for (const bool fpu : {false, true}) {
    const int slots = linear_scan(one.dag, {.fpu_forms = fpu}).slots;
    out.add(fpu ? "ttlang_fpu" : "ttlang", "unroll_factor", unroll_factor(*one.dst_capacity, slots, tiles));
  }
}

void answer_capacity(const Case& one, Answers& out) {
  // Halved unless the whole DST is one section, and halved again by 32-bit slots (dst.md 1.1).
  const int capacity = one.physical / (one.full_sync ? 1 : 2) / (one.bits32 ? 2 : 1);
  out.add("hw", "capacity", capacity);
  if (one.block.empty()) return;
  for (const char* policy : {"ttlang", "ttlang_fpu"}) {
    out.add(policy, "unroll_factor", unroll_factor(capacity, one.slots_per_iteration.value_or(1), tiles_of(one.block)));
  }
}

void answer_subblock(const Case& one, Answers& out) {
  std::optional<std::int64_t> unroll;
  if (one.dst_capacity) unroll = unroll_factor(*one.dst_capacity, one.slots_per_iteration.value_or(1), tiles_of(one.block));
  if (unroll) {
    out.add("ttlang", "unroll_factor", *unroll);
    out.add("ttlang_fpu", "unroll_factor", *unroll);
  }
  if (!one.budget && !unroll) return;
  const int budget = one.budget.value_or(unroll.value_or(0));
  if (budget < 1) return;
  out.add("divisor_max_product", "subblock", divisor_subblock(one.block, budget));
  if (one.block.size() != 2) return;
  const TileRect block{one.block[0], one.block[1]};
  const std::array<std::pair<const char*, SubblockTable>, 4> tables{{{"matmul_table", SubblockTable::matmul},
                                                                     {"sdpa_table", SubblockTable::sdpa},
                                                                     {"autotuner_legacy", SubblockTable::matmul},
                                                                     {"autotuner_fast", SubblockTable::autotuner_fast}}};
  for (const auto& [policy, table] : tables) {
    const std::optional<TileRect> found = table_subblock(table, block, budget);
    if (found) out.add(policy, "subblock", Json::array({found->h, found->w}));
  }
  if (const std::optional<Peel> peel = peeled_subblock(block, budget)) {
    out.add("ttlang_rescue_peel", "peel",
            Json{{"main", Json::array({peel->main.h, peel->main.w})},
                 {"remainder", Json::array({peel->remainder.h, peel->remainder.w})}});
  }
}

void answer_scratch(const Case& one, Answers& out) {
  const char* policy = "size_desc_first_fit";
  const ScratchPacking packing = pack_scratch(one.scratch);
  Json offsets = Json::object();
  for (std::size_t i = 0; i < one.scratch.size(); ++i) offsets[one.scratch[i].name] = packing.offsets[i];
  out.add(policy, "scratch_offsets", std::move(offsets));
  out.add(policy, "scratch_peak", packing.peak);
  if (!one.scratch_capacity) return;
  const bool fits = packing.peak <= *one.scratch_capacity;
  out.add(policy, "fits", fits);
  if (!fits) out.add(policy, "error_contains", "peak scratch usage");
}

/// Six operations as the document that started the project counts them: a transposition, a matmul, two binary operations
/// and a chain of unary ones. Which ones they are makes no difference to slots.
SlotDag six_operations() {
  return {.inputs = {"Q", "K", "m", "c"},
          .ops = {{.name = "kt", .kind = SlotKind::transpose, .fn = "transpose", .in = {1}},
                  {.name = "s", .kind = SlotKind::matmul, .fn = "matmul", .in = {0, 4}},
                  {.name = "d", .kind = SlotKind::binary, .fn = "sub", .in = {5, 2}},
                  {.name = "p", .kind = SlotKind::binary, .fn = "mul", .in = {6, 3}},
                  {.name = "e", .kind = SlotKind::sfpu_unary, .fn = "exp", .in = {7}},
                  {.name = "r", .kind = SlotKind::sfpu_unary, .fn = "recip", .in = {8}}},
          .outputs = {9}};
}

void answer_note(const Case& one, Answers& out) {
  if (one.block.empty()) return;
  const std::int64_t tiles = tiles_of(one.block);
  if (one.groups) {
    const std::int64_t needed = *one.groups * tiles;
    out.add("all_values_resident", "slots_needed", needed);
    if (one.dst_capacity) out.add("all_values_resident", "fits", needed <= *one.dst_capacity);
    if (one.dst_capacity && needed > *one.dst_capacity) {
      out.add("ttmlir_old", "error_contains", "Insufficient DST capacity for all operands");
    }
  }
  const SlotDag dag = one.dag.ops.empty() ? six_operations() : one.dag;
  const std::int64_t needed = fresh_result_slots(dag, FreshOrder::breadth_first) * tiles;
  out.add("liveness_breadth_first", "slots_needed", needed);
  if (one.dst_capacity) out.add("liveness_breadth_first", "fits", needed <= *one.dst_capacity);
  out.add("capacity", "fits_full_sync_b16", needed <= 16);
  out.add("capacity", "fits_full_sync_f32", needed <= 8);
  out.add("capacity", "fits_half_sync_b16", needed <= 8);
  out.add("capacity", "fits_half_sync_f32", needed <= 4);
}

}  // namespace

nlohmann::ordered_json answer_case(const Case& one) {
  Answers out;
  switch (one.kind) {
    case CaseKind::tile_dag:
      answer_dag(one, out);
      break;
    case CaseKind::capacity:
      answer_capacity(one, out);
      break;
    case CaseKind::subblock:
      answer_subblock(one, out);
      break;
    case CaseKind::unpack_cost:
      out.add("llk_reuse", "unpack_tiles_per_k", unpack_tiles_per_k(one.subblock));
      break;
    case CaseKind::scratch_packing:
      answer_scratch(one, out);
      break;
    case CaseKind::note:
      answer_note(one, out);
      break;
  }
  return Json{{"id", one.id}, {"results", out.take()}};
}

nlohmann::ordered_json answer_cases(std::string_view text) {
  Json cases = Json::array();
  for (const Case& one : load_cases(text)) cases.push_back(answer_case(one));
  return Json{{"cases", std::move(cases)}};
}

}  // namespace tilegrid::planner
