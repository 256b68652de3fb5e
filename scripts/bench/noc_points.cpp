// SPDX-License-Identifier: Apache-2.0
// Device time of the vendor's data-movement tests (tensix.md 4.4, 4.5), for scripts/validate: a JSON object from the name of
// each test to what that test prints, cycles or bytes per cycle.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/chip/chip.h"
#include "core/error.h"
#include "runtime/timing/microbenchmarks.h"

namespace {

using namespace tilegrid;

constexpr LogicalCore first{.x = 0, .y = 0};
constexpr LogicalCore generic{.x = 3, .y = 4};      // another row and another column
constexpr LogicalCore same_column{.x = 0, .y = 4};  // 12 hops there and back; the measured 88 cycles less are 10 hops less
constexpr GridSize worker_part{.x = 8, .y = 7};
constexpr std::uint32_t kib = 1024;
constexpr std::uint32_t sizes[] = {64, 128, 256, 512, kib, 2 * kib, 4 * kib, 8 * kib, 16 * kib, 32 * kib, 64 * kib};

/// Measures logs and keeps the figures in the order of the calls.
class Points {
 public:
  explicit Points(const Chip& chip) : tests(chip), chip_(chip) {}

  double cycles(const RunLog& log) const { return timing::kernel_cycles(log, chip_); }
  int banks() const { return chip_.places().banks(); }
  double gigahertz() const { return chip_["clock_hz"] / 1e9; }
  void add(std::string name, double value) { points_.emplace_back(std::move(name), value); }
  void add(const std::string& test, std::uint32_t bytes, const RunLog& log) {
    add(fmt::format("{}/{}", test, bytes), cycles(log));
  }
  /// What each of many small transactions takes beyond the first.
  void add_issue(const std::string& test, const RunLog& many, const RunLog& one, int count) {
    add(test, (cycles(many) - cycles(one)) / (count - 1));
  }
  void print() const {
    std::string text = "{";
    for (const auto& [name, value] : points_) {
      text += fmt::format("{}\n  \"{}\": {:.6g}", text.size() > 1 ? "," : "", name, value);
    }
    std::fputs((text + "\n}\n").c_str(), stdout);
  }

  const timing::Microbenchmarks tests;

 private:
  Chip chip_;
  std::vector<std::pair<std::string, double>> points_;
};

void add_single_transfers(Points& points) {
  for (const std::uint32_t bytes : sizes) {
    points.add("l1_read_generic", bytes, points.tests.l1_read(first, generic, bytes));
    points.add("l1_read_same_axis", bytes, points.tests.l1_read(first, same_column, bytes));
    points.add("l1_write_generic", bytes, points.tests.l1_write(first, generic, bytes));
    points.add("l1_write_same_axis", bytes, points.tests.l1_write(first, same_column, bytes));
    if (bytes > 8 * kib) continue;
    // One page: interleaved or not is the same transaction.
    points.add("dram_read", bytes, points.tests.dram_read(first, 0, bytes));
    points.add("dram_write", bytes, points.tests.dram_write(first, 0, bytes));
  }
}

void add_many_transfers(Points& points) {
  constexpr int count = 256;
  for (std::uint32_t bytes = kib; bytes <= 8 * kib; bytes *= 2) {
    points.add("l1_read_256", bytes, points.tests.l1_read(first, generic, bytes, count));
    points.add("l1_write_256", bytes, points.tests.l1_write(first, generic, bytes, count));
  }
  points.add("dram_read_256", 2 * kib, points.tests.dram_read(first, 0, 2 * kib, count, points.banks()));
  points.add("dram_write_256", 2 * kib, points.tests.dram_write(first, 0, 2 * kib, count, points.banks()));
  points.add_issue("l1_read_issue", points.tests.l1_read(first, generic, 64, count),
                   points.tests.l1_read(first, generic, 64), count);
  points.add_issue("l1_write_issue", points.tests.l1_write(first, generic, 64, count),
                   points.tests.l1_write(first, generic, 64), count);
  points.add_issue("dram_issue", points.tests.dram_read(first, 0, 64, count, points.banks()),
                   points.tests.dram_read(first, 0, 64), count);
}

void add_groups(Points& points) {
  for (const std::uint32_t bytes : {512U, 2 * kib}) {
    points.add("one_to_all", bytes, points.tests.one_to_all(first, worker_part, bytes));
  }
  points.add("all_to_all", 2 * kib, points.tests.all_to_all(worker_part, 2 * kib));
}

/// GB/s of all 80 cores together, to and from pages in banks at random.
void add_dram_by_all(Points& points) {
  constexpr int count = 200;
  const auto rate = [&](const std::string& name, NocId noc, EventKind kind) {
    const double total = 2.0 * kib * count * points.tests.grid().cores();
    const RunLog log = points.tests.dram_by_all(points.tests.grid(), noc, kind, 2 * kib, count);
    points.add(name, total / points.cycles(log) * points.gigahertz());
  };
  for (const auto& [name, noc, kind] : {std::tuple{"dram_random/read_noc0", NocId::noc0, EventKind::noc_read},
                                        {"dram_random/read_noc1", NocId::noc1, EventKind::noc_read},
                                        {"dram_random/write_noc0", NocId::noc0, EventKind::noc_write},
                                        {"dram_random/write_noc1", NocId::noc1, EventKind::noc_write}}) {
    rate(name, noc, kind);
  }
}

/// GB/s of one core beside each bank, reading or writing its pages.
void add_dram_beside(Points& points) {
  constexpr int count = 200;
  const double total = 2.0 * kib * count * points.banks();
  for (const auto& [name, kind] :
       {std::pair{"dram_beside/read", EventKind::noc_read}, {"dram_beside/write", EventKind::noc_write}}) {
    points.add(name, total / points.cycles(points.tests.dram_beside(kind, 2 * kib, count)) * points.gigahertz());
  }
}

void add_multicasts(Points& points) {
  // The sender is the corner of the rectangle and not among the destinations, but for the row of eight.
  const auto linked = [&](GridSize part, std::uint32_t bytes, int count) {
    return points.tests.multicast(first, first, {.x = part.x - 1, .y = part.y - 1}, bytes, true, count, true);
  };
  for (const std::uint32_t bytes : {512U, kib, 2 * kib, 4 * kib, 8 * kib, 16 * kib}) {
    const auto log = points.tests.multicast(first, first, {.x = 7, .y = 0}, bytes, false, 1, true);
    points.add("multicast_row", bytes, log);
  }
  for (const auto& [name, part] : {std::pair{"multicast_linked_4", GridSize{.x = 2, .y = 2}},
                                   {"multicast_linked_9", {.x = 3, .y = 3}},
                                   {"multicast_linked_25", {.x = 5, .y = 5}},
                                   {"multicast_linked_56", worker_part}}) {
    for (const std::uint32_t bytes : {64U, 2 * kib, 4 * kib, 8 * kib}) points.add(name, bytes, linked(part, bytes, 1));
  }
  points.add("multicast_linked_4_256", 2 * kib, linked({.x = 2, .y = 2}, 2 * kib, 256));
}

/// Bytes per cycle of long runs of 16 KiB transactions.
void add_bandwidths(Points& points) {
  constexpr std::uint32_t bytes = 16 * kib;
  constexpr int count = 64;
  constexpr double total = double{bytes} * count;
  const auto rate = [&](const char* name, const RunLog& log, double moved) { points.add(name, moved / points.cycles(log)); };
  rate("rate/dram_read", points.tests.dram_read(first, 0, bytes, count), total);
  rate("rate/dram_write", points.tests.dram_write(first, 0, bytes, count), total);
  rate("rate/one_to_one", points.tests.l1_write(first, generic, bytes, count), total);
  rate("rate/one_from_one", points.tests.l1_read(first, generic, bytes, count), total);
  rate("rate/loopback", points.tests.l1_write(first, first, bytes, count), total);
  rate("rate/one_from_all", points.tests.one_from_all(first, worker_part, bytes), double{bytes} * (worker_part.cores() - 1));
  rate("rate/one_to_all", points.tests.one_to_all(first, worker_part, bytes), double{bytes} * (worker_part.cores() - 1));
  const LogicalCore last{.x = worker_part.x - 1, .y = worker_part.y - 1};
  rate("rate/multicast", points.tests.multicast(first, first, last, bytes, false, count, true), total);
  rate("rate/multicast_linked", points.tests.multicast(first, first, last, bytes, true, count, true), total);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Chip chip = Chip::load(argc > 1 ? argv[1] : "wormhole_b0");
    for (int i = 2; i < argc; ++i) chip.set(argv[i]);
    Points points(chip);
    add_single_transfers(points);
    add_many_transfers(points);
    add_groups(points);
    add_dram_by_all(points);
    add_dram_beside(points);
    add_multicasts(points);
    add_bandwidths(points);
    points.print();
  } catch (const UsageError& error) {
    std::fprintf(stderr, "noc_points: %s\nUsage: noc_points [ARCHITECTURE [KEY=VALUE...]]\n", error.what());
    return 1;
  }
  return 0;
}
