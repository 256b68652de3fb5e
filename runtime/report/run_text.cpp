// SPDX-License-Identifier: Apache-2.0
// The text of a run's report, drawn from its figures.
#include <fmt/format.h>

#include "core/counters.h"
#include "runtime/report/number_report.h"
#include "runtime/report/print.h"
#include "runtime/report/run_report.h"
#include "runtime/report/table.h"

namespace tilegrid::report {
namespace {

std::string work_text(const Value& totals) {
  const Table table({{"Device counts: tiles", -26}, {"total", 16}, {"least a core", 14}, {"mean", 14}, {"most a core", 14}});
  std::string text = fmt::format("\n{}", table.head());
  const auto line = [&](const std::string& name, const Value& spread) {
    text += table.row({"  " + name, grouped(spread["total"].count()), grouped(spread["min"].count()),
                       grouped(spread["mean"].number()), grouped(spread["max"].count())});
  };
  for (const Member& op : totals["tiles"].members()) {
    if (op.value["total"].count() > 0) line(op.name, op.value);
  }
  const Value& dst = totals["dst"];
  line("DST sections", dst["sections"]);
  const double l1 = totals["l1_used_bytes"].number();
  return text + fmt::format("  DST peak {} of {} slots; L1 used {} of {} bytes ({}); ambiguous waits {}\n",
                            dst["peak_slots"].count(), dst["capacity"].count(), grouped(l1),
                            grouped(totals["l1_bytes"].count()), percent(l1, totals["l1_bytes"].number()),
                            totals["ambiguous_waits"].count());
}

std::string buffers_text(const Value& buffers) {
  const Table table({{"Device counts: CBs", -26}, {"pages", 10}, {"page bytes", 16}, {"high water", 14}, {"format", 14}});
  std::string text = fmt::format("\n{}", table.head("   (high water depends on host scheduling)"));
  for (const Value& cb : buffers.list()) {
    text += table.row({fmt::format("  {:>2} {}", cb["id"].count(), cb["role"].text()), std::to_string(cb[".pages"].count()),
                       std::to_string(cb[".page_bytes"].count()), std::to_string(cb["high_water_pages"].count()),
                       cb["format"].text()});
  }
  return text;
}

std::string noc_text(const Value& totals) {
  const Table table({{"Device counts: NoC", -22},
                     {"transactions", 14},
                     {"bytes", 16},
                     {"hops", 14},
                     {"mean hops", 11},
                     {"least B a core", 16},
                     {"most B a core", 16}});
  std::string text = fmt::format("\n{}", table.head());
  for (const Value& one : totals["noc"].list()) {
    text += table.row({fmt::format("  NoC {} {}", one["noc"].count(), one["kind"].text()),
                       grouped(one["transactions"].count()), grouped(one["bytes"].count()), grouped(one["hops"].count()),
                       fmt::format("{:.2f}", one["hops"].number() / one["transactions"].number()),
                       grouped(one[".least"].count()), grouped(one[".most"].count())});
  }
  return text + fmt::format("  DRAM read {}, written {}\n", bytes_text(totals["dram"]["read_bytes"].number()),
                            bytes_text(totals["dram"]["written_bytes"].number()));
}

std::string ranks_text(const Value& host) {
  const auto seconds = [&](const char* name, const char* key) {
    return fmt::format("{} {:.3f} (most {:.3f})", name, host[key]["sum"].number(), host[key]["max"].number());
  };
  return fmt::format(
      "\nHost cost: launch {:.3f} s, start to end {:.3f} s\n"
      "  seconds, all ranks and the rank with most: {}, {}, {}\n"
      "  MPI messages {}, {}; copied within hosts {}; longest gap between polls {:.1f} ms; resident {} a rank at most\n",
      host["launch_seconds"].number(), host["total_seconds"].number(), seconds("kernels", "kernel_seconds"),
      seconds("serving", "serving_seconds"), seconds("waiting", "waiting_seconds"), grouped(host["mpi_messages"].count()),
      bytes_text(host["mpi_bytes"].number()), bytes_text(host["shared_bytes"].number()),
      host["longest_gap_us"].number() / 1000, bytes_text(host["resident_bytes"].number()));
}

std::string blocked_text(const Value& blocked) {
  std::vector<Table::Column> columns{{"Host cost: seconds blocked", -26}};
  for (const BlockReason one : each<BlockReason>) {
    const char* reason = name_of(one);
    bool seen = false;
    for (const Member& risc : blocked.members()) seen = seen || !risc.value[reason].is_null();
    if (seen) columns.push_back({reason, 15});
  }
  const Table table(columns);
  if (columns.size() == 1) return fmt::format("\n{}", table.head(" none"));
  std::string text = fmt::format("\n{}", table.head("   (sum over cores; times)"));
  for (const Member& risc : blocked.members()) {
    std::vector<std::string> cells{"  " + risc.name};
    for (std::size_t i = 1; i < columns.size(); ++i) {
      const Value& one = risc.value[columns[i].title];
      cells.push_back(one.is_null() ? "-" : fmt::format("{:.3f} ({})", one["seconds"].number(), one["count"].count()));
    }
    text += table.row(cells);
  }
  return text;
}

std::string header_text(const Document& document, bool details) {
  std::string text = fmt::format("tilegrid {} {}\n", program_version(), document.title);
  for (const Fact& fact : document.facts) {
    if (details || !fact.detail) text += fmt::format("  {:<10} {}\n", fact.name, fact.text);
  }
  return text + document.plan;
}

}  // namespace

std::string first_screen_of(const Document& document) {
  const Value& figures = document.figures;
  const Value& device = figures["device"];
  std::string text = header_text(document, false);
  text += document.verdict.empty() ? document.verification
                                   : fmt::format("\nVerified against double precision: PASS; {}\n", document.verdict);
  if (const std::uint64_t waits = figures["totals"]["ambiguous_waits"].count(); waits > 0) {
    text += fmt::format("Ambiguous waits {}: what cores compute may depend on who came first\n", waits);
  }
  if (!device.is_null()) text += short_device_time_text(device);
  text += numbers_text(figures["totals"]["numbers"]) + document.details + document.appendix;
  return text + figures[".view"].text() + document.more;
}

std::string text_of(const Document& document) {
  const Value& figures = document.figures;
  const Value& device = figures["device"];
  std::string text = header_text(document, true) + document.verification + document.details;
  text += work_text(figures["totals"]) + buffers_text(figures["totals"]["cbs"]) + noc_text(figures["totals"]);
  text += numbers_text(figures["totals"]["numbers"]);
  if (!device.is_null()) text += device_time_text(device);
  text += ranks_text(figures["host"]) + blocked_text(figures["host"]["blocked"]);
  if (!device.is_null()) text += replay_cost_text(device);
  return text + figures[".view"].text() + document.appendix;
}

}  // namespace tilegrid::report
