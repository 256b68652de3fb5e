// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_links.h"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <vector>

#include "core/ids.h"

namespace tilegrid::noc {
namespace {

// Of messages that are not the transport's, on the communicator of all; see mpi_environment.cpp.
constexpr int link_tag = 18;
constexpr int turn_tag = 19;

constexpr std::size_t tile_bytes = 2048;
constexpr std::size_t large_bytes = std::size_t{1} << 20U;
constexpr int warm_up = 4;
constexpr int tile_trips = 100;
constexpr int large_trips = 8;

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

std::int64_t wall_clock_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void send(std::vector<std::byte>& bytes, int peer) {
  MPI_Send(bytes.data(), count_of(bytes), MPI_BYTE, peer, link_tag, MPI_COMM_WORLD);
}

void receive(std::vector<std::byte>& bytes, int peer) {
  MPI_Recv(bytes.data(), count_of(bytes), MPI_BYTE, peer, link_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/// Seconds of each round trip of so many bytes; `after` has the answer and what the trip took.
template <class After>
std::vector<double> round_trips(int peer, std::size_t size, int count, const After& after) {
  std::vector<std::byte> bytes(size);
  std::vector<double> trips;
  for (int i = 0; i < warm_up + count; ++i) {
    const auto start = SteadyClock::now();
    send(bytes, peer);
    receive(bytes, peer);
    const double took = seconds_since(start);
    if (i < warm_up) continue;
    trips.push_back(took);
    after(bytes, took);
  }
  return trips;
}

}  // namespace

LinkCost measure_link(int peer) {
  LinkCost cost;
  double shortest = 0;
  const auto compare_clocks = [&](const std::vector<std::byte>& answer, double took) {
    const std::int64_t own = wall_clock_ns();
    if (shortest != 0 && took >= shortest) return;
    shortest = took;
    std::int64_t other = 0;
    std::memcpy(&other, answer.data(), sizeof other);
    // The answer is half a trip old.
    cost.clock_seconds = static_cast<double>(other - own) * 1e-9 + took / 2;
    cost.clock_uncertainty = took / 2;
  };
  cost.tile_seconds = median(round_trips(peer, tile_bytes, tile_trips, compare_clocks)) / 2;
  const double large = median(round_trips(peer, large_bytes, large_trips, [](const auto&, double) {})) / 2;
  cost.bytes_per_second = static_cast<double>(large_bytes) / large;
  return cost;
}

void answer_link(int peer) {
  for (const auto& [size, count] : std::array{std::pair{tile_bytes, tile_trips}, std::pair{large_bytes, large_trips}}) {
    std::vector<std::byte> bytes(size);
    for (int i = 0; i < warm_up + count; ++i) {
      receive(bytes, peer);
      const std::int64_t now = wall_clock_ns();
      std::memcpy(bytes.data(), &now, sizeof now);
      send(bytes, peer);
    }
  }
}

void pass_turn(int rank) { MPI_Send(nullptr, 0, MPI_BYTE, rank, turn_tag, MPI_COMM_WORLD); }

void await_turn(int rank) { MPI_Recv(nullptr, 0, MPI_BYTE, rank, turn_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE); }

LinkCost measure_copy() {
  std::vector<std::byte> from(large_bytes, std::byte{1});
  std::vector<std::byte> to(large_bytes);
  const auto median_copy = [&](std::size_t size, int copies, int count) {
    std::vector<double> times;
    for (int i = 0; i < warm_up + count; ++i) {
      const auto start = SteadyClock::now();
      for (int copy = 0; copy < copies; ++copy) {
        from[0] = static_cast<std::byte>(copy);  // so that no copy is that of before
        std::memcpy(to.data() + copy * size, from.data(), size);
      }
      if (i >= warm_up) times.push_back(seconds_since(start) / copies);
    }
    return median(times);
  };
  LinkCost cost;
  cost.tile_seconds = median_copy(tile_bytes, large_bytes / tile_bytes, tile_trips);
  cost.bytes_per_second = static_cast<double>(large_bytes) / median_copy(large_bytes, 1, large_trips);
  return cost;
}

}  // namespace tilegrid::noc
