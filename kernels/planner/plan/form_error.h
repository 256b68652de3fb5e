// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

/// What the plan's forms cost against the graph as it is listed: every operation by itself, in its order, element-wise ones
/// on the SFPU from exact loads, each result rounded once to DST, sums from a clean slot.
///
/// The bound of an operation is what its form adds to its error, relative to the size of its terms (|x| + |a||b| of x + a @
/// b, |a b| of a product), counted as the evaluation of reference.h counts: by what the emulated units do. Operations hand
/// errors on relatively: those of factors add up, of terms and other operands the larger one counts; a function counts with
/// condition 1, so that exp of a large argument or a difference of nearly equal terms may enlarge them. What a form gains is
/// not set off. Operations whose form the graph asks for (FormRule) cost nothing: they are listed so.
[[nodiscard]] FormError form_error(const Plan& plan);

}  // namespace tilegrid::planner
