// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/jit/compile.h"
#include "tests/support/session_support.h"

namespace tilegrid::test {

/// What other people's kernels are checked for in these tests: all that a unit sees is an error.
[[nodiscard]] inline checks::Config quiet() { return checks::Config::all(checks::Severity::off); }

/// A program whose kernels are compiled from text when it is launched.
class ForeignProgram {
 public:
  ForeignProgram(Device& device, const std::string& name) : device_(device) {
    program.name = name;
    program.grid = device.grid();
    program.chip = device.chip();
    program.keep_l1 = true;
  }
  ForeignProgram& cb(int id, std::uint32_t pages, std::uint32_t page_bytes = 2048, DataFormat format = DataFormat::bf16) {
    program.circular_buffers.push_back({id, pages, page_bytes, format, ""});
    return *this;
  }
  /// Lines of the text are numbered from 1 on; errors name `name`.
  KernelConfig& kernel(const std::string& name, Risc risc, const std::string& text,
                       std::vector<std::uint32_t> compile_args = {}) {
    jit::KernelSource source;
    source.path = name;
    source.text = text;
    source.risc = risc;
    source.noc = risc == Risc::ncrisc ? NocId::noc1 : NocId::noc0;
    source.compile_args = std::move(compile_args);
    source.compute = program.compute;
    for (const CircularBufferConfig& cb : program.circular_buffers)
      source.buffers.push_back({cb.id, cb.page_bytes, cb.format});
    sources_.push_back(source);
    KernelConfig config{name, risc, source.noc, CoreRange::all(program.grid), source.compile_args, {}, {}};
    program.kernels.push_back(config);
    return program.kernels.back();
  }
  RunResult launch() {
    const std::vector<jit::Object> objects = jit::compile_all(sources_);
    program.objects.clear();
    for (std::size_t i = 0; i < objects.size(); ++i) {
      program.kernels[i].object = objects[i].key;
      program.objects.push_back(objects[i].for_program());
    }
    return device_.launch(program);
  }
  /// Runtime arguments for every core: `words(core index)`.
  template <class Words>
  void arguments(KernelConfig& kernel, const Words& words) const {
    for (int core = 0; core < program.grid.cores(); ++core) kernel.runtime_args.emplace_back(core, words(core));
  }

  Program program;

 private:
  Device& device_;
  std::vector<jit::KernelSource> sources_;
};

[[nodiscard]] inline std::uint16_t bf16(float value) { return scalar::pack_bf16(value); }

/// A writer that stores `pages` pages of CB 16 from page core * pages on. Argument 0: the buffer's address, 1: the first
/// page.
inline const char* const page_writer = R"(#include "dataflow_api.h"
void kernel_main() {
  const uint32_t address = get_arg_val<uint32_t>(0);
  const uint32_t first = get_arg_val<uint32_t>(1);
  constexpr uint32_t pages = get_compile_time_arg_val(0);
  constexpr uint32_t bytes = get_compile_time_arg_val(1);
  const InterleavedAddrGen<true> buffer = {.bank_base_address = address, .page_size = bytes};
  for (uint32_t i = 0; i < pages; ++i) {
    cb_wait_front(tt::CBIndex::c_16, 1);
    noc_async_write(get_read_ptr(tt::CBIndex::c_16), get_noc_addr(first + i, buffer), bytes);
    noc_async_write_barrier();
    cb_pop_front(tt::CBIndex::c_16, 1);
  }
}
)";

}  // namespace tilegrid::test
