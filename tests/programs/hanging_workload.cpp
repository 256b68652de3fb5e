// SPDX-License-Identifier: Apache-2.0
// A workload whose compute kernels take more pages than their readers bring: it hangs after `--pages` reads, or with
// --overpop ends in a kernel's error. What it leaves behind is looked at by tests/cut_traces.
#include "runtime/workloads/own.h"

using namespace tilegrid;       // NOLINT(google-build-using-namespace): workloads of one's own are written so
using namespace tilegrid::api;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::uint32_t page = 2048;

const auto reader = register_kernel("hanging/reader", [] {
  for (std::uint32_t i = 0; i < get_common_arg_val<std::uint32_t>(0); ++i) {
    read_pages(0, {get_common_arg_val<std::uint32_t>(1), page}, i, 1);
  }
});
const auto taker = register_kernel("hanging/taker", [] {
  for (std::uint32_t i = 0; i < get_common_arg_val<std::uint32_t>(0); ++i) {
    cb_wait_front(0, 1);
    cb_pop_front(0, 1);
  }
  if (get_common_arg_val<std::uint32_t>(1) == 0) cb_wait_front(0, 1);
  cb_pop_front(0, 1);
});

class Hanging : public workloads::Workload {
 public:
  workloads::About about() const override { return {"hanging", "Wait for a page that does not come"}; }
  void declare(Flags& flags) override {
    flags.in("Shape").add("--pages", "N", "Pages that come [$]", pages_);
    flags.add_switch("--overpop", "Take the page without waiting for it", overpop_);
  }
  void prepare(Device& device) override { x_ = Matrices::create(device, 1, 32, 32 * pages_, DataFormat::bf16); }
  std::vector<Program> programs(Device& device) override {
    Program program;
    program.name = "hanging";
    program.grid = device.grid();
    add_buffers(program, DataFormat::bf16, 1, {{0, "x"}});
    const CoreRange all = CoreRange::all(program.grid);
    const auto pages = static_cast<std::uint32_t>(pages_);
    program.kernels = {{reader, Risc::ncrisc, NocId::noc0, all, {}, {pages, x_.address()}, {}},
                       {taker, Risc::brisc, NocId::noc1, all, {}, {pages, overpop_ ? 1U : 0U}, {}}};
    return {program};
  }
  void upload(Device& device) override { x_.upload(device, std::vector<float>(x_.elements(), 1.0F)); }
  void finish(Device& device, report::RunOutcome& outcome) override {
    static_cast<void>(device);
    static_cast<void>(outcome);
  }

 private:
  int pages_ = 3;
  bool overpop_ = false;
  Matrices x_;
};

}  // namespace

int main(int argc, char** argv) { return workloads::run_main(argc, argv, workloads::maker<Hanging>()); }
