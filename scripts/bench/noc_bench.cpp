// SPDX-License-Identifier: Apache-2.0
// What a NoC read with its barrier takes between two ranks of a host, against a copy through a window that two processes
// share, and against memcpy. Under mpirun with two ranks: JSON of nanoseconds on standard output.
#include <fmt/core.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "runtime/session.h"

namespace {

using namespace tilegrid;
using namespace tilegrid::api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr std::uint32_t most_bytes = 65'536;
constexpr GridSize grid{2, 1};
constexpr std::uint32_t pages = 12;  // one in each bank

using Clock = std::chrono::steady_clock;
double nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

double measured = 0;  ///< nanoseconds a read: the kernel leaves them, which runs in the host's process

/// Core 0 reads from DRAM, a page of each bank in turn, or from the L1 of core 1, which waits for its semaphore meanwhile.
const auto reads = register_kernel("noc_bench/reads", [] {
  const std::uint32_t bytes = get_common_arg_val<std::uint32_t>(0), count = get_common_arg_val<std::uint32_t>(1);
  const bool dram = get_common_arg_val<std::uint32_t>(2) != 0;
  const InterleavedAddrGen buffer{get_common_arg_val<std::uint32_t>(3), most_bytes};
  const std::uint32_t x = get_common_arg_val<std::uint32_t>(4), y = get_common_arg_val<std::uint32_t>(5);
  const std::uint32_t first_bank = get_common_arg_val<std::uint32_t>(6);
  const std::uint32_t l1 = get_write_ptr(0);
  const auto read = [&](std::uint32_t i) {
    noc_async_read(dram ? buffer.get_noc_addr(first_bank + i % (pages / 2)) : get_noc_addr(x, y, l1), l1, bytes);
    noc_async_read_barrier();
  };
  for (std::uint32_t i = 0; i < pages; ++i) read(i);
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < count; ++i) read(i);
  measured = nanoseconds_since(start) / count;
  const std::uint64_t done = get_noc_addr(x, y, get_semaphore(0));
  noc_semaphore_inc(done, 1);
  noc_async_atomic_barrier();
});
const auto waits = register_kernel("noc_bench/waits", [] {
  auto* semaphore = reinterpret_cast<volatile std::uint32_t*>(l1_pointer(get_semaphore(0)));
  noc_semaphore_wait(semaphore, 1);
  noc_semaphore_set(semaphore, 0);
});

double read_time(Device& device, const Buffer& buffer, std::uint32_t bytes, std::uint32_t count, bool dram) {
  const auto [x, y] = Device::worker_core({1, 0});
  Program program;
  program.name = "noc_bench";
  program.grid = grid;
  program.circular_buffers.push_back({0, 1, most_bytes, DataFormat::fp32, "page"});
  program.semaphores = {0};
  KernelConfig reader;
  reader.name = reads;
  reader.risc = Risc::ncrisc;
  reader.cores = CoreRange{{0, 0}, {0, 0}};
  // The second half of the banks lives on the second rank.
  reader.common_args = {bytes, count, dram ? 1U : 0U, buffer.address, x, y, pages / 2};
  KernelConfig waiter = reader;
  waiter.name = waits;
  waiter.cores = CoreRange{{1, 0}, {1, 0}};
  program.kernels = {reader, waiter};
  static_cast<void>(device.launch(program, {.record_log = false, .on_progress = {}}));
  return measured;
}

/// What two processes share for one copy after the other: one asks, the other writes to the window, the first copies it out.
struct Window {
  alignas(64) std::array<std::byte, most_bytes> data;
  std::atomic<std::uint32_t> asked;
  std::array<std::byte, 64> between;  ///< the flags are in cache lines of their own
  std::atomic<std::uint32_t> answered;
};

/// Turns until `flag` is not what it was; lets others run when that takes long.
std::uint32_t next_value(const std::atomic<std::uint32_t>& flag, std::uint32_t before) {
  for (int turns = 1;; ++turns) {
    const std::uint32_t now = flag.load(std::memory_order_acquire);
    if (now != before) return now;
    if (turns % 1000 == 0) sched_yield();
  }
}

struct Copies {
  double through_window = 0;  ///< nanoseconds, between two processes
  double memcpy = 0;          ///< of memory that both have, in one process
};

/// Before there is MPI, which does not like forks.
Copies copy_times(std::uint32_t bytes, std::uint32_t count) {
  void* mapping = mmap(nullptr, sizeof(Window), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return {};
  auto* window = new (mapping) Window;
  std::vector<std::byte> own(most_bytes, std::byte{1});
  const pid_t child = fork();
  if (child == 0) {
    for (std::uint32_t i = 0; i < count; ++i) {
      next_value(window->asked, i);
      std::memcpy(window->data.data(), own.data(), bytes);
      window->answered.store(i + 1, std::memory_order_release);
    }
    _exit(0);
  }
  Copies times;
  auto start = Clock::now();
  for (std::uint32_t i = 0; i < count; ++i) {
    window->asked.store(i + 1, std::memory_order_release);
    next_value(window->answered, i);
    std::memcpy(own.data(), window->data.data(), bytes);
  }
  times.through_window = nanoseconds_since(start) / count;
  waitpid(child, nullptr, 0);
  start = Clock::now();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::memcpy(own.data(), window->data.data(), bytes);
    asm volatile("" : : "r"(own.data()) : "memory");  // NOLINT(hicpp-no-assembler): each copy is wanted
  }
  times.memcpy = nanoseconds_since(start) / count;
  munmap(mapping, sizeof(Window));
  return times;
}

constexpr std::pair<std::uint32_t, std::uint32_t> sizes[] = {{2048, 20'000}, {most_bytes, 2'000}};  ///< bytes, how often

int measure(Device& device, const std::vector<Copies>& copies) {
  const Buffer buffer = device.create_buffer(std::uint64_t{pages} * most_bytes, most_bytes);
  device.write(buffer, std::vector<std::byte>(buffer.bytes(), std::byte{1}));
  std::string text;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const auto [bytes, count] = sizes[i];
    text += fmt::format("{}\"window_{}\": {:.1f}, \"memcpy_{}\": {:.1f}, \"dram_read_{}\": {:.1f}, \"l1_read_{}\": {:.1f}",
                        text.empty() ? "" : ", ", bytes, copies[i].through_window, bytes, copies[i].memcpy, bytes,
                        read_time(device, buffer, bytes, count, true), bytes,
                        read_time(device, buffer, bytes, count / 10, false));
  }
  fmt::print("{{{}}}\n", text);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Copies> copies;
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (rank != nullptr && std::string(rank) == "0") {
    for (const auto& [bytes, count] : sizes) copies.push_back(copy_times(bytes, count));
  }
  Session session(&argc, &argv);
  if (session.info().size != 2) {
    if (session.is_host()) fmt::print(stderr, "noc_bench: needs two ranks: scripts/grid 2 {}\n", argv[0]);
    return session.leave(1);
  }
  return session.run({.grid = grid}, [&](Device& device) { return measure(device, copies); });
}
