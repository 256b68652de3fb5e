// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/print/print_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tilegrid::planner {
namespace {

bool is_number(const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; }

/// "r" and 1 as "r+1", "2" and 1 as "3".
std::string plus(const std::string& base, int offset) {
  if (is_number(base)) return fmt::format("{}", std::stoi(base) + offset);
  return offset == 0 ? base : fmt::format("{}+{}", base, offset);
}
/// "r" and "i" as "r+i", "0" and "i" as "i".
std::string plus(const std::string& base, const std::string& variable) {
  return base == "0" ? variable : fmt::format("{}+{}", base, variable);
}

bool same_step(const Instruction& a, const Instruction& b) {
  return a.action == b.action && a.op == b.op && a.value[0] == b.value[0] && a.value[1] == b.value[1] &&
         a.result == b.result && a.broadcast == b.broadcast && a.dst_is_a == b.dst_is_a && a.accumulate == b.accumulate &&
         a.to_output == b.to_output && a.rt == b.rt && a.ct == b.ct && a.parameter == b.parameter;
}

int number_of(const Run& run, const Instruction& in) { return in.row * run.w + in.col; }

/// Whether repetition `repeat` of `count` instructions does what the first does, on the tile that comes so much later.
bool repeats_first(const Run& run, std::span<const Instruction> body, std::size_t count, std::size_t repeat) {
  const auto step = static_cast<int>(repeat);
  for (std::size_t i = 0; i < count; ++i) {
    const Instruction& first = body[i];
    const Instruction& here = body[repeat * count + i];
    if (!same_step(first, here) || number_of(run, here) != number_of(run, first) + step) return false;
    const Instruction& second = body[count + i];
    for (int s = 0; s < 4; ++s) {
      if (here.slot[s] - first.slot[s] != step * (second.slot[s] - first.slot[s])) return false;
    }
  }
  return true;
}

/// Tiles that a loop over rows and columns can name: within one row, or whole rows.
int usable_repeats(const Run& run, const Instruction& first, int repeats) {
  if (run.w == 1 || (first.col == 0 && repeats % run.w == 0)) return repeats;
  const int in_row = std::min(repeats, run.w - first.col);
  if (first.col == 0 && repeats > run.w) return repeats / run.w * run.w;
  return in_row;
}

StepGroup longest(const Run& run, std::span<const Instruction> body, std::size_t first) {
  StepGroup best{.first = first};
  const std::span<const Instruction> rest = body.subspan(first);
  for (std::size_t count = 1; 2 * count <= rest.size(); ++count) {
    const bool one_tile = std::all_of(rest.begin(), rest.begin() + count,
                                      [&](const auto& in) { return number_of(run, in) == number_of(run, rest[0]); });
    if (!one_tile) break;
    std::size_t repeat = 1;
    while ((repeat + 1) * count <= rest.size() && repeats_first(run, rest, count, repeat)) ++repeat;
    const int repeats = usable_repeats(run, rest[0], static_cast<int>(repeat));
    if (repeats > 1 && count * repeats > best.count * best.repeats) {
      best = {.first = first, .count = count, .repeats = repeats};
    }
  }
  return best;
}

/// Names of a loop over tiles and what they run over.
struct TileLoop {
  int i_first = 0, i_count = 1;  ///< rows; a loop if count > 1
  int j_first = 0, j_count = 1;
};

TileLoop loop_of(const Run& run, const Instruction& first, int repeats) {
  TileLoop loop{.i_first = first.row, .i_count = 1, .j_first = first.col, .j_count = 1};
  if (run.w == 1) {
    loop.i_count = repeats;
  } else if (first.col == 0 && repeats >= run.w) {
    loop.i_count = repeats / run.w;
    loop.j_count = run.w;
  } else {
    loop.j_count = repeats;
  }
  return loop;
}

std::string range(std::string_view variable, int first, int count) {
  if (first == 0) return fmt::format("{} in range({})", variable, count);
  return fmt::format("{} in range({}, {})", variable, first, first + count);
}

/// One instruction as text, in a loop over tiles or not.
class StepText {
 public:
  StepText(const Plan& plan, const Run& run, const TileLoop& loop, const Place& place)
      : plan_(plan), run_(run), loop_(loop), place_(place) {}

  /// `in` is the first repetition, `next` the second (the same when there is none).
  void append(const Instruction& in, const Instruction& next, int depth, int k_block, std::vector<StepLine>& lines) {
    in_ = &in;
    next_ = &next;
    if (in.action == Action::matmul) {
      const int k = k_block > 0 ? k_block : plan_.graph.value(in.value[0]).shape.cols.tiles;
      if (k > 1 || k_block > 0) lines.push_back({depth++, fmt::format("for k in range({}):", k), ""});
    }
    lines.push_back({depth, text(), remark()});
  }

 private:
  [[nodiscard]] const Op* op() const { return in_->op >= 0 ? &plan_.graph.op(in_->op) : nullptr; }
  [[nodiscard]] const Function* function() const { return op() == nullptr ? nullptr : op()->function; }

  /// A slot as a function of the loops' variables.
  [[nodiscard]] std::string slot(int which) const {
    const int advance = next_->slot[which] - in_->slot[which];
    const int per_row = loop_.i_count > 1 ? advance * (loop_.j_count > 1 ? run_.w : 1) : 0;
    const int per_col = loop_.j_count > 1 ? advance : 0;
    std::string index;
    const auto term = [&index](int factor, const char* variable) {
      if (factor == 0) return;
      if (!index.empty() && factor > 0) index += "+";
      index += factor == 1 ? variable : factor == -1 ? fmt::format("-{}", variable) : fmt::format("{}{}", factor, variable);
    };
    term(per_row, "i");
    term(per_col, "j");
    const int start = in_->slot[which] - per_row * loop_.i_first - per_col * loop_.j_first;
    if (index.empty()) return fmt::format("dst[{}]", start);
    if (start != 0) index += fmt::format("{:+}", start);
    return fmt::format("dst[{}]", index);
  }
  [[nodiscard]] std::string row() const {
    return loop_.i_count > 1 ? plus(place_.row, std::string("i")) : plus(place_.row, in_->row);
  }
  [[nodiscard]] std::string col() const {
    return loop_.j_count > 1 ? plus(place_.col, std::string("j")) : plus(place_.col, in_->col);
  }
  static std::string span_of(const std::string& first, int count) {
    if (count == 1) return first;
    return fmt::format("{}..{}", first, plus(first, count - 1));
  }

  [[nodiscard]] std::string element(ValueId value, bool output, const std::string& r, const std::string& c) const {
    const Shape shape = plan_.graph.value(value).shape;
    return fmt::format("{}[{}, {}]", buffer_name(plan_, value, output), shape.rows.tiles == 1 ? "0" : r,
                       shape.cols.tiles == 1 ? "0" : c);
  }
  [[nodiscard]] std::string cb(int which) const { return element(in_->value[which], false, row(), col()); }
  [[nodiscard]] std::string spread(const std::string& operand) const {
    switch (in_->broadcast) {
      case Broadcast::rows:
        return fmt::format("bcast_row({})", operand);
      case Broadcast::cols:
        return fmt::format("bcast_col({})", operand);
      case Broadcast::scalar:
        return fmt::format("bcast_scalar({})", operand);
      case Broadcast::none:
        break;
    }
    return operand;
  }

  [[nodiscard]] std::string binary(const std::string& a, const std::string& b) const {
    const std::string_view name = function() == nullptr ? std::string_view("?") : function()->name;
    if (name == "add") return fmt::format("{} + {}", a, b);
    if (name == "sub") return fmt::format("{} - {}", a, b);
    if (name == "mul") return fmt::format("{} * {}", a, b);
    if (name == "div") return fmt::format("{} / {}", a, b);
    return fmt::format("{}({}, {})", name, a, b);
  }
  [[nodiscard]] std::string unary(const std::string& x) const {
    if (function() == nullptr) return fmt::format("?({})", x);
    const std::string_view name = function()->name;
    const float p = in_->parameter;
    if (name == "add_scalar") return fmt::format("{} + {}", x, p);
    if (name == "mul_scalar") return fmt::format("{} * {}", x, p);
    if (name == "rsub_scalar") return fmt::format("{} - {}", p, x);
    if (function()->has_parameter) return fmt::format("{}({}, {})", name, x, p);
    if (p != 0 && p != 1) return fmt::format("{}({} * {})", name, x, p);
    return fmt::format("{}({})", name, x);
  }

  [[nodiscard]] std::string matmul() const {
    const int area = in_->rt * in_->ct;
    const std::string to = area == 1 ? slot(0) : fmt::format("dst[{}..{}]", in_->slot[0], in_->slot[0] + area - 1);
    const std::string rows = span_of(row(), in_->rt);
    const std::string cols = span_of(col(), in_->ct);
    const bool transposed = op() != nullptr && op()->transpose_b;
    const std::string b =
        transposed ? element(in_->value[1], false, cols, "k") + "^T" : element(in_->value[1], false, "k", cols);
    return fmt::format("{} += {} x {}", to, element(in_->value[0], false, rows, "k"), b);
  }
  /// All tiles along the dimensions that the operation sums over.
  [[nodiscard]] std::string pooled() const {
    const Shape shape = plan_.graph.value(in_->value[0]).shape;
    const ReduceDim dim = op() == nullptr ? ReduceDim::row : op()->dim;
    const std::string r = dim == ReduceDim::row ? row() : span_of("0", shape.rows.tiles);
    const std::string c = dim == ReduceDim::col ? col() : span_of("0", shape.cols.tiles);
    return element(in_->value[0], false, r, c);
  }
  [[nodiscard]] std::string reduce() const {
    constexpr const char* names[] = {"row", "col", ""};
    if (op() == nullptr) return slot(0);
    const char* along = names[to_underlying(op()->dim)];
    if (op()->pool == Pool::sum) return fmt::format("{} += {}sum({})", slot(0), along, pooled());
    const std::string maximum = fmt::format("{}max({})", along, pooled());
    if (!op()->accumulate) return fmt::format("{} = {}", slot(0), maximum);
    return fmt::format("{0} = max({0}, {1})", slot(0), maximum);
  }
  [[nodiscard]] std::string pack() const {
    return fmt::format("pack {} {} {}", slot(0), in_->accumulate ? "+>" : "->",
                       element(in_->value[0], in_->to_output, row(), col()));
  }

  [[nodiscard]] std::string text() const {
    switch (in_->action) {
      case Action::load:
        return fmt::format("{} = {}", slot(0), spread(cb(0)));
      case Action::copy:
        return fmt::format("{} = {}", slot(0), slot(1));
      case Action::fill:
        return fmt::format("{} = {}", slot(0), in_->parameter);
      case Action::unary:
        return fmt::format("{} = {}", slot(0), unary(slot(0)));
      case Action::sfpu_binary:
        return fmt::format("{} = {}", slot(0), binary(slot(1), slot(2)));
      case Action::ternary:
        return fmt::format("{} = {}({}, {}, {})", slot(0), function() == nullptr ? "?" : function()->name, slot(1), slot(2),
                           slot(3));
      case Action::fpu_binary:
        return fmt::format("{} = {}", slot(0), binary(cb(0), spread(cb(1))));
      case Action::dest_reuse:
        return fmt::format("{} = {}", slot(0), in_->dst_is_a ? binary(slot(0), cb(0)) : binary(cb(0), slot(0)));
      case Action::matmul:
        return matmul();
      case Action::reduce:
        return reduce();
      case Action::tile_sum:
        return fmt::format("{} = sum of tiles {}", slot(0), pooled());
      case Action::transpose:
        return fmt::format("{} = {}^T", slot(0), element(in_->value[0], false, col(), row()));
      case Action::pack:
        break;
    }
    return pack();
  }

  [[nodiscard]] std::string form() const {
    switch (in_->action) {
      case Action::load:
        return in_->broadcast == Broadcast::none ? "load" : "load, broadcast";
      case Action::fill:
        return "fill: the next operation adds into its slot";
      case Action::unary:
      case Action::sfpu_binary:
      case Action::ternary:
        return "sfpu";
      case Action::fpu_binary:
        return in_->broadcast == Broadcast::none ? "fpu" : "fpu, broadcast";
      case Action::dest_reuse:
        return "dest-reuse";
      case Action::matmul:
        return in_->rt * in_->ct > 1 ? fmt::format("fpu, block of {}x{}", in_->rt, in_->ct) : "fpu";
      case Action::reduce:
      case Action::transpose:
        return "fpu";
      case Action::tile_sum:
        return in_->slot[1] >= 0 ? fmt::format("loads into dst[{}], sfpu adds", in_->slot[1]) : "copy, dest-reuse adds";
      case Action::pack:
        return in_->accumulate ? "the packer adds in L1" : "";
      case Action::copy:
        break;
    }
    return "copy";
  }
  [[nodiscard]] std::string remark() const {
    const std::string how = form();
    if (is_turned_factor(plan_.graph, *in_)) return fmt::format("{}: {}^T", how, plan_.graph.value(in_->value[0]).name);
    if (in_->action == Action::pack || in_->action == Action::load) return how;
    const ValueId made = in_->result != no_value ? in_->result : in_->op >= 0 ? plan_.graph.result_of(in_->op) : no_value;
    return made == no_value ? how : fmt::format("{}: {}", how, plan_.graph.value(made).name);
  }

  const Plan& plan_;
  const Run& run_;
  const TileLoop& loop_;
  const Place& place_;
  const Instruction* in_ = nullptr;
  const Instruction* next_ = nullptr;
};

}  // namespace

std::vector<StepGroup> roll_up(const Run& run, std::span<const Instruction> body) {
  std::vector<StepGroup> groups;
  for (std::size_t at = 0; at < body.size();) {
    groups.push_back(longest(run, body, at));
    at += groups.back().count * groups.back().repeats;
  }
  return groups;
}

std::vector<StepLine> step_lines(const Plan& plan, const Run& run, std::span<const Instruction> body, const StepGroup& group,
                                 const Place& place, int k_block) {
  const Instruction& first = body[group.first];
  const TileLoop loop = loop_of(run, first, group.repeats);
  std::vector<StepLine> lines;
  int depth = 0;
  if (group.repeats > 1) {
    std::string head = "for ";
    if (loop.i_count > 1) head += range("i", loop.i_first, loop.i_count);
    if (loop.j_count > 1) head += (loop.i_count > 1 ? ", " : "") + range("j", loop.j_first, loop.j_count);
    lines.push_back({depth++, head + ":", ""});
  }
  StepText text(plan, run, loop, place);
  for (std::size_t i = 0; i < group.count; ++i) {
    const Instruction& in = body[group.first + i];
    text.append(in, group.repeats > 1 ? body[group.first + group.count + i] : in, depth, k_block, lines);
  }
  return lines;
}

bool is_turned_factor(const Graph& graph, const Instruction& in) {
  return in.action == Action::transpose && in.op >= 0 && graph.op(in.op).kind != OpKind::transpose;
}

std::string buffer_name(const Plan& plan, ValueId value, bool output) {
  if (value == no_value) return "cb_ones";
  const Value& of = plan.graph.value(value);
  return fmt::format("{}_{}", output && !of.carried ? "out" : "cb", of.name);
}

}  // namespace tilegrid::planner
