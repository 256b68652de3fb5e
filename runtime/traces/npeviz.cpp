// SPDX-License-Identifier: Apache-2.0
#include "runtime/traces/npeviz.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "noc/grid.h"
#include "runtime/traces/json.h"

namespace tilegrid::traces {
namespace {

using timing::Lane;

constexpr std::array directions{"EAST", "SOUTH", "NORTH", "WEST"};

int number_of(int noc, int node, int direction) { return (node * 4 + direction) * noc_count + noc; }

}  // namespace

Npeviz::Npeviz(std::string path, const RunLog& log) : file_(std::move(path)), grid_(log.grid) {
  file_.write("{\"noc_transfers\":[");
}

void Npeviz::started(const timing::Start& launch) {
  places_ = launch.chip.places();
  chip_ = launch.chip.name();
  offset_ = launch.cycles;
  flit_bytes_ = launch.chip["noc_flit_bytes"];
  busy_.clear();
  last_sample_ = 0;
  next_sample_ = interval_;
}

std::string Npeviz::place(PhysicalCore node) const { return fmt::format("[0,{},{}]", node.y, node.x); }

std::string Npeviz::links_of(NocId noc, PhysicalCore from, PhysicalCore to, std::set<int>* tree) const {
  const int number = to_underlying(noc);
  std::string text = fmt::format("[[0,{},{},\"NOC{}_IN\"]", from.y, from.x, number);
  for (const noc::Link& link : noc::route(places_, noc, from, to)) {
    text +=
        fmt::format(",[0,{},{},\"NOC{}_{}\"]", link.from.y, link.from.x, number, directions[to_underlying(link.direction)]);
    if (tree == nullptr) continue;
    tree->insert(number_of(0, link.from.y * places_.die().x + link.from.x, to_underlying(link.direction)));
  }
  return text + fmt::format(",[0,{},{},\"NOC{}_OUT\"]]", to.y, to.x, number);
}

void Npeviz::called(const timing::Call& call) {
  const EventKind kind = call.event.kind();
  if (kind != EventKind::kernel_start && kind != EventKind::kernel_end) return;
  const std::pair key{call.core, call.lane};
  if (kind == EventKind::kernel_start) {
    open_[key] = {call.core, call.lane, kernels_[key]++, std::llround(offset_ + call.begin), 0};
    return;
  }
  Zone zone = open_[key];
  zone.end = std::llround(offset_ + call.end);
  zones_.push_back(zone);
}

void Npeviz::moved(const timing::Movement& packet) {
  constexpr EnumArray<timing::Transfer, const char*> names{"READ", "WRITE_", "SEMAPHORE_INC"};
  const bool multicast = packet.event.kind() == EventKind::noc_multicast;
  const std::int64_t begin = std::llround(offset_ + packet.departed);
  const std::int64_t end = std::max(begin + 1, std::int64_t{std::llround(offset_ + packet.arrived)});
  std::string targets, routes;
  std::set<int> links;  // of a multicast's tree, each once
  const auto add = [&](PhysicalCore target) {
    const char* comma = targets.empty() ? "" : ",";
    targets += comma;
    targets += place(target);
    routes += fmt::format(
        "{}{{\"device_id\":0,\"src\":{},\"dst\":[{}],\"noc_type\":\"NOC{}\",\"injection_rate\":{:.1f},"
        "\"start_cycle\":{},\"end_cycle\":{},\"links\":{}}}",
        comma, place(packet.source), place(target), to_underlying(packet.noc), flit_bytes_, begin, end,
        links_of(packet.noc, packet.source, target, multicast ? &links : nullptr));
  };
  if (multicast) {
    for (const int core : packet.receivers) add(places_.physical_of(grid_.core(core)));
  } else {
    add(packet.target);
  }
  const int kernel = std::max(0, kernels_[{packet.core, packet.lane}] - 1);
  file_.write(
      fmt::format("{}\n{{\"id\":{},\"src\":{},\"dst\":[{}],\"total_bytes\":{},\"start_cycle\":{},\"end_cycle\":{},"
                  "\"noc_event_type\":\"{}\",\"fabric_event_type\":false,\"zones\":\"{}-KERNEL[{}]\",\"route\":[{}]}}",
                  flights_.empty() ? "" : ",", flights_.size(), place(packet.source), targets, packet.bytes, begin, end,
                  multicast ? "WRITE_MULTICAST" : names[packet.transfer], timing::name_of(packet.lane), kernel, routes));
  flights_.push_back({begin, end, static_cast<double>(links.size()) * packet.bytes / flit_bytes_});
}

void Npeviz::sampled(double time, std::span<const timing::LinkTime> links) {
  Step step{offset_ + last_sample_, offset_ + time, {}};
  for (const timing::LinkTime& link : links) {
    const int number = number_of(link.noc, link.from.y * places_.die().x + link.from.x, link.direction);
    double& before = busy_[number];
    if (link.busy > before) step.busy[number] = link.busy - before;
    before = link.busy;
  }
  steps_.push_back(std::move(step));
  last_sample_ = time;
  if (steps_.size() == most_steps) halve();
  next_sample_ = time + interval_;
}

/// Two steps become one.
void Npeviz::halve() {
  for (std::size_t i = 0; i < steps_.size() / 2; ++i) {
    Step step = std::move(steps_[2 * i]);
    step.end = steps_[2 * i + 1].end;
    for (const auto& [link, busy] : steps_[2 * i + 1].busy) step.busy[link] += busy;
    steps_[i] = std::move(step);
  }
  steps_.resize(steps_.size() / 2);
  interval_ *= 2;
}

void Npeviz::ended(const timing::LaunchTime& launch) {
  sampled(std::max(last_sample_ + 1, launch.cycles), launch.links);
  cycles_ = offset_ + launch.cycles;
  double busy = 0;
  for (const timing::DramTime& bank : launch.dram) busy += bank.busy;
  if (!launch.dram.empty()) dram_use_ += 100 * busy / static_cast<double>(launch.dram.size());
}

void Npeviz::put_steps() {
  std::vector<std::size_t> order(flights_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(flights_[a].begin, a) < std::pair(flights_[b].begin, b); });
  std::vector<std::size_t> active;
  std::size_t next = 0;
  const double all = 4.0 * places_.nodes();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    const auto begin = std::llround(step.begin), end = std::llround(step.end);
    std::erase_if(active, [&](std::size_t id) { return flights_[id].end <= begin; });
    for (; next < order.size() && flights_[order[next]].begin < end; ++next) active.push_back(order[next]);
    std::string ids, demands;
    double multicast = 0;  // cycles of links, those of a packet spread over its flight
    for (const std::size_t id : active) {
      const Flight& flight = flights_[id];
      const auto within =
          static_cast<double>(std::min<std::int64_t>(flight.end, end) - std::max<std::int64_t>(flight.begin, begin));
      multicast += flight.multicast * within / static_cast<double>(flight.end - flight.begin);
    }
    const double multicast_mean = 100 * multicast / (step.end - step.begin) / all;
    multicast_use_ += multicast_mean * (step.end - step.begin);
    for (const std::size_t id : active) ids += fmt::format("{}{}", ids.empty() ? "" : ",", id);
    std::array<double, 2> sum{};
    for (const auto& [link, busy] : step.busy) {
      const double percent = 100 * busy / (step.end - step.begin);
      const int noc = link % noc_count, node = link / noc_count / 4;
      const int direction = link / noc_count % 4;
      sum[noc] += percent;
      noc_most_[noc] = std::max(noc_most_[noc], percent);
      demands += fmt::format("{}[0,{},{},\"NOC{}_{}\",{:.2f}]", demands.empty() ? "" : ",", node / places_.die().x,
                             node % places_.die().x, noc, directions[direction], percent);
    }
    const double mean = (sum[0] + sum[1]) / all;
    link_use_ += mean * (step.end - step.begin);
    for (std::size_t noc = 0; noc < sum.size(); ++noc) noc_use_[noc] += 2 * sum[noc] / all * (step.end - step.begin);
    const auto of_noc = [&](std::size_t noc) {
      return fmt::format("{{\"avg_link_demand\":{0:.3f},\"avg_link_util\":{0:.3f}}}", 2 * sum[noc] / all);
    };
    file_.write(
        fmt::format("{}\n{{\"start_cycle\":{},\"end_cycle\":{},\"active_transfers\":[{}],\"link_demand\":[{}],"
                    "\"avg_link_demand\":{:.3f},\"avg_link_util\":{:.3f},\"mcast_write_link_util\":{:.3f},"
                    "\"noc\":{{\"NOC0\":{},\"NOC1\":{}}}}}",
                    i == 0 ? "" : ",", begin, end, ids, demands, mean, mean, multicast_mean, of_noc(0), of_noc(1)));
  }
}

void Npeviz::put_zones() {
  std::sort(zones_.begin(), zones_.end(), [](const Zone& a, const Zone& b) {
    return std::tuple{a.core, a.lane, a.number} < std::tuple{b.core, b.lane, b.number};
  });
  for (std::size_t i = 0; i < zones_.size();) {
    const Zone& first = zones_[i];
    std::string inner;
    for (; i < zones_.size() && zones_[i].core == first.core && zones_[i].lane == first.lane; ++i) {
      inner += fmt::format("{}{{\"id\":\"{}-KERNEL[{}]\",\"start\":{},\"end\":{},\"zones\":[]}}", inner.empty() ? "" : ",",
                           timing::name_of(first.lane), zones_[i].number, zones_[i].begin, zones_[i].end);
    }
    file_.write(fmt::format("{}\n{{\"core\":{},\"proc\":\"{}\",\"zones\":[{}]}}", &first == zones_.data() ? "" : ",",
                            place(places_.physical_of(grid_.core(first.core))), timing::name_of(first.lane), inner));
  }
}

void Npeviz::put_common() {
  const double whole = std::max(cycles_, 1.0);
  const auto of_noc = [&](std::size_t noc) {
    return fmt::format("{{\"avg_link_demand\":{0:.3f},\"avg_link_util\":{0:.3f},\"max_link_demand\":{1:.3f}}}",
                       noc_use_[noc] / whole, noc_most_[noc]);
  };
  file_.write(fmt::format(
      "\n\"common_info\":{{\"version\":\"1.0.0\",\"mesh_device\":{0},\"arch\":{0},\"cycles_per_timestep\":{1:.0f},"
      "\"congestion_model_name\":\"tilegrid\",\"num_rows\":{2},\"num_cols\":{3},\"dram_bw_util\":{4:.3f},"
      "\"link_util\":{5:.3f},\"link_demand\":{5:.3f},\"max_link_demand\":{6:.3f},"
      "\"mcast_write_link_util\":{9:.3f},\"noc\":{{\"NOC0\":{7},\"NOC1\":{8}}}}}",
      json_text(chip_), interval_, places_.die().y, places_.die().x, dram_use_ / whole, link_use_ / whole,
      std::max(noc_most_[0], noc_most_[1]), of_noc(0), of_noc(1), multicast_use_ / whole));
}

void Npeviz::finish() {
  file_.write("\n],\n\"timestep_data\":[");
  put_steps();
  file_.write("\n],\n\"zones\":[");
  put_zones();
  file_.write("\n],\n\"chips\":{\"0\":[0,0,0,0]},");
  put_common();
  file_.write("\n}\n");
  file_.finish();
}

}  // namespace tilegrid::traces
