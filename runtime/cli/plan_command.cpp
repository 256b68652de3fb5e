// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "kernels/planner/plan/all_plans.h"
#include "kernels/planner/print/print_plan.h"
#include "noc/address.h"
#include "runtime/cli/commands.h"
#include "runtime/flags/graph_flags.h"
#include "runtime/flags/kernel_flags.h"
#include "runtime/page/report_page.h"
#include "runtime/report/print.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using planner::Plan;
using planner::Strategy;
using report::Value;

Value answers_of(const planner::Case& one) { return report::from_json(planner::answer_case(one).dump()); }

/// The answers of a case, a line each.
std::string answers_text(const Value& one) {
  std::string text = one["id"].text() + "\n";
  for (const Value& result : one["results"].list()) {
    const Value& value = result["value"];
    std::string answer = value.is_text() ? value.text() : report::to_json_line(value);
    text += fmt::format("  {:<24} {:<24} {}\n", result["policy"].text(), result["key"].text(), answer);
  }
  return text;
}

struct PlanCommand {
  Flags flags;
  GraphRequest request;
  std::optional<Strategy> strategy = Strategy::best;  ///< none: all
  std::string json, page;

  PlanCommand() {
    request.declare(flags);
    flags.in("Report").add(
        "--strategy", "NAME",
        "Whose verdict, loop nest and slots to print: naive, liveness, subblock,\npipelined, grid, best, all [best]",
        [this](const Given& given) {
          strategy = strategy_names().find(given.text);
          std::vector<std::string> names = strategy_names().names();
          names.emplace_back("all");
          if (!strategy && given.text != "all") refuse_word(given.flag, given.text, names);
        });
    add_report_flags(
        flags, json,
        "Write everything there; - for standard output alone [none]. Of a --graph\nwithout --case: the answers of "
        "all its cases",
        page,
        "Write a page there that shows slots over steps, and the strategies side by side, for\nany browser "
        "(index.html), and its data (report.json) [none]");
  }

  /// Prints, and writes the page; `facts` are its header.
  void publish(const std::string& text, const Value& figures, const report::Array& facts) const {
    report::print_report(
        json, [&] { return text; }, [&] { return figures; });
    if (page.empty()) return;
    page::write(
        page,
        {{"kind", "plan"}, {"title", "DST plan"}, {"facts", facts}, {"text", text}, {"report", report::versioned(figures)}});
  }

  [[nodiscard]] bool shows(const Plan& plan) const { return !strategy || *strategy == plan.strategy; }

  [[nodiscard]] std::string text_of(const planner::Graph& graph, const std::vector<Plan>& plans) const {
    std::string text = fmt::format("graph    {}\n         {}\nmachine  {}\n\n", planner::graph_signature(graph),
                                   planner::graph_operations(graph), planner::machine_text(request.plan.machine));
    for (const Plan& plan : plans) {
      if (shows(plan)) text += fmt::format("{}: {}", name_of(plan.strategy), planner::verdict(plan));
    }
    text += "\n" + planner::strategy_table(plans);
    for (const Plan& plan : plans) {
      if (!shows(plan) || (plan.stages.empty() && plan.passes.empty())) continue;
      text += fmt::format("\nLoop nest of {0}\n{1}\nSlots of {0}\n{2}", name_of(plan.strategy), planner::loop_nest(plan),
                          planner::slot_picture(plan));
    }
    return text;
  }

  [[nodiscard]] Value figures_of(const report::Array& answers, const std::vector<Plan>& plans,
                                 const std::optional<Error>& refusal) const {
    report::Array list;
    for (const Plan& plan : plans) list.push_back(report::from_json(planner::plan_json_text(plan)));
    Value figures;
    if (!answers.empty()) figures["cases"] = answers;
    figures["graph"] = {{"expression", report::text_or_null(request.expression)},
                        {"preset", report::text_or_null(request.preset)},
                        {"file", report::text_or_null(request.file)},
                        {"case", report::text_or_null(request.case_id)}};
    figures["strategy"] = strategy ? name_of(*strategy) : "all";
    figures["refusal"] = refusal ? Value(refusal->message()) : Value();
    figures["plans"] = list;
    return figures;
  }

  int answer_file() const {
    report::Array answers;
    for (const planner::Case& one : request.load_cases()) answers.push_back(answers_of(one));
    std::string text;
    for (const Value& one : answers) text += answers_text(one);
    publish(text, {{"cases", answers}}, {report::Array{"cases of", request.file}});
    return 0;
  }

  int plan() {
    flags.check_paths();
    if (!request.file.empty() && request.case_id.empty()) return answer_file();
    const planner::Graph graph = request.load();
    const planner::AllPlans all(graph, request.plan);
    const std::vector<Plan>& plans = all.plans();
    const std::optional<Error> refusal = all.refusal(strategy);
    // Bad input that no strategy mends is worth no report.
    if (refusal && refusal->code() == ExitCode::usage && !all.any_legal()) throw UsageError(refusal->message());
    report::Array answers;
    std::string text;
    if (!request.file.empty()) {
      const std::vector<planner::Case> cases = request.load_cases();
      answers.push_back(answers_of(request.find_case(cases)));
      text = answers_text(answers.front()) + "\n";
    }
    publish(text + text_of(graph, plans), figures_of(answers, plans, refusal),
            {report::Array{"graph", planner::graph_signature(graph)}, report::Array{"", planner::graph_operations(graph)},
             report::Array{"machine", planner::machine_text(request.plan.machine)}});
    if (refusal && refusal->code() == ExitCode::usage) throw UsageError(refusal->message());
    if (refusal) throw Error(*refusal);
    return 0;
  }

  int run(Session& session, const std::vector<std::string>&) {
    naming_flags(flags, [&] { request.check(flags); });
    return session.run_alone([&] { return naming_flags(flags, [&] { return plan(); }); });
  }
};

}  // namespace

Command plan_command() {
  return command<PlanCommand>("plan", "Say whether a fused block of tiles fits DST, why not, and how it would",
                              preset_list() +
                                  "\nWithout --case, the cases of a --graph are answered; with it, one is planned, too.\n"
                                  "Exit code 2: the strategy has no legal plan (all: no strategy has).\n"
                                  "\nExample: tilegrid plan --preset six-op --strategy naive\n");
}

}  // namespace tilegrid::cli
