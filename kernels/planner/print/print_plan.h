// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

/// Plans side by side, one line each: fits?, slots of capacity, sections, tiles in a section, tiles unpacked and packed in a
/// block, CB bytes, modelled cycles and the unit that bounds them; of a refusal its slot account or its reason.
[[nodiscard]] std::string strategy_table(const std::vector<Plan>& plans);

/// "fits: 4 of 8 slots (16-bit DST, half-sync), ..."; or the refusal with its account, added up, the operation, and what
/// would fit. Then the notes.
[[nodiscard]] std::string verdict(const Plan& plan);

/// Pseudo-code: buffers, then loops over blocks, stages, sub-blocks and tiles, with slots as dst[n] and CB tiles as
/// cb_name[row, column]. Steps that all tiles of a sub-block do alike are one loop.
[[nodiscard]] std::string loop_nest(const Plan& plan);

/// Slots over time in the section that uses most: a row for each slot, a column for each instruction.
[[nodiscard]] std::string slot_picture(const Plan& plan);

/// Everything in the plan.
[[nodiscard]] nlohmann::ordered_json plan_json(const Plan& plan);
[[nodiscard]] std::string plan_json_text(const Plan& plan);

/// "softmax: x 2x2 -> out 2x2 (tiles)", and the operations: "m = rowmax(x); ...".
[[nodiscard]] std::string graph_signature(const Graph& graph);
[[nodiscard]] std::string graph_operations(const Graph& graph);
/// "16-bit DST, half-sync: 8 slots; bf16 in DRAM, fidelity hifi2, precision keep"
[[nodiscard]] std::string machine_text(const Machine& machine);

/// Of inputs and outputs: "bf16", or "in=bf16,out=bfp8_b".
[[nodiscard]] std::string format_text(const Machine& machine);
/// "16-bit DST, half-sync"
[[nodiscard]] std::string dst_mode(const Machine& machine);
/// "K^T 4 + m 4 = 8"
[[nodiscard]] std::string account_text(const std::vector<SlotUse>& account);

}  // namespace tilegrid::planner
