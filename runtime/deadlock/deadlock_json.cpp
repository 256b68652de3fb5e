// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <algorithm>

#include "runtime/deadlock/deadlock_report.h"
#include "runtime/deadlock/suspects.h"
#include "runtime/deadlock/wait_graph.h"

namespace tilegrid {
namespace {

using Json = nlohmann::ordered_json;

Json core_json(int core, GridSize grid) { return {grid.core(core).x, grid.core(core).y}; }

Json issuer_json(int core, Risc risc, GridSize grid) { return {{"core", core_json(core, grid)}, {"risc", name_of(risc)}}; }

Json wait_json(const WaitGraph::Kernel& kernel) {
  return {{"reason", name_of(kernel.state->reason)},
          {"object", object_of(kernel)},
          {"needed", kernel.state->needed},
          {"present", kernel.state->present}};
}

Json kernel_json(const WaitGraph& graph, const WaitGraph::Kernel& kernel, GridSize grid) {
  Json json{{"core", core_json(kernel.core, grid)}, {"risc", name_of(kernel.state->risc)}, {"kernel", kernel.state->name}};
  json["finished"] = kernel.state->finished;
  if (kernel.state->finished) return json;
  json["file"] = kernel.state->file;
  json["line"] = kernel.state->line;
  if (!kernel.state->waypoint.empty()) json["waypoint"] = kernel.state->waypoint;
  json["waits_for"] = wait_json(kernel);
  Json from = Json::array();
  for (const std::size_t other : kernel.from) {
    from.push_back(issuer_json(graph.kernels()[other].core, graph.kernels()[other].state->risc, grid));
  }
  json["from"] = std::move(from);
  json["from_known"] = kernel.known;
  return json;
}

Json group_json(const KernelGroup& group, GridSize grid) {
  Json cores = Json::array();
  for (const int core : group.cores) cores.push_back(core_json(core, grid));
  return {{"risc", name_of(group.risc)}, {"kernel", group.name}, {"cores", std::move(cores)}};
}

Json cycles_json(const WaitGraph& graph, GridSize grid) {
  Json cycles = Json::array();
  for (const WaitGraph::Cycle& cycle : graph.cycles()) {
    Json steps = Json::array();
    for (const std::size_t kernel : cycle) steps.push_back(kernel_json(graph, graph.kernels()[kernel], grid));
    cycles.push_back(std::move(steps));
  }
  return cycles;
}

Json suspects_json(const WaitGraph& graph, GridSize grid) {
  Json suspects = Json::array();
  for (const Suspicion& suspicion : suspicions_of(graph)) {
    Json finished = Json::array();
    for (const KernelGroup& group : suspicion.finished) finished.push_back(group_json(group, grid));
    suspects.push_back({{"object", suspicion.object},
                        {"waiting", group_json(suspicion.waiting, grid)},
                        {"finished", std::move(finished)},
                        {"never", suspicion.never}});
  }
  return suspects;
}

Json objects_json(const BlockedReport& report, GridSize grid) {
  const auto riscs = [](unsigned mask) {
    Json names = Json::array();
    for (const Risc risc : each<Risc>) {
      if ((mask >> to_underlying(risc) & 1U) != 0) names.push_back(name_of(risc));
    }
    return names;
  };
  Json buffers = Json::array();
  for (const BlockedBuffer& cb : report.buffers) {
    buffers.push_back({{"id", cb.id},
                       {"role", cb.role},
                       {"pages", cb.pages},
                       {"pushed", cb.pushed},
                       {"popped", cb.popped},
                       {"pushed_by", riscs(cb.pushed_by)},
                       {"popped_by", riscs(cb.popped_by)}});
  }
  Json semaphores = Json::array();
  for (const BlockedSemaphore& semaphore : report.semaphores) {
    Json writers = Json::array();
    for (const int writer : semaphore.writers) {
      writers.push_back(issuer_json(writer / risc_count, static_cast<Risc>(writer % risc_count), grid));
    }
    semaphores.push_back({{"offset", semaphore.offset}, {"value", semaphore.value}, {"writers", std::move(writers)}});
  }
  return {{"buffers", std::move(buffers)}, {"semaphores", std::move(semaphores)}};
}

Json cores_json(const WaitGraph& graph, const std::vector<BlockedReport>& reports, GridSize grid) {
  Json cores = Json::array();
  for (const BlockedReport& report : reports) {
    Json kernels = Json::array();
    bool blocked = false;
    for (const WaitGraph::Kernel& kernel : graph.kernels()) {
      if (kernel.core != report.core) continue;
      kernels.push_back(kernel_json(graph, kernel, grid));
      blocked = blocked || !kernel.state->finished;
    }
    if (!blocked) continue;
    Json core{{"core", core_json(report.core, grid)}, {"kernels", std::move(kernels)}};
    core.update(objects_json(report, grid));
    cores.push_back(std::move(core));
  }
  return cores;
}

}  // namespace

std::string deadlock_json(const std::vector<BlockedReport>& reports, GridSize grid) {
  const WaitGraph graph(reports);
  const Json json{{"error", "deadlock"},
                  {"message", deadlock_headline(reports)},
                  {"cycles", cycles_json(graph, grid)},
                  {"suspects", suspects_json(graph, grid)},
                  {"cores", cores_json(graph, reports, grid)}};
  return json.dump(2) + "\n";
}

}  // namespace tilegrid
