// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/attention/config.h"
#include "runtime/cli/many_runs.h"
#include "runtime/flags/sweep_points.h"
#include "runtime/report/run_report.h"
#include "runtime/report/table.h"
#include "runtime/report/value.h"
#include "runtime/workloads/attention.h"

/// Runs side by side: each is a row with figures, drawn as a table of text, as JSON, and as a page.
namespace tilegrid::cli {

/// How a figure reads. Counts have commas, numbers the figure's format.
enum class Kind { seconds, bytes, share, count, number, text };
enum class Better { neither, least, most };

/// A figure of every row: a column of the table, a chart of the page, or both.
struct Figure {
  std::string key;   ///< where a row has it: "device/seconds"
  std::string head;  ///< of the column; when it is aligned to the left, its blanks stand before each cell, too
  int width = 0;     ///< of the column, as those of a Table; 0: there is none
  Kind kind = Kind::text;
  std::string title = {};  ///< of the chart; empty: there is none
  Better better = Better::neither;
  const char* format = "{}";  ///< of a number's text
};

/// A row: what makes it differ, then what came of it. Figures whose names begin with a dot are for text and page alone.
struct ComparedRun {
  std::string name;
  std::string group;  ///< of rows that have a best one together; empty: all have
  SweepPoint flags;
  report::Value what;     ///< that it is, in JSON
  std::string refusal;    ///< why there are no figures
  report::Value figures;  ///< null: it did not run
  std::optional<bool> verified;
  bool front = false;  ///< none is better in both figures of the scatter
  KnownFaults known_faults;
  report::Conversions conversions;
  [[nodiscard]] bool ran() const { return !figures.is_null(); }
  [[nodiscard]] const report::Value& operator[](const std::string& key) const;
  [[nodiscard]] double seconds() const { return figures["device"]["seconds"].number(); }
  [[nodiscard]] double cycles() const { return figures["device"]["cycles"].number(); }
};
using ComparedRuns = std::vector<ComparedRun>;

/// Runs a row's workload: `figures_of` says its figures. Errors of usage are refusals, with `faults` those of kernels, too;
/// others leave it.
void run_row(const Session& session, Device& device, workloads::Workload& workload, ComparedRun& row, bool faults,
             const std::function<report::Value(const report::RunOutcome&)>& figures_of);

/// The row with the least device time of those that fit; null without any.
[[nodiscard]] const ComparedRun* quickest(const ComparedRuns& rows,
                                          const std::function<bool(const ComparedRun&)>& fits = {});
[[nodiscard]] bool any_wrong(const ComparedRuns& rows);
/// Keys: those of `what`, refusal, those of `figures`.
[[nodiscard]] report::Value named_figures(const ComparedRun& row);
/// Of attention, which comparisons set themselves.
inline constexpr const char* kv_flag = "--kv";
/// refuse_arguments() for `own`, which a command that compares runs of attention sets itself, and for what it has no use
/// for.
void refuse_for_rows(const std::vector<std::string>& arguments, const std::vector<std::string>& own, const char* command);
/// Whether a flag of attention has several values: --seq 1024,2048. Flags whose values have commas of their own don't count.
[[nodiscard]] bool has_lists(const std::vector<std::string>& arguments);
/// Keys: batch, heads, kv_heads, seq, kv_seq, dim, v_dim, scale, causal.
[[nodiscard]] report::Value attention_shape_figures(const attention::Shape& shape);

/// Runs of attention of one shape side by side, of a command that takes several shapes.
struct ComparedShape {
  SweepPoint flags;
  std::unique_ptr<workloads::Attention> asked;
  ComparedRuns rows;

  /// What the arguments of the point say. Throws UsageError.
  void ask(SweepPoint point);
  /// A row that is none of `rows` yet, with flags of its own.
  [[nodiscard]] ComparedRun row(std::string name, const std::vector<SweepPoint::Flag>& own) const;
  [[nodiscard]] const ComparedRun* best() const { return quickest(rows); }
  /// What the best one is, and its cycles; null without one.
  [[nodiscard]] report::Value winner() const;
};
/// JSON of the rows of all shapes; `numbered`: their `shape` is its index.
template <class Shape>
[[nodiscard]] report::Array rows_of(const std::vector<Shape>& shapes, bool numbered) {
  report::Array rows;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    for (const ComparedRun& row : shapes[i].rows) {
      rows.push_back(numbered ? report::Value{{"shape", i}} : report::Value());
      rows.back().add(named_figures(row));
    }
  }
  return rows;
}
template <class Shape>
[[nodiscard]] KnownFaults faults_of_shapes(const std::vector<Shape>& shapes) {
  KnownFaults all;
  for (const Shape& shape : shapes) add(all, faults_of(shape.rows));
  return all;
}

/// A column for each flag that varies, `room` wider than its values need.
[[nodiscard]] std::vector<report::Table::Column> flag_columns(const std::vector<SweepPoint::Flag>& varied, int room);
[[nodiscard]] std::string text_of(const Figure& figure, const ComparedRun& row);
/// Rows by name, refusals in their places.
[[nodiscard]] std::string named_table(const std::vector<Figure>& figures, const ComparedRuns& rows);
/// Rows by flags: a cell of the caller first, `lead` wide, then the flags. What did not run is left out; `row_text` says the
/// first cell and what follows the line.
using RowText = std::function<std::pair<std::string, std::string>(const ComparedRun&, std::size_t number)>;
[[nodiscard]] std::string flag_table(int lead, const std::vector<Figure>& figures,
                                     const std::vector<const ComparedRun*>& rows, const RowText& row_text);

/// What the page shows: rows with the charts of their figures.
struct ComparisonPage {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Figure> figures;
  std::vector<const ComparedRun*> rows;
  std::string winner = "device/seconds";  ///< the figure whose best row wins; empty: no row does
  report::Value scatter = {};             ///< two keys of figures: x, y
  report::Value lines = {};               ///< a figure over an axis for each row: title, axis, key, at, values by row
};

/// Prints text, and JSON to where print_report() does, and writes the page to a folder when one is named.
void publish(const std::string& json, const std::string& folder, const std::string& text, const report::Value& figures,
             const ComparisonPage& page);

/// Flags of all commands that compare, and where the report goes to.
struct ComparisonOutput {
  Flags flags;
  std::string json, page;
  bool progress = true;
  explicit ComparisonOutput(const std::string& json_help = "Write the rows there; - for standard output alone [none]");
  void publish(const std::string& text, const report::Value& figures, const ComparisonPage& shown) const {
    cli::publish(json, page, text, figures, shown);
  }
};

}  // namespace tilegrid::cli
