// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/input_file.h"
#include "core/say.h"
#include "runtime/cli/commands.h"
#include "runtime/hosts/cluster_model.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

using report::Value;

constexpr std::size_t most_report_bytes = std::size_t{1} << 30U;

struct EstimateCommand {
  Flags flags;
  std::string file, log_file, json;
  std::vector<int> hosts;
  hosts::Cluster cluster{};
  double message_us = 0;

  EstimateCommand() {
    flags.add("REPORT", "", "JSON of a measured run, by --json; best of one rank on a quiet machine", file)
        .reads()
        .required = true;
    flags.add("--log", "FILE", "Event log of that run, by --log [the one that the report names]", log_file).reads();
    flags.add("--hosts", "N,...", "Numbers of hosts [doubled as far as there are cores]", [this](const Given& given) {
      hosts.clear();
      for (const std::string& word : split(given.text)) hosts.push_back(parse_int(given.flag, word, 1, 1'000'000));
    });
    flags
        .add("--link", "GB/s,us",
             "A host's link each way, and what a small message takes one way:\n`tilegrid info --hosts` measures both",
             [this](const Given& given) { set_link(given); })
        .required = true;
    flags.add("--ranks-per-host", "N", "[as many as CPUs]",
              [this](const Given& given) { cluster.ranks_per_host = parse_int(given.flag, given.text, 1, 100'000); });
    flags.add("--cpus", "N", "CPUs of a host for it, e.g. 0.5 where four share two [2]",
              [this](const Given& given) { cluster.cpus_per_host = positive(given.flag, given.text); });
    cluster.cpus_per_host = 2;
    flags.add("--message-us", "US", "CPU time of a message, both sides [that of the run, 20 where it had none]",
              [this](const Given& given) { message_us = positive(given.flag, given.text); });
    flags.add("--json", "FILE", "Write JSON; - for standard output alone [none]", json).writes();
  }

  static double positive(const std::string& flag, const std::string& text) {
    const double value = parse_number(flag, text);
    if (value <= 0) throw UsageError(fmt::format("{}: more than 0 is needed, not '{}'", flag, text));
    return value;
  }

  void set_link(const Given& given) {
    const std::vector<std::string> words = split(given.text);
    if (words.size() != 2) throw UsageError(fmt::format("{}: GB/s,us as in 1.25,30, not '{}'", given.flag, given.text));
    cluster.link_bytes_per_second = positive(given.flag, words[0]) * 1e9;
    cluster.link_seconds = positive(given.flag, words[1]) * 1e-6;
  }

  int run(Session& session, const std::vector<std::string>&) {
    return session.run_alone([&] { return tell(); });
  }

  [[nodiscard]] Value read_report() const {
    Value report;
    try {
      report = report::from_json(read_input(file, most_report_bytes));
    } catch (const UsageError& error) {
      throw UsageError(error.message().starts_with(file) ? error.message()
                                                         : file + ": no JSON, as --json of a run writes it");
    }
    if (report["schema_version"].count() != static_cast<std::uint64_t>(report::schema_version)) {
      throw UsageError(fmt::format("{}: no report of this version of tilegrid", file));
    }
    if (report["host"]["launch_seconds"].is_null() || report["cores"].list().empty()) {
      throw UsageError(
          fmt::format("{}: no report of a measured run; e.g. tilegrid attention --json {} --log run.log", file, file));
    }
    if (report["config"]["dry_run"].truth()) throw UsageError(file + ": a dry run measures nothing");
    return report;
  }

  [[nodiscard]] std::vector<int> asked(int cores) const {
    if (!hosts.empty()) return hosts;
    std::vector<int> doubled;
    for (int count = 1; count * cluster.ranks_per_host < 2 * cores; count *= 2) doubled.push_back(count);
    return doubled;
  }

  int tell() {
    if (!flags.given("--ranks-per-host")) cluster.ranks_per_host = std::max(1, static_cast<int>(cluster.cpus_per_host));
    flags.check_paths();
    const Value report = read_report();
    std::string log_path = log_file.empty() ? report["config"]["log"].text() : log_file;
    if (log_path.empty()) throw UsageError(file + ": its run has left no log; --log FILE names it");
    const RunLog log = load_log(log_path);
    if (const std::string time = time_for_events(log_path, event_count(log), "count"); !time.empty()) say_error(time);
    if (count_of(report["cores"].list()) != log.grid.cores()) {
      throw UsageError(
          fmt::format("{}: a run of {} cores, {} has {}", log_path, log.grid.cores(), file, report["cores"].list().size()));
    }
    hosts::Measured measured = hosts::measured_by(report, message_us * 1e-6);
    measured.gathered_bytes = static_cast<double>(std::filesystem::file_size(log_path));
    const hosts::Traffic traffic = hosts::traffic_of(log);
    std::vector<hosts::Estimate> estimates;
    for (const int count : asked(log.grid.cores())) {
      cluster.hosts = count;
      estimates.push_back(hosts::estimate(traffic, measured, cluster));
    }
    report::print_report(
        json, [&] { return text(log, estimates); }, [&] { return figures(estimates, measured); });
    return 0;
  }

  [[nodiscard]] std::string text(const RunLog& log, const std::vector<hosts::Estimate>& estimates) const {
    std::string text =
        fmt::format("{}; {} ranks a host of {:g} CPUs; links {:g} GB/s, {:g} us\n", log.program, cluster.ranks_per_host,
                    cluster.cpus_per_host, cluster.link_bytes_per_second * 1e-9, cluster.link_seconds * 1e6);
    const report::Table table({{"hosts", 6},
                               {"ranks", 6},
                               {"messages", 11},
                               {"MiB", 9},
                               {"CPUs, s", 10},
                               {"links, s", 10},
                               {"latency, s", 11},
                               {"rank 0, s", 10},
                               {"launch, s", 10},
                               {"run, s", 9},
                               {"speed-up", 9},
                               {"host s", 9},
                               {"  bound by", 0}});
    text += table.head();
    for (const hosts::Estimate& one : estimates) {
      const auto seconds = [](double value) { return fmt::format("{:.3f}", value); };
      text += table.row({std::to_string(one.hosts), std::to_string(one.ranks), report::grouped(one.messages),
                         fmt::format("{:.1f}", static_cast<double>(one.bytes) / (1 << 20)), seconds(one.cpu),
                         seconds(one.wire), seconds(one.latency), seconds(one.gather), seconds(one.launch),
                         seconds(one.total), fmt::format("{:.2f}", estimates.front().launch / one.launch),
                         seconds(one.total * one.hosts), std::string("  ") + name_of_bound(one)});
    }
    const int limit = hosts::limit_of(estimates);
    if (limit == 0) return text;
    return text + fmt::format("More than {} host{}: no gain of a tenth for twice as many.\n", limit, limit == 1 ? "" : "s");
  }

  [[nodiscard]] Value figures(const std::vector<hosts::Estimate>& estimates, const hosts::Measured& measured) const {
    report::Array list;
    for (const hosts::Estimate& one : estimates) {
      list.push_back({{"hosts", one.hosts},
                      {"ranks", one.ranks},
                      {"messages", one.messages},
                      {"bytes", one.bytes},
                      {"cpu_seconds", one.cpu},
                      {"link_seconds", one.wire},
                      {"latency_seconds", one.latency},
                      {"rank_0_seconds", one.gather},
                      {"start_seconds", one.start},
                      {"launch_seconds", one.launch},
                      {"total_seconds", one.total},
                      {"bound_by", name_of_bound(one)}});
    }
    const int limit = hosts::limit_of(estimates);
    return {{"report", file},
            {"ranks_per_host", cluster.ranks_per_host},
            {"cpus_per_host", cluster.cpus_per_host},
            {"link_bytes_per_second", cluster.link_bytes_per_second},
            {"link_seconds", cluster.link_seconds},
            {"message_seconds", measured.message_seconds},
            {"estimates", list},
            {"scales_to_hosts", limit > 0 ? Value(limit) : Value()}};
  }
};

}  // namespace

Command estimate_command() {
  return command<EstimateCommand>(
      "estimate", "What a measured run would take on a cluster, and where it stops scaling",
      "Example: tilegrid attention --seq 2560 --json run.json --log run.log && tilegrid estimate "
      "run.json --link 1.25,30\n");
}

}  // namespace tilegrid::cli
