// SPDX-License-Identifier: Apache-2.0
// Forms of the device API that came and went with the years, and words between the processors of a core.
#include <algorithm>
#include <numeric>

#include "core/tile.h"
#include "tests/kernels/metalium/computed.h"

namespace tilegrid {
namespace {

using test::bf16;
using test::computed;
using test::ForeignProgram;

constexpr GridSize grid{3, 1};
constexpr LogicalCore worker{2, 0};

float value_of(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16U); }

/// What a data mover leaves in `words` words of L1, by a program of one worker.
std::vector<std::uint32_t> moved(const std::vector<std::uint32_t>& input, std::uint32_t page_bytes, std::size_t words,
                                 const std::string& mover, std::vector<std::uint32_t> compile_args,
                                 const std::string& compute, int code = 0, std::string* error = nullptr) {
  std::vector<std::uint32_t> output(words);
  const test::Outcome outcome = test::run_session(
      grid,
      [&](Device& device) {
        const Buffer in = device.create_buffer(input.size() * 4, page_bytes);
        const auto bytes = static_cast<std::uint32_t>(words * 4);
        const Buffer out = device.create_buffer(bytes, bytes);
        device.write(in, input);
        ForeignProgram program(device, "forms");
        program.cb(0, 4, page_bytes).cb(16, 1, bytes);
        program.kernel("mover.cpp", Risc::brisc, mover, std::move(compile_args)).runtime_args = {
            {2, {in.address, out.address, bytes}}};
        if (!compute.empty()) program.kernel("compute.cpp", Risc::trisc, compute);
        for (KernelConfig& kernel : program.program.kernels) kernel.cores = CoreRange{worker, worker};
        program.launch();
        device.read(out, output);
      },
      FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, code) << outcome.error;
  if (error != nullptr) *error = outcome.error;
  return output;
}

TEST(KernelForms, ReductionsByArgumentsAreThoseByTemplate) {
  std::vector<std::uint16_t> tiles(2 * tile_elements);
  for (int row = 0; row < 32; ++row) {
    for (int column = 0; column < 32; ++column) {
      tiles[tile_index(row, column)] = bf16(static_cast<float>((row + column) % 4));
      if (row % 16 == 0) tiles[tile_elements + tile_index(row, column)] = bf16(1.0F);
    }
  }
  const auto sums = computed(tiles, DataFormat::bf16, R"(#define REDUCE_OP PoolType::SUM
#define REDUCE_DIM ReduceDim::REDUCE_ROW
#include "compute_kernel_api/reduce.h"
namespace NAMESPACE {
void MAIN {
  reduce_init<true>(REDUCE_OP, REDUCE_DIM, 0, 0);
  cb_wait_front(0, 2);
  cb_reserve_back(16, 2);
  acquire_dst(tt::DstMode::Half);
  reduce_init_delta<false>(REDUCE_OP, REDUCE_DIM);
  reduce_tile(REDUCE_OP, REDUCE_DIM, 0, 0, 0, 1, 0);
  reduce_revert_delta();
  pack_tile(0, 16);
  release_dst(tt::DstMode::Half);
  reduce_init<true>(0, 0, 16);
  acquire_dst(tt::DstMode::Half);
  reduce_tile<PoolType::SUM, ReduceDim::REDUCE_ROW>(0, 0, 0, 1, 0);
  pack_tile(0, 16);
  release_dst(tt::DstMode::Half);
  cb_push_back(16, 2);
  cb_pop_front(0, 2);
}
}
)");
  if (!test::session().is_host()) return;
  for (int row = 0; row < 32; ++row) {
    float sum = 0;
    for (int column = 0; column < 32; ++column) sum += static_cast<float>((row + column) % 4);
    ASSERT_EQ(value_of(sums[tile_index(row, 0)]), sum) << row;
    ASSERT_EQ(value_of(sums[tile_elements + tile_index(row, 0)]), sum) << row;
  }
}

TEST(KernelForms, ATileIsReadByItsAddressAndAModeIsANumber) {
  std::vector<std::uint16_t> tiles(2 * tile_elements);
  for (std::size_t i = 0; i < tile_elements; ++i) {
    tiles[i] = bf16(static_cast<float>(i % 64));
    tiles[tile_elements + i] = bf16(50.0F);
  }
  const auto got = computed(tiles, DataFormat::bf16, R"(#include "compute_kernel_api/binary_max_min.h"
namespace NAMESPACE {
template <int vector_mode>
void larger(uint32_t a, uint32_t b) {
  constexpr int mode = vector_mode == VectorMode::RC ? VectorMode::None : vector_mode;
  binary_max_tile(a, b, a, mode);
}
}
void kernel_main() {
  unary_op_init_common(0, 16);
  PACK((llk_pack_relu_config(ReluType::NO_RELU)));
  cb_wait_front(0, 2);
  cb_reserve_back(16, 2);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  copy_tile(0, 1, 1);
  larger<VectorMode::C>(0, 1);
  if (read_tile_value(0, 0, 1) == *(volatile uint32_t*)(get_tile_address(0, 0) + 4)) add_binary_tile(1, 1, 1);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile(0, 16);
  pack_tile(1, 16);
  tile_regs_release();
  cb_push_back(16, 2);
  cb_pop_front(0, 2);
}
)");
  if (!test::session().is_host()) return;
  for (int row = 0; row < 32; ++row) {
    for (const int column : {0, 15, 16, 31}) {
      const int i = tile_index(row, column);
      const float x = static_cast<float>(i % 64);
      // By columns: the left faces only.
      ASSERT_EQ(value_of(got[i]), column < 16 ? std::max(x, 50.0F) : x) << row << " " << column;
      ASSERT_EQ(value_of(got[tile_elements + i]), 100.0F);
    }
  }
}

const char* const page_taker = R"(#include "dataflow_api.h"
#include "api/numeric/bfloat16.h"
#include "utils/float32.h"
#if get_compile_time_arg_val(0) == 2 && get_compile_time_arg_val(2) == 77
constexpr uint32_t chosen = 77;
#else
constexpr uint32_t chosen = 1;
#endif
template <class G>
uint32_t take(uint32_t page, const G& generator, uint32_t to) {
  noc_async_read(get_noc_addr(page, generator), to, 256);
  noc_async_read_barrier();
  return to + 256;
}
void kernel_main() {
  const uint32_t from = get_arg_val<uint32_t>(0), bytes = get_arg_val<uint32_t>(2);
  const uint32_t begin = get_write_ptr(16);
  uint32_t to = begin;
  to = take(3, get_interleaved_addr_gen<true, 256u>(from), to);
  to = take(14, get_interleaved_addr_gen<true, true>(from, 256, 8), to);
  to = take(15, get_interleaved_addr_gen<true, false>(from, 256), to);
  const InterleavedPow2AddrGenFast<true> fast = {.bank_base_address = from, .log_base_2_of_page_size = 8};
  fast.noc_async_read_partial_page(13, to, 256);
  noc_async_read_barrier();
  to += 256;
  constexpr auto args = make_tensor_accessor_args_tuple<2, 0>();
  const auto tensors = make_tensor_accessor_tuple(args, 0, 3);
  static_assert(has_get_aligned_page_size_v<decltype(std::get<0>(tensors))> && !has_log_base_2_of_page_size_v<int>);
  to = take(2, std::get<0>(tensors), to);
  const auto any = make_abstract_tensor_accessor_wrappers(tensors);
  noc_async_read(any[0].get_noc_addr(5), to, 256);
  noc_async_read_barrier();
  to += 256;
  const uint64_t bank = uint64_t{dram_bank_to_noc_xy[noc_index][4]} << NOC_ADDR_COORD_SHIFT;
  noc_async_read_set_trid(3);
  noc_async_read(bank | (from + bank_to_dram_offset[4]), to, 256);
  while (!ncrisc_noc_read_with_transaction_id_flushed(noc_index, 3)) {
  }
  to += 256;
  const uint32_t base = noc_async_read_tile_dram_sharded_set_state<true>(from, 256, 6, 1);
  noc_async_read_tile_dram_sharded_with_state(base, 0, to);
  noc_async_read_barrier();
  to += 256;
  auto* words = reinterpret_cast<volatile uint32_t*>(to);
  words[0] = chosen;
  words[1] = min(5u, 9u);
  words[2] = bfloat16_greater(0xBF80, 0xC000) + 2 * bfloat16_greater(0x3F80, NEG_INF_BFLOAT16) +
             4 * bfloat16_greater(0x3F80, 0x4000);
  words[3] = std::get<1>(tensors).page_size;
  noc_async_write(begin, get_noc_addr_from_bank_id<true>(0, get_arg_val<uint32_t>(1)), bytes);
  noc_async_write_barrier();
}
)";

TEST(KernelForms, PagesAreFoundByEveryGenerator) {
  std::vector<std::uint32_t> input(16 * 64);
  std::iota(input.begin(), input.end(), 1000U);
  const auto got = moved(input, 256, 8 * 64 + 8, page_taker, {2, 2, 77, 256, 512}, "");
  if (!test::session().is_host()) return;
  std::size_t place = 0;
  for (const std::uint32_t page : {3U, 14U, 15U, 13U, 2U, 5U, 4U, 6U}) {
    for (std::uint32_t i = 0; i < 64; ++i) ASSERT_EQ(got[place++], 1000 + page * 64 + i) << page;
  }
  EXPECT_EQ(std::vector<std::uint32_t>(got.begin() + 512, got.begin() + 516), (std::vector<std::uint32_t>{77, 5, 3, 512}));
}

const char* const mail_sender = R"(#include "dataflow_api.h"
void kernel_main() {
  auto* sums = reinterpret_cast<volatile uint32_t*>(get_write_ptr(16));
  for (uint32_t i = 0; i < 16; ++i) {
    ckernel::mailbox_write(ckernel::ThreadId::UnpackThreadId, i);
    ckernel::mailbox_write(ckernel::ThreadId::MathThreadId, i);
    ckernel::mailbox_write(ckernel::ThreadId::PackThreadId, i);
    if (i >= 2) sums[i - 2] = ckernel::mailbox_read(ckernel::ThreadId::PackThreadId);
  }
  for (uint32_t i = 14; i < 16; ++i) sums[i] = ckernel::mailbox_read(ckernel::ThreadId::PackThreadId);
  noc_async_write(get_write_ptr(16), get_noc_addr_from_bank_id<true>(0, get_arg_val<uint32_t>(1)), get_arg_val<uint32_t>(2));
  noc_async_write_barrier();
}
)";

TEST(KernelForms, MailboxesCarryWordsBetweenTheProcessors) {
  const auto got = moved({1, 2, 3, 4, 5, 6, 7, 8}, 32, 16, mail_sender, {}, R"(#include "compute_kernel_api/common.h"
void kernel_main() {
  for (uint32_t i = 0; i < 16; ++i) {
    uint32_t sum = 0;
    UNPACK(sum += mailbox_read(ckernel::ThreadId::BriscThreadId);)
    MATH(sum += mailbox_read(ckernel::ThreadId::BriscThreadId);)
    PACK(sum += mailbox_read(ckernel::ThreadId::BriscThreadId);)
    UNPACK(mailbox_write(ckernel::ThreadId::MathThreadId, 100 * i);)
    MATH(sum += mailbox_read(ckernel::ThreadId::UnpackThreadId);)
    PACK(mailbox_write(ckernel::ThreadId::BriscThreadId, sum);)
  }
}
)");
  if (!test::session().is_host()) return;
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(got[i], 103 * i) << i;
}

TEST(KernelForms, AMailboxThatNobodyFillsIsADeadlockAtItsLine) {
  std::string error;
  moved({1, 2, 3, 4, 5, 6, 7, 8}, 32, 16, mail_sender, {}, R"(#include "compute_kernel_api/common.h"
void kernel_main() {
  for (uint32_t i = 0; i < 100; ++i) mailbox_read(ckernel::ThreadId::BriscThreadId);
}
)",
        3, &error);
  if (test::session().is_host()) {
    EXPECT_NE(error.find("mover.cpp:8"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace tilegrid
