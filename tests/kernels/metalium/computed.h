// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/tile.h"
#include "tests/kernels/metalium/foreign_program.h"

namespace tilegrid::test {

/// Pages of CBs 0 and 1 from DRAM.
inline const char* const cb_reader = R"(#include "dataflow_api.h"
void kernel_main() {
  constexpr uint32_t pages = get_compile_time_arg_val(0), bytes = get_compile_time_arg_val(1);
  const InterleavedAddrGen<true> buffer = {.bank_base_address = get_arg_val<uint32_t>(0), .page_size = bytes};
  cb_reserve_back(0, pages);
  for (uint32_t i = 0; i < pages; ++i) {
    noc_async_read(get_noc_addr(i, buffer), get_write_ptr(0) + i * bytes, bytes);
  }
  noc_async_read_barrier();
  cb_push_back(0, pages);
}
)";

/// Runs a compute kernel over pages of one format; returns what it packed.
template <class T>
std::vector<T> computed(const std::vector<T>& input, DataFormat format, const std::string& compute, bool fp32 = false) {
  std::vector<T> output(input.size());
  constexpr GridSize grid{3, 1};
  constexpr LogicalCore worker{2, 0};  // of another rank than the host's, when there are several
  const Outcome outcome = run_session(
      grid,
      [&](Device& device) {
        const std::uint32_t bytes = tile_bytes(format);
        const auto pages = static_cast<std::uint32_t>(input.size() * sizeof(T) / bytes);
        const Buffer in = device.create_buffer(input.size() * sizeof(T), bytes);
        const Buffer out = device.create_buffer(input.size() * sizeof(T), bytes);
        device.write(in, input);
        ForeignProgram program(device, "operations");
        program.program.compute.dst_fp32 = fp32;
        program.cb(0, pages, bytes, format).cb(16, pages, bytes, format);
        program.kernel("reader.cpp", Risc::ncrisc, cb_reader, {pages, bytes}).runtime_args = {{2, {in.address}}};
        program.kernel("compute.cpp", Risc::trisc, compute, {pages});
        program.kernel("writer.cpp", Risc::brisc, page_writer, {pages, bytes}).runtime_args = {{2, {out.address, 0}}};
        for (KernelConfig& kernel : program.program.kernels) kernel.cores = CoreRange{worker, worker};
        program.launch();
        device.read(out, output);
      },
      FiberBackend::boost, quiet());
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  return output;
}

/// A compute kernel that does something with the tiles of the first `tiles` pages in DST 0 and on, and packs them all.
inline std::string with_tiles(int tiles, const std::string& include, const std::string& work) {
  const std::string n = std::to_string(tiles);
  return "#include \"" + include + R"("
void kernel_main() {
  constexpr uint32_t n = )" +
         n + R"(;
  unary_op_init_common(0, 16);
  cb_wait_front(0, n);
  cb_reserve_back(16, n);
  tile_regs_acquire();
  for (uint32_t i = 0; i < n; ++i) copy_tile(0, i, i);
  )" + work +
         R"(
  tile_regs_commit();
  tile_regs_wait();
  for (uint32_t i = 0; i < n; ++i) pack_tile(i, 16);
  tile_regs_release();
  cb_push_back(16, n);
  cb_pop_front(0, n);
}
)";
}
inline std::string two_tiles(const std::string& include, const std::string& work) { return with_tiles(2, include, work); }

}  // namespace tilegrid::test
