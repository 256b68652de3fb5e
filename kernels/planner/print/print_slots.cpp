// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <map>

#include "kernels/planner/print/print_plan.h"
#include "kernels/planner/print/print_steps.h"

namespace tilegrid::planner {
namespace {

constexpr std::size_t panel_width = 110;
constexpr std::size_t label_width = 9;

char letter_of(Action action) {
  constexpr std::array<char, 13> letters = {'L', 'C', 'Z', 'U', 'S', 'T', 'F', 'D', 'M', 'R', '+', 'X', 'P'};
  return letters[to_underlying(action)];
}
constexpr const char* action_legend =
    "L load  C copy  Z fill  U unary (sfpu)  S binary (sfpu)  T ternary (sfpu)  F fpu  D dest-reuse\n"
    "        M matmul  R reduce  + tile_sum  X transpose  P pack";

/// What one instruction does to slots.
struct Access {
  std::vector<int> reads;
  std::vector<int> writes;
};

Access access_of(const Instruction& in, const std::vector<ValueId>& held) {
  const int first = in.slot[0];
  switch (in.action) {
    case Action::copy:
      return {{in.slot[1]}, {first}};
    case Action::unary:
    case Action::dest_reuse:
      return {{first}, {first}};
    case Action::sfpu_binary:
      return {{in.slot[1], in.slot[2]}, {first}};
    case Action::ternary:
      return {{in.slot[1], in.slot[2], in.slot[3]}, {first}};
    case Action::pack:
      return {{first}, {}};
    case Action::tile_sum:
      if (in.slot[1] >= 0) return {{}, {first, in.slot[1]}};
      return {{}, {first}};
    case Action::matmul:
    case Action::reduce: {
      // They add into what is there.
      Access access;
      for (int slot = first; slot < first + in.rt * in.ct; ++slot) {
        if (slot >= 0 && held[slot] != no_value) access.reads.push_back(slot);
        access.writes.push_back(slot);
      }
      return access;
    }
    default:
      return {{}, {first}};
  }
}

enum class Mark : std::uint8_t { free, written, read, last_read, held, unwritten };
struct Cell {
  Mark mark = Mark::free;
  ValueId value = no_value;
};

/// A number for the transposed form of a value, which is none of the graph's values: it lies beyond them.
ValueId turned(const Graph& graph, ValueId value) { return count_of(graph.values()) + value; }
std::string name_in_legend(const Graph& graph, ValueId value) {
  const auto count = count_of(graph.values());
  return value < count ? graph.value(value).name : graph.value(value - count).name + "^T";
}

/// The cells of all slots over the instructions of a section.
class Timeline {
 public:
  explicit Timeline(const Plan& plan, const Run& run) : plan_(plan), run_(run) {
    int slots = run.peak;
    for (const Instruction& in : run.body) {
      const int area = in.action == Action::matmul ? in.rt * in.ct : 1;
      slots = std::max({slots, in.slot[0] + area, in.slot[1] + 1, in.slot[2] + 1, in.slot[3] + 1});
    }
    const std::size_t count = std::max(slots, 1);
    cells_.assign(count, std::vector<Cell>(run.body.size()));
    held_.assign(count, no_value);
    touched_.assign(count, 0);
    for (std::size_t step = 0; step < run.body.size(); ++step) visit(step);
    for (std::size_t slot = 0; slot < count; ++slot) close(slot);
  }
  [[nodiscard]] const std::vector<std::vector<Cell>>& cells() const { return cells_; }

 private:
  [[nodiscard]] ValueId made_by(const Instruction& in, int slot) const {
    if (is_turned_factor(plan_.graph, in)) return turned(plan_.graph, in.value[0]);
    if (in.action == Action::tile_sum && slot == in.slot[1]) return plan_.graph.op(in.op).in[0];
    if (in.result != no_value) return in.result;
    return in.op >= 0 ? plan_.graph.result_of(in.op) : in.value[0];
  }
  void visit(std::size_t step) {
    const Instruction& in = run_.body[step];
    const Access access = access_of(in, held_);
    for (const int slot : access.reads) {
      if (slot < 0) continue;
      const std::size_t s = slot;
      const bool known = held_[s] != no_value;
      for (std::size_t i = touched_[s] + 1; known && i < step; ++i) cells_[s][i] = {Mark::held, held_[s]};
      cells_[s][step] = {known ? Mark::read : Mark::unwritten, held_[s]};
      touched_[s] = step;
    }
    for (const int slot : access.writes) {
      if (slot < 0) continue;
      const std::size_t s = slot;
      if (cells_[s][step].mark != Mark::read) close(s);
      held_[s] = made_by(in, slot);
      cells_[s][step] = {Mark::written, held_[s]};
      touched_[s] = step;
    }
  }
  /// The value in the slot is needed no more.
  void close(std::size_t slot) {
    if (held_[slot] == no_value) return;
    Cell& last = cells_[slot][touched_[slot]];
    if (last.mark == Mark::read) last.mark = Mark::last_read;
  }

  const Plan& plan_;
  const Run& run_;
  std::vector<std::vector<Cell>> cells_;
  std::vector<ValueId> held_;
  std::vector<std::size_t> touched_;
};

/// Letters for values in the order in which they appear; A to Z, then A2 and so on.
class Letters {
 public:
  explicit Letters(const Timeline& timeline) {
    const auto& cells = timeline.cells();
    for (std::size_t step = 0; step < cells[0].size(); ++step) {
      for (const auto& row : cells) {
        const ValueId value = row[step].value;
        if (value != no_value && !letter_.contains(value)) {
          letter_[value] = order_.size();
          order_.push_back(value);
        }
      }
    }
  }
  [[nodiscard]] std::size_t width() const { return order_.size() > 26 ? 3 : 2; }
  [[nodiscard]] const std::vector<ValueId>& order() const { return order_; }
  [[nodiscard]] std::string of(ValueId value) const {
    const std::size_t index = letter_.at(value);
    std::string text(1, static_cast<char>('A' + index % 26));
    if (index >= 26) text += fmt::format("{}", index / 26 + 1);
    return text;
  }
  [[nodiscard]] std::string lower(ValueId value) const {
    std::string text = of(value);
    text[0] = static_cast<char>(std::tolower(text[0]));
    return text;
  }

 private:
  std::map<ValueId, std::size_t> letter_;
  std::vector<ValueId> order_;
};

std::string cell_text(const Cell& cell, const Letters& letters) {
  switch (cell.mark) {
    case Mark::written:
      return letters.of(cell.value);
    case Mark::last_read:
      return letters.lower(cell.value);
    case Mark::read:
      return "+";
    case Mark::held:
      return "-";
    case Mark::unwritten:
      return "?";
    case Mark::free:
      break;
  }
  return ".";
}

std::string panel(const Run& run, const Timeline& timeline, const Letters& letters, std::size_t first, std::size_t last) {
  const std::size_t width = letters.width();
  const auto row = [&](const std::string& label, const auto& text_at) {
    std::string line = fmt::format("{:<{}}", label, label_width);
    for (std::size_t step = first; step < last; ++step) line += fmt::format("{:<{}}", text_at(step), width);
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  std::string text;
  if (run.body.size() > 10) {
    text += row("", [](std::size_t step) { return step % 10 == 0 ? fmt::format("{}", step / 10 % 10) : std::string(); });
  }
  text += row("step", [](std::size_t step) { return fmt::format("{}", step % 10); });
  text += row("action", [&](std::size_t step) { return std::string(1, letter_of(run.body[step].action)); });
  text += row("tile", [&](std::size_t step) {
    const Instruction& in = run.body[step];
    return fmt::format("{}", (in.row * run.w + in.col) % 10);
  });
  const auto& cells = timeline.cells();
  for (std::size_t slot = 0; slot < cells.size(); ++slot) {
    text += row(fmt::format("slot {}", slot), [&](std::size_t step) { return cell_text(cells[slot][step], letters); });
  }
  return text;
}

std::string legend(const Plan& plan, const Letters& letters) {
  std::string text = "values:";
  std::size_t width = text.size();
  for (const ValueId value : letters.order()) {
    const std::string item = fmt::format(" {} {}{}", letters.of(value), name_in_legend(plan.graph, value), ",");
    if (width + item.size() > panel_width) {
      text += "\n       ";
      width = label_width;
    }
    text += item;
    width += item.size();
  }
  if (text.back() == ',') text.pop_back();
  return text + fmt::format(
                    "\nmarks:  A written  + read  a read for the last time  - held  . free  ? read but never written\n"
                    "action: {}\ntile:   number of the tile within the sub-block, row by row\n",
                    action_legend);
}

}  // namespace

std::string slot_picture(const Plan& plan) {
  if (!plan.passes.empty()) {
    const Pass* fullest = &plan.passes.front();
    for (const Pass& pass : plan.passes) {
      if (std::max(pass.first.peak, pass.later.peak) > std::max(fullest->first.peak, fullest->later.peak)) fullest = &pass;
    }
    const bool later = fullest->later.peak > fullest->first.peak;
    return fmt::format("pass {}{}: {}", fullest - plan.passes.data() + 1, later ? ", later segments" : "",
                       slot_picture(later ? fullest->later : fullest->first));
  }
  const Run* fullest = nullptr;
  std::size_t stage_of_fullest = 0;
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    for (const Run& run : plan.stages[s].runs) {
      if (run.body.empty() || (fullest != nullptr && run.peak <= fullest->peak)) continue;
      fullest = &run;
      stage_of_fullest = s;
    }
  }
  if (fullest == nullptr) return "no section to show\n";
  std::string text = fmt::format("slots in a section of stage {}: {}x{} tiles, {} of {} slots\n", stage_of_fullest + 1,
                                 fullest->h, fullest->w, fullest->peak, plan.machine.capacity());
  // What no DST holds can take thousands of slots over as many steps.
  constexpr std::size_t most_places = 1'000'000;
  const std::size_t places = fullest->peak * fullest->body.size();
  if (places > most_places) return text + fmt::format("too large to draw: {} steps\n", fullest->body.size());
  const Timeline timeline(plan, *fullest);
  const Letters letters(timeline);
  const std::size_t steps = (panel_width - label_width) / letters.width() / 10 * 10;
  for (std::size_t first = 0; first < fullest->body.size(); first += steps) {
    text += '\n';
    text += panel(*fullest, timeline, letters, first, std::min(first + steps, fullest->body.size()));
  }
  return text + "\n" + legend(plan, letters);
}

}  // namespace tilegrid::planner
