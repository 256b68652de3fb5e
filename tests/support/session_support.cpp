// SPDX-License-Identifier: Apache-2.0
#include "tests/support/session_support.h"

#include <utility>

#include "core/error.h"
#include "core/l1.h"
#include "kernels/api/dataflow.h"

namespace tilegrid::test {
namespace {

constexpr std::uint32_t page_bytes = results_per_kernel * sizeof(std::uint32_t);

std::uint32_t results_pointer() {
  const KernelContext& kernel = api::context(api::Here::current());
  return api::get_write_ptr(results_cb) + static_cast<std::uint32_t>(kernel.risc) * page_bytes;
}

}  // namespace

checks::Config checks_of_units() {
  using enum checks::Class;
  checks::Config checks = checks::Config::all(checks::Severity::off);
  for (const checks::Class c : {cb_window, cb_count, dst_order, uninitialised_dst, alignment, multicast_count}) {
    checks.set(c, checks::Severity::error);
  }
  return checks;
}

Outcome run_session(GridSize grid, const std::function<void(Device&)>& host, FiberBackend fibers,
                    const checks::Config& checks) {
  Outcome outcome;
  outcome.code = session().run({.grid = grid, .fibers = fibers, .checks = checks}, [&](Device& device) {
    try {
      host(device);
    } catch (const Error& error) {
      outcome.error = error.message();
      throw Error(error.code(), "");
    }
    return 0;
  });
  return outcome;
}

TestProgram::TestProgram(Device& device) : device_(device) {
  program_.name = "test";
  program_.grid = device.grid();
  const auto kernels = static_cast<std::uint64_t>(device.grid().cores()) * risc_count;
  buffer_ = device.create_buffer(kernels * page_bytes, page_bytes);
  cb(results_cb, risc_count, page_bytes);
  program_.circular_buffers.back().on_buffer = true;  // results that a kernel leaves out are zeros
}

TestProgram& TestProgram::cb(int id, std::uint32_t pages, std::uint32_t bytes, DataFormat format) {
  program_.circular_buffers.push_back({id, pages, bytes, format, "cb" + std::to_string(id)});
  return *this;
}

TestProgram& TestProgram::semaphores(std::vector<std::uint32_t> initial_values) {
  program_.semaphores = std::move(initial_values);
  return *this;
}

TestProgram& TestProgram::kernel(const std::string& name, Risc risc, CoreRange cores,
                                 std::vector<std::uint32_t> compile_args, NocId noc) {
  program_.kernels.push_back({name, risc, noc, cores, std::move(compile_args), {buffer_.address}, {}});
  return *this;
}

RunResult TestProgram::launch() {
  results_.assign(buffer_.bytes() / sizeof(std::uint32_t), 0);
  device_.write(buffer_, results_);
  RunResult result = device_.launch(program_);
  device_.read(buffer_, results_);
  return result;
}

std::uint32_t TestProgram::result(LogicalCore core, Risc risc, std::uint32_t index) const {
  const auto page = static_cast<std::size_t>(program_.grid.index(core) * risc_count) + static_cast<std::size_t>(risc);
  return results_.at(page * results_per_kernel + index);
}

void put_result(std::uint32_t index, std::uint32_t value) {
  *api::semaphore_pointer(results_pointer() + index * static_cast<std::uint32_t>(sizeof value)) = value;
}

void store_results() {
  const KernelContext& kernel = api::context(api::Here::current());
  const auto page = static_cast<std::uint32_t>(kernel.core->index * risc_count) + static_cast<std::uint32_t>(kernel.risc);
  api::noc_async_write_page(page, {api::get_common_arg_val<std::uint32_t>(0), page_bytes}, results_pointer());
  api::noc_async_write_barrier();
}

}  // namespace tilegrid::test
