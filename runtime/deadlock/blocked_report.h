// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/counters.h"
#include "core/types.h"

namespace tilegrid {

/// Stands in BlockedKernel::id for a kernel that waits in a loop of its own.
inline constexpr std::uint32_t loop_over_memory = 0xFFFF'FFFF;

/// A kernel of a program that has deadlocked, or is looked at while it runs: that it has finished, or what it waits for.
struct BlockedKernel {
  Risc risc = Risc::trisc;
  std::string name;
  bool finished = false;
  bool running = false;  ///< neither finished nor waiting
  std::string waypoint;  ///< the last one that it came to; empty: none
  std::string file;      ///< of the call it waits in
  unsigned line = 0;
  BlockReason reason = BlockReason::cb_empty;
  std::uint32_t id = 0;      ///< CB, L1 offset of a semaphore, or NoC
  std::uint64_t needed = 0;  ///< pages, value, or answers
  std::uint64_t present = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(risc, name, finished, running, waypoint, file, line, reason, id, needed, present);
  }
};

struct BlockedBuffer {
  int id = 0;
  std::string role;
  std::uint32_t pages = 0;
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  std::uint8_t pushed_by = 0;  ///< bit i: Risc i has pushed
  std::uint8_t popped_by = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, role, pages, pushed, popped, pushed_by, popped_by);
  }
};

/// A semaphore of the program, or another word that somebody waits for.
struct BlockedSemaphore {
  std::uint32_t offset = 0;
  std::uint32_t value = 0;
  std::vector<int> writers;  ///< core index * risc_count + RISC, in order; unknown for words that are no semaphores
  template <class Archive>
  void serialize(Archive& archive) {
    archive(offset, value, writers);
  }
};

/// A core of such a program: all its kernels, buffers and semaphores.
struct BlockedReport {
  int core = 0;
  std::uint64_t products = 0;          ///< tile multiplications so far
  std::vector<BlockedKernel> kernels;  ///< by RISC
  std::vector<BlockedBuffer> buffers;
  std::vector<BlockedSemaphore> semaphores;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(core, products, kernels, buffers, semaphores);
  }
};

}  // namespace tilegrid
