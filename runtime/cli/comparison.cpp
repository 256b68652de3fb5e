// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/comparison.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "runtime/cli/commands.h"
#include "runtime/flags/format_flag.h"
#include "runtime/flags/kernel_flags.h"
#include "runtime/page/report_page.h"
#include "runtime/report/print.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {

using report::Value;

const Value& ComparedRun::operator[](const std::string& key) const {
  const Value* value = &figures;
  std::size_t at = 0;
  for (std::size_t end = key.find('/'); end != std::string::npos; end = key.find('/', at)) {
    value = &(*value)[key.substr(at, end - at)];
    at = end + 1;
  }
  return (*value)[key.substr(at)];
}

void run_row(const Session& session, Device& device, workloads::Workload& workload, ComparedRun& row, bool faults,
             const std::function<Value(const report::RunOutcome&)>& figures_of) {
  device.free_buffers();
  try {
    const report::RunOutcome outcome = workloads::execute(session, device, workload);
    row.known_faults = outcome.known_faults;
    row.conversions = outcome.conversions;
    row.verified = workload.passed;
    row.figures = figures_of(outcome);
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage && !(faults && error.code() == ExitCode::kernel)) throw;
    row.refusal = error.message();
  }
}

const ComparedRun* quickest(const ComparedRuns& rows, const std::function<bool(const ComparedRun&)>& fits) {
  const ComparedRun* best = nullptr;
  for (const ComparedRun& row : rows) {
    if (!row.ran() || (fits && !fits(row))) continue;
    if (best == nullptr || row.cycles() < best->cycles()) best = &row;
  }
  return best;
}

bool any_wrong(const ComparedRuns& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const ComparedRun& row) { return !row.verified.value_or(true); });
}

Value named_figures(const ComparedRun& row) {
  Value all = row.what;
  all["refusal"] = report::text_or_null(row.refusal);
  all.add(row.figures);
  return all;
}

void ComparedShape::ask(SweepPoint point) {
  asked = std::make_unique<workloads::Attention>();
  parse_flags(asked->flags(), point.arguments);
  asked->settle();
  flags = std::move(point);
}

ComparedRun ComparedShape::row(std::string name, const std::vector<SweepPoint::Flag>& own) const {
  ComparedRun row;
  row.name = std::move(name);
  row.group = flags.varied.empty() ? "" : flags.varied_text();
  row.flags.varied = flags.varied;
  row.flags.varied.insert(row.flags.varied.end(), own.begin(), own.end());
  return row;
}

Value ComparedShape::winner() const {
  const ComparedRun* best = this->best();
  if (best == nullptr) return {};
  Value winner = best->what;
  winner["cycles"] = best->cycles();
  return winner;
}

void refuse_for_rows(const std::vector<std::string>& arguments, const std::vector<std::string>& own, const char* command) {
  std::vector<std::string> unfit = workloads::Attention().flags().unfit_for(Comparison::rows);
  unfit.insert(unfit.end(), own.begin(), own.end());
  unfit.emplace_back(compare_kernels_flag);  // which the command `attention` adds
  refuse_arguments(arguments, unfit, command);
}

bool has_lists(const std::vector<std::string>& arguments) {
  const workloads::Attention any;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const Flag* flag = any.flags().find(arguments[i].substr(0, equals));
    if (flag == nullptr || flag->is_switch()) continue;
    const bool apart = equals == std::string::npos && i + 1 < arguments.size();
    const std::string value = apart ? arguments[++i] : arguments[i].substr(equals + 1);
    // --format q=bf16,kv=bfp8 is one configuration, --format bf16,bfp8 are two.
    const bool one = flag->input || flag->group == "Checks" || flag->name == "--kv-lengths" ||
                     (flag->name == format_flag && value.find('=') != std::string::npos);
    if (!one && value.find(',') != std::string::npos) return true;
  }
  return false;
}

Value attention_shape_figures(const attention::Shape& shape) {
  return {{"batch", shape.batch},       {"heads", shape.heads},         {"kv_heads", shape.kv_heads},
          {"seq", shape.seq_q},         {"kv_seq", shape.seq_kv},       {"dim", shape.dim},
          {"v_dim", shape.value_dim()}, {"scale", shape.score_scale()}, {"causal", shape.causal}};
}

std::vector<report::Table::Column> flag_columns(const std::vector<SweepPoint::Flag>& varied, int room) {
  std::vector<report::Table::Column> columns;
  columns.reserve(varied.size());
  for (const SweepPoint::Flag& flag : varied) {
    columns.push_back({flag.name, static_cast<int>(std::max<std::size_t>(flag.name.size(), 8)) + room});
  }
  return columns;
}

std::string text_of(const Figure& figure, const ComparedRun& row) {
  const Value& value = row[figure.key];
  if (value.is_null()) return "-";
  switch (figure.kind) {
    case Kind::seconds:
      return report::duration_text(value.number());
    case Kind::bytes:
      return report::bytes_text(value.number());
    case Kind::share:
      return report::percent(value.number());
    case Kind::count:
      return report::grouped(value.number());
    case Kind::number:
      return fmt::format(fmt::runtime(figure.format), value.number());
    case Kind::text:
      break;
  }
  const std::size_t blanks = figure.width < 0 ? figure.head.find_first_not_of(' ') : 0;
  return std::string(blanks, ' ') + (value.is_text() ? value.text() : std::to_string(value.count()));
}

namespace {

void add_columns(std::vector<report::Table::Column>& columns, const std::vector<Figure>& figures) {
  for (const Figure& figure : figures) {
    if (figure.width != 0) columns.push_back({figure.head, figure.width});
  }
}

void add_cells(std::vector<std::string>& cells, const std::vector<Figure>& figures, const ComparedRun& row) {
  for (const Figure& figure : figures) {
    if (figure.width != 0) cells.push_back(text_of(figure, row));
  }
}

constexpr const char* unit_of(Kind kind) {
  switch (kind) {
    case Kind::seconds:
      return "s";
    case Kind::bytes:
      return "B";
    case Kind::share:
      return "share";
    case Kind::count:
    case Kind::number:
      return "";
    case Kind::text:
      break;
  }
  return "text";
}

/// Of a figure on the page, whose data are JSON: without the dot.
std::string key_of(const std::string& key) { return key.substr(key.starts_with('.') ? 1 : 0); }

constexpr const char* word_of(Better better) {
  if (better == Better::neither) return "";
  return better == Better::least ? "least" : "most";
}

}  // namespace

std::string named_table(const std::vector<Figure>& figures, const ComparedRuns& rows) {
  std::vector<report::Table::Column> columns{{"", -28}};
  add_columns(columns, figures);
  const report::Table table(columns);
  std::string text = table.head();
  for (const ComparedRun& row : rows) {
    if (!row.ran()) {
      text += fmt::format("  {:<26}does not run: {}\n", row.name, row.refusal);
      continue;
    }
    std::vector<std::string> cells{"  " + row.name};
    add_cells(cells, figures, row);
    text += table.row(cells);
  }
  return text;
}

std::string flag_table(int lead, const std::vector<Figure>& figures, const std::vector<const ComparedRun*>& rows,
                       const RowText& row_text) {
  std::vector<report::Table::Column> columns{{"", lead}};
  const std::vector<report::Table::Column> flags = flag_columns(rows.front()->flags.varied, 2);
  columns.insert(columns.end(), flags.begin(), flags.end());
  add_columns(columns, figures);
  const report::Table table(columns);
  std::string text = table.head();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto [first, after] = row_text(*rows[i], i);
    std::vector<std::string> cells{std::move(first)};
    for (const SweepPoint::Flag& flag : rows[i]->flags.varied) cells.push_back(flag.value);
    add_cells(cells, figures, *rows[i]);
    text += table.row(cells, after);
  }
  return text;
}

ComparisonOutput::ComparisonOutput(const std::string& json_help) {
  add_report_flags(flags, json, json_help, page,
                   "Write a page there that shows them side by side, for any browser (index.html), and its\ndata "
                   "(report.json) [none]");
  flags.add_switch("--no-progress", "No progress line on a terminal", progress, false);
}

void publish(const std::string& json, const std::string& folder, const std::string& text, const Value& figures,
             const ComparisonPage& page) {
  report::print_report(
      json, [&] { return text; }, [&] { return figures; });
  if (folder.empty()) return;
  report::Array facts, charts, rows;
  for (const auto& [name, fact] : page.facts) facts.push_back(report::Array{name, fact});
  for (const Figure& figure : page.figures) {
    if (figure.title.empty()) continue;
    charts.push_back({{"key", key_of(figure.key)},
                      {"name", figure.title},
                      {"unit", unit_of(figure.kind)},
                      {"better", word_of(figure.better)}});
  }
  for (const ComparedRun* row : page.rows) {
    Value values;
    for (const Figure& figure : page.figures) {
      if (!figure.title.empty()) values[key_of(figure.key)] = (*row)[figure.key];
    }
    rows.push_back({{"name", row->name},
                    {"flags", row->flags.varied_figures()},
                    {"error", report::text_or_null(row->refusal)},
                    {"verified", row->verified},
                    {"front", row->front},
                    {"group", report::text_or_null(row->group)},
                    {"values", values}});
  }
  page::write(folder, {{"kind", "comparison"},
                       {"title", page.title},
                       {"facts", facts},
                       {"figures", charts},
                       {"rows", rows},
                       {"winner", report::text_or_null(page.winner)},
                       {"scatter", page.scatter},
                       {"lines", page.lines},
                       {"text", text},
                       {"report", report::versioned(figures)}});
}

}  // namespace tilegrid::cli
