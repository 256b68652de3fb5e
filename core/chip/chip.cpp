// SPDX-License-Identifier: Apache-2.0
#include "core/chip/chip.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "core/chip/built_in.h"
#include "core/chip/chip_file.h"
#include "core/error.h"
#include "core/input_file.h"

namespace tilegrid {
namespace {

/// A chip's file has some 20,000 bytes: this keeps a wrong path from filling memory.
constexpr std::size_t max_file_bytes = std::size_t{1} << 20U;

std::map<std::string, std::string>& provided() {
  static std::map<std::string, std::string> texts;
  return texts;
}

TrafficRates rates_of(const Places& places, const std::function<double(const std::string&)>& p) {
  TrafficRates rates;
  const double channels = p("dram_bytes_per_cycle") * places.banks();
  rates.dram = channels * p("dram_achieved_share");
  rates.dram_crowd = channels * p("dram_crowd_share");
  rates.reader = std::min(p("dram_bytes_per_cycle"), p("noc_flit_bytes") / p("noc_read_flit_cycles"));
  // Packets as long as they can be; the others of a linked multicast wait until the last destination has the one before
  // (runtime/timing/network_model.cpp). On average a packet crosses half of both rings.
  const double packet = p("noc_packet_bytes");
  const double length =
      std::ceil(packet / p("noc_flit_bytes")) * p("noc_write_flit_cycles") + 1 + p("noc_packet_gap_cycles");
  const double across = p("noc_hop_cycles") * (places.die().x + places.die().y) / 2;
  rates.forward = packet / length;
  rates.multicast = packet / (length + across);
  rates.handshake = 2 * (p("noc_write_issue_cycles") + 2 * p("noc_niu_cycles") + across + p("l1_access_cycles"));
  return rates;
}

}  // namespace

void Chip::Data::complete(const std::string& where) {
  const auto p = [this](const std::string& key) { return parameters.at(key).value; };
  places = Places(geometry, where);
  const auto whole = [&]<class Number>(Number& member, const char* name) { member = static_cast<Number>(p(name)); };
  whole(memory.l1_bytes, "l1_bytes");
  whole(memory.dram_bank_bytes, "dram_bank_bytes");
  whole(memory.dram_alignment, "dram_alignment_bytes");
  whole(memory.packet_bytes, "noc_packet_bytes");
  whole(memory.dst_tiles, "dst_tiles");
  whole(memory.circular_buffers, "circular_buffers");
  cycles = CoreCycles(p);
  rates = rates_of(places, p);
}

Chip::Chip() {
  static const Chip first = load(std::string(built_in_files().front().name));
  data_ = first.data_;
}

std::vector<std::string> Chip::built_in() {
  std::vector<std::string> names;
  for (const BuiltInFile& file : built_in_files()) names.emplace_back(file.name);
  return names;
}

std::string Chip::text_of_file(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) {
    throw UsageError(
        fmt::format("{}: no such chip and no file that can be read; built in: {}", path, fmt::join(built_in(), ", ")));
  }
  return read_input(path, max_file_bytes);
}

void Chip::provide(const std::string& path, std::string text) { provided()[path] = std::move(text); }

Chip Chip::load(const std::string& name_or_path) {
  for (const BuiltInFile& file : built_in_files()) {
    if (file.name == name_or_path) return ChipFile::read(std::string(file.json), name_or_path);
  }
  const auto found = provided().find(name_or_path);
  return ChipFile::read(found != provided().end() ? found->second : text_of_file(name_or_path), name_or_path);
}

Chip Chip::parse(const std::string& text, const std::string& where) { return ChipFile::read(text, where); }

std::string Chip::json() const { return ChipFile::text_of(*this); }

void Chip::check_grid(GridSize grid, const std::string& what) const {
  const GridSize most = workers();
  if (data_->geometry.larger_grids || (grid.x <= most.x && grid.y <= most.y)) return;
  throw UsageError(fmt::format("{} {}x{}: {} has {}x{} workers", what, grid.x, grid.y, name(), most.x, most.y));
}

bool Chip::same_as(const Chip& other) const {
  return data_ == other.data_ || (name() == other.name() && geometry() == other.geometry() && memory() == other.memory());
}

void Chip::set(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--set {}: must be key=value", assignment));
  }
  const std::string where = "--set " + assignment;
  const std::string key = assignment.substr(0, equals);
  const std::string text = assignment.substr(equals + 1);
  ChipFile::require_known(where, key);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw UsageError(fmt::format("{}: '{}' is not a number", where, text));
  }
  ChipFile::check_value(where, key, value);
  auto changed = std::make_shared<Data>(*data_);
  changed->parameters.at(key).value = value;
  changed->parameters.at(key).source = "--set";
  changed->complete(where);
  data_ = std::move(changed);
}

double Chip::operator[](const std::string& name) const {
  const auto found = data_->parameters.find(name);
  if (found == data_->parameters.end()) throw std::logic_error("no chip has a parameter '" + name + "'");
  return found->second.value;
}

}  // namespace tilegrid
