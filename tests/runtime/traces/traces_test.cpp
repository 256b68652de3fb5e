// SPDX-License-Identifier: Apache-2.0
// Files for other tools, each against what its reader asks of it (interop.md C1 to C4).
#include "runtime/traces/traces.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/error.h"
#include "runtime/page/timeline.h"
#include "runtime/report/device_report.h"
#include "runtime/timing/zone_times.h"
#include "tests/runtime/timing/support.h"

namespace tilegrid::traces {
namespace {

using namespace timing;
using Json = nlohmann::json;

/// Two cores: the first reads from DRAM, computes in a named zone and tells the second, and then all, by multicast.
RunLog some_run() {
  HandLog log({4, 3});
  log.buffer(0, 2).buffer(16, 2);
  log.launch().phases = {"copy \"it\""};
  log.launch().scopes = {{7, "inner, zone", "kernel.cpp", 12}};
  const PhysicalCore bank = Chip().places().dram_endpoint(3);
  const Event zone = events::Zone{.phase = 1};
  const Event begins = events::Scope{.mark = ScopeMark::begin, .name = 7};
  const Event ends = events::Scope{.mark = ScopeMark::end, .name = 7};
  std::vector<Event> reader, compute, writer;
  for (int tile = 0; tile < 6; ++tile) {
    for (const Event& event : {reserve(0, 1), read(bank, 2048), wait_reads, push(0, 1)}) reader.push_back(event);
    for (const Event& event : {zone, begins, wait(0, 1), acquire, copy_from(0, 1), commit, pop(0, 1), reserve(16, 1),
                               wait_dst, pack_to(16, 1), release, push(16, 1), ends}) {
      compute.push_back(event);
    }
    for (const Event& event : {wait(16, 1), write(worker(1, 2), 2048), wait_writes, pop(16, 1)}) writer.push_back(event);
  }
  writer.push_back(events::NocMulticast{.noc = NocId::noc1, .bytes = 64, .first = worker(0, 0), .last = worker(3, 2)});
  writer.push_back(wait_writes);
  log.kernel(0, Risc::ncrisc, reader).kernel(0, Risc::trisc, compute).kernel(0, Risc::brisc, writer);
  log.kernel(5, Risc::brisc, {events::SemaphoreInc{.delta = 1, .peer = worker(0, 0), .offset = 64}});
  return log.run;
}

struct Written {
  std::string trace, noc_trace, npeviz, profiler_csv;
  double cycles = 0;
};

std::string take(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::remove(path.c_str());
  return text.str();
}

Written write(const RunLog& log, const std::vector<std::string>& cores = {}) {
  const std::string base = testing::TempDir() + "traces_" + std::to_string(::getpid());
  Options options{base + ".json", base + ".noc", base + ".npeviz", base + ".csv", cores};
  Traces traces(options, log);
  Written written;
  written.cycles = timing::replay(log, Chip(), traces.observer()).cycles;
  traces.finish([](const std::function<void()>& one) { one(); });
  written.trace = take(options.trace);
  written.noc_trace = take(options.noc_trace);
  written.npeviz = take(options.npeviz);
  written.profiler_csv = take(options.profiler_csv);
  return written;
}

TEST(Traces, ChangeNoCycle) { EXPECT_EQ(write(some_run()).cycles, timing::replay(some_run(), Chip()).cycles); }

TEST(ChromeTrace, SpansNestAndArrowsBeginAndEndInSpans) {
  const Json events = Json::parse(write(some_run()).trace)["traceEvents"];
  std::map<std::pair<int, int>, std::vector<std::pair<double, double>>> spans;
  std::map<int, int> arrows;
  std::set<std::string> names, counters;
  for (const Json& event : events) {
    const std::string kind = event["ph"];
    if (kind == "X") {
      const double begin = event["ts"];
      auto& open = spans[{event["pid"], event["tid"]}];
      const double end = begin + event["dur"].get<double>();
      // Within what began before, or behind it: in the file's order, as readers take it.
      for (const auto& [from, to] : open) {
        const bool apart = begin >= to - 1e-6 || end <= from + 1e-6;
        EXPECT_TRUE(apart || (begin >= from - 1e-6 && end <= to + 1e-6)) << event;
      }
      open.emplace_back(begin, end);
      names.insert(event["name"]);
    } else if (kind == "s" || kind == "f") {
      arrows[event["id"]] += kind == "s" ? 1 : 100;
    } else if (kind == "C") {
      counters.insert(event["name"]);
    }
  }
  for (const char* name : {"copy \"it\"", "copy", "pack", "read", "write", "multicast", "semaphore"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_EQ(arrows.size(), 6U + 6U + 1U + 11U);
  for (const auto& [id, ends] : arrows) EXPECT_EQ(ends, 101) << id;
  EXPECT_TRUE(counters.contains("CB 0") && counters.contains("CB 16"));
}

TEST(ChromeTrace, ShowsChosenCoresOnly) {
  const Json events = Json::parse(write(some_run(), {"0,0", "2,0-3,1"}).trace)["traceEvents"];
  std::set<std::string> cores;
  for (const Json& event : events) {
    if (event["name"] == "process_name" && event["args"]["name"].get<std::string>().starts_with("core")) {
      cores.insert(event["args"]["name"].get<std::string>().substr(5, 3));
    }
  }
  EXPECT_EQ(cores, (std::set<std::string>{"0,0", "2,0", "3,0", "2,1", "3,1"}));
}

TEST(NocTrace, IsWhatTtNpeReads) {
  const Json events = Json::parse(write(some_run()).noc_trace);
  std::map<std::array<int, 3>, std::pair<int, double>> open;
  std::map<std::string, int> types;
  std::array<int, 3> last{-1, -1, -1};
  for (const Json& event : events) {
    const std::array place{event["sx"].get<int>(), event["sy"].get<int>(), event["proc"] == "BRISC" ? 0 : 1};
    EXPECT_GE(place, last);
    last = place;
    auto& [depth, time] = open[place];
    EXPECT_GE(event["timestamp"].get<double>(), time);
    time = event["timestamp"];
    if (event.contains("zone")) {
      EXPECT_EQ(event["zone"], event["proc"].get<std::string>() + "-KERNEL");
      depth += event["zone_phase"] == "ZONE_START" ? 1 : -1;
    } else {
      EXPECT_EQ(depth, 1) << event;  // tt-npe fails without a zone around
      ++types[event["type"]];
    }
  }
  for (const auto& [place, state] : open) EXPECT_EQ(state.first, 0);
  EXPECT_EQ(types["READ"], 6);
  EXPECT_EQ(types["READ_BARRIER_START"], 6);
  EXPECT_EQ(types["READ_BARRIER_END"], 6);
  EXPECT_EQ(types["WRITE_"], 6);
  EXPECT_EQ(types["WRITE_MULTICAST"], 1);
  EXPECT_EQ(types["SEMAPHORE_INC"], 1);
  const PhysicalCore bank = Chip().places().dram_endpoint(3);
  for (const Json& event : events) {
    if (event.value("type", "") == "READ") {
      EXPECT_EQ(event["sx"], worker(0, 0).x);
      EXPECT_EQ(event["dx"], bank.x);
      EXPECT_EQ(event["dy"], bank.y);
      EXPECT_EQ(event["num_bytes"], 2048);
    }
    if (event.value("type", "") == "WRITE_MULTICAST") {
      EXPECT_EQ(event["mcast_start_x"], worker(3, 2).x);  // NoC 1 wants the corners the other way
      EXPECT_EQ(event["mcast_end_y"], worker(0, 0).y);
    }
  }
}

TEST(Npeviz, HasWhatTtnnVisualizerAsksFor) {
  const Json file = Json::parse(write(some_run()).npeviz);
  EXPECT_EQ(file["common_info"]["version"], "1.0.0");
  EXPECT_EQ(file["common_info"]["num_rows"], 12);
  EXPECT_EQ(file["common_info"]["num_cols"], 10);
  ASSERT_EQ(file["noc_transfers"].size(), 14U);
  ASSERT_FALSE(file["timestep_data"].empty());
  const PhysicalCore bank = Chip().places().dram_endpoint(3);
  std::set<int> active;
  EXPECT_GT(file["common_info"]["mcast_write_link_util"], 0);
  EXPECT_LE(file["common_info"]["mcast_write_link_util"], file["common_info"]["link_util"]);
  for (const Json& step : file["timestep_data"]) {
    EXPECT_LT(step["start_cycle"].get<double>(), step["end_cycle"].get<double>());
    for (const Json& id : step["active_transfers"]) active.insert(id.get<int>());
    for (const Json& link : step["link_demand"]) EXPECT_EQ(link.size(), 5U);
  }
  EXPECT_EQ(active.size(), 14U);
  for (const Json& transfer : file["noc_transfers"]) {
    EXPECT_LT(transfer["start_cycle"].get<double>(), transfer["end_cycle"].get<double>());
    if (transfer["noc_event_type"] == "READ") {
      EXPECT_EQ(transfer["src"], Json::array({0, bank.y, bank.x}));
    }
    if (transfer["noc_event_type"] == "WRITE_MULTICAST") {
      EXPECT_EQ(transfer["dst"].size(), 11U);
    }
    for (const Json& route : transfer["route"]) {
      EXPECT_EQ(route["links"].back()[0], 0);
      EXPECT_EQ(route["injection_rate"], Chip()["noc_flit_bytes"]);
    }
  }
  EXPECT_EQ(file["zones"].size(), 3U);
  EXPECT_EQ(file["zones"][0]["core"], Json::array({0, worker(0, 0).y, worker(0, 0).x}));
}

TEST(ProfilerCsv, HasTheProfilersColumnsAndZones) {
  std::istringstream lines(write(some_run()).profiler_csv);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "ARCH: wormhole_b0, CHIP_FREQ[MHz]: 1000, Max Compute Cores: 80");
  std::getline(lines, line);
  EXPECT_EQ(std::count(line.begin(), line.end(), ','), 14);
  std::map<std::string, int> open;
  std::map<std::string, double> times;
  int named = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 14) << line;
    std::istringstream fields(line);
    std::vector<std::string> row;
    for (std::string field; std::getline(fields, field, ',');) row.push_back(field);
    const std::string lane = row[1] + "-" + row[2] + " " + row[3];
    EXPECT_GE(std::stod(row[5]), times[lane]);
    times[lane] = std::stod(row[5]);
    open[lane + row[10]] += row[11] == "ZONE_START" ? 1 : -1;
    // FNV-1a of "inner, zone,kernel.cpp,12,KERNEL_PROFILER", folded.
    if (row[10] == "inner  zone") {
      EXPECT_EQ(row[4], "30507");
    }
    named += row[10] == "inner  zone" && row[12] == "12" && row[13] == "kernel.cpp" ? 1 : 0;
  }
  for (const auto& [zone, depth] : open) EXPECT_EQ(depth, 0) << zone;
  EXPECT_EQ(named, 3 * 2 * 6);
  EXPECT_EQ(times.size(), 6U);
}

TEST(ZoneTimes, AddUpWhatKernelsName) {
  timing::ZoneTimes zones;
  page::Timeline timeline;
  Observers both;
  both.add(zones);
  both.add(timeline);
  static_cast<void>(timing::replay(some_run(), Chip(), &both));
  const std::vector<timing::ZoneTime> sums = zones.sums();
  ASSERT_EQ(sums.size(), 3U);  // each TRISC passes it
  double math = 0;
  for (const timing::ZoneTime& zone : sums) {
    EXPECT_EQ(zone.name, "inner, zone");
    EXPECT_EQ(zone.file, "kernel.cpp");
    EXPECT_EQ(zone.times, 6U);
    EXPECT_LE(zone.least, zone.cycles / 6);
    EXPECT_LE(zone.cycles / 6, zone.most);
    if (zone.lane == timing::Lane::math) math = zone.cycles;
  }
  EXPECT_GT(math, 0);
  const report::Value device =
      device_figures(report::replay_run(some_run(), report::choose_architecture("wormhole_b0", {})));
  ASSERT_EQ(device["zones"].list().size(), 3U);
  EXPECT_EQ(device["zones"].list().front()["cycles"]["sum"].number(), sums.front().cycles);
  EXPECT_NE(device_time_text(device).find("inner, zone"), std::string::npos);
  // The page's timeline has them as rows of the core that names them.
  const report::Value page = timeline.figures();
  EXPECT_EQ(page["cores"].list().front()["zones"].list().size(), 3U);
  EXPECT_TRUE(page["cores"].list().back()["zones"].list().empty());
  int kinds = 0;
  for (const report::Value& kind : page["kinds"].list()) kinds += kind["zone"].is_null() ? 0 : 1;
  EXPECT_EQ(kinds, 1);
}

TEST(Traces, RefuseWhatCanNotBe) {
  const auto refusal = [](const Options& options) {
    try {
      check(options, {4, 3});
    } catch (const UsageError& error) {
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.cores = {"9,0"}}), "--trace-cores 9,0: core (9,0) is not in the 4x3 grid");
  EXPECT_EQ(refusal({.cores = {"0,0-1"}}),
            "--trace-cores 0,0-1: a core X,Y or cores X,Y-X,Y from the upper left to the lower right");
  EXPECT_EQ(refusal({.trace = "-"}), "--trace -: it goes to a file only");
}

TEST(Traces, AFileThatCanNotBeWrittenSpoilsNoOther) {
  const RunLog log = some_run();
  const std::string good = testing::TempDir() + "traces_good_" + std::to_string(::getpid());
  const Options options{"/nowhere/at/all.json", "", "", good, {}};
  Traces traces(options, log);
  (void)timing::replay(log, Chip(), traces.observer());
  std::vector<std::string> failures;
  traces.finish([&](const std::function<void()>& one) {
    try {
      one();
    } catch (const UsageError& error) {
      failures.push_back(error.message());
    }
  });
  EXPECT_EQ(failures, (std::vector<std::string>{"/nowhere/at/all.json: cannot be written: No such file or directory"}));
  EXPECT_FALSE(take(good).empty());
}

}  // namespace
}  // namespace tilegrid::traces
