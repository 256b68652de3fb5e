// SPDX-License-Identifier: Apache-2.0
#include "runtime/control_tree.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace tilegrid {
namespace {

ControlTree tree_of(ControlChannel& control) {
  const noc::Transport& transport = control.node().transport();
  return {transport.rank(), transport.size()};
}

}  // namespace

std::uint64_t ProgressTree::sum(std::uint64_t own) const {
  for (const auto& [child, done] : below_) own += done;
  return own;
}

void LookTree::ask(std::uint32_t question, std::vector<BlockedReport> own) {
  asked_ = true;
  missing_ = children_;
  gathered_ = {question, std::move(own)};
}

void LookTree::hear(LookAnswer answer) {
  if (!asked_ || answer.question != gathered_.question) return;  // late
  std::move(answer.cores.begin(), answer.cores.end(), std::back_inserter(gathered_.cores));
  --missing_;
}

std::optional<LookAnswer> LookTree::take() {
  if (!asked_ || missing_ > 0) return std::nullopt;
  asked_ = false;
  return std::move(gathered_);
}

void GatheredResults::append(RankResult result) {
  std::move(result.logs.cores.begin(), result.logs.cores.end(), std::back_inserter(logs.cores));
  result.logs.cores.clear();
  ranks.push_back(std::move(result));
}

void GatheredResults::append(GatheredResults results) {
  std::move(results.logs.cores.begin(), results.logs.cores.end(), std::back_inserter(logs.cores));
  std::move(results.ranks.begin(), results.ranks.end(), std::back_inserter(ranks));
}

void send_launch(ControlChannel& control, const LaunchCommand& command) {
  const ControlTree tree = tree_of(control);
  const noc::Placement& placement = control.node().placement();
  LaunchCommand part = command;
  for (const int child : tree.children()) {
    // Only the arguments of cores that are there or below: those of all would be most of the message.
    const int end = ControlTree{child, tree.ranks}.end();
    for (std::size_t i = 0; i < part.program.kernels.size(); ++i) {
      auto& args = part.program.kernels[i].runtime_args;
      args.clear();
      for (const auto& core_args : command.program.kernels[i].runtime_args) {
        const int rank = placement.rank_of_core(core_args.first);
        if (rank >= child && rank < end) args.push_back(core_args);
      }
    }
    control.send_value(child, ControlTag::launch, part);
  }
}

GatheredResults gather_results(ControlChannel& control, RankResult own) {
  const std::vector<int> children = tree_of(control).children();
  std::map<int, GatheredResults> parts;
  while (parts.size() < children.size()) {
    const ControlMessage message = control.wait_next();
    if (message.tag != ControlTag::result) continue;  // a last report of the program that has ended
    parts[message.source] = from_bytes<GatheredResults>(message.bytes);
  }
  GatheredResults all;
  all.append(std::move(own));
  for (auto& [child, part] : parts) all.append(std::move(part));
  return all;
}

}  // namespace tilegrid
