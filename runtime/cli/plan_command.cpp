// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "kernels/planner/print/print_plan.h"
#include "kernels/planner/slot_cases/case_file.h"
#include "noc/address.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/graph_arguments.h"
#include "runtime/report/run_report_json.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* all_strategies = "all";

struct PlanOptions {
  GraphRequest graph;
  std::string strategy;  ///< a name, or "all"
  std::string json;
  [[nodiscard]] bool quiet() const { return json == "-"; }
};

/// A strategy's plan. What is no question of slots - L1, circular buffers - is an error of the command when it is the chosen
/// strategy's, and otherwise a line in the table.
struct Planned {
  planner::Plan plan;
  std::optional<UsageError> error;
};

Planned plan_one(const planner::Graph& graph, planner::Strategy strategy, const planner::PlanRequest& request) {
  Planned planned;
  try {
    planned.plan = planner::plan(graph, strategy, request);
  } catch (const UsageError& error) {
    planned.error = error;
    planned.plan.strategy = strategy;
    planned.plan.graph = planner::simplified(graph);
    planned.plan.machine = request.machine;
    planned.plan.refusal = planner::Refusal{.reason = error.message(), .account = {}, .at = {}, .fits = {}};
  }
  return planned;
}

void put_json(const PlanOptions& options, const Json& json) {
  if (options.json.empty()) return;
  const std::string text = json.dump(2) + "\n";
  if (options.quiet()) {
    put(text);
  } else {
    write_file(options.json, text);
  }
}

std::string answer_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

/// The answers of a case, a line each.
std::string answers_text(const Json& one) {
  std::string text = one.at("id").get<std::string>() + "\n";
  for (const Json& result : one.at("results")) {
    text += fmt::format("  {:<24} {:<24} {}\n", result.at("policy").get<std::string>(), result.at("key").get<std::string>(),
                        answer_text(result.at("value")));
  }
  return text;
}

/// All cases of a file.
int answer_file(const PlanOptions& options) {
  Json answers = Json::array();
  for (const planner::Case& one : load_graph_cases(options.graph)) answers.push_back(planner::answer_case(one));
  if (!options.quiet()) {
    for (const Json& one : answers) put(answers_text(one));
  }
  put_json(options, Json{{"cases", std::move(answers)}});
  flush_output();
  return 0;
}

/// The answers of the one case that is planned; of no file: none.
Json answers_of_case(const PlanOptions& options) {
  Json list = Json::array();
  if (options.graph.file.empty()) return list;
  const std::vector<planner::Case> cases = load_graph_cases(options.graph);
  list.push_back(planner::answer_case(find_case(options.graph, cases)));
  return list;
}

std::string plan_details(const planner::Plan& plan) {
  return fmt::format("Loop nest of {}\n{}\nSlots of {}\n{}", name_of(plan.strategy), planner::loop_nest(plan),
                     name_of(plan.strategy), planner::slot_picture(plan));
}

std::string plan_text(const PlanOptions& options, const planner::Graph& graph, const std::vector<planner::Plan>& plans) {
  std::string text = fmt::format("graph    {}\n         {}\nmachine  {}\n\n", graph_signature(graph),
                                 graph_operations(graph), machine_text(options.graph.plan.machine));
  const auto shown = [&](const planner::Plan& plan) {
    return options.strategy == all_strategies || options.strategy == name_of(plan.strategy);
  };
  for (const planner::Plan& plan : plans) {
    if (shown(plan)) text += fmt::format("{}: {}", name_of(plan.strategy), planner::verdict(plan));
  }
  text += "\n" + planner::strategy_table(plans);
  for (const planner::Plan& plan : plans) {
    if (shown(plan) && !plan.stages.empty()) text += "\n" + plan_details(plan);
  }
  return text;
}

/// The error that ends the command when what was asked for has no legal plan; nothing when it has.
std::optional<Error> refusal_of(const PlanOptions& options, const planner::Graph& graph,
                                const std::vector<Planned>& planned) {
  const bool none = std::none_of(planned.begin(), planned.end(), [](const Planned& one) { return one.plan.legal(); });
  for (const Planned& one : planned) {
    const bool chosen = options.strategy == name_of(one.plan.strategy);
    if (one.error && (chosen || (none && one.plan.strategy == planner::Strategy::best))) return *one.error;
  }
  if (none) {
    const planner::SmallestCapacity smallest = planner::smallest_capacity(graph, options.graph.plan);
    return KernelError(
        fmt::format("no strategy is legal: {} needs a DST capacity of {} slots, {} are there; with {} some plan is legal",
                    smallest.operation, smallest.slots, options.graph.plan.machine.capacity(), smallest.slots));
  }
  for (const Planned& one : planned) {
    if (options.strategy != name_of(one.plan.strategy) || one.plan.legal()) continue;
    return KernelError(fmt::format("strategy {}: {}", options.strategy, one.plan.refusal->reason));
  }
  return std::nullopt;
}

Json request_json(const GraphRequest& request) {
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  return {{"expression", text(request.expression)},
          {"preset", text(request.preset)},
          {"file", text(request.file)},
          {"case", text(request.case_id)}};
}

Json report_json(const PlanOptions& options, const Json& answers, const std::vector<planner::Plan>& plans,
                 const std::optional<Error>& refusal) {
  Json list = Json::array();
  for (const planner::Plan& plan : plans) list.push_back(planner::plan_json(plan));
  Json json = Json::object();
  if (!answers.empty()) json["cases"] = answers;
  json["version"] = TILEGRID_VERSION;
  json["graph"] = request_json(options.graph);
  json["strategy"] = options.strategy;
  json["refusal"] = refusal ? Json(refusal->message()) : Json();
  json["plans"] = std::move(list);
  return json;
}

int run_plan(PlanOptions options) {
  if (!options.json.empty() && !options.quiet()) {
    std::vector<NamedPath> inputs;
    if (!options.graph.file.empty()) inputs.push_back({"--graph", options.graph.file});
    check_output_files({{"--json", options.json}}, inputs);
  }
  if (!options.graph.file.empty() && options.graph.case_id.empty()) return answer_file(options);
  const planner::Graph graph = load_graph(options.graph);
  std::vector<Planned> planned;
  std::vector<planner::Plan> plans;
  for (int i = 0; i < planner::strategy_count; ++i) {
    planned.push_back(plan_one(graph, static_cast<planner::Strategy>(i), options.graph.plan));
    plans.push_back(planned.back().plan);
  }
  const std::optional<Error> refusal = refusal_of(options, graph, planned);
  // Bad input that no strategy mends is worth no report.
  const bool reported = !refusal || refusal->code() != ExitCode::usage ||
                        std::any_of(plans.begin(), plans.end(), [](const planner::Plan& plan) { return plan.legal(); });
  if (!reported) throw Error(*refusal);
  const Json answers = answers_of_case(options);
  if (!options.quiet()) {
    for (const Json& one : answers) put(answers_text(one) + "\n");
    put(plan_text(options, graph, plans));
  }
  if (!options.json.empty()) put_json(options, report_json(options, answers, plans, refusal));
  flush_output();
  if (refusal) throw Error(*refusal);
  return 0;
}

}  // namespace

Command add_plan_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("plan", "Say whether a fused block of tiles fits DST, why not, and how it would");
  app->allow_extras();
  struct Texts {
    GraphTexts graph;
    std::string strategy = "best";
    std::string json;
  };
  auto texts = std::make_shared<Texts>();
  add_graph_flags(*app, texts->graph);
  add_machine_flags(*app, texts->graph);
  const char* group = "Report";
  app->add_option(
         "--strategy", texts->strategy,
         "Whose verdict, loop nest and slots to print: naive, liveness, subblock,\npipelined, grid, best, all [best]")
      ->type_name("NAME")
      ->group(group);
  app->add_option("--json", texts->json,
                  "Write everything there; - for standard output alone [none]. Of a --graph\nwithout --case: the answers of "
                  "all its cases")
      ->type_name("FILE")
      ->group(group);
  app->footer(preset_list() +
              "\nWithout --case, the cases of a --graph are answered; with it, one is planned, too.\n"
              "Exit code 2: the strategy has no legal plan (all: no strategy has).\n"
              "\nExample: tilegrid plan --preset six-op --strategy naive\n" +
              parent.get_footer());
  return {app, [app, texts](Session& session) {
            refuse_empty_values(*app);
            PlanOptions options;
            options.graph = graph_request(*app, texts->graph);
            std::vector<std::string> names = strategy_names();
            names.emplace_back(all_strategies);
            options.strategy = names[parse_word("--strategy", texts->strategy, names)];
            options.json = texts->json;
            // No core is needed; a grid that has one for every rank lets the others wait for rank 0's exit code.
            const int ranks = session.info().size;
            const GridSize grid{std::min(ranks, noc::max_grid_side), (ranks - 1) / noc::max_grid_side + 1};
            return session.run({.grid = grid}, [&](Device&) { return run_plan(options); });
          }};
}

}  // namespace tilegrid::cli
