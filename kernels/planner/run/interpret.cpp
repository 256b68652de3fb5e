// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/interpret.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "kernels/api/compute.h"
#include "kernels/common/dst_section.h"
#include "kernels/planner/run/executor.h"

namespace tilegrid::planner {
namespace {

using namespace tilegrid::api;

/// What a stage reads and packs, as indices of buffers.
struct Traffic {
  std::vector<int> resident;  ///< read; wanted whole
  std::vector<int> streamed;  ///< read K block by K block
  std::vector<int> packed;
  std::vector<int> partials;  ///< of the matmuls with streamed operands, for Carrier::reload
};

void add_once(std::vector<int>& buffers, int buffer) {
  if (buffer >= 0 && std::find(buffers.begin(), buffers.end(), buffer) == buffers.end()) buffers.push_back(buffer);
}
bool contains(const std::vector<int>& buffers, int buffer) {
  return std::find(buffers.begin(), buffers.end(), buffer) != buffers.end();
}

class BlockRun {
 public:
  BlockRun(const Plan& plan, std::span<const BufferBinding> bindings)
      : plan_(plan), bindings_(bindings), executor_(plan, bindings) {}

  void run() {
    for (const Stage& stage : plan_.stages) run_stage(stage);
    for (const int buffer : waited_) {
      if (bindings_[buffer].pop) pop(buffer);
    }
    executor_.setup.finish();
  }

 private:
  [[nodiscard]] std::uint32_t tiles(int buffer) const { return plan_.buffers[buffer].tiles; }
  void wait(int buffer) { cb_wait_front(bindings_[buffer].cb, tiles(buffer)); }
  void pop(int buffer) { cb_pop_front(bindings_[buffer].cb, tiles(buffer)); }
  void reserve(int buffer) { cb_reserve_back(bindings_[buffer].cb, tiles(buffer)); }
  void push(int buffer) { cb_push_back(bindings_[buffer].cb, tiles(buffer)); }

  [[nodiscard]] Traffic traffic_of(const Stage& stage) const {
    Traffic traffic;
    for (const Run& run : stage.runs) {
      for (const Instruction& i : run.body) {
        if (i.action == Action::pack) {
          add_once(traffic.packed, executor_.find_buffer(i.value[0], i.to_output));
          continue;
        }
        if (i.action == Action::reduce) add_once(traffic.resident, executor_.find_scaler());
        for (const ValueId value : i.value) {
          if (value == no_value) continue;
          add_once(executor_.streamed(value) ? traffic.streamed : traffic.resident, executor_.find_buffer(value, false));
        }
        if (executor_.streams(i)) add_once(traffic.partials, executor_.find_buffer(result_of(i), false));
      }
    }
    return traffic;
  }
  [[nodiscard]] ValueId result_of(const Instruction& i) const { return plan_.graph.result_of(i.op); }

  template <class Section>
  static void for_sections(const Stage& stage, Section section) {
    for (const Run& run : stage.runs) {
      for (int row = 0; row < run.rows; row += run.h) {
        for (int col = 0; col < run.cols; col += run.w) section(run, Tile{run.row + row, run.col + col});
      }
    }
  }
  void pack_all(const Run& run, Tile origin, bool later) {
    for (const Instruction& i : run.body) {
      if (i.action == Action::pack) executor_.pack(i, origin, later);
    }
  }

  void run_stage(const Stage& stage) {
    const Traffic traffic = traffic_of(stage);
    for (const int buffer : traffic.resident) {
      if (contains(waited_, buffer)) continue;
      wait(buffer);
      waited_.push_back(buffer);
    }
    if (!traffic.streamed.empty() && stage.carrier == Carrier::reload) return reload(stage, traffic);
    for (const int buffer : traffic.packed) reserve(buffer);
    if (traffic.streamed.empty()) {
      for_sections(stage, [&](const Run& run, Tile origin) { whole(run, origin); });
    } else if (stage.carrier == Carrier::dst) {
      for_sections(stage, [&](const Run& run, Tile origin) { all_k_blocks(stage, traffic, run, origin); });
    } else {
      accumulate_in_l1(stage, traffic);
    }
    for (const int buffer : traffic.packed) push(buffer);
  }

  /// Tiles of K of a matmul whose operands are all there.
  [[nodiscard]] KRange all_of_k(const Instruction& i) const {
    return i.action == Action::matmul ? KRange{0, plan_.graph.value(i.value[0]).shape.cols.tiles} : KRange{};
  }
  void whole(const Run& run, Tile origin) {
    api::section(
        [&] {
          for (const Instruction& i : run.body) {
            if (i.action != Action::pack) executor_.math(i, origin, all_of_k(i));
          }
        },
        [&] { pack_all(run, origin, false); });
  }

  [[nodiscard]] static KRange k_block(const Stage& stage, int block) { return {block * stage.k_block, stage.k_block}; }

  /// Whether the instruction at `index` must run before the K blocks: it stands before all matmuls that sum over them, or
  /// it fills a slot of one that is still to come.
  [[nodiscard]] bool prepares(const Run& run, std::size_t index) const {
    bool begun = false;
    for (std::size_t i = 0; i < index; ++i) begun = begun || executor_.streams(run.body[i]);
    const int slot = run.body[index].slot[0];
    for (std::size_t i = index + 1; i < run.body.size(); ++i) {
      const Instruction& later = run.body[i];
      if (!executor_.streams(later)) continue;
      if (!begun || (slot >= later.slot[0] && slot < later.slot[0] + later.rt * later.ct)) return true;
    }
    return false;
  }
  void all_k_blocks(const Stage& stage, const Traffic& traffic, const Run& run, Tile origin) {
    std::vector<const Instruction*> rest;
    const auto first_pass = [&] {
      for (std::size_t i = 0; i < run.body.size(); ++i) {
        const Instruction& each = run.body[i];
        if (each.action == Action::pack) continue;
        if (executor_.streams(each)) {
          executor_.math(each, origin, k_block(stage, 0));
        } else if (prepares(run, i)) {
          executor_.math(each, origin, all_of_k(each));
        } else {
          rest.push_back(&each);
        }
      }
    };
    const auto math = [&] {
      for (int block = 0; block < stage.k_blocks; ++block) {
        for (const int buffer : traffic.streamed) wait(buffer);
        if (block == 0) {
          first_pass();
        } else {
          matmuls(run, origin, k_block(stage, block));
        }
        for (const int buffer : traffic.streamed) pop(buffer);
      }
      for (const Instruction* i : rest) executor_.math(*i, origin, all_of_k(*i));
    };
    api::section(math, [&] { pack_all(run, origin, false); });
  }
  void matmuls(const Run& run, Tile origin, KRange k) {
    for (const Instruction& i : run.body) {
      if (executor_.streams(i)) executor_.math(i, origin, k);
    }
  }

  /// The math of one K block; what stands beside the matmuls belongs to the first one.
  void one_k_block(const Run& run, Tile origin, KRange k) {
    for (const Instruction& i : run.body) {
      if (i.action == Action::pack || (k.first > 0 && !executor_.streams(i))) continue;
      executor_.math(i, origin, executor_.streams(i) ? k : all_of_k(i));
    }
  }
  void accumulate_in_l1(const Stage& stage, const Traffic& traffic) {
    for (int block = 0; block < stage.k_blocks; ++block) {
      for (const int buffer : traffic.streamed) wait(buffer);
      for_sections(stage, [&](const Run& run, Tile origin) {
        api::section([&] { one_k_block(run, origin, k_block(stage, block)); }, [&] { pack_all(run, origin, block > 0); });
      });
      for (const int buffer : traffic.streamed) pop(buffer);
    }
  }

  void reload(const Stage& stage, const Traffic& traffic) {
    for (const int buffer : traffic.packed) {
      if (!contains(traffic.partials, buffer)) reserve(buffer);
    }
    for (int block = 0; block < stage.k_blocks; ++block) {
      const bool last = block + 1 == stage.k_blocks;
      for (const int buffer : traffic.partials) open_partial(buffer, block > 0, !last || contains(traffic.packed, buffer));
      for (const int buffer : traffic.streamed) wait(buffer);
      for_sections(stage, [&](const Run& run, Tile origin) {
        api::section(
            [&] {
              if (block > 0) partials(run, origin, false);
              one_k_block(run, origin, k_block(stage, block));
            },
            [&] {
              if (last) {
                pack_all(run, origin, false);
              } else {
                partials(run, origin, true);
              }
            });
      });
      for (const int buffer : traffic.streamed) pop(buffer);
      for (const int buffer : traffic.partials) close_partial(buffer, block > 0, !last || contains(traffic.packed, buffer));
    }
    for (const int buffer : traffic.packed) {
      if (!contains(traffic.partials, buffer)) push(buffer);
    }
  }
  [[nodiscard]] bool in_place(int buffer, bool read, bool write) const {
    return read && write && plan_.buffers[buffer].copies == 1;
  }
  /// Opens the buffer of partial sums for reading, writing or both. Without room for two blocks it is popped and reserved
  /// again, and then read and packed to by index: the tiles stay in place.
  void open_partial(int buffer, bool read, bool write) {
    if (read) wait(buffer);
    if (in_place(buffer, read, write)) pop(buffer);
    if (write) reserve(buffer);
  }
  void close_partial(int buffer, bool read, bool write) {
    if (write) push(buffer);
    if (read && !in_place(buffer, read, write)) pop(buffer);
  }
  void partials(const Run& run, Tile origin, bool pack) {
    for (const Instruction& i : run.body) {
      if (!executor_.streams(i)) continue;
      executor_.partial(i, result_of(i), origin, pack);
    }
  }

  const Plan& plan_;
  std::span<const BufferBinding> bindings_;
  Executor executor_;
  std::vector<int> waited_;
};

}  // namespace

void interpret_block(const Plan& plan, std::span<const BufferBinding> bindings) {
  if (bindings.size() != plan.buffers.size()) {
    throw std::logic_error(
        fmt::format("fused: {} bindings for the {} buffers of the plan", bindings.size(), plan.buffers.size()));
  }
  BlockRun(plan, bindings).run();
}

}  // namespace tilegrid::planner
