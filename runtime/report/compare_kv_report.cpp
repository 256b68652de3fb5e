// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/workloads/compare_kv.h"

namespace tilegrid::cli {
namespace {

using attention::Balance;
using Json = nlohmann::ordered_json;

const char* text_of(Balance balance) { return balance == Balance::zigzag ? "zigzag" : "contiguous"; }

std::string percent(double share) { return fmt::format("{:.1f}%", 100 * share); }

std::string name_of(const KvRow& row, bool causal) {
  return fmt::format("{}{}", attention::name_of(row.delivery), causal ? fmt::format(" {}", text_of(row.balance)) : "");
}

std::string head_text() {
  return fmt::format("  {:<26}{:>12}{:>7} {:<11}{:>11}{:>11}{:>7}{:>15}{:>13}{:>9}{:>11}{:>11}\n", "", "device time", "peak",
                     "bound by", "K/V DRAM", "bytes*hops", "link", "K/V stall mean", "worst", "host s", "messages", "bytes");
}

std::string row_text(const KvRow& row, bool causal) {
  if (!row.refusal.empty()) return fmt::format("  {:<26}does not run: {}\n", name_of(row, causal), row.refusal);
  return fmt::format("  {:<26}{:>12}{:>7} {:<11}{:>11}{:>11}{:>7}{:>15}{:>13}{:>9.3f}{:>11}{:>11}\n", name_of(row, causal),
                     duration_text(row.seconds), percent(row.peak_share), row.bound,
                     bytes_text(static_cast<double>(row.dram_bytes)), bytes_text(row.noc_byte_hops),
                     percent(row.max_link_share),
                     fmt::format("{} {}", grouped(row.stall_mean), percent(row.stall_mean / row.cycles)),
                     percent(row.stall_worst / row.cycles), row.host_seconds, grouped(row.messages),
                     bytes_text(static_cast<double>(row.host_bytes)));
}

std::string shape_text(const KvComparison& comparison) {
  const attention::Config& config = comparison.config;
  const attention::Shape& shape = config.shape;
  return fmt::format("batch {}, heads {}, kv heads {}, seq {}, kv seq {}, dim {}{}; Q {} and K {} rows a chunk; {} cores",
                     shape.batch, shape.heads, shape.kv_heads, shape.seq_q, shape.seq_kv, shape.dim,
                     shape.causal ? ", causal" : "", config.q_chunk, config.k_chunk, cli::text_of(config.grid));
}

/// What the figures of a row do not say.
std::string notes_text(const KvComparison& comparison, bool causal) {
  std::string text = "\n";
  for (const KvRow& row : comparison.rows) {
    if (!row.refusal.empty()) continue;
    text += fmt::format("  {:<26}{}; L1 {} bytes", name_of(row, causal), row.team, grouped(row.l1_bytes));
    if (!row.fallback.empty()) text += fmt::format("; fallback to {}: {}", attention::name_of(row.used), row.fallback);
    text += '\n';
  }
  return text;
}

std::string outputs_text(const KvComparison& comparison) {
  if (comparison.options.dry_run) return "\n  Dry runs: no numbers, and host cost without data\n";
  const auto verified =
      std::find_if(comparison.rows.begin(), comparison.rows.end(), [](const KvRow& row) { return row.verified; });
  const char* verdict = "not verified";
  if (verified != comparison.rows.end()) verdict = *verified->verified ? "verified" : "wrong";
  return fmt::format("\n  Outputs {}\n", comparison.passed() ? fmt::format("are the same bits, and {}", verdict)
                                                             : fmt::format("differ, or are wrong: {}", verdict));
}

Json row_json(const KvRow& row, std::size_t shape) {
  Json json{{"shape", shape}, {"delivery", attention::name_of(row.delivery)}, {"balance", text_of(row.balance)}};
  if (!row.refusal.empty()) {
    json["refusal"] = row.refusal;
    return json;
  }
  json["refusal"] = nullptr;
  json["used"] = attention::name_of(row.used);
  json["fallback"] = row.fallback.empty() ? Json() : Json(row.fallback);
  json["team"] = row.team;
  json["cores"] = row.cores;
  json["device"] = {{"cycles", row.cycles},
                    {"seconds", row.seconds},
                    {"tflops", row.tflops},
                    {"peak_share", row.peak_share},
                    {"bound", row.bound}};
  json["dram_bytes"] = row.dram_bytes;
  json["dram_total_bytes"] = row.dram_total_bytes;
  json["noc_byte_hops"] = row.noc_byte_hops;
  json["max_link_share"] = row.max_link_share;
  json["kv_stall"] = {{"mean", row.stall_mean},
                      {"worst", row.stall_worst},
                      {"mean_share", row.stall_mean / row.cycles},
                      {"worst_share", row.stall_worst / row.cycles}};
  json["l1_bytes"] = row.l1_bytes;
  json["host"] = {{"seconds", row.host_seconds}, {"mpi_messages", row.messages}, {"mpi_bytes", row.host_bytes}};
  json["verified"] = row.verified ? Json(*row.verified) : Json();
  json["output_hash"] = row.output_hash ? Json(fmt::format("{:016x}", *row.output_hash)) : Json();
  return json;
}

Json shape_json(const KvComparison& comparison) {
  const attention::Config& config = comparison.config;
  const attention::Shape& shape = config.shape;
  Json flags = Json::object();
  for (const SweepPoint::Flag& flag : comparison.flags.varied) flags[flag.name] = flag.value;
  Json winner;
  if (const KvRow* best = comparison.best()) {
    winner = {
        {"delivery", attention::name_of(best->delivery)}, {"balance", text_of(best->balance)}, {"cycles", best->cycles}};
  }
  return {{"flags", flags},
          {"grid", cli::text_of(config.grid)},
          {"batch", shape.batch},
          {"heads", shape.heads},
          {"kv_heads", shape.kv_heads},
          {"seq", shape.seq_q},
          {"kv_seq", shape.seq_kv},
          {"dim", shape.dim},
          {"causal", shape.causal},
          {"q_chunk", config.q_chunk},
          {"k_chunk", config.k_chunk},
          {"winner", winner},
          {"refusal", comparison.refusal.empty() ? Json() : Json(comparison.refusal)}};
}

std::string winner_line(const KvComparison& comparison) {
  std::string text = " ";
  for (const SweepPoint::Flag& flag : comparison.flags.varied) {
    text += fmt::format(" {:>{}}", flag.value, std::max<std::size_t>(flag.name.size(), 8));
  }
  const KvRow* best = comparison.best();
  if (best == nullptr) return text + "  does not run: " + comparison.refusal + "\n";
  for (const attention::KvDelivery delivery :
       {attention::KvDelivery::dram, attention::KvDelivery::chain, attention::KvDelivery::multicast_row,
        attention::KvDelivery::multicast_grid}) {
    const KvRow* least = nullptr;
    for (const KvRow& row : comparison.rows) {
      const bool better = least == nullptr || row.cycles < least->cycles;
      if (row.delivery == delivery && row.used == delivery && row.refusal.empty() && better) least = &row;
    }
    text += fmt::format("{:>16}", least == nullptr ? "-" : duration_text(least->seconds));
  }
  return text + fmt::format("   {:<26}{:>6} {:>5}{:>6}\n", name_of(*best, comparison.config.shape.causal),
                            fmt::format("{:.2f}x", comparison.rows.front().cycles / best->cycles), comparison.config.q_chunk,
                            comparison.config.k_chunk);
}

/// Neighbours in the sweep that differ in the last flag only.
bool neighbours(const KvComparison& a, const KvComparison& b) {
  const auto& x = a.flags.varied;
  const auto& y = b.flags.varied;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    if (x[i].value != y[i].value) return false;
  }
  return !x.empty();
}

std::string change_text(const KvComparison& before, const KvComparison& after) {
  const KvRow* a = before.best();
  const KvRow* b = after.best();
  if (a == nullptr || b == nullptr || a->delivery == b->delivery || !neighbours(before, after)) return {};
  std::vector<std::string> where;
  for (std::size_t i = 0; i + 1 < before.flags.varied.size(); ++i) {
    where.push_back(fmt::format("{} {}", before.flags.varied[i].name, before.flags.varied[i].value));
  }
  const SweepPoint::Flag& from = before.flags.varied.back();
  return fmt::format("  from {} to {} between {} {} and {}{}{}\n", attention::name_of(a->delivery),
                     attention::name_of(b->delivery), from.name, from.value, after.flags.varied.back().value,
                     where.empty() ? "" : ", at ", fmt::join(where, " "));
}

}  // namespace

std::string comparison_text(const KvComparison& comparison) {
  if (!comparison.refusal.empty()) return fmt::format("does not run: {}\n", comparison.refusal);
  const bool causal = comparison.config.shape.causal;
  std::string text = fmt::format("K/V deliveries: {}\n", shape_text(comparison)) + head_text();
  for (const KvRow& row : comparison.rows) text += row_text(row, causal);
  text += notes_text(comparison, causal) + outputs_text(comparison);
  if (const KvRow* best = comparison.best()) {
    text += fmt::format("  Least device time: {}, {:.2f} times as fast as {}\n", name_of(*best, causal),
                        comparison.rows.front().cycles / best->cycles, name_of(comparison.rows.front(), causal));
  }
  return text;
}

std::string winners_text(const std::vector<KvComparison>& comparisons) {
  const std::vector<std::string>& fixed = comparisons.front().flags.fixed;
  std::string text = fmt::format("K/V deliveries{}{}: {} shapes, dry runs; least device time of each\n ",
                                 fixed.empty() ? "" : " ", fmt::join(fixed, " "), comparisons.size());
  for (const SweepPoint::Flag& flag : comparisons.front().flags.varied) {
    text += fmt::format(" {:>{}}", flag.name, std::max<std::size_t>(flag.name.size(), 8));
  }
  text += fmt::format("{:>16}{:>16}{:>16}{:>16}   {:<26}{:>6} {:>5}{:>6}\n", "dram", "chain", "multicast-row",
                      "multicast-grid", "best", "gain", "Q", "K");
  for (const KvComparison& comparison : comparisons) text += winner_line(comparison);
  std::string changes;
  for (std::size_t i = 1; i < comparisons.size(); ++i) changes += change_text(comparisons[i - 1], comparisons[i]);
  return text + (changes.empty() ? "The best delivery is the same along the last flag\n" : "The best delivery changes\n") +
         changes;
}

Json comparison_json(const std::vector<KvComparison>& comparisons) {
  Json shapes = Json::array();
  Json rows = Json::array();
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    shapes.push_back(shape_json(comparisons[i]));
    for (const KvRow& row : comparisons[i].rows) rows.push_back(row_json(row, i));
  }
  return {{"version", TILEGRID_VERSION},
          {"command", "compare-kv"},
          {"dry_run", comparisons.front().options.dry_run},
          {"shapes", shapes},
          {"rows", rows}};
}

}  // namespace tilegrid::cli
