// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "kernels/planner/slot_cases/slot_policies.h"

namespace tilegrid::planner {
namespace {

constexpr std::size_t nothing = std::numeric_limits<std::size_t>::max();

/// A line of the listing with copies inserted. Values from the DAG's count on are private copies.
struct Line {
  std::vector<std::size_t> reads;  ///< from DST
  std::size_t result = 0;
  std::size_t overwritten = nothing;  ///< the read value whose slot the result takes
  bool exclusive = false;             ///< FPU result that shares its slot with nothing
};

struct Interval {
  int start = std::numeric_limits<int>::max();
  int end = std::numeric_limits<int>::min();
  bool loaded = false;  ///< begins with a load
  bool output = false;
  bool exclusive = false;
  std::size_t first = nothing;  ///< lowest value in it
  [[nodiscard]] bool used() const { return first != nothing; }
  void cover(int from, int to) {
    start = std::min(start, from);
    end = std::max(end, to);
  }
};

/// Operands of one operation that the compiler keeps in DST, as values; and the one that it overwrites.
Line line_of(const SlotDag& dag, int index, bool fpu_forms) {
  const SlotOp& op = dag.ops[index];
  Line line{.reads = {}, .result = static_cast<std::size_t>(dag.result_of(index))};
  const auto is_cb = [&](int value) { return dag.is_input(value); };
  if (fpu_forms && op.kind == SlotKind::binary && std::all_of(op.in.begin(), op.in.end(), is_cb)) {
    line.exclusive = true;
    return line;
  }
  const std::vector<std::size_t> in_dst = dst_operands(dag, op);
  for (const std::size_t place : in_dst) line.reads.push_back(op.in[place]);
  const bool in_place = op.kind == SlotKind::sfpu_unary || op.kind == SlotKind::matmul_acc ||
                        op.kind == SlotKind::reduce_acc || op.kind == SlotKind::dest_reuse;
  if (in_place) line.overwritten = line.reads.front();
  // An operand that is made in this section lives until it has been read, even when the unit reads it from a CB.
  for (const int value : op.in) {
    const std::size_t id = value;
    const bool there = std::find(line.reads.begin(), line.reads.end(), id) != line.reads.end();
    if (!there && !dag.is_input(value)) line.reads.push_back(id);
  }
  return line;
}

class Scanner {
 public:
  Scanner(const SlotDag& dag, LinearScanRules rules)
      : dag_(dag), rules_(rules), values_(dag.inputs.size() + dag.ops.size()) {
    for (int i = 0; i < count_of(dag.ops); ++i) ops_.push_back(line_of(dag, i, rules.fpu_forms));
  }

  LinearScan run() {
    insert_copies();
    make_intervals();
    allocate_all();
    for (int value = 0; value < dag_.result_of(count_of(dag_.ops)); ++value) {
      const int slot = slots_[root(value)];
      if (slot >= 0) out_.slot_of[dag_.name_of(value)] = slot;
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_input(std::size_t value) const { return value < dag_.inputs.size(); }

  /// Consumers of a value, each once, in order; and whether one of them destroys it.
  [[nodiscard]] std::pair<std::vector<std::size_t>, bool> consumers_of(std::size_t value) const {
    std::vector<std::size_t> consumers;
    bool destroyed = false;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      const auto& reads = ops_[i].reads;
      if (std::find(reads.begin(), reads.end(), value) == reads.end()) continue;
      consumers.push_back(i);
      destroyed = destroyed || ops_[i].overwritten == value;
    }
    // The pack at the end reads an output too.
    if (dag_.is_output(static_cast<int>(value))) consumers.push_back(ops_.size());
    return {consumers, destroyed};
  }

  void insert_copies() {
    std::vector<std::vector<Line>> before(ops_.size());
    for (std::size_t value = 0; value < dag_.inputs.size() + dag_.ops.size(); ++value) {
      const auto [consumers, destroyed] = consumers_of(value);
      if (consumers.size() < 2 || !destroyed) continue;
      for (std::size_t i = 0; i + 1 < consumers.size(); ++i) {
        Line& user = ops_[consumers[i]];
        const std::size_t copy = values_++;
        std::replace(user.reads.begin(), user.reads.end(), value, copy);
        if (user.overwritten == value) user.overwritten = copy;
        before[consumers[i]].push_back({.reads = {value}, .result = copy});
        ++(is_input(value) ? out_.copies_from_cb : out_.copies_in_dst);
      }
    }
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      lines_.insert(lines_.end(), before[i].begin(), before[i].end());
      lines_.push_back(ops_[i]);
    }
  }

  void make_intervals() {
    parent_.resize(values_);
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    for (const Line& line : lines_) {
      if (line.overwritten != nothing) parent_[root(line.result)] = root(line.overwritten);
    }
    intervals_.resize(values_);
    const int end_of_section = count_of(lines_);
    for (int position = 0; position < end_of_section; ++position) {
      const Line& line = lines_[position];
      for (const std::size_t value : line.reads) {
        // An input is loaded just before its first use; other values are covered from their own line on.
        touch(value).cover(is_input(value) ? position - 1 : position, position);
      }
      Interval& result = touch(line.result);
      result.cover(position, position);
      result.exclusive = result.exclusive || line.exclusive;
    }
    for (const int output : dag_.outputs) {
      Interval& interval = touch(output);
      interval.cover(end_of_section - (dag_.is_input(output) ? 1 : 0), end_of_section);
      interval.output = true;
    }
  }

  Interval& touch(std::size_t value) {
    Interval& interval = intervals_[root(value)];
    interval.first = std::min(interval.first, value);
    interval.loaded = interval.loaded || is_input(value);
    return interval;
  }

  void allocate_all() {
    slots_.assign(values_, -1);
    if (!rules_.separate_outputs) return allocate(0, [](const Interval&) { return true; });
    allocate(0, [](const Interval& interval) { return !interval.output; });
    allocate(out_.slots, [](const Interval& interval) { return interval.output; });
  }

  /// First free slot from `base` on, by start. Ties: results before loads, as in the listing; the source leaves them open.
  template <class Chosen>
  void allocate(int base, Chosen chosen) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < values_; ++i) {
      if (intervals_[i].used() && chosen(intervals_[i])) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const auto key = [](const Interval& i) { return std::tuple(i.start, i.loaded, i.first); };
      return key(intervals_[a]) < key(intervals_[b]);
    });
    std::vector<int> busy_until;
    for (const std::size_t i : order) {
      const Interval& interval = intervals_[i];
      const auto free = std::find_if(busy_until.begin(), busy_until.end(), [&](int end) { return end <= interval.start; });
      const auto slot = interval.exclusive ? busy_until.size() : static_cast<std::size_t>(free - busy_until.begin());
      if (slot == busy_until.size()) busy_until.push_back(0);
      busy_until[slot] = interval.exclusive ? std::numeric_limits<int>::max() : interval.end;
      slots_[i] = base + static_cast<int>(slot);
    }
    out_.slots = base + count_of(busy_until);
  }

  std::size_t root(std::size_t value) {
    while (parent_[value] != value) value = parent_[value] = parent_[parent_[value]];
    return value;
  }

  const SlotDag& dag_;
  LinearScanRules rules_;
  std::size_t values_;
  std::vector<Line> ops_;
  std::vector<Line> lines_;
  std::vector<std::size_t> parent_;
  std::vector<Interval> intervals_;
  std::vector<int> slots_;
  LinearScan out_;
};

}  // namespace

LinearScan linear_scan(const SlotDag& dag, LinearScanRules rules) { return Scanner(dag, rules).run(); }

}  // namespace tilegrid::planner
