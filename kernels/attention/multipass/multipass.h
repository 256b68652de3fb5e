// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/ids.h"

/// The steps from the multi-pass kernel of 2024 ("G1", attention.md 1.4) to the one written by hand ("G2").
namespace tilegrid::attention {

/// In the order of the published ladder of utilisation, 26.1 to 37.7 % (PR #22312 in attention.md 2.3), where the last
/// entry's name is cut off: that it is packer_sum is our reading. The last two came before and after; they lead to the
/// kernel written by hand.
enum class Step : std::uint8_t {
  matmul_sum,         ///< row sums by a product with a column of ones, not by reduction
  fast_alpha,         ///< exp(m_prev - m) by the fast exponential, divided by its value at 0
  subblocks,          ///< 2x4 and its like, not rows of 8
  no_positive_check,  ///< the fast exponential without a look at its input: costs only, as inputs are never positive
  column_sfpu,        ///< vector operations on statistics only where their column is
  l1_add,             ///< O += alpha O_prev by the packer
  fused_max,          ///< m_prev takes part in the reduction
  fused_scale,        ///< the scale inside of exp, not in a pass over the scores
  packer_sum,         ///< row sums by the packer while exp is packed; columns are added up once at the end
  ping_pong,          ///< statistics change buffers, they are not copied
  exact_alpha,        ///< exp(m_prev - m) by the accurate exponential again
};
inline constexpr int step_count = count_to(Step::exact_alpha);
[[nodiscard]] const char* name_of(Step step);  ///< as on the command line

/// A set of steps.
class Steps {
 public:
  constexpr Steps() = default;
  constexpr explicit Steps(std::uint32_t bits) : bits_(bits) {}
  [[nodiscard]] static constexpr Steps first(int count) { return Steps((1U << count) - 1); }
  [[nodiscard]] static constexpr Steps all() { return first(step_count); }
  [[nodiscard]] constexpr bool has(Step step) const { return (bits_ >> to_underlying(step) & 1U) != 0; }
  constexpr void add(Step step) { bits_ |= 1U << to_underlying(step); }
  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
  friend bool operator==(Steps, Steps) = default;

 private:
  std::uint32_t bits_ = 0;
};

/// "3": the first three; "all"; or names with commas between them. Throws UsageError.
[[nodiscard]] Steps parse_steps(const std::string& text);
/// Names with commas between them; "none" without any.
[[nodiscard]] std::string text_of(Steps steps);

/// The kernel's entry.
void multipass_compute();

}  // namespace tilegrid::attention
