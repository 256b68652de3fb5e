// SPDX-License-Identifier: Apache-2.0
#include "kernels/program.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "core/l1.h"
#include "tests/support/wormhole.h"

namespace tilegrid {
namespace {

/// What validate() says against a program; empty when it is accepted.
std::string refusal(const Program& program) {
  try {
    validate(program);
  } catch (const UsageError& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return {};
}

#define EXPECT_REFUSED(program, part) EXPECT_NE(refusal(program).find(part), std::string::npos) << refusal(program)

KernelConfig kernel(const std::string& name, Risc risc, CoreRange cores) {
  KernelConfig result;
  result.name = name;
  result.risc = risc;
  result.cores = cores;
  return result;
}

Program good_program() {
  Program program;
  program.name = "loopback";
  program.grid = {4, 3};
  program.circular_buffers = {{0, 8, 2048, DataFormat::bf16, "in"}, {31, 3, 576, DataFormat::bfp4_b, "mask"}};
  program.semaphores.assign(16, 0);
  program.l1_buffer_bytes = 4096;
  const CoreRange all = CoreRange::all(program.grid);
  program.kernels = {kernel("reader", Risc::ncrisc, all), kernel("writer", Risc::brisc, all),
                     kernel("compute", Risc::trisc, {{0, 0}, {1, 2}}), kernel("other", Risc::trisc, {{2, 0}, {3, 2}})};
  program.kernels[0].compile_args.assign(1U << 20U, 1);
  program.kernels[0].common_args.assign(341, 1);
  program.kernels[0].runtime_args = {{0, std::vector<std::uint32_t>(341, 7)}, {11, {}}};
  return program;
}

TEST(Program, L1BytesAreReservedAreaBuffersAndL1Buffers) {
  EXPECT_EQ(l1_bytes_needed(Program{}), 103'424U);
  EXPECT_EQ(l1_bytes_needed(good_program()), 103'424U + 8 * 2048 + 3 * 576 + 4096);
}

TEST(Program, L1BytesDoNotWrap) {
  constexpr std::uint32_t large = std::numeric_limits<std::uint32_t>::max();
  Program program = good_program();
  program.circular_buffers = {{0, large, large - 31, DataFormat::bf16, "huge"}};
  program.l1_buffer_bytes = large;
  EXPECT_EQ(l1_bytes_needed(program), std::uint64_t{103'424} + std::uint64_t{large} * (large - 31) + large);
  EXPECT_REFUSED(program, "L1 overflow");
}

TEST(Program, AcceptsAGoodProgramUpToTheLastByteOfL1) {
  Program program = good_program();
  EXPECT_EQ(refusal(program), "");
  program.l1_buffer_bytes += l1_bytes - static_cast<std::uint32_t>(l1_bytes_needed(program));
  EXPECT_EQ(refusal(program), "");
  program.l1_buffer_bytes += 1;
  EXPECT_REFUSED(program, "asked 1499137 bytes");
  EXPECT_REFUSED(program, "available 1499136");
}

TEST(Program, RefusesBadCircularBuffers) {
  const auto with = [](CircularBufferConfig cb) {
    Program program = good_program();
    program.circular_buffers.push_back(std::move(cb));
    return program;
  };
  EXPECT_EQ(refusal(with({30, 1, 16, DataFormat::bf16, "x"})), "");
  EXPECT_REFUSED(with({32, 1, 16, DataFormat::bf16, "x"}), "circular buffer 32 (x): ids are 0 to 31");
  EXPECT_REFUSED(with({-1, 1, 16, DataFormat::bf16, "x"}), "circular buffer -1 (x): ids are 0 to 31");
  EXPECT_REFUSED(with({31, 1, 16, DataFormat::bf16, "x"}), "circular buffer 31 (x) is declared twice");
  EXPECT_REFUSED(with({1, 0, 16, DataFormat::bf16, "x"}), "no pages");
  EXPECT_REFUSED(with({1, 1, 0, DataFormat::bf16, "x"}), "pages of 0 bytes");
  EXPECT_REFUSED(with({1, 1, 24, DataFormat::bf16, "x"}), "pages of 24 bytes: a positive multiple of 16");
}

TEST(Program, RefusesTooManyArgumentsAndSemaphores) {
  Program program = good_program();
  program.semaphores.push_back(0);
  EXPECT_REFUSED(program, "17 semaphores, at most 16");
  program = good_program();
  program.kernels[0].compile_args.push_back(0);
  EXPECT_REFUSED(program, "kernel reader has 1048577 compile-time arguments, at most 1048576");
  program = good_program();
  program.kernels[0].common_args.push_back(0);
  EXPECT_REFUSED(program, "342 common arguments");
  program = good_program();
  program.kernels[0].runtime_args[1].second.assign(342, 0);
  EXPECT_REFUSED(program, "342 runtime arguments");
}

TEST(Program, RefusesArgumentsForCoresWhereTheKernelDoesNotRun) {
  for (const int index : {-1, 2, 12}) {
    Program program = good_program();
    program.kernels[2].runtime_args = {{index, {1}}};
    EXPECT_REFUSED(program, "kernel compute has arguments for core index " + std::to_string(index));
  }
  Program program = good_program();
  program.kernels[2].runtime_args = {{1, {1}}, {1, {2}}};
  EXPECT_REFUSED(program, "core index 1 twice");
}

TEST(Program, RefusesKernelsOutsideOfTheGrid) {
  for (const CoreRange cores :
       {CoreRange{{0, 0}, {4, 2}}, {{0, 0}, {3, 3}}, {{-1, 0}, {3, 2}}, {{2, 0}, {1, 2}}, {{0, 2}, {3, 1}}}) {
    Program program = good_program();
    program.kernels = {kernel("reader", Risc::ncrisc, cores)};
    EXPECT_REFUSED(program, "not a rectangle within the 4x3 grid");
  }
  for (const GridSize grid : {GridSize{0, 3}, {4, -1}, {47, 1}, {1, 1 << 30}}) {
    Program program;
    program.grid = grid;
    EXPECT_REFUSED(program, "1x1 to 46x46");
  }
}

TEST(Program, RefusesTwoKernelsOnOneProcessor) {
  Program program = good_program();
  program.kernels[3].cores.ranges[0].first = {1, 1};
  EXPECT_REFUSED(program, "kernels compute and other both run on TRISC of core (1,1)");
  program.kernels[3].risc = Risc::brisc;
  EXPECT_REFUSED(program, "kernels writer and other both run on BRISC of core (1,1)");
}

}  // namespace
}  // namespace tilegrid
