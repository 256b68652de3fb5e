// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "kernels/planner/print/print_plan.h"
#include "kernels/planner/print/print_steps.h"

namespace tilegrid::planner {
namespace {

constexpr std::size_t remark_column = 64;

/// A CB as a stage sees it.
struct Traffic {
  std::vector<std::string> reads;
  std::vector<std::string> streamed;
  std::vector<std::string> packs;
};

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

class LoopNest {
 public:
  explicit LoopNest(const Plan& plan) : plan_(plan) {}

  std::string print() {
    heading();
    if (!plan_.passes.empty()) {
      line(0, "for each block:");
      for (std::size_t i = 0; i < plan_.passes.size(); ++i) pass(i, plan_.passes[i]);
      line(1, "pop what was kept");
      return std::move(text_);
    }
    line(0, plan_.cores > 1 ? fmt::format("for each block (its tiles on {} cores):", plan_.cores) : "for each block:");
    for (std::size_t s = 0; s < plan_.stages.size(); ++s) stage(s, plan_.stages[s]);
    if (!waited_.empty()) line(1, "pop " + joined(waited_));
    return std::move(text_);
  }

  /// The stages alone, as many levels further in.
  std::string body(int deeper) {
    deeper_ = deeper;
    for (std::size_t s = 0; s < plan_.stages.size(); ++s) stage(s, plan_.stages[s]);
    return std::move(text_);
  }

 private:
  void pass(std::size_t index, const Pass& pass) {
    const std::string title = fmt::format("pass {} of {}", index + 1, plan_.passes.size());
    if (pass.segments == 1) {
      line(1, title + ":", pass.segment > 0 ? "one segment" : "beside the segments");
    } else {
      line(1, fmt::format("{}, first of {} segments:", title, pass.segments), fmt::format("{} tiles each", pass.segment));
    }
    text_ += LoopNest(pass.first).body(1);
    if (pass.segments == 1) return;
    line(1, fmt::format("{}, for segment in range(1, {}):", title, pass.segments));
    text_ += LoopNest(pass.later).body(1);
  }

  void line(int depth, const std::string& what, const std::string& remark = {}) {
    std::string made = std::string(2 * (depth + deeper_), ' ') + what;
    if (!remark.empty())
      made += std::string(made.size() < remark_column ? remark_column - made.size() : 2, ' ') + "# " + remark;
    text_ += made + "\n";
  }

  void heading() {
    line(0, fmt::format("strategy {}: {}, {} of {} slots{}", name_of(plan_.strategy), dst_mode(plan_.machine), plan_.peak,
                        plan_.machine.capacity(), plan_.legal() ? "" : "; NOT LEGAL"));
    if (!plan_.buffers.empty()) line(0, "circular buffers:");
    for (const PlanBuffer& buffer : plan_.buffers) {
      constexpr const char* roles[] = {"input", "intermediate", "output", "scaler"};
      const std::string name = buffer_name(plan_, buffer.value, buffer.role == BufferRole::output);
      std::string how = roles[to_underlying(buffer.role)];
      if (buffer.copies > 1) how += buffer.copies == 2 ? ", double-buffered" : fmt::format(", {} copies", buffer.copies);
      if (buffer.transposed) how += ", tiles in transposed order";
      if (buffer.streamed) how += ", by blocks of K";
      line(1,
           fmt::format("{:<16} {:>4} tiles  {}  {:>7} bytes", name, buffer.tiles * buffer.copies,
                       tilegrid::name_of(buffer.format), buffer.bytes()),
           how);
    }
    if (plan_.cost.interval > 0) {
      line(0,
           fmt::format("cycles: {:.0f} before the first block, then {:.0f} from block to block ({}), {:.0f} after the last",
                       plan_.cost.prologue, plan_.cost.interval, plan_.cost.bound(), plan_.cost.epilogue));
    }
    line(0, "");
  }

  [[nodiscard]] bool streamed(ValueId value) const {
    const PlanBuffer* buffer = value == no_value ? nullptr : plan_.buffer_of(value);
    return buffer != nullptr && buffer->streamed;
  }
  [[nodiscard]] bool streams(const Instruction& in) const {
    return in.action == Action::matmul && (streamed(in.value[0]) || streamed(in.value[1]));
  }

  [[nodiscard]] Traffic traffic_of(const Stage& stage) const {
    Traffic traffic;
    for (const Run& run : stage.runs) {
      for (const Instruction& in : run.body) {
        if (in.action == Action::pack) {
          add_once(traffic.packs, buffer_name(plan_, in.value[0], in.to_output));
          continue;
        }
        for (const ValueId value : in.value) {
          if (value == no_value) continue;
          add_once(streamed(value) ? traffic.streamed : traffic.reads, buffer_name(plan_, value, false));
        }
        if (in.action == Action::reduce) add_once(traffic.reads, "cb_ones");
      }
    }
    return traffic;
  }

  void stage(std::size_t index, const Stage& stage) {
    const Traffic traffic = traffic_of(stage);
    std::vector<std::string> made;
    for (const int op : stage.ops) made.push_back(plan_.graph.op(op).name);
    std::vector<std::string> read = traffic.reads;
    read.insert(read.end(), traffic.streamed.begin(), traffic.streamed.end());
    line(1, fmt::format("stage {} of {}: {}", index + 1, plan_.stages.size(), joined(made)),
         fmt::format("{} tiles; reads {}; leaves {}", text_of(stage.shape), joined(read), joined(traffic.packs)));
    std::vector<std::string> fresh;
    for (const std::string& name : traffic.reads) {
      if (std::find(waited_.begin(), waited_.end(), name) == waited_.end()) fresh.push_back(name);
    }
    waited_.insert(waited_.end(), fresh.begin(), fresh.end());
    if (!fresh.empty()) line(2, "wait " + joined(fresh));
    if (!traffic.packs.empty()) line(2, "reserve " + joined(traffic.packs));
    if (traffic.streamed.empty() || stage.carrier == Carrier::dst) {
      for (const Run& run : stage.runs) this->run(2, stage, run, traffic);
    } else {
      k_blocks_outside(stage, traffic);
    }
    if (!traffic.packs.empty()) line(2, "push " + joined(traffic.packs));
  }

  void k_blocks_outside(const Stage& stage, const Traffic& traffic) {
    line(2, fmt::format("for kb in range({}):", stage.k_blocks),
         stage.carrier == Carrier::l1
             ? fmt::format("blocks of {} tiles of K; the packer adds from the second on", stage.k_block)
             : fmt::format("blocks of {} tiles of K; partial sums through a CB", stage.k_block));
    line(3, "wait " + joined(traffic.streamed));
    for (const Run& run : stage.runs) this->run(3, stage, run, traffic);
    line(3, "pop " + joined(traffic.streamed));
  }

  void run(int depth, const Stage& stage, const Run& run, const Traffic& traffic) {
    Place place{.row = fmt::format("{}", run.row), .col = fmt::format("{}", run.col)};
    std::string loops;
    const auto loop = [&](const char* variable, std::string& where, int first, int extent, int step) {
      if (extent == step) return;
      where = variable;
      loops += fmt::format("{}{} in range({}, {}, {})", loops.empty() ? "" : ", ", variable, first, first + extent, step);
    };
    loop("r", place.row, run.row, run.rows, run.h);
    loop("c", place.col, run.col, run.cols, run.w);
    const bool remainder = &run != &stage.runs.front();
    const std::string remark = fmt::format("{} section{} of {}x{}{}", run.sections(), run.sections() == 1 ? "" : "s", run.h,
                                           run.w, remainder ? ", peeled off" : "");
    if (loops.empty()) {
      line(depth, "acquire", remark);
    } else {
      line(depth++, "for " + loops + ":", remark);
      line(depth, "acquire");
    }
    section(depth, stage, run, place, traffic);
    line(depth, "release");
  }

  void section(int depth, const Stage& stage, const Run& run, const Place& place, const Traffic& traffic) {
    const std::span<const Instruction> body(run.body);
    const auto is_pack = [](const Instruction& in) { return in.action == Action::pack; };
    const std::size_t packs_at = std::find_if(body.begin(), body.end(), is_pack) - body.begin();
    const std::span<const Instruction> math = body.first(packs_at);
    const bool by_blocks = !traffic.streamed.empty();
    if (by_blocks && stage.carrier == Carrier::dst) {
      k_blocks_inside(depth, stage, run, math, place, traffic);
    } else {
      const bool reload = by_blocks && stage.carrier == Carrier::reload;
      if (reload) line(depth, "if kb > 0: copy the partial sums back to their slots");
      steps(depth, run, math, place, by_blocks ? stage.k_block : 0);
      if (reload) line(depth, "before the last kb: pack the partial sums instead of what follows");
    }
    line(depth, "commit");
    line(depth, "wait");
    steps(depth, run, body.subspan(packs_at), place, 0);
  }

  /// Sums stay in their slots over all blocks of K; what stands before and after the matmuls is done once.
  void k_blocks_inside(int depth, const Stage& stage, const Run& run, std::span<const Instruction> math, const Place& place,
                       const Traffic& traffic) {
    std::size_t first = math.size();
    std::size_t last = 0;
    for (std::size_t i = 0; i < math.size(); ++i) {
      if (!streams(math[i])) continue;
      first = std::min(first, i);
      last = i + 1;
    }
    first = std::min(first, last);
    steps(depth, run, math.first(first), place, 0);
    line(depth, fmt::format("for kb in range({}):", stage.k_blocks), fmt::format("blocks of {} tiles of K", stage.k_block));
    line(depth + 1, "wait " + joined(traffic.streamed));
    steps(depth + 1, run, math.subspan(first, last - first), place, stage.k_block);
    line(depth + 1, "pop " + joined(traffic.streamed));
    steps(depth, run, math.subspan(last), place, 0);
  }

  void steps(int depth, const Run& run, std::span<const Instruction> body, const Place& place, int k_block) {
    for (const StepGroup& group : roll_up(run, body)) {
      const bool by_blocks = k_block > 0 && streams(body[group.first]);
      for (const StepLine& step : step_lines(plan_, run, body, group, place, by_blocks ? k_block : 0)) {
        line(depth + step.depth, step.text, step.remark);
      }
    }
  }

  const Plan& plan_;
  int deeper_ = 0;
  std::string text_;
  std::vector<std::string> waited_;
};

}  // namespace

std::string loop_nest(const Plan& plan) { return LoopNest(plan).print(); }

}  // namespace tilegrid::planner
