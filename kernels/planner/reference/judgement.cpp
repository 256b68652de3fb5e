// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/reference/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "kernels/planner/reference/reference_functions.h"

namespace tilegrid::planner {
namespace {

constexpr double endless = std::numeric_limits<double>::infinity();

/// Sums for the figures of a Comparison, over pairs of finite numbers.
struct Moments {
  double count = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0, dd = 0;
  void add(double expected, double got) {
    count += 1;
    x += expected;
    y += got;
    xx += expected * expected;
    yy += got * got;
    xy += expected * got;
    dd += (got - expected) * (got - expected);
  }
  [[nodiscard]] double correlation() const {
    const double cov = xy - x * y / count;
    const double var = (xx - x * x / count) * (yy - y * y / count);
    if (var > 0) return cov / std::sqrt(var);
    return dd == 0 ? 1 : 0;
  }
};

/// The moments of one row after the other, for the worst of them.
class WorstRow {
 public:
  explicit WorstRow(int columns) : columns_(std::max(columns, 1)) {}
  void add(double expected, double got, std::size_t element) {
    if (element / columns_ != row_) next(element / columns_);
    row_xx_ += expected * expected;
    row_dd_ += (got - expected) * (got - expected);
  }
  [[nodiscard]] double relative_l2() { return next(row_), worst_; }

 private:
  void next(std::size_t row) {
    if (row_dd_ > 0) worst_ = std::max(worst_, row_xx_ > 0 ? std::sqrt(row_dd_ / row_xx_) : endless);
    row_ = row;
    row_xx_ = row_dd_ = 0;
  }
  std::size_t columns_, row_ = 0;
  double row_xx_ = 0, row_dd_ = 0, worst_ = 0;
};

double ratio_of(double difference, double bound) {
  if (difference == 0) return 0;
  return bound > 0 ? difference / bound : std::numeric_limits<double>::infinity();
}

/// The true value of an element and how far the device may be away from it.
struct Truth {
  double value = 0;
  double bound = 0;
  double roundings = 0;  ///< of the bound, the part that does not come from the ends of the range
  bool lost = false;

  /// A number that the device's format has for sure.
  [[nodiscard]] bool representable() const { return std::fabs(value) <= std::numeric_limits<float>::max(); }
  /// Whether a rounding may make it infinite.
  [[nodiscard]] bool at_the_edge() const {
    const double size = std::fabs(value);
    return size + std::min(roundings, size / 2) > largest_result;
  }
};

enum class Verdict { right, undefined, beyond, undecided, not_finite, outside };
/// A verdict, and |difference| / bound where both are finite.
struct Judged {
  Verdict verdict = Verdict::right;
  double ratio = 0;
};

Judged by_ratio(double ratio) { return {ratio <= 1 ? Verdict::right : Verdict::outside, ratio}; }

/// A device's infinity or NaN.
Verdict judge_not_finite(const Truth& truth, double got) {
  if (std::isnan(truth.value)) return truth.lost ? Verdict::not_finite : Verdict::undefined;
  const bool same_sign = std::isinf(got) && std::signbit(got) == std::signbit(truth.value);
  if (truth.representable()) return same_sign && truth.at_the_edge() ? Verdict::right : Verdict::not_finite;
  return same_sign ? Verdict::beyond : Verdict::undecided;
}

/// A device's number where the true value is beyond what its format has: the largest ones stand for it.
Judged judge_beyond(const Truth& truth, double got) {
  const bool large = std::fabs(got) >= largest_result / 2 && std::signbit(got) == std::signbit(truth.value);
  if (large || std::fabs(got - truth.value) <= truth.roundings) {
    return {std::isinf(truth.roundings) && !large ? Verdict::undecided : Verdict::right, 0};
  }
  return {Verdict::outside, endless};
}

Judged judge(const Truth& truth, double got) {
  if (!std::isfinite(got)) return {judge_not_finite(truth, got), 0};
  if (std::isnan(truth.value)) return {Verdict::undecided, 0};
  if (!truth.representable()) return judge_beyond(truth, got);
  const double difference = std::fabs(got - truth.value);
  const double allowed = truth.roundings + 2 * smallest_normal;
  if (std::isinf(truth.bound)) {
    return std::isinf(truth.roundings) ? Judged{Verdict::undecided, 0} : by_ratio(difference / allowed);
  }
  // Near the lower end of the range a flush may well take all of it.
  constexpr double far_above_flushes = 0x1p-100;
  const bool gone = difference > std::fabs(truth.value) / 2 && std::fabs(truth.value) > far_above_flushes;
  return by_ratio(ratio_of(difference, gone && allowed < truth.bound ? allowed : truth.bound));
}

/// One more of them; the first one's place is kept.
void count(std::size_t& counter, std::size_t& first, std::size_t element) {
  if (counter++ == 0) first = element;
}

/// Puts element `i` into the account; gives |difference| / bound of what was judged.
double enter(Comparison& result, const Judged& judged, std::size_t i) {
  if ((judged.verdict == Verdict::not_finite || judged.verdict == Verdict::outside) && result.wrong() == 0) {
    result.first_wrong = i;
  }
  switch (judged.verdict) {
    case Verdict::undefined:
      count(result.undefined, result.first_undefined, i);
      return 0;
    case Verdict::beyond:
      ++result.beyond;
      return 0;
    case Verdict::undecided:
      count(result.undecided, result.first_undecided, i);
      return 0;
    case Verdict::not_finite:
      ++result.not_finite;
      return endless;
    case Verdict::outside:
      ++result.outside;
      break;
    case Verdict::right:
      break;
  }
  return judged.ratio;
}

}  // namespace

std::string Tally::sentence(const std::string& wrong_at, const std::string& undecided_at,
                            const std::string& undefined_at) const {
  std::string text = fmt::format("{} elements: {} right", elements, elements - wrong() - undecided);
  if (undefined > 0) {
    text += fmt::format(" ({} of them NaN, as is the true value: a domain left, a row all masked; the first at {})",
                        undefined, undefined_at);
  }
  if (beyond > 0) text += fmt::format(" ({} of them infinite, as is the true value in this format)", beyond);
  text += fmt::format(", {} wrong", wrong());
  if (wrong() > 0) text += fmt::format(" ({} of them NaN or infinite), the first at {}", not_finite, wrong_at);
  text += fmt::format(", {} can't be judged", undecided);
  if (undecided > 0) text += fmt::format(" (a pole, or numbers on the way are beyond fp32), the first at {}", undecided_at);
  if (elements > 0 && !has_numbers()) text += ", so that no number is verified";
  return text;
}

Comparison compare(const Evaluated& expected, const Tensor& output) {
  if (expected.rows != output.rows || expected.cols != output.cols || output.values.size() != expected.values.size()) {
    throw UsageError(fmt::format("output has {} values as {}x{}, expected {}x{}", output.values.size(), output.rows,
                                 output.cols, expected.rows, expected.cols));
  }
  Comparison result;
  result.elements = expected.values.size();
  Moments moments;
  WorstRow rows(expected.cols);
  double squares = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const Truth truth{.value = expected.values[i],
                      .bound = expected.bounds[i],
                      .roundings = expected.roundings.empty() ? expected.bounds[i] : expected.roundings[i],
                      .lost = !expected.lost.empty() && expected.lost[i]};
    const double got = output.values[i];
    if (std::isfinite(truth.value) && std::isfinite(got)) {
      moments.add(truth.value, got);
      rows.add(truth.value, got, i);
      result.max_abs = std::max(result.max_abs, std::fabs(got - truth.value));
    }
    const double ratio = enter(result, judge(truth, got), i);
    squares += ratio * ratio;
    if (ratio > result.worst_ratio) {
      result.worst_ratio = ratio;
      result.worst = i;
    }
  }
  const auto judged = static_cast<double>(result.elements - result.undecided - result.undefined - result.beyond);
  if (judged > 0) result.rms_ratio = std::sqrt(squares / judged);
  if (moments.count > 0) {
    result.worst_row = rows.relative_l2();
    result.correlation = moments.correlation();
    result.rmse = std::sqrt(moments.dd / moments.count);
    result.relative_l2 = moments.dd == 0 ? 0 : ratio_of(std::sqrt(moments.dd), std::sqrt(moments.xx));
  }
  if (result.not_finite > 0) {
    result.correlation = 0;
    result.rmse = result.relative_l2 = result.max_abs = result.worst_row = endless;
  }
  return result;
}

Tally tally_of_finite(std::span<const float> output) {
  Tally tally;
  tally.elements = output.size();
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (!std::isfinite(output[i]) && tally.not_finite++ == 0) tally.first_wrong = i;
  }
  return tally;
}

}  // namespace tilegrid::planner
