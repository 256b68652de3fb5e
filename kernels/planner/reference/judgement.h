// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "kernels/planner/reference/reference.h"

/// The gate that every verified output goes through.
namespace tilegrid::planner {

/// What became of the elements of an output. Every element counts, one way or another.
///
/// Where the true value is a number that the format holds, the device has to have one, too: NaN or an infinity is wrong
/// there, whatever the error bound. A finite result has to be within the bound, or, where the bound says nothing because a
/// number on the way left the range of fp32, within what roundings alone may do; without either bound (a pole, the edge of a
/// function's domain) it can't be judged. A result is wrong, too, when the bound leaves room for all of it being lost to a
/// number that was flushed to 0 on the way, and it is. Where there is no true value (the logarithm of a negative number, a
/// row that is masked as a whole), NaN is right, and so is the infinity that packers make of it; where the true value is
/// beyond the format, an infinity of its sign is.
struct Tally {
  std::size_t elements = 0;    ///< all
  std::size_t undecided = 0;   ///< can't be judged
  std::size_t not_finite = 0;  ///< NaN or infinite, where a number is right: wrong
  std::size_t outside = 0;     ///< finite, beyond what may be: wrong
  std::size_t undefined = 0;   ///< without a true value, and without one on the device: right
  std::size_t beyond = 0;      ///< infinite, as the true value is or is for the format: right
  std::size_t first_wrong = 0, first_undecided = 0, first_undefined = 0;  ///< elements, row-major

  [[nodiscard]] std::size_t wrong() const { return not_finite + outside; }
  [[nodiscard]] bool passed() const { return wrong() == 0; }
  /// What a run asks for: nothing is wrong, and there is a number somewhere that could be judged.
  [[nodiscard]] bool verified() const { return passed() && (has_numbers() || elements == 0); }
  [[nodiscard]] bool has_numbers() const { return undecided + undefined + beyond < elements; }
  /// "2048 elements: 1984 right, 64 wrong (64 NaN or infinite), the first at [3, 0], 0 can't be judged". `place` names an
  /// element.
  template <class Place>
  [[nodiscard]] std::string text(const Place& place) const {
    return sentence(place(first_wrong), place(first_undecided), place(first_undefined));
  }

 private:
  [[nodiscard]] std::string sentence(const std::string& wrong_at, const std::string& undecided_at,
                                     const std::string& undefined_at) const;
};

/// NaN and infinite values of an output, of which every element should be finite: wrong, the others right.
[[nodiscard]] Tally tally_of_finite(std::span<const float> output);

/// How a device's output compares with the evaluation.
struct Comparison : Tally {
  /// Pearson, over all elements that have a true value within the format, as are the next three. One that is not finite on
  /// the device makes errors infinite and correlation 0.
  double correlation = 0;
  double rmse = 0;
  double relative_l2 = 0;  ///< |output - values| / |values|
  double max_abs = 0;
  double worst_row = 0;    ///< largest relative L2 of a row
  double worst_ratio = 0;  ///< largest |difference| / bound of the judged elements
  std::size_t worst = 0;   ///< its element, row-major
  double rms_ratio = 0;    ///< of the judged elements
};
/// Throws UsageError when the extents differ.
[[nodiscard]] Comparison compare(const Evaluated& expected, const Tensor& output);

}  // namespace tilegrid::planner
