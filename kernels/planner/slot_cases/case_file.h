// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/planner/graph/graph.h"
#include "kernels/planner/slot_cases/slot_policies.h"
#include "kernels/planner/slot_cases/subblock_tables.h"

namespace tilegrid::planner {

/// What a case of the neutral schema is about.
enum class CaseKind : std::uint8_t { tile_dag, capacity, subblock, unpack_cost, scratch_packing, note };

/// What an operation of a file says beyond its slots; used by to_graph.
struct CaseOpExtra {
  int k = 0;  ///< matmul: tiles of K; 0: not said
  bool transpose_b = false;
  std::string dim;  ///< reductions: "row", "col" or "scalar"; empty: as `fn` says
  float parameter = 0;
};

/// One case. Fields that a kind has no use for keep their defaults.
struct Case {
  std::string id;
  CaseKind kind{};
  std::vector<int> block;  ///< tiles; two numbers for tile_dag
  std::string dtype;
  std::optional<int> dst_capacity;  ///< slots

  SlotDag dag;  ///< tile_dag, note: operations in the listed order, or, where that can't run, the nearest to it that can
  std::vector<CaseOpExtra> extras;                 ///< of each operation of dag
  std::map<std::string, std::vector<int>> shapes;  ///< of inputs: rows, columns; 0: one element

  bool full_sync = false, bits32 = false;  ///< capacity: mode
  int physical = 16;                       ///< capacity: tiles of 16 bits in the whole DST
  std::optional<int> slots_per_iteration;
  std::optional<int> budget;  ///< subblock: tiles at most
  TileRect subblock;          ///< unpack_cost
  std::vector<ScratchSlot> scratch;
  std::optional<int> scratch_capacity;
  std::optional<int> groups;  ///< note: values that are all resident at once, each for the whole block
};

/// Cases of a JSON text in the neutral schema: an object with "cases", or one case. Throws UsageError in one line that
/// names case and operation: no JSON (line and column), unknown kinds, unknown operands, cycles, names used twice, values
/// of a wrong type or out of range.
[[nodiscard]] std::vector<Case> load_cases(std::string_view text);

/// The graph of a tile_dag case over its block. Shapes follow from the operations: outputs are as large as the block, the
/// second operand of "..._bcast_col" ("_row", "_scalar") and the result of a row reduction are vectors, K of a matmul is 1
/// unless said otherwise, and "shapes" overrides. Throws UsageError for functions that the planner does not know, shapes
/// that conflict, and cases of another kind.
[[nodiscard]] Graph to_graph(const Case& one);

/// {"cases": [{"id", "results": [{"policy", "key", "value"}, ...]}]}: every answer that the kind of each case has.
[[nodiscard]] nlohmann::ordered_json answer_cases(std::string_view text);
[[nodiscard]] nlohmann::ordered_json answer_case(const Case& one);

}  // namespace tilegrid::planner
